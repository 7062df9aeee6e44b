"""One query in DuckDB: QUERY FILE THREADS [OUT]. Prints the seconds of the query.

The log is read as a CSV with spaces between the fields, which is the fastest way that DuckDB has for it. With
OUT, the result is written there afterwards, as Parquet.
"""

import sys
import time

import duckdb

LOG = """read_csv('{file}', delim=' ', quote='"', escape='"', header=false, auto_detect=false,
    strict_mode=false, columns={{'addr': 'VARCHAR', 'ident': 'VARCHAR', 'user': 'VARCHAR', 'day': 'VARCHAR',
    'zone': 'VARCHAR', 'request': 'VARCHAR', 'status': 'USMALLINT', 'bytes': 'UBIGINT',
    'referer': 'VARCHAR', 'agent': 'VARCHAR', 'seconds': 'DOUBLE'}})"""
SENSORS = """read_csv('{file}', delim=';', header=false, auto_detect=false,
    columns={{'station': 'VARCHAR', 'temperature': 'DECIMAL(4, 1)'}})"""
APP = """read_json('{file}', format='newline_delimited', columns={{'ts': 'VARCHAR', 'level': 'VARCHAR',
    'duration_ms': 'DOUBLE', 'http': 'STRUCT(status USMALLINT)'}})"""

QUERIES = {
    "q1": f"""SELECT day[2:18] AS t, status, count(*) AS hits, sum(bytes) AS bytes, avg(seconds) AS mean,
        max(seconds) AS slowest FROM {LOG} GROUP BY 1, 2""",
    "q2": f"SELECT split_part(request, ' ', 2) AS path, count(*) AS hits FROM {LOG} GROUP BY 1",
    "q3": f"SELECT day[2:15] AS t, count(DISTINCT addr) AS clients FROM {LOG} GROUP BY 1",
    "q4": f"""SELECT day[2:18] AS t, approx_quantile(seconds, 0.5) AS p50, approx_quantile(seconds, 0.99) AS p99
        FROM {LOG} GROUP BY 1""",
    "etl": f"""SELECT strptime(day[2:21], '%d/%b/%Y:%H:%M:%S') AS event_time, addr AS remote_addr,
        split_part(request, ' ', 1) AS method, split_part(request, ' ', 2) AS request_uri, status,
        bytes AS body_bytes_sent, referer AS http_referer, agent AS http_user_agent,
        seconds AS request_time FROM {LOG}""",
    "brc": f"""SELECT station, min(temperature) AS coldest, avg(temperature) AS mean,
        max(temperature) AS warmest FROM {SENSORS} GROUP BY 1""",
    "json": f"""SELECT ts[1:16] AS t, level, http.status AS status, count(*) AS hits, max(duration_ms) AS slowest
        FROM {APP} GROUP BY ALL""",
}


def main() -> None:
    """Runs the query that the command line names."""
    query, file, threads, *out = sys.argv[1:]
    con = duckdb.connect()
    con.execute(f"SET threads = {int(threads)}")
    # Nobody asks for the order of rows.
    con.execute("SET preserve_insertion_order = false")
    sql = QUERIES[query].format(file=file.replace("'", "''"))
    start = time.perf_counter()
    if query == "etl":
        con.execute(f"COPY ({sql}) TO '{out[0]}' (FORMAT parquet, COMPRESSION zstd)")
        print(time.perf_counter() - start)
        return
    result = con.sql(sql).to_arrow_table()  # noqa: F841 (DuckDB finds it by name)
    print(time.perf_counter() - start)
    if out:
        con.execute(f"COPY (FROM result) TO '{out[0]}' (FORMAT parquet)")


if __name__ == "__main__":
    main()
