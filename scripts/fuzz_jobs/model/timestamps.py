"""Reading times. A time is an int: microseconds since the Unix epoch, UTC."""

import re
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from .errors import RecordError, Unsupported

SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Microseconds between which datetime has its years.
YEAR_1, YEAR_10000 = -62135596800 * 10**6, 253402300800 * 10**6
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
OFFSET = r" ?(?P<offset>Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
FORMS = [
    re.compile(rf"(?P<year>\d{{4}})([-/])(?P<month>\d\d)\2(?P<day>\d\d)(?:[Tt ]{CLOCK}{OFFSET})?", re.ASCII),
    re.compile(rf"(?P<day>\d\d)/(?P<month>[A-Za-z]{{3}})/(?P<year>\d{{4}}):{CLOCK}{OFFSET}", re.ASCII),
    re.compile(rf"[A-Za-z]{{3}} (?P<month>[A-Za-z]{{3}}) (?P<day> \d|\d\d) {CLOCK} (?P<year>\d{{4}})", re.ASCII),
    re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d))?", re.ASCII),
]
DIGITS = re.compile(r"(?P<sign>-?)(?P<whole>\d+)(?:[.,](?P<fraction>\d{1,9}))?", re.ASCII)
# Digits of an epoch time -> how many units make a second.
EPOCH_UNITS = dict.fromkeys(range(1, 12), 1) | {13: 10**3, 16: 10**6, 19: 10**9}
# 8 digits are a date, 14 a date and a clock.
del EPOCH_UNITS[8]


def to_datetime(micros):
    return EPOCH + timedelta(microseconds=micros)


def from_datetime(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def read(text, zone=None):
    """The time that a field says, which is in `zone` if it has no offset of its own."""
    for form in FORMS:
        if found := form.fullmatch(text):
            return from_parts(found.groupdict(), zone)
    if found := DIGITS.fullmatch(text):
        return from_digits(**found.groupdict())
    raise RecordError(f"no time: {text!r}")


def from_digits(sign, whole, fraction):
    units = EPOCH_UNITS.get(len(whole))
    if units is None:
        raise RecordError(f"an epoch time of {len(whole)} digits")
    # Finer than a microsecond is cut off, also of the fraction of a unit.
    micros = int(whole) * SECOND // units + fraction_micros(fraction or "") // units
    return in_range(-micros if sign else micros)


def fraction_micros(digits):
    """Digits finer than a microsecond are cut off."""
    return int((digits + "000000")[:6])


CAST = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)"
    r"(?:[Tt ](?P<hour>\d\d?):(?P<minute>\d\d?)(?::(?P<second>\d\d?)(?:[.,](?P<fraction>\d+))?)?"
    r" ?(?P<offset>[Zz]|[Uu][Tt][Cc]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def read_cast(text):
    """CAST(text AS timestamp): ISO 8601, UTC without an offset. Finer digits than microseconds are rounded."""
    found = CAST.fullmatch(text)
    if not found:
        if re.match(r"\d{5}", text) or re.search(r"[+-]\d\d:$", text):
            raise Unsupported(f"a time of a year of five digits: {text!r}")
        raise RecordError(f"no time: {text!r}")
    parts = found.groupdict()
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    of_day = (hour * 60 + minute) * 60 + second
    if minute > 59 or second > 60:
        raise RecordError("no such time of day")
    micros = (int((parts["fraction"] or "").ljust(7, "0")[:7]) + 5) // 10
    # 24:00 and a second 60 are the begin of what follows.
    if of_day * SECOND + micros > 86_400 * SECOND:
        raise RecordError("no such time of day")
    try:
        day = datetime(int(parts["year"]), int(parts["month"]), int(parts["day"]), tzinfo=timezone.utc)
    except ValueError as error:
        raise RecordError(f"no such day: {error}") from None
    return from_datetime(day) + of_day * SECOND + micros - east_of_utc(parts["offset"])


def east_of_utc(offset):
    if offset is None or offset.upper() in ("Z", "UTC"):
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    # PostgreSQL's offsets end before 16 hours.
    if hours > 15 or minutes > 59:
        raise RecordError(f"no such offset: {offset}")
    return (-1 if offset[0] == "-" else 1) * (60 * hours + minutes) * 60 * SECOND


def month_of(text):
    if text.isdigit():
        return int(text)
    if text.title() not in MONTHS:
        raise RecordError(f"no month: {text!r}")
    return MONTHS.index(text.title()) + 1


def from_parts(parts, zone):
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 60:
        raise RecordError("no such time of day")
    try:
        # A second 60 is the first one of the next minute.
        local = datetime(int(parts["year"]), month_of(parts["month"]), int(parts["day"]), hour, minute, min(second, 59))
        moment = from_datetime(local.replace(tzinfo=zone_of(parts.get("offset"), zone)))
    except (ValueError, OverflowError) as error:
        raise RecordError(f"no such time: {error}") from None
    late = SECOND if second == 60 else 0
    return in_range(moment + late + fraction_micros(parts.get("fraction") or ""))


def in_range(micros):
    """The years 1 to 9999."""
    if not YEAR_1 <= micros < YEAR_10000:
        raise RecordError("a time beyond the years 1 to 9999")
    return micros


def zone_of(offset, zone):
    if offset is None:
        if zone is None:
            raise Unsupported("a time without an offset, where no zone is known")
        # datetime's fold=0 is what the documents ask for: the first of an hour shown twice, and the offset from
        # before the change in the hour that is left out.
        return ZoneInfo(zone)
    if offset.upper() in ("Z", "UTC", "GMT"):
        return timezone.utc
    digits = offset[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise RecordError(f"no such offset: {offset}")
    minutes += 60 * hours
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
