"""Times logmill and its peers on the same files, and checks that they agree. See benches/compare.

A peer has two times: that of its whole process, as logmill's are, and what its own clock says around the query, since
an import of Python's packages is not the query. Both ratios are printed. The peers leave their result in memory while
they are timed (but for etl); logmill's times have its state and its files on the disk in them.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path

from agree import check
from common import CACHE, keep, machine, markdown, read_through
from engines import ENGINES, QUERIES, Runner, is_logmill, lowered, missing, processor_level, version

TITLES = {
    "q1": "q1 minute × status",
    "q2": "q2 count per target",
    "q3": "q3 distinct clients an hour",
    "q4": "q4 p50, p99 a minute",
    "etl": "etl all fields to Parquet",
    "brc": "1BRC",
    "json": "JSON: minute × level × status",
    "report": "GoAccess's report",
}


def arguments() -> argparse.Namespace:
    """The command line, as benches/compare passes it on."""
    parser = argparse.ArgumentParser(prog="benches/compare")
    for name in ("log", "sensors", "json-log", "report-log"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", required=True)
    parser.add_argument("--engines")
    parser.add_argument("--no-results", action="store_true")
    options = parser.parse_args()
    options.only = options.only.split(",")
    all_engines = [engine for engine in ENGINES if not engine.startswith("logmill_")]
    options.engines = options.engines.split(",") if options.engines else all_engines + lowered()
    if set(options.only) - {*QUERIES, "report"} or set(options.engines) - set(ENGINES):
        parser.error(f"queries are {', '.join([*QUERIES, 'report'])}; engines are {', '.join(ENGINES)}")
    if options.runs < 1 or options.threads < 1:
        parser.error("--runs and --threads are 1 at least")
    return options


def look_for(engines: list[str]) -> None:
    """Ends with a word about each engine that is asked for and not there."""
    absent = {engine: how for engine in engines if (how := missing(engine))}
    for engine, how in absent.items():
        print(f"benches/compare: {ENGINES[engine][0]} is missing. {how}", file=sys.stderr)
    if absent:
        rest = ",".join(engine for engine in engines if engine not in absent)
        raise SystemExit(f"benches/compare: to do without: --engines {rest}")


def describe(options) -> list[str]:
    """What is measured, on what, with what, and what is not."""
    versions = [version(engine) for engine in options.engines if not is_logmill(engine)]
    lines = machine()
    if any(is_logmill(engine) for engine in options.engines):
        lines.append(f"processor level: {processor_level()}")
    lines += [", ".join([*versions, f"Python {platform.python_version()}"])]
    files = [file for file in (options.log, options.sensors, options.json_log, options.report_log) if file]
    lines.append(", ".join(f"{file.name}: {file.stat().st_size:,} bytes" for file in files))
    lines.append(f"{options.threads} threads, median of {options.runs}, data in the page cache, engines in turn")
    left = [title for engine, (title, _) in ENGINES.items() if engine not in options.engines and "_" not in engine]
    if left:
        lines.append(f"not measured: {', '.join(left)}")
    return lines


class Times:
    """The seconds of one query: engine to pairs of whole process and own clock."""

    def __init__(self, query: str, engines: list[str]):
        self.query = query
        self.pairs: dict[str, list[tuple[float, float]]] = {engine: [] for engine in engines}

    def of(self, engine: str, clock: int, pick=statistics.median) -> float:
        """One figure of an engine: by the whole process (0) or by its own clock (1)."""
        return pick([pair[clock] for pair in self.pairs[engine]])

    def cell(self, engine: str, pick) -> str:
        """A cell of the table: the own clock stands in brackets where there is one."""
        if engine not in self.pairs:
            return "–"
        whole, own = self.of(engine, 0, pick), self.of(engine, 1, pick)
        return f"{whole:.2f}" + (f" ({own:.2f})" if own != whole else "")

    def ratio(self, clock: int, pick, logmill: str = "logmill") -> str:
        """How many times logmill's whole process goes into the best peer's time, and which peer that is."""
        peers = [engine for engine in self.pairs if not is_logmill(engine)]
        if logmill not in self.pairs or not peers:
            return "–"
        best = min(peers, key=lambda engine: self.of(engine, clock, pick))
        times = self.of(best, clock, pick) / self.of(logmill, 0, pick)
        return f"{times:.2f}× {ENGINES[best][0].split()[0]}"

    def raw(self) -> list[tuple]:
        """A row a run."""
        return [
            (self.query, engine, number, f"{whole:.4f}", f"{own:.4f}")
            for engine, pairs in self.pairs.items()
            for number, (whole, own) in enumerate(pairs, 1)
        ]


def measure(query: str, options, runner: Runner) -> tuple[Times, int, str]:
    """A first round whose results are compared, and then the rounds that count, the engines in turn."""
    engines = [engine for engine in options.engines if query in ENGINES[engine][1]]
    read_through(runner.file(query))
    for engine in engines:
        print(f"{query}: {ENGINES[engine][0]}", file=sys.stderr, flush=True)
        runner.run(engine, query, keep=True)
    rows, wrong = check(query, engines, runner) if engines else (0, "")
    times = Times(query, engines)
    for number in range(options.runs if engines else 0):
        print(f"{query}: run {number + 1} of {options.runs}", file=sys.stderr, flush=True)
        for engine in engines:
            times.pairs[engine].append(runner.run(engine, query, keep=False))
    return times, rows, wrong


def table(results: list[tuple[Times, int, str]], engines: list[str], pick) -> str:
    """All results in markdown."""
    engines = [engine for engine in engines if not engine.startswith("logmill_")]
    header = ["seconds", *(ENGINES[engine][0] for engine in engines)]
    header += ["best peer / logmill, whole processes", "best peer's own clock / logmill", "rows", "results"]
    rows = []
    for times, count, wrong in results:
        cells = [times.cell(engine, pick) for engine in engines]
        ratios = [times.ratio(0, pick), times.ratio(1, pick)]
        word = wrong or ("agree" if len(times.pairs) > 1 else "–")
        rows.append([TITLES[times.query], *cells, *ratios, f"{count:,}", word])
    return markdown(header, rows)


def levels(results: list[tuple[Times, int, str]], engines: list[str], pick) -> str:
    """What logmill takes as on lesser processors, and how often that goes into the best peer's whole process on this one."""
    engines = [engine for engine in engines if is_logmill(engine)]
    rows = []
    for times, _, _ in results:
        if any("_" in engine for engine in times.pairs):
            cells = [f"{times.cell(engine, pick)}, {times.ratio(0, pick, engine)}" for engine in engines]
            rows.append([TITLES[times.query], *cells])
    return markdown(["seconds, best peer / logmill", *(ENGINES[engine][0] for engine in engines)], rows)


def main() -> int:
    """Measures all; the status is 0 if all results agree."""
    options = arguments()
    look_for(options.engines)
    notes = describe(options)
    print("\n".join(notes), flush=True)
    files = {"log": options.log, "brc": options.sensors, "json": options.json_log, "report": options.report_log}
    results = []
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=CACHE) as scratch:
            for query in options.only:
                results.append(measure(query, options, Runner(files, Path(scratch), options.threads)))
    finally:
        # What was measured is kept, whatever ends the rest.
        for word, pick in (("Median", statistics.median), ("Best", min)):
            print(f"\n{word} (in brackets: the engine's own clock):\n\n{table(results, options.engines, pick)}")
        if any(engine.startswith("logmill_") for engine in options.engines):
            print(f"\nMedian, at lower levels of the processor:\n\n{levels(results, options.engines, statistics.median)}")
        if results and not options.no_results:
            raw = [line for times, _, _ in results for line in times.raw()]
            keep("compare", ["query", "engine", "run", "process_seconds", "own_seconds"], raw, notes)
    return 1 if any(wrong for _, _, wrong in results) else 0


if __name__ == "__main__":
    sys.exit(main())
