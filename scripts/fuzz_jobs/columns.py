"""Columns of a random log: each has a pool of texts as they would stand in a log, and rows draw from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from . import pools

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclass
class Column:
    """A field: its name in expressions, its type, and the values that rows draw from. None is NULL."""

    name: str
    type: str
    scale: int = 0
    values: list[str | None] = field(default_factory=list)

    @property
    def declared(self) -> str:
        """The type as `[source] fields` has it."""
        return f"decimal({self.scale})" if self.type == "decimal" else self.type


@dataclass
class Style:
    """How wild the values of one job are."""

    nulls: float
    edges: float
    odd: float
    # How many different values a column has.
    variety: int


def style(rng: Random) -> Style:
    """Most jobs are tame; some have NULLs or edges in plenty, and some values that are none of their type."""
    return Style(
        nulls=rng.choice((0, 0.05, 0.1, 0.3, 0.9)),
        edges=rng.choice((0, 0.02, 0.1, 0.4)),
        odd=rng.choice((0, 0, 0, 0.01, 0.05)),
        variety=rng.choice((2, 4, 8, 20, 60)),
    )


def fill(rng: Random, column: Column, how: Style) -> None:
    """Draws the pool of a column, except for times."""
    odd = odds(column.type)
    for _ in range(how.variety):
        if rng.random() < how.nulls:
            column.values.append(None)
        elif odd and rng.random() < how.odd:
            column.values.append(rng.choice(odd))
        else:
            column.values.append(value(rng, column, how))
    rare_odd = how.odd and rng.random() < 0.3
    if rare_odd and odd:
        column.values.append(rng.choice(odd))


def odds(type: str) -> list[str]:
    """Texts that some reader might take for the type."""
    return {"int": pools.INTS_ODD, "decimal": pools.DECIMALS_ODD, "float": pools.FLOATS_ODD, "bool": pools.BOOLS_ODD, "ip": pools.IPS_ODD}.get(type, [])


def value(rng: Random, column: Column, how: Style) -> str:
    """A text that is of the column's type."""
    match column.type:
        case "int":
            edge = pools.INTS_SIGNED if rng.random() < 0.7 else pools.INTS_EDGE
            return pools.pick(rng, pools.INTS, edge, how.edges)
        case "decimal":
            edge = pools.DECIMALS_SIGNED if rng.random() < 0.7 else pools.DECIMALS_EDGE
            return digits(pools.pick(rng, pools.DECIMALS, edge, how.edges), column.scale)
        case "float":
            edge = pools.FLOATS_SIGNED if rng.random() < 0.5 else pools.FLOATS_EDGE
            return pools.pick(rng, pools.FLOATS, edge, how.edges)
        case "text":
            return pools.pick(rng, pools.TEXTS, pools.TEXTS_EDGE, max(how.edges, 0.05))
        case "bool":
            return rng.choice(pools.BOOLS)
        case "ip":
            return pools.pick(rng, pools.IPS, pools.IPS_EDGE, max(how.edges, 0.1))
    raise ValueError(column.type)


def digits(text: str, scale: int) -> str:
    """At most so many digits behind the point, and 38 in all."""
    whole, point, part = text.partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return sign + whole[-(38 - scale) :] + (point + part[:scale] if scale and part else "")


@dataclass
class Times:
    """Moments of a job, microseconds since 1970, and how a format writes them."""

    moments: list[int]
    zone: timezone
    # The zone whose clocks change at these moments; then times are mostly written without an offset.
    clocks: str | None = None

    @classmethod
    def draw(cls, rng: Random, variety: int) -> Times:
        """Around one of the moments, within minutes to days, so that windows have company; where clocks change, before and behind."""
        base = rng.choice(pools.MOMENTS[:3] if rng.random() < 0.7 else pools.MOMENTS)
        changes = base in pools.CHANGES
        spread = rng.choice((10, 120, 3_600, 86_400, 5 * 86_400))
        step = rng.choice((1, 1_000, 1_000_000))
        moments = []
        for _ in range(max(variety, 8)):
            moment = base * 1_000_000 + rng.randrange(-spread * 1_000_000 if changes else 0, spread * 1_000_000) // step * step
            moments.append(moment)
        hours = rng.choice((0, 0, 1, 1, 2, -5, 5.5))
        if changes and rng.random() < 0.6:
            hours, clocks = pools.CHANGES[base]
            return cls(moments, timezone(timedelta(hours=hours)), clocks)
        return cls(moments, timezone(timedelta(hours=hours)))

    def clf(self, moment: int) -> str:
        """`22/Nov/2026:09:00:00 +0000`, as servers write it."""
        at = self.at(moment)
        return f"{at.day:02}/{MONTHS[at.month - 1]}/{at.year:04}:{at:%H:%M:%S} {offset(at)}"

    def iso(self, rng: Random, moment: int) -> str:
        """One of the ways in which programs write a time."""
        at = self.at(moment)
        date, clock = f"{at.year:04}-{at.month:02}-{at.day:02}", f"{at:%H:%M:%S}"
        if self.clocks and rng.random() < 0.8:
            return f"{date} {clock}"
        match rng.randrange(6):
            case 0:
                return f"{date}T{clock}.{at.microsecond:06}{offset(at, ':')}"
            case 1:
                return f"{date}T{clock}{offset(at, ':')}"
            case 2:
                utc = at.astimezone(UTC)
                return f"{utc.year:04}-{utc.month:02}-{utc.day:02}T{utc:%H:%M:%S}.{utc.microsecond // 1000:03}Z"
            case 3:
                return f"{date} {clock}"
            case 4:
                return f"{date} {clock}.{at.microsecond:06}"
        return f"{date}T{clock}{offset(at)}"

    def epoch(self, rng: Random, moment: int) -> str:
        """Digits, in the unit that their number tells."""
        return str(moment // rng.choice((1_000_000, 1_000, 1))) if moment > 10**15 else str(moment // 1_000_000)

    def at(self, moment: int) -> datetime:
        """The moment in the job's zone."""
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).astimezone(self.zone)


def offset(at: datetime, between: str = "") -> str:
    """`+0100`"""
    minutes = int(at.utcoffset().total_seconds() // 60)  # type: ignore[union-attr]
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{between}{abs(minutes) % 60:02}"


# Times at edges and texts that are no time.
TIMES_ODD = ["2016-12-31T23:59:60Z", "2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-02-30 00:00:00", "2024-02-29T24:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z",
             "2026-11-22", "20261122", "20261122090000", "1795305600", "1795305600123", "1795305600123456", "1795305600123456789", "0", "-1", "1e9", "now", "2026-11-22T09:00:00.123456789Z", "2026-11-22T09:00Z", "2026-11-22T09:00:00+24:00"]
CLF_ODD = ["31/Dec/2016:23:59:60 +0000", "30/Feb/2026:00:00:00 +0000", "22/Nov/2026:25:00:00 +0000", "22/nov/2026:09:00:00 +0000", "1/Jan/2026:00:00:00 +0000", "22/Nov/2026:09:00:00", "22/Nov/2026:09:00:00 +2400", "31/Dec/1969:23:59:59 +0000"]
