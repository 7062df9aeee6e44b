"""The jobs that are run, their logs, and the runs: two batches into each database, from a state of its own."""

import gzip
import json
import os
import random
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet
import tables

ROOT = Path(__file__).resolve().parents[2]
# The table's name; the server may be one that somebody uses.
TABLE = "logmill_compare_sql"
RUN_SECONDS_MAX = 600


class RunFailed(Exception):
    """logmill ended with another status than 0."""


@dataclass(frozen=True)
class Case:
    """A job up to its outputs, and the lines that it reads in its first and second batch."""

    name: str
    job: Callable[[], str]
    log: Callable[[], tuple[bytes, bytes]]
    # The column that --self-test changes.
    planted: str


def traffic_job() -> str:
    """jobs/http_traffic.toml without its outputs."""
    text = (ROOT / "jobs/http_traffic.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^\[output\..*?(?=^\[(?!output)|\Z)", "", text)
    return re.sub(r"(?m)^paths = .*$", 'paths = ["../log"]', text)


def traffic_log() -> tuple[bytes, bytes]:
    """The samples; the newest file is the second batch."""
    samples = ROOT / "data/samples"
    old = gzip.decompress((samples / "access.log.2.gz").read_bytes())
    old += (samples / "access.log.1").read_bytes()
    return old, (samples / "access.log").read_bytes().rstrip(b"\n") + b"\n"


TYPES_JOB = """name = "types"
[source]
paths = ["../log"]
format = "json"
fields = { ts = "timestamp", i = "int", d = "decimal(3)", wide = "decimal(10)", f = "float", b = "bool", at = "timestamp" }
time = "ts"
[reduce]
window = "1h"
by = ["k", "d", "f", "b", "date_trunc('day', at) AS day"]
[reduce.measures]
lines = "count(*)"
whole = "sum(i)"
exact = "sum(d)"
widest = "max(wide)"
floats = "sum(f)"
mean = "avg(d)"
spread = "stddev(i)"
least = "min(note)"
newest = "last(note)"
seen = "max(at)"
any_true = "bool_or(b)"
notes = "approx_distinct(note)"
median = "approx_quantile(i, 0.5)"
never = "max(d) FILTER (WHERE i > 1000000000)"
"""

# Texts that databases are known to confuse: by case, accents, spaces behind, emoji, width, escapes, and length.
TEXTS = [
    None, "a", "A", "a ", " a", "ä", "a\u0308", "Ä", "ß", "ss", "é", "e", "😀", "😁", "👩‍👩‍👧", "\ufffd", "\u200b", "ａ",
    "'", '"', "\\", "\\'", "%", "_", "`", ";--", "a\nb", "a\tb", "a\rb", "a\0b", "a\0", "\x1a", "NULL", "0", "00",
    "0.0", "İ", "ı", "I", "ﬀ", "ff", "x" * 4096, "x" * 4097, "😀" * 1500,
]  # fmt: skip


def types_log() -> tuple[bytes, bytes]:
    """JSON lines with each text of TEXTS, edges of the numbers, and NULLs; the same in each run."""
    dice = random.Random(1)
    floats = [None, 0.0, -0.0, 0.1 + 0.2, 1 / 3, 5e-324, -1.7976931348623157e304]
    decimals = [None, "-0.001", "12345678901234567890.123", "-99999999999.999"]
    wides = [None, "0.0000000001", "-9999999999999999999999999999.0123456789", "1"]

    def line() -> str:
        second = dice.randrange(5000)
        record = {
            "ts": f"2026-11-22T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{dice.randrange(10**6):06}Z",
            "k": dice.choice(TEXTS),
            "i": dice.choice([None, 0, 1, -1, 2, 3, 10**12, -(10**12)]),
            "f": dice.choice(floats),
            "b": dice.choice([None, True, False]),
            "note": dice.choice(TEXTS),
            "at": dice.choice([None, "1970-01-01T00:00:00Z", "2026-02-28T23:59:59.999999Z", "2199-12-31T23:59:59.5Z"]),
        }
        text = json.dumps(record, ensure_ascii=dice.random() < 0.5)
        # Numbers with more digits than a float has, as they are.
        d, wide = dice.choice(decimals), dice.choice(wides)
        return f'{text[:-1]}, "d": {d or "null"}, "wide": {wide or "null"}}}\n'

    lines = [line() for _ in range(20000)]
    return "".join(lines[:12000]).encode(), "".join(lines[12000:]).encode()


CASES = [
    Case("http_traffic", traffic_job, traffic_log, "p99"),
    Case("types", lambda: TYPES_JOB, types_log, "lines"),
]


def run(case: Case, servers: dict[str, str], work: Path):
    """Runs the case into SQLite and each server; returns the schema and the rows of the Parquet, which must be the same
    bytes for all."""
    work.mkdir()
    outputs = {"sqlite": f'[output.sqlite]\npath = "out.db"\ntable = "{TABLE}"\n'}
    for number, url in enumerate(servers.values()):
        with tables.mysql(url) as place:
            place.drop(TABLE)
        outputs[f"mysql{number}"] = f"[output.mysql]\nurl = {json.dumps(url)}\ntable = \"{TABLE}\"\n"
    log = work / "log"
    for part in case.log():
        with log.open("ab") as file:
            file.write(part)
        for name, output in outputs.items():
            run_once(case, work / name, output)
    files = [work / name / "out" / "summary.parquet" for name in outputs]
    if len({file.read_bytes() for file in files}) != 1:
        raise RunFailed(f"{case.name}: the Parquet of the runs differs: {', '.join(map(str, files))}")
    table = pyarrow.parquet.read_table(files[0], partitioning=None)
    return table.schema, tables.of_arrow(table)


def run_once(case: Case, folder: Path, output: str) -> None:
    """One batch of the job into one database."""
    folder.mkdir(exist_ok=True)
    job = folder / "job.toml"
    tail = '\n[output.summary]\npath = "out"\npartition = "none"\n'
    job.write_text(case.job() + tail + output, encoding="utf-8")
    command = [os.environ["LOGMILL"], "run", str(job), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False)
    if done.returncode != 0:
        raise RunFailed(f"{case.name}, {folder.name}: exit status {done.returncode}: {done.stderr.strip()}")
