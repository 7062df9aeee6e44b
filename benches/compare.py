"""Times logmill and its peers on the same files, and checks that they agree. See benches/compare.

The peers' time is what their own clock says around the query, without the start of Python; logmill's is the whole
process, its state and its files on the disk included.
"""

import argparse
import csv
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import polars

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("duckdb", "polars")
# Key columns, exact columns and columns with a tolerance, by query.
COLUMNS = {
    "q1": (["t", "status"], ["hits", "bytes"], ["mean", "slowest"]),
    "q2": (["path"], ["hits"], []),
    "q3": (["t"], ["clients"], []),
    "q4": (["t"], [], []),
    "brc": (["station"], [], ["coldest", "mean", "warmest"]),
    "etl": ([], ["status", "remote_addr", "request_uri", "body_bytes_sent"], []),
}
TOLERANCE = 1e-9
# What the contract allows an approximate quantile to be off by.
QUANTILE_TOLERANCE = 0.01


def arguments() -> argparse.Namespace:
    """The command line, as benches/compare passes it on."""
    parser = argparse.ArgumentParser(prog="benches/compare")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--sensors", type=Path, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--only", required=True)
    parser.add_argument("--engines", required=True)
    options = parser.parse_args()
    options.only, options.engines = options.only.split(","), options.engines.split(",")
    if set(options.only) - set(COLUMNS) or set(options.engines) - {"logmill", *PEERS}:
        parser.error(f"queries are {', '.join(COLUMNS)}; engines are logmill, {', '.join(PEERS)}")
    return options


