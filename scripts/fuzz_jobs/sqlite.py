"""What a SQLite table holds for a value of the summary; docs/OUTPUTS.md, "Types"."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row(values: tuple, types: list[str], keys: int) -> tuple:
    """A row as SQLite returns it, the first so many columns being the key."""
    return tuple(stored(value, type, at < keys) for at, (value, type) in enumerate(zip(values, types)))


def stored(value: Any, type: str, is_key: bool = False) -> Any:
    """The value as SQLite returns it."""
    if value is None:
        return None
    if type == "bool":
        return int(value)
    if type == "timestamp":
        return moment(value)
    if type == "float":
        if math.isnan(value):
            return "NaN" if is_key else None
        return value
    if type.startswith("decimal"):
        return decimal(value)
    return value


def moment(micros: int) -> str:
    """`2026-11-22 09:00:00`, with six digits of a fraction where there is one."""
    seconds, part = divmod(micros, 1_000_000)
    at = EPOCH + timedelta(seconds=seconds)
    text = f"{at.year:04}-{at.month:02}-{at.day:02} {at:%H:%M:%S}"
    return text + (f".{part:06}" if part else "")


def decimal(value: Decimal) -> int | float | str:
    """An integer where there is no fraction and 64 bits hold it; a float where that holds each digit (up to 15); else text."""
    if value.as_tuple().exponent == 0 and -(2**63) <= value < 2**63:
        return int(value)
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    return float(value) if len(digits) <= 15 else format(value, "f")
