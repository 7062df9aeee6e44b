"""What a run of a job must lead to."""

from dataclasses import dataclass, field


@dataclass
class Outcome:
    # lines, mapped, filtered, rejected; lines is the sum of the other three.
    counters: dict
    # The summary: window_start (if windowed), then `by`, then measures; rows sorted by the key, NULL first.
    columns: list = field(default_factory=list)
    types: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    # The mapped records in file order. logmill promises no order, so compare them as a bag.
    events_columns: list = field(default_factory=list)
    events_types: list = field(default_factory=list)
    events: list = field(default_factory=list)
    # (file, offset of the line's first byte, length of the line without its end), in file order.
    rejects: list = field(default_factory=list)
    # The reasons of the rejects in the same order: for people, no wording to compare with.
    reasons: list = field(default_factory=list)
    # Why the run must end with status 1; rows are empty then.
    error: str | None = None
    # column -> ("exact",), ("relative", bound), ("distinct", bound) or ("any",); columns of rows and of events.
    tolerances: dict = field(default_factory=dict)
