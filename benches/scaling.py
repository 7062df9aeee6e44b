"""How time and memory grow with the input, the threads and the number of groups. See benches/scaling."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import plot
from common import (
    CACHE,
    ROOT,
    Usage,
    drop_from_cache,
    keep,
    machine,
    markdown,
    memory_gib,
    read_arguments,
    read_through,
    watched,
)

GB = 10**9
# Bytes of a line of the access log, on average.
LINE_BYTES = 219.14
# Above this share of the memory, a file is read from the disk.
CACHED_SHARE = 0.4
HEADER = ["work", "label", "bytes", "from", "threads", "run", "seconds", "cpu_seconds", "anonymous_bytes"]


@dataclass
class Case:
    """One point: what is run on which file, with how many threads, and what it took."""

    work: str
    label: float
    size: int
    cached: bool
    threads: int
    usages: list[Usage]

    def median(self, of: str) -> float:
        """The median of a figure."""
        return statistics.median(getattr(usage, of) for usage in self.usages)

    def raw(self) -> list[list]:
        """A row a run, as HEADER has it."""
        start = [self.work, self.label, self.size, "cache" if self.cached else "disk", self.threads]
        return [
            [*start, number, f"{usage.seconds:.3f}", f"{usage.cpu_seconds:.3f}", usage.anonymous_bytes]
            for number, usage in enumerate(self.usages, 1)
        ]


def numbers(text: str) -> list[float]:
    """`1,3,10` as numbers."""
    return [float(word) for word in text.split(",") if word]


def arguments() -> argparse.Namespace:
    """The command line, as benches/scaling describes it."""
    parser = argparse.ArgumentParser(prog="benches/scaling")
    parser.add_argument("--sizes", type=numbers, default=[1, 3, 10, 30])
    parser.add_argument("--groups", type=numbers, default=[10, 50])
    parser.add_argument("--threads", type=numbers, default=sorted({1, os.cpu_count()}))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--plot", default=str(ROOT / "docs" / "scaling.svg"))
    return read_arguments(parser, ["q1", "q2", "keys"])


def generate(file: Path, *words) -> None:
    """Makes a file of data unless it is there."""
    if file.exists():
        return
    part = file.with_name(file.name + ".part")
    free = shutil.disk_usage(file.parent).free
    print(f"making {file.name} ({free / GB:.0f} GB are free)", file=sys.stderr, flush=True)
    subprocess.run([os.environ["GENERATE"], *map(str, words), "--out", part], check=True)
    part.rename(file)


def one(work: str, file: Path, threads: int, cached: bool, options) -> Usage:
    """A run with a new state."""
    if not cached:
        drop_from_cache(file)
    with tempfile.TemporaryDirectory(prefix="scaling-", dir=CACHE) as scratch:
        command = [os.environ["LOGMILL"], "run", ROOT / "benches" / "jobs" / f"{work}.toml", "--quiet"]
        command += ["--input", file, "--state-dir", f"{scratch}/state", "--output", scratch]
        command += ["--memory", options.memory] if options.memory else []
        return watched(command + ["--threads", threads])


def measure(file: Path, works: list[str], label: float, options) -> list[Case]:
    """All runs on a file, the cases in turn; the file goes afterwards if we made it for this."""
    size = file.stat().st_size
    cached = size < CACHED_SHARE * memory_gib() * 2**30
    if cached:
        read_through(file)
    cases = [Case(work, label, size, cached, int(n), []) for work in works for n in options.threads]
    for number in range(options.runs):
        print(f"{file.name}: run {number + 1} of {options.runs}", file=sys.stderr, flush=True)
        for case in cases:
            case.usages.append(one(case.work, file, case.threads, cached, options))
    return cases


def all_cases(options) -> list[Case]:
    """Every size and every number of groups; one large file at a time is on the disk."""
    folder, cases = CACHE / "bench", []
    works = [work for work in options.only if work != "keys"]
    plans = [(size, works, ("access", "log", size * GB / LINE_BYTES, ["--request-time"])) for size in options.sizes]
    if not works:
        plans = []
    if "keys" in options.only:
        plans += [(n, ["keys"], ("keys", "csv", 2e6 * n, ["--groups", int(1e6 * n)])) for n in options.groups]
    for label, works, (kind, suffix, lines, words) in plans:
        file = folder / f"{kind}-{int(lines)}.{suffix}"
        ours = not file.exists()
        generate(file, kind, "--lines", int(lines), *words)
        try:
            cases += measure(file, works, label, options)
        finally:
            if ours and not options.keep:
                file.unlink()
    return cases


def single(case: Case, cases: list[Case]) -> str:
    """How many times faster than with one thread."""
    base = [c for c in cases if (c.work, c.label, c.threads) == (case.work, case.label, 1)]
    return f"{base[0].median('seconds') / case.median('seconds'):.2f}×" if base and case.threads > 1 else "–"


def row(case: Case, cases: list[Case]) -> list[str]:
    """A line of the table."""
    seconds, gb = case.median("seconds"), case.size / GB
    what = f"{case.label:g} M groups" if case.work == "keys" else f"{case.work}, {case.label:g} GB"
    peak = max(usage.anonymous_bytes for usage in case.usages) / 2**20
    return [
        what,
        "cache" if case.cached else "disk",
        case.threads,
        f"{seconds:.2f}",
        f"{gb / seconds:.2f}",
        f"{seconds / gb:.3f}",
        f"{case.median('cpu_seconds') / gb:.3f}",
        single(case, cases),
        f"{peak:.0f}",
    ]


def main() -> int:
    """Measures all, prints the table, and draws it."""
    options = arguments()
    notes = machine() + [f"median of {options.runs}, memory limit {options.memory or '1GiB (default)'}"]
    print("\n".join(notes), flush=True)
    cases = all_cases(options)
    header = ["work", "read from", "threads", "s", "GB/s", "s per GB", "CPU s per GB", "over 1 thread"]
    header.append("peak RssAnon, MiB")
    print(f"\n{markdown(header, [row(case, cases) for case in cases])}")
    if not options.no_results:
        path = keep("scaling", HEADER, [line for case in cases for line in case.raw()], notes)
        if options.plot != "-" and len(options.sizes) > 1:
            plot.draw(path, Path(options.plot))
            print(f"Picture: {options.plot}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
