"""Whether the engines' results of a query agree, as DuckDB sees them."""

import subprocess
import sys

import duckdb

import report
from engines import PEERS, is_logmill

# Key columns, exact columns and columns with a tolerance, by query.
COLUMNS = {
    "q1": (["t", "status"], ["hits", "bytes"], ["mean", "slowest"]),
    "q2": (["path"], ["hits"], []),
    "q3": (["t"], ["clients"], []),
    "q4": (["t"], [], []),
    "brc": (["station"], [], ["coldest", "mean", "warmest"]),
    "json": (["t", "level", "status"], ["hits"], ["slowest"]),
}
# How the peers write the begin of a window.
TIMES = {"q1": "%d/%b/%Y:%H:%M", "q3": "%d/%b/%Y:%H", "q4": "%d/%b/%Y:%H:%M", "json": "%Y-%m-%dT%H:%M"}
EVENTS = "status::BIGINT AS status, remote_addr, request_uri, body_bytes_sent::BIGINT AS body_bytes_sent"
TOLERANCE = 1e-9
# What the contract allows an approximate quantile to be off by.
QUANTILE_TOLERANCE = 0.01


def source(engine: str, query: str, out) -> str:
    """Where an engine's rows are; the begin of a window is `t`, in microseconds since the epoch."""
    if is_logmill(engine):
        moment = ", epoch_us(window_start) AS t" if query in TIMES else ""
        return f"(SELECT *{moment} FROM read_parquet('{out}/out/**/*.parquet'))"
    read = f"read_csv('{out}', header = true)" if engine == "mawk" else f"read_parquet('{out}')"
    moment = f" REPLACE (epoch_us(strptime(t, '{TIMES[query]}')) AS t)" if query in TIMES else ""
    return f"(SELECT *{moment} FROM {read})"


def load(con, engine: str, query: str, out) -> None:
    """Makes the table ENGINE. Of events: totals and a checksum, whatever the order of rows."""
    rows = source(engine, query, out)
    if query == "etl":
        # A row's hash, summed without overflow: no two equal rows hide each other, as they would in an XOR.
        row = "hash(status, remote_addr, request_uri, body_bytes_sent)"
        total = f"count(*) AS n, sum({row}::UHUGEINT % 1000000007) AS h"
        rows = f"(SELECT {total} FROM (SELECT {EVENTS} FROM {rows}))"
    con.execute(f"CREATE OR REPLACE TABLE {engine} AS SELECT * FROM {rows}")


def near(name: str) -> str:
    """Two floats that are equal but for rounding, or both are missing."""
    one, other = f"a.{name}::DOUBLE", f"b.{name}::DOUBLE"
    return f"coalesce(abs({one} - {other}) <= {TOLERANCE} * greatest(abs({one}), 1), {one} IS NOT DISTINCT FROM {other})"


def difference(con, query: str, one: str, other: str) -> str:
    """How the tables of two engines differ; empty if they don't."""
    if query == "etl":
        rows = [con.execute(f"SELECT n, h FROM {name}").fetchone() for name in (one, other)]
        return "" if rows[0] == rows[1] else f"rows and checksum {rows[0]} and {rows[1]}"
    keys, exact, close = COLUMNS[query]
    counts = [con.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in (one, other)]
    if counts[0] != counts[1]:
        return f"{counts[0]} and {counts[1]} groups"
    same = " AND ".join([f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in keys + exact] + [near(name) for name in close])
    agree = con.execute(f"SELECT count(*) FROM {one} a JOIN {other} b ON {same}").fetchone()[0]
    return "" if agree == counts[0] else f"{counts[0] - agree} of {counts[0]} groups differ"


def quantiles_off(con, runner) -> str:
    """How many of logmill's quantiles are further than allowed from the exact ones; empty if none is."""
    bounds = runner.scratch / "q4-bounds"
    command = [sys.executable, PEERS / "polars_peer.py", "q4-bounds", runner.file("q4"), str(runner.threads), bounds]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    off = " OR ".join(
        f"a.{q} NOT BETWEEN b.{q}_low * {1 - QUANTILE_TOLERANCE} AND b.{q}_high * {1 + QUANTILE_TOLERANCE}"
        for q in ("p50", "p99")
    )
    exact = source("polars", "q4", bounds)
    total, worst = con.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {off}) FROM logmill a JOIN {exact} b USING (t)"
    ).fetchone()
    groups = con.execute("SELECT count(*) FROM logmill").fetchone()[0]
    if total != groups:
        return f"{groups} groups, and {total} of them with exact quantiles"
    return f"{worst} groups have quantiles that are more than 1 % off" if worst else ""


def check(query: str, engines: list[str], runner) -> tuple[int, str]:
    """How many rows the first engine has, and where the others disagree with it."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    if query == "report":
        return report.check(con, engines, runner) if "logmill" in engines else (0, "")
    for engine in engines:
        load(con, engine, query, runner.out(engine, query))
    rows = con.execute(f"SELECT {'n' if query == 'etl' else 'count(*)'} FROM {engines[0]}").fetchone()[0]
    found = [
        f"{engines[0]} and {other}: {word}"
        for other in engines[1:]
        if (word := difference(con, query, engines[0], other))
    ]
    if query == "q4" and "logmill" in engines and "polars" in engines:
        found += filter(None, [quantiles_off(con, runner)])
    return rows, "; ".join(found)