def run_peer(engine: str, query: str, file: Path, out: Path) -> float:
    """Seconds of a query in a peer, by its own clock."""
    script = ROOT / "benches" / "peers" / f"{engine}_peer.py"
    done = subprocess.run(
        [sys.executable, script, query, file, out], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def run_logmill(query: str, file: Path, out: Path) -> float:
    """Seconds of a whole process of logmill, with a state and an output of its own."""
    command = [os.environ["LOGMILL"], "run", ROOT / "benches" / "jobs" / f"{query}.toml"]
    command += ["--input", file.resolve(), "--state-dir", out / "state", "--output", out, "--quiet"]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def run(engine: str, query: str, file: Path, scratch: Path) -> float:
    """Seconds of one run; the result of the engine's last run stays in `scratch`."""
    out = scratch / f"{query}-{engine}"
    if out.is_dir():
        shutil.rmtree(out)
    if engine == "logmill":
        out.mkdir()
        return run_logmill(query, file, out)
    return run_peer(engine, query, file, out)


def load(con, engine: str, query: str, scratch: Path) -> None:
    """Makes the table ENGINE of a result, with the columns of COLUMNS; times are microseconds."""
    out = scratch / f"{query}-{engine}"
    files = f"{out}/out/**/*.parquet" if engine == "logmill" else out
    source = f"read_parquet('{files}')"
    names = [row[0] for row in con.execute(f"DESCRIBE FROM {source}").fetchall()]
    moment = ", epoch_us(window_start) AS t" if "window_start" in names else ""
    if query == "etl":
        # Eight million rows: totals instead of rows.
        totals = "count(*) AS n, bit_xor(hash({})) AS h".format(", ".join(COLUMNS["etl"][1]))
        casts = "status::BIGINT AS status, body_bytes_sent::BIGINT AS body_bytes_sent, remote_addr, request_uri"
        con.execute(f"CREATE OR REPLACE TABLE {engine} AS SELECT {totals} FROM (SELECT {casts} FROM {source})")
    else:
        con.execute(f"CREATE OR REPLACE TABLE {engine} AS SELECT *{moment} FROM {source}")


def disagreement(con, query: str, one: str, other: str) -> str:
    """How the tables of two engines differ; empty if they don't."""
    if query == "etl":
        rows = [con.execute(f"SELECT n, h FROM {name}").fetchone() for name in (one, other)]
        return "" if rows[0] == rows[1] else f"rows and checksum {rows[0]} and {rows[1]}"
    keys, exact, near = COLUMNS[query]
    counts = [con.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in (one, other)]
    if counts[0] != counts[1]:
        return f"{counts[0]} and {counts[1]} groups"
    same = [f"a.{name} = b.{name}" for name in keys + exact]
    same += [
        f"abs(a.{name}::DOUBLE - b.{name}::DOUBLE) <= {TOLERANCE} * greatest(abs(a.{name}::DOUBLE), 1)"
        for name in near
    ]
    agree = con.execute(
        f"SELECT count(*) FROM {one} a JOIN {other} b ON {' AND '.join(same)}"
    ).fetchone()[0]
    return "" if agree == counts[0] else f"{counts[0] - agree} of {counts[0]} groups differ"


def quantiles_off(con, file: Path, scratch: Path) -> str:
    """Which of logmill's quantiles are further than allowed from the exact ones; empty if none is."""
    bounds = scratch / "q4-bounds"
    run_peer("polars", "q4-bounds", file, bounds)
    off = " OR ".join(
        f"a.{q} NOT BETWEEN b.{q}_low * {1 - QUANTILE_TOLERANCE} AND b.{q}_high * {1 + QUANTILE_TOLERANCE}"
        for q in ("p50", "p99")
    )
    worst = con.execute(
        f"SELECT count(*) FROM logmill a JOIN read_parquet('{bounds}') b USING (t) WHERE {off}"
    ).fetchone()[0]
    return f"{worst} quantiles are more than 1 % off" if worst else ""


def check(query: str, engines: list[str], file: Path, scratch: Path) -> tuple[int, str]:
    """How many rows the first engine has, and where the others disagree with it."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for engine in engines:
        load(con, engine, query, scratch)
    count = "n" if query == "etl" else "count(*)"
    rows = con.execute(f"SELECT {count} FROM {engines[0]}").fetchone()[0]
    found = [
        f"{engines[0]} and {other}: {word}"
        for other in engines[1:]
        if (word := disagreement(con, query, engines[0], other))
    ]
    if query == "q4" and "logmill" in engines:
        found += filter(None, [quantiles_off(con, file, scratch)])
    return rows, "; ".join(found)


def machine() -> list[str]:
    """What the figures were measured on and with."""
    model = platform.processor() or "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(": ", 1)[1] if names else model
    lines = [
        f"{os.cpu_count()} cores, {model}, {platform.system()} {platform.release()}",
        f"duckdb {duckdb.__version__}, polars {polars.__version__}, Python {platform.python_version()}",
    ]
    if "LOGMILL" in os.environ:
        command = [os.environ["LOGMILL"], "--version"]
        lines.append(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    return lines


def row(query: str, times: dict[str, list[float]], rows: int, wrong: str) -> str:
    """A line of the table."""
    cells = [f"{min(t):.2f} / {statistics.median(t):.2f}" for t in times.values()]
    peers = [min(t) for engine, t in times.items() if engine in PEERS]
    ratio = f"{min(peers) / min(times['logmill']):.1f}×" if peers and "logmill" in times else "-"
    return f"| {query} | {' | '.join(cells)} | {ratio} | {rows:,} | {wrong or 'agree'} |"


def keep(measured: list[tuple], notes: list[str]) -> Path:
    """Writes the raw times into a dated file under benches/results/."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    path = ROOT / "benches" / "results" / f"{now}.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {note}\n" for note in notes)
        writer = csv.writer(file)
        writer.writerow(["query", "engine", "run", "seconds"])
        writer.writerows(measured)
    return path


def measure(query: str, options, scratch: Path) -> tuple[str, list[tuple], bool]:
    """Runs a query on all engines in turn; gives its line, its raw times, and whether the results agree."""
    file = options.sensors if query == "brc" else options.log
    with file.open("rb") as data:
        while data.read(1 << 24):  # into the page cache
            pass
    times: dict[str, list[float]] = {engine: [] for engine in options.engines}
    for _ in range(options.runs):
        for engine in options.engines:
            times[engine].append(run(engine, query, file, scratch))
    rows, wrong = check(query, options.engines, file, scratch)
    raw = [(query, e, n, f"{s:.4f}") for e, list_ in times.items() for n, s in enumerate(list_, 1)]
    return row(query, times, rows, wrong), raw, not wrong


def main() -> int:
    """Measures all; the status is 0 if all results agree."""
    options = arguments()
    notes = machine() + [f"{options.log.name}: {options.log.stat().st_size:,} bytes"]
    print("\n".join(notes))
    print(f"\n| query | {' | '.join(options.engines)} | ratio to the best peer | rows | results |")
    print("|---" * (len(options.engines) + 4) + "|")
    measured, agree = [], True
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".cache") as scratch:
        for query in options.only:
            line, raw, good = measure(query, options, Path(scratch))
            print(line, flush=True)
            measured += raw
            agree &= good
    print(f"\nSeconds, best / median of {options.runs}. Raw: {keep(measured, notes).relative_to(ROOT)}")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
