"""Reads Parquet with four readers and their defaults. See scripts/readers-check."""

import argparse
import sys
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet

# What the job files of jobs/ promise, in logmill's types.
PROMISED = {
    "http_traffic/summary": {
        "window_start": "timestamp",
        "route": "text",
        "status_class": "int",
        "hits": "int",
        "errors": "int",
        "bytes": "int",
        "slowest": "decimal(3)",
        "p99": "float",
        "visitors": "int",
    },
    "http_traffic/events": {
        "event_time": "timestamp",
        "remote_addr": "text",
        "method": "text",
        "path": "text",
        "status": "int",
        "body_bytes_sent": "int",
        "request_time": "decimal(3)",
    },
    "http_errors/summary": {
        "window_start": "timestamp",
        "status": "int",
        "path": "text",
        "hits": "int",
        "clients": "int",
        "first_seen": "timestamp",
        "last_seen": "timestamp",
        "last_agent": "text",
        "from_robots": "int",
    },
    "app_levels/summary": {
        "window_start": "timestamp",
        "level": "text",
        "logger": "text",
        "lines": "int",
        "timed": "int",
        "avg_ms": "float",
        "p99_ms": "float",
        "http_errors": "int",
        "users": "int",
    },
    "sensor_stats/summary": {
        "station": "text",
        "coldest": "decimal(1)",
        "mean": "float",
        "warmest": "decimal(1)",
        "readings": "int",
    },
    "visitors/summary": {
        "window_start": "timestamp",
        "hits": "int",
        "clients": "int",
        "clients_approx": "int",
        "hits_per_client": "float",
        "agents": "int",
    },
    "events_only/events": {
        "event_time": "timestamp",
        "remote_addr": "text",
        "page": "text",
        "search": "text",
        "from_host": "text",
        "body_bytes_sent": "int",
        "source_file": "text",
    },
}


def logical(kind: pa.DataType) -> str:
    """logmill's name of an Arrow type; raises for a type that logmill never writes."""
    simple = {
        pa.int64(): "int",
        pa.float64(): "float",
        pa.bool_(): "bool",
        pa.timestamp("us", "UTC"): "timestamp",
    }
    if kind in simple:
        return simple[kind]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_decimal128(kind) and kind.precision == 38:
        return f"decimal({kind.scale})"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return "list"
    raise ValueError(f"{kind} is no type of logmill's")


def expected(word: str) -> dict[str, tuple[str, ...]]:
    """How each reader names logmill's type; the first word of what it prints suffices."""
    if word.startswith("decimal"):
        scale = word[8:-1]
        return {
            "duckdb": (f"DECIMAL(38,{scale})",),
            "polars": (f"Decimal(precision=38, scale={scale})",),
            "pandas": ("object", "decimal128"),
        }
    return {
        "int": {"duckdb": ("BIGINT",), "polars": ("Int64",), "pandas": ("int64", "float64")},
        "float": {"duckdb": ("DOUBLE",), "polars": ("Float64",), "pandas": ("float64",)},
        "text": {"duckdb": ("VARCHAR",), "polars": ("String",), "pandas": ("str", "object")},
        "bool": {"duckdb": ("BOOLEAN",), "polars": ("Boolean",), "pandas": ("bool", "object")},
        "timestamp": {
            "duckdb": ("TIMESTAMP WITH TIME ZONE",),
            "polars": ("Datetime(time_unit='us', time_zone='UTC')",),
            "pandas": ("datetime64[us, UTC]",),
        },
        "list": {"duckdb": ("STRUCT(",), "polars": ("List(",), "pandas": ("object",)},
    }[word]


def read_all(path: Path) -> dict[str, tuple[int, dict[str, str]]]:
    """Rows, and columns with the reader's own word for their type, by reader."""
    table = duckdb.sql(f"SELECT * FROM read_parquet('{quote(path)}', hive_partitioning = false)")
    frame = polars.read_parquet(path, hive_partitioning=False)
    panda = pandas.read_parquet(path, partitioning=None)
    return {
        "duckdb": (len(table), {n: str(t) for n, t in zip(table.columns, table.types)}),
        "polars": (len(frame), {n: str(t) for n, t in frame.schema.items()}),
        "pandas": (len(panda), {n: str(t) for n, t in panda.dtypes.items()}),
    }


def quote(path: Path) -> str:
    """A path within a literal of SQL."""
    return str(path).replace("'", "''")


def check_file(path: Path) -> tuple[dict[str, str], list[str]]:
    """logmill's types of a file's columns, and what a reader sees differently."""
    arrow = pyarrow.parquet.read_table(path, partitioning=None)
    wrong = []
    types = {}
    for field in arrow.schema:
        try:
            types[field.name] = logical(field.type)
        except ValueError as error:
            wrong.append(f"{field.name}: {error}")
    for reader, (rows, columns) in read_all(path).items():
        if rows != arrow.num_rows:
            wrong.append(f"{reader} reads {rows} rows, pyarrow {arrow.num_rows}")
        if list(columns) != arrow.schema.names:
            wrong.append(f"{reader} reads the columns {list(columns)}")
        for name, word in types.items():
            seen = columns.get(name, "nothing")
            if not any(text in seen for text in expected(word)[reader]):
                wrong.append(f"{name} is {word}, and {reader} reads it as {seen}")
    if "/events" in path.as_posix():
        wrong += bounds_missing(path, types) + filtered_differ(path, types, arrow)
    return types, wrong + values_differ(path, arrow)


