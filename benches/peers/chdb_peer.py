"""One query in ClickHouse, as a library (chdb): QUERY FILE THREADS [OUT]. Prints the seconds of the query.

The log is read as custom separated values with CSV's quoting, which is the fastest way that it has for such a line. With
OUT, the result is written there afterwards, as Parquet.
"""

import sys
import time
from pathlib import Path

import chdb

LOG = """file('{file}', 'CustomSeparated', 'addr String, ident String, user String, day String, zone String,
    request String, status UInt16, bytes UInt64, referer String, agent String, seconds Float64')"""
SENSORS = "file('{file}', 'CSV', 'station String, temperature Float64')"
APP = """file('{file}', 'JSONEachRow', 'ts String, level String, duration_ms Nullable(Float64),
    http Tuple(status Nullable(UInt16))')"""
LOG_SETTINGS = "format_custom_field_delimiter = ' ', format_custom_escaping_rule = 'CSV'"
SENSORS_SETTINGS = "format_csv_delimiter = ';'"
APP_SETTINGS = "input_format_skip_unknown_fields = 1, input_format_json_ignore_unknown_keys_in_named_tuple = 1"
PARQUET = "output_format_parquet_compression_method = 'zstd'"

QUERIES = {
    "q1": f"""SELECT substring(day, 2, 17) AS t, status, count() AS hits, sum(bytes) AS bytes, avg(seconds) AS mean,
        max(seconds) AS slowest FROM {LOG} GROUP BY 1, 2""",
    "q2": f"SELECT splitByChar(' ', request)[2] AS path, count() AS hits FROM {LOG} GROUP BY 1",
    "q3": f"SELECT substring(day, 2, 14) AS t, uniqExact(addr) AS clients FROM {LOG} GROUP BY 1",
    "q4": f"""SELECT t, q[1] AS p50, q[2] AS p99 FROM
        (SELECT substring(day, 2, 17) AS t, quantiles(0.5, 0.99)(seconds) AS q FROM {LOG} GROUP BY 1)""",
    "etl": f"""SELECT parseDateTime(substring(day, 2, 20), '%d/%b/%Y:%H:%i:%s', 'UTC') AS event_time,
        addr AS remote_addr, splitByChar(' ', request)[1] AS method, splitByChar(' ', request)[2] AS request_uri,
        status, bytes AS body_bytes_sent, referer AS http_referer, agent AS http_user_agent, seconds AS request_time
        FROM {LOG}""",
    "brc": f"""SELECT station, min(temperature) AS coldest, avg(temperature) AS mean, max(temperature) AS warmest
        FROM {SENSORS} GROUP BY 1""",
    "json": f"""SELECT substring(ts, 1, 16) AS t, level, http.status AS status, count() AS hits,
        max(duration_ms) AS slowest FROM {APP} GROUP BY 1, 2, 3""",
}


def main() -> None:
    """Runs the query that the command line names."""
    query, file, threads, *out = sys.argv[1:]
    sql = QUERIES[query].format(file=file.replace("'", "\\'"))
    settings = {"brc": SENSORS_SETTINGS, "json": APP_SETTINGS}.get(query, LOG_SETTINGS)
    settings = f"SETTINGS {settings}, max_threads = {int(threads)}, {PARQUET}"
    start = time.perf_counter()
    if query == "etl":
        chdb.query(f"{sql} INTO OUTFILE '{out[0]}' TRUNCATE FORMAT Parquet {settings}")
        print(time.perf_counter() - start)
        return
    # Native is its own columns' format: nothing is converted.
    result = chdb.query(f"{sql} {settings}", "Native")
    print(time.perf_counter() - start)
    if out:
        result = chdb.query(f"{sql} {settings}", "Parquet")
        Path(out[0]).write_bytes(result.bytes())


if __name__ == "__main__":
    main()
