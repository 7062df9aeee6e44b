"""How long a user waits for small runs, and for a line to be visible. See benches/latency."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import latency_live
from common import CACHE, ROOT, keep, machine, markdown, quantile, read_arguments, timed

APPEND_BYTES = 1_000_000
HOUR = 3600


def arguments() -> argparse.Namespace:
    """The command line, as benches/latency describes it."""
    parser = argparse.ArgumentParser(prog="benches/latency")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--segments", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", default="100ms")
    parser.add_argument("--threads")
    options = read_arguments(parser, MEASURES)
    options.threads = ["--threads", options.threads] if options.threads else []
    return options


def run_command(job: str, logs: str, scratch: Path, options) -> list:
    """A run of a job of benches/jobs with state and outputs in `scratch`."""
    command = [os.environ["LOGMILL"], "run", ROOT / "benches" / "jobs" / f"{job}.toml", "--quiet", "--input", logs]
    return command + ["--state-dir", scratch / "state", "--output", scratch, *options.threads]


def cut(log: Path, bytes_max: int) -> list[bytes]:
    """A log in pieces of whole lines."""
    pieces, size = [[]], 0
    with log.open("rb") as lines:
        for line in lines:
            if size and size + len(line) > bytes_max:
                pieces.append([])
                size = 0
            pieces[-1].append(line)
            size += len(line)
    return [b"".join(piece) for piece in pieces]


def nothing_new(scratch: Path, options) -> list[float]:
    """(a) Known logs, all but the last one written an hour ago."""
    size = options.log.stat().st_size // options.segments
    for number, piece in enumerate(cut(options.log, size)[: options.segments]):
        path = scratch / f"access-{number:04}.log"
        path.write_bytes(piece)
        if number + 1 < options.segments:
            moment = time.time() - HOUR - number
            os.utime(path, (moment, moment))
    command = run_command("small", f"{scratch}/access-*.log", scratch, options)
    timed(command)
    # Files whose time stamps are as young as the run before are looked into once more; that is not what is asked here.
    print(f"a: the run behind the first one took {timed(command) * 1000:.1f} ms")
    return [timed(command) for _ in range(options.runs or 50)]


def append(scratch: Path, options) -> list[float]:
    """(b) A megabyte behind a known log, all outputs on."""
    pieces = cut(options.log, APPEND_BYTES)
    runs = options.runs or 30
    if len(pieces) <= runs:
        raise SystemExit(f"{options.log} has {len(pieces)} MB: not enough for {runs} runs")
    log, times = scratch / "access.log", []
    log.write_bytes(b"".join(pieces[:-runs]))
    command = run_command("small", log, scratch, options)
    timed(command)
    for piece in pieces[-runs:]:
        with log.open("ab") as file:
            file.write(piece)
        times.append(timed(command))
    return times


def first_run(scratch: Path, options) -> list[float]:
    """(d) A log of one line, a new state each time."""
    with options.log.open("rb") as lines:
        (scratch / "one.log").write_bytes(lines.readline())
    times = []
    for number in range(options.runs or 30):
        times.append(timed(run_command("q1", scratch / "one.log", scratch / str(number), options)))
    return times


def live(scratch: Path, options) -> list[float]:
    """(c) Through `watch` into MariaDB."""
    # The server's user has to reach its folder, so it can't be within one that is root's alone.
    server = Path(tempfile.mkdtemp(prefix="logmill-bench-"))
    mariadb = ROOT / "scripts" / "mariadb"
    try:
        started = subprocess.run([mariadb, "start", server], check=True, stdout=subprocess.PIPE, text=True)
        times, lines, changes = latency_live.measure(started.stdout.strip(), scratch, options)
    finally:
        subprocess.run([mariadb, "stop", server], check=False)
        shutil.rmtree(server, ignore_errors=True)
    print(f"c: {lines / options.seconds:,.0f} lines/s in {len(times):,} writes; the table changed {changes:,} times")
    return times


MEASURES = {"a": nothing_new, "b": append, "c": live, "d": first_run}


def title(name: str, options) -> str:
    """What a measure is called in the table."""
    return {
        "a": f"`run`, nothing new among {options.segments:,} known logs",
        "b": "`run` after 1 MB was appended: summary, events, SQLite",
        "c": f"written → visible in MariaDB, `watch --every {options.every}`, {options.rate:,} lines/s",
        "d": "first `run` of a job, a log of one line",
    }[name]


def row(name: str, times: list[float], options) -> list[str]:
    """A line of the table, in milliseconds."""
    figures = [min(times), statistics.median(times), quantile(times, 0.99), max(times)]
    return [title(name, options), len(times), *(f"{seconds * 1000:.1f}" for seconds in figures)]


def main() -> int:
    """Measures what was asked for."""
    options = arguments()
    notes = machine()
    print("\n".join(notes))
    rows, raw = [], []
    for name in options.only:
        with tempfile.TemporaryDirectory(prefix="latency-", dir=CACHE) as scratch:
            times = MEASURES[name](Path(scratch), options)
        rows.append(row(name, times, options))
        raw += [(name, number, f"{seconds:.6f}") for number, seconds in enumerate(times, 1)]
    empty = statistics.median(timed(["true"]) for _ in range(20))
    print(f"\n{markdown(['ms', 'n', 'min', 'median', 'p99', 'max'], rows)}")
    print(f"\nA process that does nothing takes {empty * 1000:.1f} ms.")
    if not options.no_results:
        keep("latency", ["measure", "n", "seconds"], raw, notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
