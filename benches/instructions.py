"""Instructions a line and a byte of each job, and where they are spent. See benches/instructions."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from common import CACHE, ROOT, keep, machine, markdown, output_of, read_arguments

# As many groups a line as the jobs of benches/compare have on their large log; else the groups would be all.
ACCESS = ("access", ["--request-time", "--hours", "1", "--paths", "900", "--clients", "3000"])
# Job: what the generator makes for it.
INPUTS = {
    "q1": ACCESS,
    "q2": ACCESS,
    "q3": ACCESS,
    "q4": ACCESS,
    "etl": ACCESS,
    "brc": ("sensors", []),
    "json": ("app-json", ["--hours", "1"]),
}
HEADER = ["job", "lines", "bytes", "instructions", "of one line", "a line", "a byte"]
NAME_CHARS = 110


def arguments() -> argparse.Namespace:
    """The command line, as benches/instructions describes it."""
    parser = argparse.ArgumentParser(prog="benches/instructions")
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--top", type=int, default=12)
    options = read_arguments(parser, INPUTS)
    if options.lines < 2:
        parser.error("--lines is 2 at least")
    return options


def generate(job: str, lines: int, scratch: Path) -> Path:
    """A log for a job, made anew: it is small, and it follows from the generator."""
    kind, words = INPUTS[job]
    file = scratch / f"{kind}-{lines}.log"
    if not file.exists():
        command = [os.environ["GENERATE"], kind, "--lines", str(lines), *words, "--out", file]
        subprocess.run(command, check=True)
    return file


def count(job: str, file: Path, out: Path) -> int:
    """Runs a job under callgrind; its profile goes to `out`."""
    with tempfile.TemporaryDirectory(prefix="instructions-", dir=CACHE) as scratch:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet"]
        command += [os.environ["LOGMILL"], "run", ROOT / "benches" / "jobs" / f"{job}.toml", "--quiet"]
        command += ["--threads", "1", "--input", file, "--state-dir", f"{scratch}/state", "--output", scratch]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{job} ended with status {done.returncode} under valgrind:\n{done.stderr[-2000:]}")
    with out.open(encoding="utf-8", errors="replace") as profile:
        totals = [line for line in profile if line.startswith(("totals:", "summary:"))]
    return int(totals[-1].split()[1])


def top(out: Path, number: int) -> list[str]:
    """The functions with the most instructions of their own, with their share of all."""
    lines = output_of(["callgrind_annotate", "--auto=no", "--show-percs=yes", "--threshold=100", out]).splitlines()
    found = []
    for line in lines:
        match = re.match(r"\s*[\d,]+ \(\s*([\d.]+)%\)\s+(.+?)(?: \[.*\])?$", line)
        if match and ":" in match[2]:
            place, _, name = match[2].partition(":")
            place = "" if place == "???" else f" ({Path(place).name})"
            found.append(f"{float(match[1]):5.1f} %  {name[:NAME_CHARS]}{place}")
    return found[:number]


def main() -> int:
    """Counts each job, and names its dearest functions."""
    options = arguments()
    notes = machine() + [output_of(["valgrind", "--version"]), "one thread"]
    print("\n".join(notes), flush=True)
    raw, names = [], []
    with tempfile.TemporaryDirectory(prefix="instructions-", dir=CACHE) as folder:
        scratch = Path(folder)
        for job in options.only:
            print(job, file=sys.stderr, flush=True)
            file, out = generate(job, options.lines, scratch), scratch / f"{job}.callgrind"
            fixed = count(job, generate(job, 1, scratch), scratch / "one.callgrind")
            total = count(job, file, out)
            size, rest = file.stat().st_size, total - fixed
            each = [f"{rest / (options.lines - 1):.0f}", f"{rest / size:.2f}"]
            raw.append([job, options.lines, size, total, fixed, *each])
            names.append((job, top(out, options.top)))
    rows = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in line] for line in raw]
    print(f"\n{markdown(HEADER, rows)}")
    for job, functions in names:
        print(f"\n{job}: own instructions, of all\n\n    " + "\n    ".join(functions))
    if not options.no_results:
        keep("instructions", HEADER, raw, notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
