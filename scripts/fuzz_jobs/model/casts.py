"""CAST, with PostgreSQL's rules, and the text of a value."""

import ipaddress
import math
import re
from decimal import Decimal
from fractions import Fraction

from . import timestamps
from .errors import JobError, RecordError, Unsupported
from .types import (
    BOOL,
    FLOAT,
    INT,
    IP,
    TEXT,
    TIMESTAMP,
    UNKNOWN,
    check_int,
    fit,
    is_decimal,
    is_number,
    round_half_away,
    to_float,
)

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# PostgreSQL's boolin takes each unambiguous beginning of these words, in any case.
TRUE_WORDS = {"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"}
FALSE_WORDS = {"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"}
SPACE = " \t\n\v\f\r"


def read_int(text):
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise RecordError(f"no int: {text!r}")
    return check_int(int(text))


def read_number(text) -> Fraction:
    if not NUMBER.fullmatch(text):
        raise RecordError(f"no number: {text!r}")
    if re.search(r"[eE][+-]?0*[1-9]\d{3}", text):
        raise Unsupported("an exponent of four digits")
    return Fraction(text)


def read_float(text):
    word = text.lower().lstrip("+-")
    if word in ("nan", "inf", "infinity"):
        return float(text)
    exact = read_number(text)
    value = float(text)
    # PostgreSQL: "out of range", both for what is too large and for what is too small.
    if math.isinf(value) or (value == 0 and exact != 0):
        raise RecordError(f"float out of range: {text}")
    return value


def read_bool(text):
    word = text.lower()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise RecordError(f"no bool: {text!r}")


def read_ip(text):
    if "%" in text:
        raise RecordError(f"an address has no zone: {text!r}")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise RecordError(f"no address: {text!r}") from None


def from_text(text, kind, zone=None):
    """CAST(text AS kind). `zone` is for times that carry no offset."""
    if kind == TEXT:
        return text
    text = text.strip(SPACE)
    if kind == INT:
        return read_int(text)
    if is_decimal(kind):
        if re.fullmatch(r"[+-]?(nan|inf|infinity)", text, re.IGNORECASE):
            raise RecordError("a decimal is a number")
        return fit(read_number(text), kind.scale)
    if kind == FLOAT:
        return read_float(text)
    if kind == BOOL:
        return read_bool(text)
    if kind == TIMESTAMP:
        return timestamps.read_cast(text)
    return read_ip(text)


def literal_as(value, kind, zone=None):
    """A quoted literal or NULL of the job as a type: an error here is one of the job."""
    if value is None:
        return None
    if is_decimal(kind) and NUMBER.fullmatch(value) and (read_number(value) * 10**kind.scale).denominator > 1:
        raise Unsupported("a quoted number with more digits than the decimal beside it")
    try:
        return from_text(value, kind, zone)
    except RecordError as error:
        raise JobError(f"literal {value!r} is no {kind}: {error}") from None


def float_to_int(value):
    if math.isnan(value) or math.isinf(value):
        raise RecordError("int out of range")
    return check_int(round(value))


def float_to_decimal(value, scale):
    if math.isnan(value) or math.isinf(value):
        raise RecordError("a decimal is finite")
    # PostgreSQL's float8_numeric takes 15 significant digits (DBL_DIG).
    return fit(Fraction(Decimal(f"{value:.15g}")), scale)


def between_numbers(source, kind):
    if kind == FLOAT:
        return to_float
    if is_decimal(kind):
        if source == FLOAT:
            return lambda value: float_to_decimal(value, kind.scale)
        return lambda value: fit(value, kind.scale)
    if source == FLOAT:
        return float_to_int
    return lambda value: check_int(round_half_away(Fraction(value)))


def caster(source, kind, zone=None):
    """The function of CAST(source AS kind)."""
    if source == kind:
        return lambda value: value
    if source == UNKNOWN or source == TEXT:
        return lambda value: from_text(value, kind, zone)
    if kind == TEXT:
        return lambda value: to_text(value, source)
    if is_number(source) and is_number(kind):
        return between_numbers(source, kind)
    if source == BOOL and kind == INT:
        return int
    if source == INT and kind == BOOL:
        return bool
    raise JobError(f"{source} can't be cast to {kind}")


def to_text(value, kind):
    """PostgreSQL's text of a value, as of CAST(x AS text)."""
    if kind == TIMESTAMP:
        return time_text(value)
    if kind == BOOL:
        return "true" if value else "false"
    if kind == FLOAT:
        return float_text(value)
    if kind == IP:
        return ip_text(value)
    return f"{value:f}" if is_decimal(kind) else str(value)


def time_text(micros):
    """In UTC, without the zeros at the end of a fraction, as PostgreSQL writes a time without a zone."""
    moment = timestamps.to_datetime(micros)
    text = f"{moment.year:04}-{moment:%m-%d %H:%M:%S}.{moment.microsecond:06}"
    return text.rstrip("0").rstrip(".") if moment.microsecond else text[:-7]


def float_text(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    point = len(digits) + exponent
    text = "".join(map(str, digits))
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    # The shortest digits; with an exponent where printf's %.15g would have one.
    if -4 <= point - 1 < 15:
        return f"{Decimal((sign, digits, exponent)):f}"
    mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{point - 1:+03d}"


def ip_text(value):
    """RFC 5952, an IPv4-mapped address with its IPv4 part as such."""
    if value.version == 6 and value.ipv4_mapped is not None:
        return f"::ffff:{value.ipv4_mapped}"
    return str(value)
