"""What the scripts of this folder share: the machine's description, timing of processes, tables, raw results."""

import argparse
import csv
import datetime
import math
import os
import platform
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
QUIET = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]


def read_arguments(parser: argparse.ArgumentParser, names: Iterable[str]) -> argparse.Namespace:
    """Reads the command line. What all have: `--only`, a list of some of these names (else all), and `--no-results`."""
    parser.add_argument("--only", default=",".join(names))
    parser.add_argument("--no-results", action="store_true")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if set(options.only) - set(names):
        parser.error(f"--only takes {', '.join(names)}")
    return options


def cpu() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].split(": ", 1)[1] if names else platform.processor() or "unknown processor"


def memory_gib() -> float:
    """How much memory the machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def output_of(command: list) -> str:
    """What a command prints; empty where it can't be run."""
    try:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def commit() -> str:
    """The commit that the tree is at, and whether something was changed since; unknown of a binary from elsewhere."""
    built = [Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")), CACHE]
    if not any(Path(os.environ["LOGMILL"]).is_relative_to(folder.resolve()) for folder in built):
        return "a binary that $LOGMILL named"
    name = output_of(["git", "rev-parse", "--short", "HEAD"]) or "no commit known"
    return name + (" and changes" if output_of(["git", "status", "--porcelain", "--", "src", "Cargo.lock"]) else "")


def machine() -> list[str]:
    """What the figures are measured on, and with which logmill."""
    lines = [f"{os.cpu_count()} cores, {cpu()}, {memory_gib():.0f} GiB, {platform.system()} {platform.release()}"]
    if "LOGMILL" in os.environ:
        lines.append(f"{output_of([os.environ['LOGMILL'], '--version'])}, {commit()}")
    return lines


def timed(command: list, env: dict | None = None) -> float:
    """Seconds from the start of a process to its end; it fails loudly. Nothing of Python's is between the two."""
    words = [str(word) for word in command]
    start = time.perf_counter()
    pid = os.posix_spawnp(words[0], words, env or dict(os.environ), file_actions=QUIET)
    _, status = os.waitpid(pid, 0)
    seconds = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise SystemExit(f"this command ended with status {code}: {' '.join(words)}")
    return seconds


@dataclass
class Usage:
    """What a process took: seconds, those of all cores together, and its highest anonymous memory in bytes."""

    seconds: float
    cpu_seconds: float
    anonymous_bytes: int


def watched(command: list, every: float = 0.01) -> Usage:
    """Runs a command, and looks at its memory again and again."""
    words = [str(word) for word in command]
    start, anonymous = time.perf_counter(), 0
    pid = os.posix_spawnp(words[0], words, dict(os.environ), file_actions=QUIET)
    while True:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            break
        anonymous = max(anonymous, resident(pid).get("RssAnon", 0))
        time.sleep(every)
    seconds = time.perf_counter() - start
    if (code := os.waitstatus_to_exitcode(status)) != 0:
        raise SystemExit(f"this command ended with status {code}: {' '.join(words)}")
    return Usage(seconds, used.ru_utime + used.ru_stime, anonymous)


def resident(pid: int) -> dict[str, int]:
    """The kernel's figures of a process's memory, in bytes; empty once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss")}


def read_through(path: Path) -> None:
    """Brings a file into the page cache."""
    with path.open("rb", buffering=0) as data:
        while data.read(1 << 24):
            pass


def drop_from_cache(path: Path) -> None:
    """Takes a file out of the page cache, and leaves all others in it."""
    with path.open("rb") as data:
        os.fsync(data.fileno())
        os.posix_fadvise(data.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def quantile(values: list[float], q: float) -> float:
    """The nearest rank: a value that was measured, never one between two."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def markdown(header: list[str], rows: list[list]) -> str:
    """A table to paste."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def keep(kind: str, header: list[str], rows: list[list], notes: list[str]) -> Path:
    """Writes raw results into a dated file under benches/results/, and says where."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    path = ROOT / "benches" / "results" / f"{now}-{kind}.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {note}\n" for note in notes)
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    print(f"\nRaw: {path.relative_to(ROOT)}")
    return path
