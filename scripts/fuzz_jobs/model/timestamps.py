"""Reading times. A time is an int: microseconds since the Unix epoch, UTC."""

import re
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from .errors import RecordError, Unsupported

SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?"
    r"(?P<offset>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
CLF = re.compile(
    r"(?P<day>\d\d)/(?P<month>[A-Z][a-z][a-z])/(?P<year>\d{4}):(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r"(?: (?P<offset>[+-]\d{4}))?",
    re.ASCII,
)
DIGITS = re.compile(r"(?P<whole>\d+)(?:\.(?P<fraction>\d+))?", re.ASCII)
# Digits of an epoch time -> how many units make a second.
EPOCH_UNITS = {13: 10**3, 16: 10**6, 19: 10**9}
# Not understood by the model, though some program may well read it as a time.
SOME_OTHER_TIME = re.compile(r"\d.*[:/. -].*\d|[A-Za-z]{3}.*\d.*\d")
# What no program writes within a time: the text was damaged, or is none.
NEVER_IN_TIMES = re.compile(r"[^A-Za-z0-9:/.,+ ()-]")


def to_datetime(micros):
    return EPOCH + timedelta(microseconds=micros)


def from_datetime(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def read(text, zone=None):
    """The time that a field says, which is in `zone` if it has no offset of its own."""
    if found := DIGITS.fullmatch(text):
        return from_digits(found["whole"], found["fraction"] or "", zone)
    if re.fullmatch(r"-\d+(\.\d+)?", text):
        raise Unsupported("seconds before the epoch")
    if found := ISO.fullmatch(text):
        parts = found.groupdict()
        return from_parts(parts, int(parts["month"]), zone)
    if found := CLF.fullmatch(text):
        parts = found.groupdict()
        if parts["month"] not in MONTHS:
            raise RecordError(f"no month: {text!r}")
        return from_parts(parts, MONTHS.index(parts["month"]) + 1, zone)
    if SOME_OTHER_TIME.search(text) and not NEVER_IN_TIMES.search(text):
        raise Unsupported(f"a time of some other form: {text!r}")
    raise RecordError(f"no time: {text!r}")


def from_digits(whole, fraction, zone):
    if len(whole) in (8, 14):
        if fraction:
            raise Unsupported("a date in digits with a fraction")
        parts = {"year": whole[:4], "day": whole[6:8], "fraction": None, "offset": None}
        clock = whole[8:] or "000000"
        parts |= {"hour": clock[:2], "minute": clock[2:4], "second": clock[4:]}
        return from_parts(parts, int(whole[4:6]), zone)
    if len(whole) <= 11:
        units = 1
    elif len(whole) in EPOCH_UNITS:
        units = EPOCH_UNITS[len(whole)]
        if fraction:
            raise Unsupported("an epoch time finer than seconds with a fraction")
    else:
        raise Unsupported(f"an epoch time of {len(whole)} digits")
    return int(whole) * SECOND // units + fraction_micros(fraction)


def fraction_micros(digits):
    """Digits finer than a microsecond are cut off."""
    return int((digits + "000000")[:6])


def from_parts(parts, month, zone):
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    if hour == 24:
        raise Unsupported("24:00")
    if minute > 59 or second > 60:
        raise RecordError("no such time of day")
    try:
        # A second 60 is the first one of the next minute.
        local = datetime(int(parts["year"]), month, int(parts["day"]), hour, minute, min(second, 59))
    except ValueError as error:
        raise RecordError(f"no such time: {error}") from None
    late = SECOND if second == 60 else 0
    fraction = fraction_micros(parts["fraction"] or "") if "fraction" in parts else 0
    return from_datetime(local.replace(tzinfo=zone_of(parts["offset"], zone))) + late + fraction


def zone_of(offset, zone):
    if offset is None:
        if zone is None:
            raise Unsupported("a time without an offset, where no zone is known")
        # datetime's fold=0 is what the documents ask for: the first of an hour shown twice, and the offset from
        # before the change in the hour that is left out.
        return ZoneInfo(zone)
    if offset == "Z":
        return timezone.utc
    digits = offset[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise RecordError(f"no such offset: {offset}")
    if hours > 14:
        raise Unsupported(f"an offset of {hours} hours")
    minutes += 60 * hours
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
