"""The command line: feeds jobs to workers, prints what they found."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

from . import tests
from .model import check as model_check
from .work import Outcome, Settings, Workers

STAGE_SEEDS = ("stage-1", "stage-2")
# Jobs of which nothing follows.
FEW = 40


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz-jobs", description="Random jobs over random logs, run in several ways and compared with oracles.")
    parser.add_argument("--jobs", type=int, default=None, metavar="N", help="how many jobs (default 1000; with --stage 150 a seed)")
    parser.add_argument("--seed", default=None, help="seed of the jobs (default: the day)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first job (default 0)")
    parser.add_argument("--only", type=int, default=None, metavar="N", help="only the job with that number, with its report")
    parser.add_argument("--binary", default=None, metavar="PATH", help="the program ($LOGMILL, else target/release/logmill)")
    parser.add_argument("--keep", type=Path, default=None, metavar="DIR", help="writes each report, its job and its files there")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes (default 2)")
    parser.add_argument("--time", type=float, default=None, metavar="SECONDS", help="no new job after that long")
    parser.add_argument("--shrink", type=int, default=3, metavar="N", help="differences of one kind that are made smaller (default 3)")
    parser.add_argument("--until-difference", action="store_true", help="ends with the first job that differs")
    parser.add_argument("--stage", action="store_true", help="the stage of scripts/test: the checks of this program and of its model, then two fixed seeds and the day's")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Runs; 0 without a difference, 1 with one."""
    args = arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the workers end with this process
    seed = args.seed if args.seed is not None else date.today().isoformat()
    settings = Settings(args.binary, args.keep, args.shrink)
    if args.only is not None:
        jobs = [(seed, args.only)]
    elif args.stage:
        jobs = [(s, n) for n in range(args.jobs or 150) for s in (*STAGE_SEEDS, seed)]
        if not tests.run() or not model_check.passes():
            return 1
    else:
        jobs = [(seed, n) for n in range(args.first, args.first + (args.jobs or 1000))]
    seeds = sorted({s for s, _ in jobs})
    print(f"fuzz-jobs: seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}", flush=True)
    outcomes = Workers(args.workers, settings).run(jobs, args.time)
    return Totals(len(jobs), args.keep, args.shrink).follow(outcomes, args.until_difference)


class Totals:
    """Counts outcomes, and prints those that differ."""

    def __init__(self, jobs: int, keep: Path | None, shown_each: int):
        self.jobs = jobs
        self.keep = keep
        self.shown_each = shown_each
        self.done = 0
        self.skipped: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.oracles: Counter[str] = Counter()
        self.differing = 0
        self.began = time.monotonic()

    def follow(self, outcomes, until_difference: bool) -> int:
        """Takes outcomes as they come; the exit status."""
        for outcome in outcomes:
            self.add(outcome)
            self.progress()
            if self.differing and until_difference:
                break
        self.close()
        return 1 if self.differing or self.done == 0 or self.too_many_refused() or self.too_few_compared() else 0

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self.done += 1
        if outcome.refused:
            self.refused[outcome.refused] += 1
        elif outcome.skipped:
            self.skipped[outcome.skipped] += 1
        self.oracles.update(outcome.oracles)
        if not outcome.kinds:
            return
        self.differing += 1
        self.clear()
        fresh = any(self.kinds[kind] < self.shown_each for kind in outcome.kinds)
        self.kinds.update(outcome.kinds)
        if fresh:
            print(outcome.text, flush=True)
        else:
            print(f"seed {outcome.seed} job {outcome.number}: {', '.join(outcome.kinds)}", flush=True)

    def too_many_refused(self) -> bool:
        """Jobs that the program refuses test nothing: more than one in twenty means that the generator is out of date."""
        return sum(self.refused.values()) > max(self.done / 20, 5)

    def too_few_compared(self) -> bool:
        """A model without an opinion finds nothing: it has one on nearly all jobs."""
        return self.done >= FEW and self.oracles["model"] < self.done / 2

    def progress(self) -> None:
        """One line on a terminal."""
        if sys.stderr.isatty():
            rate = self.done / max(time.monotonic() - self.began, 0.001)
            print(f"\r{self.done}/{self.jobs} jobs, {self.differing} with a difference, {rate:.1f}/s ", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Takes the progress away."""
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """The sums."""
        self.clear()
        for name, counter in (("kinds", self.kinds), ("unsupported", self.skipped), ("refused", self.refused), ("compared with", self.oracles)):
            if counter:
                print(f"{name}: " + "; ".join(f"{count} {what}" for what, count in counter.most_common(12)))
        if self.too_many_refused():
            print("too many jobs were refused: the generator writes what the program does not take")
        if self.too_few_compared():
            print("too few jobs were compared with the model: it does not know what the generator writes")
        seconds = time.monotonic() - self.began
        print(f"{self.done} jobs, {self.differing} with a difference, {sum(self.skipped.values()) + sum(self.refused.values())} skipped as unsupported ({seconds:.0f} s)")

