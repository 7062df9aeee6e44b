"""Worker processes: each takes a job, checks it, and makes a difference smaller."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from . import case, report, shrink, variants
from .check import Plan, Result, check


@dataclass(frozen=True)
class Settings:
    """What all workers are told."""

    binary: str
    keep: Path | None
    shrink: int


@dataclass
class Outcome:
    """What one job came to; small, since it goes from process to process."""

    seed: str
    number: int
    kinds: list[str] = field(default_factory=list)
    text: str = ""
    skipped: str = ""
    refused: str = ""
    oracles: list[str] = field(default_factory=list)


# Of this process: how many differences of each kind were made smaller.
_shrunk: Counter[str] = Counter()


def one(task: tuple[Settings, str, int]) -> Outcome:
    """Makes, checks and reports one job."""
    settings, seed, number = task
    outcome = Outcome(seed, number)
    try:
        made = case.make(seed, number)
        plan = Plan(settings.binary, variants.choose(Random(f"{seed}:{number}:ways"), made))
        result = check(made, plan)
        told(settings, outcome, made, plan, result)
    except Exception:  # a fault of this tool: it is told as a difference, not swallowed
        outcome.kinds = ["fuzz-jobs itself"]
        outcome.text = f"seed {seed} job {number}: a fault of fuzz-jobs\n{traceback.format_exc()}"
    return outcome


def told(settings: Settings, outcome: Outcome, made: case.Case, plan: Plan, result: Result) -> None:
    """Fills in the outcome."""
    outcome.oracles = sorted(set(result.oracles))
    if result.refused:
        outcome.refused = report.short(result.refused)
        return
    outcome.skipped = result.skipped[:80]
    if not result.differences:
        return
    outcome.kinds = sorted({difference.kind for difference in result.differences})
    kind = outcome.kinds[0]
    result.differences.sort(key=lambda difference: difference.kind != kind)
    _shrunk[kind] += 1
    if _shrunk[kind] <= settings.shrink:
        made, plan, result = shrink.shrink(made, plan, result)
    outcome.text = report.text(made, plan, result)
    if settings.keep:
        report.keep(settings.keep, made, outcome.text)


class Workers:
    """Processes that take jobs as they get free."""

    def __init__(self, count: int, settings: Settings):
        self.count = count
        self.settings = settings

    def run(self, jobs: list[tuple[str, int]], seconds: float | None) -> Iterator[Outcome]:
        """Outcomes as they come; no new job after so many seconds."""
        until = time.monotonic() + seconds if seconds else None

        def feed() -> Iterator[tuple[Settings, str, int]]:
            for seed, number in jobs:
                if until and time.monotonic() > until:
                    return
                yield self.settings, seed, number

        if self.count <= 1 or len(jobs) == 1:
            yield from map(one, feed())
            return
        with multiprocessing.get_context("fork").Pool(self.count) as pool:
            yield from self.bounded(pool, feed())

    def bounded(self, pool, tasks: Iterator) -> Iterator[Outcome]:
        """Keeps a few tasks in the queue, so that the clock is asked for each."""
        waiting = []
        for task in tasks:
            waiting.append(pool.apply_async(one, (task,)))
            while len(waiting) >= 2 * self.count:
                ready = [r for r in waiting if r.ready()]
                if not ready:
                    time.sleep(0.005)
                for r in ready:
                    waiting.remove(r)
                    yield r.get()
        for r in waiting:
            yield r.get()
