"""What a SQLite table holds for a value of the summary; docs/OUTPUTS.md, "Types"."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

DAYS_BEFORE_1970 = 719_468


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
    """`2026-11-22 09:00:00`, with six digits of a fraction where there is one; any year."""
    seconds, part = divmod(micros, 1_000_000)
    days, second = divmod(seconds, 86_400)
    year, month, day = civil(days)
    shown, behind = (year, "") if year > 0 else (1 - year, " BC")
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{shown:04}-{month:02}-{day:02} {clock}" + (f".{part:06}" if part else "") + behind


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of so many days since 1970 (Hinnant, "chrono-Compatible Low-Level Date Algorithms")."""
    days += DAYS_BEFORE_1970
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return year + era * 400 + (month <= 2), month, day


def decimal(value: Decimal) -> int | float | str:
    """An integer where there is no fraction and 64 bits hold it; a float where that holds each digit (up to 15); else text."""
    if value.as_tuple().exponent == 0 and -(2**63) <= value < 2**63:
        return int(value)
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    return float(value) if len(digits) <= 15 else format(value, "f")
