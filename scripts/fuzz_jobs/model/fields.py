"""Reading a field's text as its declared type. What can't be read makes the line a reject."""

import re
from functools import lru_cache

from . import timestamps
from .casts import SPACE, from_text, read_number
from .errors import RecordError, Unsupported
from .types import BOOL, INT, TEXT, TIMESTAMP, fit, is_decimal

TRUE, FALSE = {"true", "t", "yes", "y", "on", "1"}, {"false", "f", "no", "n", "off", "0"}


@lru_cache(1 << 14)
def read(text, kind, zone):
    if kind == TEXT:
        return text
    text = text.strip(SPACE)
    if is_decimal(kind):
        return read_decimal(text, kind.scale)
    if kind == BOOL:
        return read_bool(text)
    return timestamps.read(text, zone) if kind == TIMESTAMP else from_text(text, kind)


def read_bool(text):
    """Whole words, where a cast takes their beginnings, too."""
    if text.lower() not in TRUE | FALSE:
        raise RecordError(f"no bool: {text!r}")
    return text.lower() in TRUE


def read_decimal(text, scale):
    """Exact: zeros beyond the scale lose nothing, other digits would."""
    value = read_number(text)
    if (value * 10**scale).denominator > 1:
        raise RecordError(f"more than {scale} digits behind the point: {text!r}")
    return fit(value, scale)


def read_unsigned(text, kind, zone):
    """A number that a server writes of itself: digits, of a decimal with a point."""
    point = "[.]?" if is_decimal(kind) and kind.scale else ""
    if kind == INT or is_decimal(kind):
        if not re.fullmatch(f"[0-9]*{point}[0-9]*", text.strip(SPACE)):
            raise RecordError(f"not digits alone: {text!r}")
    return read(text, kind, zone)


def read_shifted(text, digits, kind):
    """A whole number of some fraction of a second, as seconds."""
    if not re.fullmatch("[0-9]+", text):
        if kind == TEXT:
            raise Unsupported("the text of a duration that is none")
        raise RecordError(f"no whole number of its unit: {text!r}")
    seconds = text.zfill(digits + 1)
    return read(f"{seconds[:-digits]}.{seconds[-digits:]}" if digits else seconds, kind, None)
