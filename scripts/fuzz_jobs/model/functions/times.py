"""Times, in UTC."""

import re
from datetime import timedelta
from fractions import Fraction

from ..errors import Unsupported
from ..node import coerce, literal_text, strict
from ..timestamps import MONTHS, SECOND, from_datetime, to_datetime
from ..types import FLOAT, INT, TEXT, TIMESTAMP, decimal, fit, is_number
from . import function

DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split()
MONTH_NAMES = "January February March April May June July August September October November December".split()


def as_time(node):
    return coerce(node, TIMESTAMP)


def truncated(unit, micros):
    moment = to_datetime(micros)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    year = day.replace(month=1, day=1)
    starts = {
        "microseconds": moment,
        "milliseconds": moment.replace(microsecond=moment.microsecond // 1000 * 1000),
        "second": moment.replace(microsecond=0),
        "minute": moment.replace(second=0, microsecond=0),
        "hour": moment.replace(minute=0, second=0, microsecond=0),
        "day": day,
        "week": day - timedelta(days=moment.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(day=1, month=(moment.month - 1) // 3 * 3 + 1),
        "year": year,
        "decade": year.replace(year=moment.year // 10 * 10),
        "century": year.replace(year=(moment.year - 1) // 100 * 100 + 1),
    }
    return from_datetime(starts[unit])


@function("date_trunc", least=2)
def date_trunc(unit, value):
    unit = literal_text(unit, "a unit of time").lower()
    unit = {"millisecond": "milliseconds", "microsecond": "microseconds"}.get(unit, unit)
    try:
        truncated(unit, 0)
    except KeyError:
        raise Unsupported(f"the unit {unit!r}") from None
    return strict(TIMESTAMP, lambda micros: truncated(unit, micros), as_time(value))


def sunday_first(moment):
    return moment.isoweekday() % 7


INT_PARTS = {
    "century": lambda t: (t.year - 1) // 100 + 1,
    "decade": lambda t: t.year // 10,
    "year": lambda t: t.year,
    "isoyear": lambda t: t.isocalendar().year,
    "quarter": lambda t: (t.month - 1) // 3 + 1,
    "month": lambda t: t.month,
    "week": lambda t: t.isocalendar().week,
    "day": lambda t: t.day,
    "doy": lambda t: t.timetuple().tm_yday,
    "dow": sunday_first,
    "isodow": lambda t: t.isoweekday(),
    "hour": lambda t: t.hour,
    "minute": lambda t: t.minute,
}


@function("extract", "date_part", least=2)
def extract(part, value):
    """Whole parts are ints; seconds carry their fraction, as in PostgreSQL."""
    part, value = literal_text(part, "a part of a time").lower(), as_time(value)
    if part in INT_PARTS:
        return strict(INT, lambda micros: INT_PARTS[part](to_datetime(micros)), value)
    if part == "epoch":
        return epoch(value)
    if part == "second":
        return strict(decimal(6), lambda micros: fit(Fraction(micros % (60 * SECOND), SECOND), 6), value)
    # With the seconds in them.
    if part in ("millisecond", "milliseconds"):
        return strict(decimal(3), lambda micros: fit(Fraction(micros % (60 * SECOND), 1000), 3), value)
    if part in ("microsecond", "microseconds"):
        return strict(INT, lambda micros: micros % (60 * SECOND), value)
    raise Unsupported(f"the part {part!r} of a time")


@function("epoch")
def epoch(value):
    return strict(decimal(6), lambda micros: fit(Fraction(micros, SECOND), 6), as_time(value))


@function("to_timestamp")
def to_timestamp(value):
    if not is_number(value.type):
        raise Unsupported("to_timestamp of anything but seconds")

    def convert(seconds):
        if value.type == FLOAT and not abs(seconds) < 1e12:
            raise Unsupported("a time that far away")
        micros = round(Fraction(seconds) * SECOND)
        if value.type != FLOAT and Fraction(seconds) * SECOND != micros:
            raise Unsupported("decimal seconds finer than a microsecond")
        try:
            to_datetime(micros)
        except OverflowError:
            raise Unsupported("a time beyond the years 1 to 9999") from None
        return micros

    return strict(TIMESTAMP, convert, value)


# PostgreSQL's manual, table 9.27. Longer patterns come first.
TO_CHAR = {
    "YYYY": lambda t: f"{t.year:04}",
    "YYY": lambda t: f"{t.year % 1000:03}",
    "YY": lambda t: f"{t.year % 100:02}",
    "IYYY": lambda t: f"{t.isocalendar().year:04}",
    "Month": lambda t: MONTH_NAMES[t.month - 1].ljust(9),
    "MONTH": lambda t: MONTH_NAMES[t.month - 1].upper().ljust(9),
    "month": lambda t: MONTH_NAMES[t.month - 1].lower().ljust(9),
    "Mon": lambda t: MONTHS[t.month - 1],
    "MON": lambda t: MONTHS[t.month - 1].upper(),
    "mon": lambda t: MONTHS[t.month - 1].lower(),
    "MM": lambda t: f"{t.month:02}",
    "Day": lambda t: DAYS[sunday_first(t)].ljust(9),
    "DAY": lambda t: DAYS[sunday_first(t)].upper().ljust(9),
    "day": lambda t: DAYS[sunday_first(t)].lower().ljust(9),
    "Dy": lambda t: DAYS[sunday_first(t)][:3],
    "DY": lambda t: DAYS[sunday_first(t)][:3].upper(),
    "dy": lambda t: DAYS[sunday_first(t)][:3].lower(),
    "DDD": lambda t: f"{t.timetuple().tm_yday:03}",
    "DD": lambda t: f"{t.day:02}",
    "D": lambda t: str(sunday_first(t) + 1),
    "ID": lambda t: str(t.isoweekday()),
    "IW": lambda t: f"{t.isocalendar().week:02}",
    "Q": lambda t: str((t.month - 1) // 3 + 1),
    "HH24": lambda t: f"{t.hour:02}",
    "HH12": lambda t: f"{(t.hour + 11) % 12 + 1:02}",
    "HH": lambda t: f"{(t.hour + 11) % 12 + 1:02}",
    "MI": lambda t: f"{t.minute:02}",
    "SS": lambda t: f"{t.second:02}",
    "MS": lambda t: f"{t.microsecond // 1000:03}",
    "US": lambda t: f"{t.microsecond:06}",
    "AM": lambda t: "AM" if t.hour < 12 else "PM",
    "PM": lambda t: "AM" if t.hour < 12 else "PM",
    "am": lambda t: "am" if t.hour < 12 else "pm",
    "pm": lambda t: "am" if t.hour < 12 else "pm",
}
TO_CHAR_PATTERN = re.compile("|".join(sorted(TO_CHAR, key=len, reverse=True)))

# DuckDB's manual, "Date Format Functions".
STRFTIME = {
    "Y": TO_CHAR["YYYY"],
    "y": TO_CHAR["YY"],
    "m": TO_CHAR["MM"],
    "d": TO_CHAR["DD"],
    "H": TO_CHAR["HH24"],
    "I": TO_CHAR["HH12"],
    "M": TO_CHAR["MI"],
    "S": TO_CHAR["SS"],
    "p": TO_CHAR["AM"],
    "b": TO_CHAR["Mon"],
    "B": lambda t: MONTH_NAMES[t.month - 1],
    "a": TO_CHAR["Dy"],
    "A": lambda t: DAYS[sunday_first(t)],
    "j": TO_CHAR["DDD"],
    "u": TO_CHAR["ID"],
    "w": lambda t: str(sunday_first(t)),
    "%": lambda t: "%",
}


def bare(part):
    def shorter(moment):
        text = part(moment).strip()
        return (text.lstrip("0") or "0") if text.isdigit() else text

    return shorter


def to_char_parts(pattern):
    """A list of literals and of functions."""
    parts, at = [], 0
    while at < len(pattern):
        # FM: the next pattern without padding.
        is_bare = pattern.startswith("FM", at)
        at += 2 * is_bare
        if found := TO_CHAR_PATTERN.match(pattern, at):
            parts.append(bare(TO_CHAR[found[0]]) if is_bare else TO_CHAR[found[0]])
            # TH and SP are modifiers, as FM and TM before a pattern are.
            if pattern[found.end() :][:2].upper() in ("TH", "SP"):
                raise Unsupported("modifiers in to_char")
        elif found := re.compile(r'"([^"\\]*)"').match(pattern, at):
            parts.append(found[1])
        elif found := re.compile(r"[^A-Za-z\"\\]").match(pattern, at):
            parts.append(found[0])
        else:
            raise Unsupported(f"to_char's pattern {pattern[at:]!r}")
        at = found.end()
    return parts


def strftime_parts(pattern):
    parts = []
    for piece in re.findall(r"%.|[^%]+|%", pattern, re.DOTALL):
        if piece[0] != "%":
            parts.append(piece)
        elif piece[1:] in STRFTIME:
            parts.append(STRFTIME[piece[1:]])
        else:
            raise Unsupported(f"strftime's {piece!r}")
    return parts


def formatting(name, parts_of):
    @function(name, least=2)
    def build(value, pattern):
        if value.type != TIMESTAMP:
            raise Unsupported(f"{name} of anything but a time")
        parts = parts_of(literal_text(pattern, "a pattern"))
        if not parts:
            raise Unsupported("an empty pattern")

        def compute(micros):
            moment = to_datetime(micros)
            return "".join(part if isinstance(part, str) else part(moment) for part in parts)

        return strict(TEXT, compute, value)


formatting("to_char", to_char_parts)
formatting("strftime", strftime_parts)
