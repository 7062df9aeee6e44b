"""The seven types, how two of them meet, and how their values are ordered.

Values: int -> int, decimal(s) -> Decimal with s digits behind the point, float -> float, text -> str, bool -> bool,
timestamp -> int (microseconds since the epoch, UTC), ip -> ipaddress object, NULL -> None.
"""

import math
import re
from dataclasses import dataclass
from decimal import Context, Decimal, setcontext
from fractions import Fraction

from .errors import JobError, RecordError, Unsupported

# Wide enough for any product or sum of two 38-digit numbers, so that nothing is rounded behind our back.
WIDE = Context(prec=400)
# Signs and abs() round to the digits of the thread's context, too.
setcontext(WIDE)
DIGITS_MAX = 38
INT_MIN, INT_MAX = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class Type:
    name: str
    scale: int | None = None

    def __str__(self):
        return self.name if self.scale is None else f"decimal({self.scale})"


INT, FLOAT, TEXT, BOOL = Type("int"), Type("float"), Type("text"), Type("bool")
TIMESTAMP, IP = Type("timestamp"), Type("ip")
# A quoted literal or NULL, which takes the type that its neighbours ask for.
UNKNOWN = Type("unknown")


def decimal(scale):
    if not 0 <= scale <= DIGITS_MAX:
        raise Unsupported(f"decimal({scale}): no such scale")
    return Type("decimal", scale)


def is_decimal(kind):
    return kind.name == "decimal"


def is_number(kind):
    return kind in (INT, FLOAT) or is_decimal(kind)


# PostgreSQL's names of the same types.
SAME_TYPES = {"bigint": "int", "integer": "int", "int8": "int", "varchar": "text", "boolean": "bool", "inet": "ip"}
SAME_TYPES |= {"float8": "float", "double precision": "float", "double": "float", "timestamptz": "timestamp"}


def parse_type(text):
    """The type that a job file names."""
    text = SAME_TYPES.get(text.strip().lower(), text.strip().lower())
    for kind in (INT, FLOAT, TEXT, BOOL, TIMESTAMP, IP):
        if kind.name == text:
            return kind
    found = re.fullmatch(r"(?:decimal|numeric)\s*\((?:38,)?(\d+)\)", text)
    if not found:
        raise Unsupported(f"type {text!r}")
    return decimal(int(found[1]))


def common(kinds):
    """The type that branches of CASE, arguments of coalesce and the like have together."""
    known = [kind for kind in kinds if kind != UNKNOWN]
    if not known:
        return TEXT
    if all(kind == known[0] for kind in known):
        return known[0]
    if not all(is_number(kind) for kind in known):
        raise JobError(f"types {', '.join(map(str, known))} have no common type")
    if FLOAT in known:
        return FLOAT
    return decimal(max(kind.scale or 0 for kind in known))


def check_int(value):
    if not INT_MIN <= value <= INT_MAX:
        raise RecordError("int overflow")
    return value


def round_half_away(value: Fraction) -> int:
    whole = math.floor(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def fit(value, scale) -> Decimal:
    """A number as decimal(scale), rounded half away from zero; more than 38 digits are an overflow."""
    unscaled = round_half_away(Fraction(value) * 10**scale)
    if abs(unscaled) >= 10**DIGITS_MAX:
        raise RecordError("decimal overflow")
    return Decimal(unscaled).scaleb(-scale, WIDE)


def to_float(value) -> float:
    """The nearest float of an int or a decimal."""
    if isinstance(value, float):
        return value
    return float(value)


def convert(value, kind):
    """A number that is widened to `kind`, as `common` demands it."""
    if value is None:
        return None
    if kind == FLOAT:
        return to_float(value)
    if is_decimal(kind):
        return fit(value, kind.scale)
    return value


def order_key(value):
    """A key by which values of one type are ordered and found equal; NULL is first."""
    if value is None:
        return (0,)
    if isinstance(value, float):
        # All NaN are one value, greater than every other.
        return (1, 1, 0.0) if math.isnan(value) else (1, 0, value)
    if hasattr(value, "version"):
        return (1, value.version, int(value))
    return (1, value)


def compare(a, b):
    """-1, 0 or 1. Numbers of two types must have been brought together before."""
    a, b = order_key(a), order_key(b)
    return (a > b) - (a < b)
