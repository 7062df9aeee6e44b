"""Runs logmill on one case and hands its outputs back."""

import json
import os
import sqlite3
import subprocess
from pathlib import Path

from cases import FORMATS, Case

# Longest that one run may take.
RUN_SECONDS_MAX = 600


class RunFailed(Exception):
    """logmill ended with another status than 0, or did not print what it must."""


def job_text(case: Case, files: list[Path]) -> str:
    """The job file of a case."""
    paths = ", ".join(json.dumps(str(path.resolve())) for path in files)
    head = f"""name = "{case.name}"

[source]
paths = [{paths}]
{FORMATS[case.kind]}

"""
    if case.events:
        columns = json.dumps(list(case.columns))
        tail = f'\n[output.events]\npath = "out"\ncolumns = {columns}\npartition = "{case.partition}"\n'
    else:
        tail = f"""
[output.summary]
path = "out"
partition = "{case.partition}"

[output.sqlite]
path = "out.db"
table = "result"
"""
    return head + case.job + tail + "\n[limits]\nreject_ratio = 1.0\n"


def run(case: Case, files: list[Path], work: Path) -> dict:
    """Runs the job with a state and an output of its own in `work`; returns what `--json` printed."""
    work.mkdir(parents=True)
    job = work / f"{case.name}.toml"
    job.write_text(job_text(case, files), encoding="utf-8")
    command = [os.environ["LOGMILL"], "run", str(job), "--final", "--json", "--quiet"]
    command += ["--state-dir", str(work / "state"), "--output", str(work)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False)
    if done.returncode != 0:
        raise RunFailed(f"exit status {done.returncode}: {done.stderr.strip()}")
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise RunFailed(f"--json printed no JSON object: {error}: {done.stdout[:200]!r}") from error


def load_parquet(con, case: Case, work: Path) -> None:
    """Makes the table `actual` of the Parquet, timestamps in microseconds."""
    times = {"window_start", "event_time"}
    wanted = ", ".join(
        f"epoch_us({name}) AS {name}" if name in times else name for name in case.columns
    )
    pattern = f"{work}/out/**/*.parquet"
    con.execute(
        f"CREATE OR REPLACE TABLE actual AS SELECT {wanted} FROM read_parquet(?)", [pattern]
    )


def sqlite_differs(con, case: Case, work: Path) -> list[str]:
    """Where the SQLite table has other totals than the Parquet: rows, values that aren't NULL, sums of integers."""
    types = dict(con.execute("SELECT column_name, column_type FROM (DESCRIBE actual)").fetchall())
    measures = ["count(*)"] + [f"count({name})" for name in case.columns]
    measures += [
        f"sum({name})"
        for name in case.columns
        if types[name] == "BIGINT" and name != "window_start"
    ]
    parquet = con.execute(f"SELECT {', '.join(measures)} FROM actual").fetchone()
    with sqlite3.connect(f"file:{work}/out.db?mode=ro", uri=True) as db:
        table = db.execute(f"SELECT {', '.join(measures)} FROM result").fetchone()
    return [
        f"SQLite and Parquet: {measure} is {mine} and {theirs}"
        for measure, mine, theirs in zip(measures, table, parquet)
        if mine != theirs
    ]
