"""The engines of benches/compare: whether one is there, what it can do, and one run of it."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import report
from common import ROOT, output_of, timed

JOBS = ROOT / "benches" / "jobs"
PEERS = ROOT / "benches" / "peers"
QUERIES = ["q1", "q2", "q3", "q4", "etl", "brc", "json"]
# What processors have, the lowest first: the names of LOGMILL_CPU (src/cpu.rs).
LEVELS = ["scalar", "avx2", "avx512", "vbmi2"]
# Title and what it takes part in. The programs of mawk run on one core, as they do for its users.
ENGINES = {
    "logmill": ("logmill", [*QUERIES, "report"]),
    "duckdb": ("DuckDB", QUERIES),
    "polars": ("Polars", QUERIES),
    "chdb": ("ClickHouse (chdb)", QUERIES),
    "mawk": ("mawk", ["q1", "q2"]),
    "goaccess": ("GoAccess", ["report"]),
}
# logmill as on processors that have less. Not among those that `--engines` is by default: see `lowered`.
ENGINES |= {f"logmill_{level}": (f"logmill, {level}", QUERIES) for level in LEVELS}
PACKAGES = ("duckdb", "polars", "chdb")


def is_logmill(engine: str) -> bool:
    """Whether it is logmill, at whatever level."""
    return engine.split("_")[0] == "logmill"


def environment(engine: str) -> dict:
    """What logmill runs with, at its level."""
    level = engine.partition("_")[2]
    return os.environ | ({"LOGMILL_CPU": level} if level else {})


def processor_level() -> str:
    """The level that logmill works at on this processor, as it says."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "empty.log").touch()
        command = [os.environ["LOGMILL"], "run", JOBS / "q1.toml", "--input", f"{scratch}/empty.log"]
        command += ["--state-dir", f"{scratch}/state", "--output", f"{scratch}/out", "-vv"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = re.search(r"processor level: (\w+)", done.stderr)
    if not found:
        raise SystemExit("logmill run -vv does not say the processor's level")
    return found[1]


def lowered() -> list[str]:
    """logmill at each level that is lower than this processor's."""
    return [f"logmill_{level}" for level in LEVELS[: LEVELS.index(processor_level())]]


def missing(engine: str) -> str:
    """How to get an engine that is not there; empty if it is."""
    if engine in PACKAGES:
        try:
            importlib.metadata.version(engine)
        except importlib.metadata.PackageNotFoundError:
            return f"python package {engine}: see scripts/requirements-bench.txt"
    elif not is_logmill(engine) and not shutil.which(engine):
        return f"sudo apt-get install {engine}"
    return ""


def version(engine: str) -> str:
    """What is measured, for the notes."""
    if engine in PACKAGES:
        return f"{engine} {importlib.metadata.version(engine)}"
    if engine == "goaccess":
        return output_of(["goaccess", "--version"]).splitlines()[0].replace(" -", "").rstrip(".")
    if engine == "mawk":
        word = subprocess.run(["mawk", "-W", "version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return word.stdout.splitlines()[0]
    return ""


class Runner:
    """Runs engines on files, each with an output folder of its own."""

    def __init__(self, files: dict[str, Path], scratch: Path, threads: int):
        self.files, self.scratch, self.threads = files, scratch, threads

    def file(self, query: str) -> Path:
        """What a query reads."""
        return self.files.get(query, self.files["log"]).resolve()

    def out(self, engine: str, query: str) -> Path:
        """Where a result is: a folder of logmill, a file of the others."""
        return self.scratch / f"{query}-{engine}"

    def run(self, engine: str, query: str, keep: bool) -> tuple[float, float]:
        """Seconds of the whole process, and by the engine's own clock. With `keep` the peers write their result."""
        out = self.out(engine, query)
        if out.is_dir():
            shutil.rmtree(out)
        if is_logmill(engine):
            seconds = self.logmill(engine, query, out)
        elif engine == "goaccess":
            seconds = timed(report.goaccess(self.file(query), out, self.threads))
        elif engine == "mawk":
            seconds = self.mawk(query, out)
        else:
            return self.package(engine, query, out, keep)
        return seconds, seconds

    def logmill(self, engine: str, query: str, out: Path) -> float:
        """A new state each time; the results are written, as always."""
        out.mkdir()
        jobs = report.jobs(out / "jobs") if query == "report" else [JOBS / f"{query}.toml"]
        command = [os.environ["LOGMILL"], "run", *jobs, "--input", self.file(query), "--state-dir", out / "state"]
        return timed(command + ["--output", out, "--threads", self.threads, "--quiet"], environment(engine))

    def mawk(self, query: str, out: Path) -> float:
        """Bytes instead of characters, as the fastest that it has."""
        start = time.perf_counter()
        with out.open("wb") as file:
            command = ["mawk", "-f", PEERS / f"{query}.awk", self.file(query)]
            subprocess.run(command, check=True, stdout=file, env=os.environ | {"LC_ALL": "C"})
        return time.perf_counter() - start

    def package(self, engine: str, query: str, out: Path, keep: bool) -> tuple[float, float]:
        """A Python process, and the clock around its query."""
        command = [sys.executable, PEERS / f"{engine}_peer.py", query, self.file(query), str(self.threads)]
        command += [out] if keep or query == "etl" else []
        start = time.perf_counter()
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - start
        return seconds, float(re.findall(r"^[0-9.e-]+$", done.stdout, re.MULTILINE)[-1])
