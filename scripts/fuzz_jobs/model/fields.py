"""Reading a field's text as its declared type. What can't be read makes the line a reject."""

import re
from fractions import Fraction

from .casts import SPACE, from_text
from .errors import RecordError, Unsupported
from .types import BOOL, TEXT, fit, is_decimal


def read(text, kind, zone):
    if kind == TEXT:
        return text
    if text != text.strip(SPACE):
        raise Unsupported(f"spaces around a field of type {kind}")
    if is_decimal(kind):
        return read_decimal(text, kind.scale)
    if kind == BOOL and text.lower() not in ("true", "false"):
        # PostgreSQL knows further words, and shorter ones.
        from_text(text, kind)
        raise Unsupported(f"the bool {text!r}")
    return from_text(text, kind, zone)


def read_decimal(text, scale):
    found = re.fullmatch(r"[+-]?([0-9]*)(?:\.([0-9]*))?", text)
    if not found or not (found[1] or found[2]):
        if re.fullmatch(r"[+-]?[0-9.]+[eE][+-]?[0-9]+|[+-]?[0-9]+(_[0-9]+)+", text):
            raise Unsupported("a decimal field with an exponent or underscores")
        raise RecordError(f"no decimal: {text!r}")
    if len(found[2] or "") > scale:
        raise RecordError(f"more than {scale} digits behind the point: {text!r}")
    return fit(Fraction(text), scale)
