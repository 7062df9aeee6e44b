"""What a SQLite table holds for a value of the summary; docs/OUTPUTS.md, "Types"."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stored(value: Any, type: str) -> Any:
    """The value as SQLite returns it."""
    if value is None:
        return None
    if type == "bool":
        return int(value)
    if type == "timestamp":
        return moment(value)
    if type == "float":
        return None if math.isnan(value) else value
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
    """A number where that holds each of its digits (up to 15), else text."""
    digits = len(str(abs(value.as_tuple().digits and int("".join(map(str, value.as_tuple().digits))))))
    if digits > 15:
        return format(value, "f")
    return int(value) if value.as_tuple().exponent == 0 else float(value)
