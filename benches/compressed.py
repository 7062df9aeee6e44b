"""Compressed logs beside their decoders alone. See benches/compressed."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import CACHE, ROOT, keep, machine, markdown, output_of, read_arguments, read_through, timed

# Of each kind: the ending of its files, and what makes one of standard input.
KINDS = {"gzip": (".gz", ["gzip", "-6"]), "zstd": (".zst", ["zstd", "-3", "-q"])}


def arguments() -> argparse.Namespace:
    """The command line, as benches/compressed describes it."""
    parser = argparse.ArgumentParser(prog="benches/compressed")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=7)
    return read_arguments(parser, KINDS)


def halves(log: Path) -> list[tuple[int, int]]:
    """Two ranges of whole lines, of about the same size."""
    size = log.stat().st_size
    with log.open("rb") as lines:
        lines.seek(size // 2)
        lines.readline()
        return [(0, lines.tell()), (lines.tell(), size)]


def segments(log: Path, kind: str) -> list[Path]:
    """The halves of the log, compressed; made where they are missing."""
    ending, command = KINDS[kind]
    paths = []
    for number, (start, end) in enumerate(halves(log), 1):
        path = CACHE / "bench" / f"{log.stem}.half-{number}.log{ending}"
        if not path.exists():
            compress(log, start, end, command, path)
        read_through(path)
        paths.append(path)
    return paths


def compress(log: Path, start: int, end: int, command: list[str], path: Path) -> None:
    """A range of a log into a file."""
    part = path.with_suffix(".part")
    with log.open("rb") as data, part.open("wb") as out:
        data.seek(start)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out)
        while start < end:
            piece = data.read(min(1 << 24, end - start))
            process.stdin.write(piece)
            start += len(piece)
        process.stdin.close()
        if process.wait() != 0:
            raise SystemExit(f"{command[0]} failed")
    part.rename(path)


def run_command(paths: list[Path], scratch: Path) -> list:
    """q1 over the segments, with a new state."""
    inputs = [word for path in paths for word in ("--input", path)]
    job = ROOT / "benches" / "jobs" / "q1.toml"
    command = [os.environ["LOGMILL"], "run", job, "--quiet", "--threads", "2", *inputs]
    return command + ["--state-dir", scratch / "state", "--output", scratch]


def case(kind: str, paths: list[Path], options) -> tuple[list, list[tuple]]:
    """A row of the table and the raw times of some segments of a kind."""
    ours, decoder = measure(paths, options.runs)
    mine, alone = statistics.median(ours), statistics.median(decoder)
    packed, decoded = sum(path.stat().st_size for path in paths), decoded_bytes(paths)
    name, speed = f"{kind}, {len(paths)}", f"{decoded / mine / 1e9:.2f}"
    row = [name, f"{packed / 1e6:.0f}", f"{mine:.3f}", f"{alone:.3f}", speed, f"{alone / mine:.2f}"]
    times = enumerate(zip(ours, decoder, strict=True), 1)
    return row, [(name, number, f"{a:.6f}", f"{b:.6f}") for number, (a, b) in times]


def decoded_bytes(paths: list[Path]) -> int:
    """What comes out of them."""
    return int(output_of([os.environ["DECODE"], *paths]).split()[0])


def measure(paths: list[Path], runs: int) -> tuple[list[float], list[float]]:
    """Seconds of logmill and of the decoder alone, in turn, behind a first turn that is not counted."""
    ours, decoder = [], []
    for turn in range(runs + 1):
        with tempfile.TemporaryDirectory(prefix="compressed-", dir=CACHE) as scratch:
            times = timed(run_command(paths, Path(scratch))), timed([os.environ["DECODE"], *paths])
        if turn > 0:
            ours.append(times[0])
            decoder.append(times[1])
    return ours, decoder


def main() -> int:
    """Measures what was asked for."""
    options = arguments()
    notes = machine()
    print("\n".join(notes), end="\n\n")
    rows, raw = [], []
    for kind in options.only:
        paths = segments(options.log, kind)
        for some in (paths[:1], paths):
            row, times = case(kind, some, options)
            rows.append(row)
            raw += times
    print(markdown(["segments", "MB", "s", "the decoder alone, s", "GB/s, decoded", "share"], rows))
    if not options.no_results:
        keep("compressed", ["segments", "n", "seconds", "decoder_seconds"], raw, notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
