"""One query in Polars: QUERY FILE THREADS [OUT]. Prints the seconds of the query.

The log is read as a CSV with spaces between the fields, by the streaming engine. With OUT, the result is written
there afterwards, as Parquet. QUERY may also be `q4-bounds`: the exact quantiles, rounded down and up to a value that
occurs, by which the approximate ones are checked.
"""

import os
import sys
import time

# Polars reads this when it is imported.
os.environ["POLARS_MAX_THREADS"] = sys.argv[3]
import polars as pl  # noqa: E402

NAMES = "addr ident user day zone request status bytes referer agent seconds".split()


def log(file: str) -> pl.LazyFrame:
    """The access log."""
    types = {"status": pl.UInt16, "bytes": pl.UInt64, "seconds": pl.Float64}
    return pl.scan_csv(
        file, separator=" ", quote_char='"', has_header=False, new_columns=NAMES, schema_overrides=types
    )


def sensors(file: str) -> pl.LazyFrame:
    """The weather stations."""
    return pl.scan_csv(
        file,
        separator=";",
        has_header=False,
        new_columns=["station", "temperature"],
        schema_overrides={"temperature": pl.Float64},
    )


def q1(file: str) -> pl.LazyFrame:
    """Minute and status."""
    keys = [pl.col("day").str.slice(1, 17).alias("t"), "status"]
    seconds = pl.col("seconds")
    return log(file).group_by(keys).agg(
        pl.len().alias("hits"),
        pl.col("bytes").sum(),
        seconds.mean().alias("mean"),
        seconds.max().alias("slowest"),
    )


def q2(file: str) -> pl.LazyFrame:
    """Targets."""
    path = pl.col("request").str.split(" ").list.get(1).alias("path")
    return log(file).group_by(path).agg(pl.len().alias("hits"))


def q3(file: str) -> pl.LazyFrame:
    """Clients per hour."""
    hour = pl.col("day").str.slice(1, 14).alias("t")
    return log(file).group_by(hour).agg(pl.col("addr").n_unique().alias("clients"))


def quantiles(file: str, columns: dict[str, tuple[float, str]]) -> pl.LazyFrame:
    """Quantiles per minute."""
    minute = pl.col("day").str.slice(1, 17).alias("t")
    seconds = pl.col("seconds")
    return log(file).group_by(minute).agg(
        seconds.quantile(q, interpolation=how).alias(name) for name, (q, how) in columns.items()
    )


def q4(file: str) -> pl.LazyFrame:
    """Median and 99th percentile."""
    return quantiles(file, {"p50": (0.5, "nearest"), "p99": (0.99, "nearest")})


def q4_bounds(file: str) -> pl.LazyFrame:
    """The values around the exact quantiles."""
    return quantiles(
        file,
        {
            "p50_low": (0.5, "lower"),
            "p50_high": (0.5, "higher"),
            "p99_low": (0.99, "lower"),
            "p99_high": (0.99, "higher"),
        },
    )


def brc(file: str) -> pl.LazyFrame:
    """Stations."""
    temperature = pl.col("temperature")
    return sensors(file).group_by("station").agg(
        temperature.min().alias("coldest"),
        temperature.mean().alias("mean"),
        temperature.max().alias("warmest"),
    )


def json(file: str) -> pl.LazyFrame:
    """Minute, level and status of a JSON log."""
    types = {"ts": pl.String, "level": pl.String, "duration_ms": pl.Float64, "http": pl.Struct({"status": pl.UInt16})}
    status = pl.col("http").struct.field("status")
    keys = [pl.col("ts").str.slice(0, 16).alias("t"), "level", status.alias("status")]
    rows = pl.scan_ndjson(file, schema=types).group_by(keys)
    return rows.agg(pl.len().alias("hits"), pl.col("duration_ms").max().alias("slowest"))


def etl(file: str, out: str) -> None:
    """All fields to Parquet."""
    parts = pl.col("request").str.splitn(" ", 3).struct.rename_fields(["method", "request_uri", "protocol"])
    log(file).select(
        pl.col("day").str.slice(1).str.to_datetime("%d/%b/%Y:%H:%M:%S").alias("event_time"),
        pl.col("addr").alias("remote_addr"),
        parts.alias("parts"),
        "status",
        pl.col("bytes").alias("body_bytes_sent"),
        pl.col("referer").alias("http_referer"),
        pl.col("agent").alias("http_user_agent"),
        pl.col("seconds").alias("request_time"),
    ).unnest("parts").sink_parquet(out, compression="zstd")


QUERIES = {"q1": q1, "q2": q2, "q3": q3, "q4": q4, "q4-bounds": q4_bounds, "brc": brc, "json": json}


def main() -> None:
    """Runs the query that the command line names."""
    query, file, _, *out = sys.argv[1:]
    start = time.perf_counter()
    if query == "etl":
        etl(file, out[0])
        print(time.perf_counter() - start)
        return
    result = QUERIES[query](file).collect(engine="streaming")
    print(time.perf_counter() - start)
    if out:
        result.write_parquet(out[0])


if __name__ == "__main__":
    main()
