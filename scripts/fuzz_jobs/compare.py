"""When two results are the same, and how a difference is told."""

from __future__ import annotations

import math
import struct
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Tolerance = Any  # ("exact",), ("relative", r), ("distinct", r) or ("any",)
EXACT = ("exact",)


@dataclass
class Difference:
    """One thing that is not as it should be. `kind` stays the same while the case is made smaller."""

    kind: str
    detail: str
    column: str = ""


def exact(value: Any) -> Any:
    """A form that is equal where the values are: all NaN are one, -0 is 0."""
    match value:
        case bool():
            return ("b", value)
        case float():
            return ("f", "nan" if math.isnan(value) else struct.pack("<d", value + 0.0))
        case Decimal():
            return ("n", value)
        case int():
            return ("n", Decimal(value))
        case list() | tuple():
            return tuple(exact(item) for item in value)
    return ("t", value)


def same(left: Any, right: Any, tolerance: Tolerance = EXACT) -> bool:
    """Whether two values are equal, or as near as the tolerance says."""
    if exact(left) == exact(right) or tolerance[0] == "any":
        return True
    numbers = isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal)
    if tolerance[0] == "exact" or not numbers:
        return False
    left, right = float(left), float(right)
    kind, share = tolerance
    if kind == "distinct":
        return abs(left - right) <= max(share * abs(right), 1)
    if not (math.isfinite(left) and math.isfinite(right)):
        return False
    return abs(left - right) <= share * max(abs(left), abs(right))


def show(row: Any) -> str:
    """A row on one line, not too long."""
    text = repr(row)
    return text if len(text) <= 600 else text[:600] + "…"


def rows(kind: str, columns: list[str], got: list[tuple], want: list[tuple], tolerances: dict[str, Tolerance], keys: int, who: str) -> list[Difference]:
    """Differences of two lists of groups, both in the order of their keys."""
    if len(got) != len(want):
        missing, more = apart([row[:keys] for row in got], [row[:keys] for row in want])
        return [Difference(kind, f"{len(got)} rows, {who} has {len(want)}; keys missing: {show(missing[:3])}, too many: {show(more[:3])}", "number of rows")]
    for ours, theirs in zip(got, want):
        for at, (left, right) in enumerate(zip(ours, theirs)):
            if not same(left, right, tolerances.get(columns[at], EXACT)):
                return [Difference(kind, f"column {columns[at]}: {left!r}, {who} has {right!r}\n  row  {show(ours)}\n  {who} {show(theirs)}", columns[at])]
    return []


def apart(got: list[tuple], want: list[tuple]) -> tuple[list[tuple], list[tuple]]:
    """What only the one has, and what only the other has, each as often."""
    ours, theirs = Counter(map(exact, got)), Counter(map(exact, want))
    by_form = {exact(row): row for row in [*got, *want]}
    return [by_form[form] for form in theirs - ours], [by_form[form] for form in ours - theirs]


def bags(kind: str, got: list[tuple], want: list[tuple], who: str) -> list[Difference]:
    """Differences of two lists of records in any order."""
    missing, more = apart(got, want)
    if not missing and not more:
        return []
    return [Difference(kind, f"{len(got)} rows, {who} has {len(want)}; missing ({len(missing)}): {show(missing[:2])}, too many ({len(more)}): {show(more[:2])}")]


def rank(value: Any) -> tuple[int, float, str]:
    """Numbers in their order, and before what is none (and NaN)."""
    if isinstance(value, int | float | Decimal) and not math.isnan(value):
        return 0, float(value), ""
    return 1, 0.0, repr(value)


def near_bags(kind: str, columns: list[str], got: list[tuple], want: list[tuple], tolerances: dict[str, Tolerance], who: str) -> list[Difference]:
    """The same, where some columns need not be equal to the last bit: in the order of the other columns, row by row."""
    loose = [at for at, name in enumerate(columns) if tolerances.get(name, EXACT)[0] != "exact"]
    if not loose or len(got) != len(want):
        return bags(kind, got, want, who)

    def place(row: tuple) -> tuple:
        firm = tuple(repr(exact(value)) for at, value in enumerate(row) if at not in loose)
        return firm, tuple(rank(row[at]) for at in loose)

    return rows(kind, columns, sorted(got, key=place), sorted(want, key=place), tolerances, 0, who)
