"""Compares logmill with DuckDB, query by query. See scripts/compare-with-duckdb."""

import argparse
import sqlite3
import sys
import tempfile
from pathlib import Path

import duckdb

import diff
import runner
import sources
from cases import CASES, Case

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"


def arguments() -> argparse.Namespace:
    """The command line; usage errors end with status 2."""
    parser = argparse.ArgumentParser(prog="scripts/compare-with-duckdb")
    parser.add_argument("logdir", nargs="?", type=Path, help="folder of real logs; default: data/samples")
    parser.add_argument("--self-test", action="store_true", help="plant differences that must be found")
    parser.add_argument("--only", default="", help="only the queries whose log/query contains this")
    return parser.parse_args()


def run_case(con, case: Case, files: list[Path], lines: int, work: Path) -> list[str]:
    """Runs a case in logmill and compares it with the table `expected`, and its counters with the lines. Empty: equal.

    `lines` is how many lines the files have. Raises where logmill failed or its output can't be read.
    """
    report = runner.run(case, files, work)
    runner.load_parquet(con, case, work)
    difference = diff.compare(con, case.columns, case.inexact, case.key)
    found = list(difference.lines) if difference else []
    parts = report["mapped"] + report["filtered"] + report["rejected"]
    if not lines == report["lines"] == parts:
        found.append(f"lines: {lines} in the files, {report['lines']} read, {parts} accounted for")
    rejected = sources.rejected(con, case.timed)
    if rejected != report["rejected"]:
        found.append(f"rejected: {report['rejected']}; DuckDB finds {rejected} lines that are no records")
    if not case.events:
        found += runner.sqlite_differs(con, case, work)
    return found


def judge(con, source, case: Case, files: list[Path], lines: int, scratch: Path, planted: bool) -> bool:
    """Prints how a case came out, and whether that is as it must be: equal, or different where that was planted."""
    con.execute(f"CREATE OR REPLACE TABLE expected({', '.join(case.columns)}) AS {case.sql}")
    plan = f"; planted: {diff.plant(con, case.columns)}" if planted else ""
    try:
        found = run_case(con, case, files, lines, scratch / source.name / case.name)
        verdict = "differs" if found else "equal"
        good = bool(found) == planted
    except (runner.RunFailed, duckdb.Error, sqlite3.Error, OSError) as error:
        found, verdict, good = [str(error)], "FAILED", False
    rows = con.execute("SELECT count(*) FROM expected").fetchone()[0]
    print(f"{source.name}/{case.name}: {verdict} ({rows} rows{plan})", flush=True)
    if found and not (planted and good):
        print("\n".join(f"    {line}" for line in found), flush=True)
    return good


def compare_source(con, source, root: Path, scratch: Path, options) -> tuple[int, int]:
    """Runs all cases of a log; returns how many came out right and how many there were."""
    wanted = [case for case in CASES if case.kind == source.kind]
    wanted = [case for case in wanted if options.only in f"{source.name}/{case.name}"]
    files = source.files(root)
    if not files or not wanted:
        return 0, 0
    lines = sources.load_lines(con, files, scratch)
    sources.LOADERS[source.kind](con)
    timed = any(case.timed for case in wanted)
    print(f"{source.name}: {lines} lines, {sources.rejected(con, timed)} of them no records", flush=True)
    verdicts = [
        judge(con, source, case, files, lines, scratch, options.self_test) for case in wanted
    ]
    return sum(verdicts), len(verdicts)


def main() -> int:
    """Runs all; the status is 0 if every case came out as it must."""
    options = arguments()
    root = options.logdir or SAMPLES
    logs = sources.REAL if options.logdir else sources.SAMPLES
    if not root.is_dir():
        print(f"compare-with-duckdb: {root} is no folder", file=sys.stderr)
        return 2
    right = total = 0
    with tempfile.TemporaryDirectory(prefix="logmill-compare-") as scratch:
        con = duckdb.connect(str(Path(scratch) / "duckdb.db"))
        con.execute("SET TimeZone = 'UTC'")
        for source in logs:
            one, all_ = compare_source(con, source, root, Path(scratch), options)
            right, total = right + one, total + all_
        con.close()
    print(f"{right} of {total} as they must be")
    return 0 if right == total > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
