"""Faults that have been told already: a difference that is one of them gets its name, so that new ones stand out.

An entry goes when its fault has been mended; a difference counts as one in any case.
"""

from __future__ import annotations

import re

from .compare import Difference, exact

# Name, and what the program's own words look like.
WORDS = {
    "no record in a block, a key of fixed width": re.compile(r"range start index \d+ out of range for slice of length \d+"),
    "a header line that is not whole yet": re.compile(r"status 2, the plain run has 0\n.*the format has no field"),
}


def name(difference: Difference) -> None:
    """Puts the fault's name in front of the kind."""
    for known, words in WORDS.items():
        if words.search(difference.detail):
            difference.kind = f"known: {known}"


def one_value(difference: Difference, columns: list[str], ours: list[tuple], theirs: list[tuple]) -> None:
    """Two measures that have one value with us, and two with the oracle."""
    if difference.column not in columns or len(ours) != len(theirs):
        return
    at = columns.index(difference.column)

    def column(rows: list[tuple], n: int) -> list:
        return [exact(row[n]) for row in rows]

    for other in range(len(columns)):
        if other != at and column(ours, other) == column(ours, at) and column(theirs, other) != column(theirs, at):
            difference.kind = "known: two measures, one value"