def bounds_missing(path: Path, types: dict[str, str]) -> list[str]:
    """What a file of events lacks of that by which readers pass over row groups and pages: copied row groups keep it."""
    footer = pyarrow.parquet.read_metadata(path)
    wrong = []
    for group in range(footer.num_row_groups):
        for at, (name, word) in enumerate(types.items()):
            column = footer.row_group(group).column(at)
            if not column.is_stats_set or column.statistics.null_count is None:
                wrong.append(f"{name}: row group {group} has no statistics")
            if not column.has_offset_index:
                wrong.append(f"{name}: row group {group} has no offset index")
            if column.has_column_index != word.startswith(("int", "timestamp", "decimal")):
                wrong.append(f"{name}: whether row group {group} has a column index is {column.has_column_index}")
    return wrong


def filtered_differ(path: Path, types: dict[str, str], arrow: pa.Table) -> list[str]:
    """Whether each reader finds the same rows by the bounds as one that looks at all of them."""
    wrong = []
    for name in (name for name, word in types.items() if word in ("int", "timestamp")):
        values = sorted(value for value in arrow.column(name).to_pylist() if value is not None)
        for value in {values[len(values) // n] for n in (2, 3, 50)} if values else ():
            expected_rows = sum(other == value for other in values)
            query = f"SELECT count(*) FROM read_parquet('{quote(path)}') WHERE \"{name}\" = $1"
            lazy = polars.scan_parquet(path, hive_partitioning=False).filter(polars.col(name) == value)
            found = {
                "duckdb": duckdb.execute(query, [value]).fetchall()[0][0],
                "polars": lazy.collect().height,
                "pyarrow": pyarrow.parquet.read_table(path, partitioning=None, filters=[(name, "=", value)]).num_rows,
            }
            wrong += [
                f"{name} = {value}: {reader} finds {rows} rows of {expected_rows}"
                for reader, rows in found.items()
                if rows != expected_rows
            ]
    return wrong


def values_differ(path: Path, arrow: pa.Table) -> list[str]:
    """Whether DuckDB, Polars and pandas read the same values as pyarrow, compared as Arrow tables."""
    relation = duckdb.sql(f"SELECT * FROM read_parquet('{quote(path)}', hive_partitioning = false)")
    others = {
        "duckdb": relation.to_arrow_table(),
        "polars": polars.read_parquet(path, hive_partitioning=False).to_arrow(),
        "pandas": pa.Table.from_pandas(
            pandas.read_parquet(path, partitioning=None), schema=arrow.schema, preserve_index=False
        ),
    }
    wrong = []
    for reader, table in others.items():
        for name in arrow.schema.names:
            if table.column(name).to_pylist() != arrow.column(name).to_pylist():
                wrong.append(f"{name}: {reader} reads other values than pyarrow")
    return wrong


def promised_for(path: Path) -> tuple[str, dict[str, str]] | None:
    """The promise of jobs/ that a file falls under."""
    return next(((k, v) for k, v in PROMISED.items() if f"/{k}/" in path.as_posix()), None)


def main() -> int:
    """Checks all files below the folder; the status is 0 if nothing differs."""
    parser = argparse.ArgumentParser(prog="scripts/readers-check")
    parser.add_argument("dir", type=Path)
    parser.add_argument("--promised", action="store_true", help="the output of all of jobs/")
    options = parser.parse_args()
    duckdb.sql("SET TimeZone = 'UTC'")
    files = sorted(options.dir.rglob("*.parquet"))
    shown, missing, failures = set(), set(PROMISED) if options.promised else set(), 0
    for path in files:
        types, wrong = check_file(path)
        promise = promised_for(path) if options.promised else None
        if promise:
            missing.discard(promise[0])
            if types != promise[1]:
                wrong.append(f"the job promises {promise[1]}, the file has {types}")
        if tuple(types.items()) not in shown:
            shown.add(tuple(types.items()))
            print_types(path.relative_to(options.dir), types, read_all(path))
        failures += bool(wrong)
        for line in wrong:
            print(f"{path.relative_to(options.dir)}: {line}", file=sys.stderr)
    for name in sorted(missing):
        print(f"{name}: no Parquet was written", file=sys.stderr)
    print(f"{len(files)} files, {failures} that some reader reads differently")
    return 0 if files and not failures and not missing else 1


def print_types(path: Path, types: dict[str, str], read: dict) -> None:
    """A table of what each reader makes of the columns; once for files that are alike."""
    print(path)
    for name, word in types.items():
        seen = "  ".join(f"{reader}: {columns.get(name)}" for reader, (_, columns) in read.items())
        print(f"  {name:<18} {word:<12} {seen}")


if __name__ == "__main__":
    sys.exit(main())
