"""The questions: each one as the map and reduce of a job file, and as SQL over DuckDB's own table `log`."""

from dataclasses import dataclass

# What stands above [map] in the job file of each kind of log.
FORMATS = {
    "access": 'format = "combined"',
    "app": """format = "json"
fields = { ts = "timestamp", duration_ms = "decimal(3)", "http.status" = "int", "user.id" = "int" }
time = "ts\"""",
    "cowrie": """format = "json"
fields = { timestamp = "timestamp", src_port = "int" }
time = "timestamp\"""",
    "tuning": """format = "json"
fields = { time = "timestamp", status = "int", request_time = "decimal(3)" }
time = "time\"""",
    "sensors": """format = { csv = { delimiter = ";", header = false, columns = ["station", "temperature"] } }
fields = { temperature = "decimal(1)" }""",
    # The header lines, which begin with #, have one value or two: they are rejected.
    "zeek_dns": """format = { csv = { delimiter = "\\t", header = false, columns = [
    "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "trans_id", "rtt", "query", "qclass",
    "qclass_name", "qtype", "qtype_name", "rcode", "rcode_name", "AA", "TC", "RD", "RA", "Z", "answers", "TTLs",
    "rejected" ] } }
fields = { ts = "timestamp" }
time = "ts\"""",
}


@dataclass(frozen=True)
class Case:
    """A question over one kind of log."""

    name: str
    kind: str
    # Names of the result's columns, the key first. `window_start` is compared in microseconds.
    columns: tuple[str, ...]
    # [map], [reduce] and its measures; the outputs are added. Empty: map-only.
    job: str
    # The same for DuckDB; `log` has the records that parse.
    sql: str
    # Partition of the summary.
    partition: str = "none"
    # Columns that DuckDB computes in floats, step by step: compared with this relative tolerance, by key.
    inexact: tuple[str, ...] = ()
    # How many of the columns are the key.
    key: int = 1
    # A map-only job: the columns are those of the events.
    events: bool = False

    @property
    def timed(self) -> bool:
        """Whether each record needs an event time."""
        return self.events or "window =" in self.job


MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000


def window(width: int, column: str = "ts") -> str:
    """SQL of the start of the window, aligned to the Unix epoch."""
    return f"({column} - {column} % {width})"


ACCESS = [
    Case(
        "minute_status",
        "access",
        ("window_start", "status", "hits", "bytes"),
        """[reduce]
window = "1m"
by = ["status"]
[reduce.measures]
hits = "count(*)"
bytes = "sum(body_bytes_sent)"
""",
        f"""SELECT {window(MINUTE)}, status, count(*), sum(body_bytes_sent)
            FROM log WHERE ts IS NOT NULL GROUP BY ALL""",
        partition="month",
        key=2,
    ),
    Case(
        "hits_per_path",
        "access",
        ("path", "hits", "sized", "bytes"),
        """[reduce]
by = ["path"]
[reduce.measures]
hits = "count(*)"
sized = "count(body_bytes_sent)"
bytes = "sum(body_bytes_sent)"
""",
        "SELECT path, count(*), count(body_bytes_sent), sum(body_bytes_sent) FROM log GROUP BY ALL",
    ),
    Case(
        "clients_per_hour",
        "access",
        ("window_start", "clients", "agents"),
        """[reduce]
window = "1h"
[reduce.measures]
clients = "count(DISTINCT remote_addr)"
agents = "count(DISTINCT http_user_agent)"
""",
        f"""SELECT {window(HOUR)}, count(DISTINCT remote_addr), count(DISTINCT http_user_agent)
            FROM log WHERE ts IS NOT NULL GROUP BY ALL""",
    ),
    Case(
        "bytes_per_status",
        "access",
        ("status", "least", "most", "mean", "spread"),
        """[reduce]
by = ["status"]
[reduce.measures]
least = "min(body_bytes_sent)"
most = "max(body_bytes_sent)"
mean = "avg(body_bytes_sent)"
spread = "stddev(body_bytes_sent)"
""",
        """SELECT status, min(body_bytes_sent), max(body_bytes_sent), avg(body_bytes_sent),
               stddev(body_bytes_sent) FROM log GROUP BY ALL""",
        inexact=("spread",),
    ),
    Case(
        "first_and_last",
        "access",
        ("window_start", "method", "first_addr", "last_addr", "first_status", "last_status", "smallest"),
        """[reduce]
window = "1d"
by = ["method"]
[reduce.measures]
first_addr = "first(remote_addr)"
last_addr = "last(remote_addr)"
first_status = "first(status)"
last_status = "last(status)"
smallest = "min(request_uri)"
""",
        f"""SELECT {window(DAY)}, method,
                arg_min(remote_addr, (ts, file, n)), arg_max(remote_addr, (ts, file, n)),
                arg_min(status, (ts, file, n)), arg_max(status, (ts, file, n)), min(request_uri)
            FROM log WHERE ts IS NOT NULL GROUP BY ALL""",
        key=2,
    ),
    Case(
        "like_and_case",
        "access",
        ("kind", "class", "hits", "robots", "any_error", "all_sized"),
        """[map]
where = "http_user_agent NOT LIKE 'curl%' AND (path ILIKE '%.php' OR status BETWEEN 300 AND 499)"
[map.let]
kind = "CASE WHEN path LIKE '%.php' THEN 'php' WHEN path LIKE '/wp-%' OR path ~ '^/+admin' THEN 'probe' WHEN path IS NULL THEN 'none' ELSE 'page' END"
[reduce]
by = ["kind", "status / 100 AS class"]
[reduce.measures]
hits = "count(*)"
robots = "count(*) FILTER (WHERE http_user_agent ILIKE '%bot%')"
any_error = "bool_or(status IN (404, 499))"
all_sized = "bool_and(body_bytes_sent IS NOT NULL)"
""",
        r"""SELECT CASE WHEN path LIKE '%.php' THEN 'php'
                WHEN path LIKE '/wp-%' OR regexp_matches(path, '^/+admin') THEN 'probe'
                WHEN path IS NULL THEN 'none' ELSE 'page' END,
                status // 100, count(*), count(*) FILTER (WHERE http_user_agent ILIKE '%bot%'),
                bool_or(status IN (404, 499)), bool_and(body_bytes_sent IS NOT NULL)
            FROM log
            WHERE http_user_agent NOT LIKE 'curl%'
                AND (path ILIKE '%.php' OR status BETWEEN 300 AND 499)
            GROUP BY ALL""",
        key=2,
    ),
    Case(
        "extension_and_section",
        "access",
        ("extension", "section", "hits", "longest", "per_hit"),
        r"""[map.let]
extension = "lower(nullif(regexp_extract(path, '\\.([A-Za-z0-9]+)$', 1), ''))"
section = "substr(split_part(path, '/', 2), 1, 8)"
[reduce]
by = ["extension", "section"]
[reduce.measures]
hits = "count(*)"
longest = "max(length(request_uri))"
per_hit = "sum(coalesce(body_bytes_sent, 0)) / count(*)"
""",
        r"""SELECT lower(nullif(regexp_extract(path, '\.([A-Za-z0-9]+)$', 1), '')),
                substr(split_part(path, '/', 2), 1, 8),
                count(*), max(length(request_uri)),
                sum(coalesce(body_bytes_sent, 0)) // count(*)
            FROM log GROUP BY ALL""",
        key=2,
    ),
    Case(
        "null_logic",
        "access",
        ("kept", "without_query", "without_referer", "odd", "bigger"),
        """[map]
where = "NOT (query LIKE 'a%') OR path IS NULL OR http_referer IS DISTINCT FROM query"
[reduce]
[reduce.measures]
kept = "count(*)"
without_query = "count(*) FILTER (WHERE query IS NULL)"
without_referer = "count(*) - count(http_referer)"
odd = "sum(status % 7)"
bigger = "sum(greatest(body_bytes_sent, status))"
""",
        """SELECT count(*), count(*) FILTER (WHERE query IS NULL), count(*) - count(http_referer),
               sum(status % 7), sum(greatest(body_bytes_sent, status))
           FROM log
           WHERE NOT (query LIKE 'a%') OR path IS NULL OR http_referer IS DISTINCT FROM query""",
        key=0,
    ),
    Case(
        "all_fields",
        "access",
        (
            "event_time",
            "remote_addr",
            "method",
            "request_uri",
            "path",
            "query",
            "status",
            "body_bytes_sent",
            "http_referer",
            "http_user_agent",
        ),
        "",
        """SELECT ts, remote_addr, method, request_uri, path, query, status, body_bytes_sent,
               http_referer, http_user_agent FROM log WHERE ts IS NOT NULL""",
        partition="month",
        events=True,
    ),
]

OTHERS = [
    Case(
        "levels",
        "app",
        ("window_start", "level", "logger", "lines", "total_ms", "mean_ms", "users", "failed"),
        """[reduce]
window = "5m"
by = ["level", "logger"]
[reduce.measures]
lines = "count(*)"
total_ms = "sum(duration_ms)"
mean_ms = "avg(duration_ms)"
users = "count(DISTINCT user.id)"
failed = "count(*) FILTER (WHERE http.status >= 500)"
""",
        f"""WITH typed AS (
                SELECT *, epoch_us(replace(ts, 'Z', '')::TIMESTAMP) AS t,
                    duration_ms::DECIMAL(18, 3) AS ms FROM log)
            SELECT {window(5 * MINUTE, "t")}, level, logger, count(*), sum(ms),
                sum((ms * 1000)::BIGINT)::DOUBLE / (count(ms) * 1000)::DOUBLE,
                count(DISTINCT user_id), count(*) FILTER (WHERE http_status::INT >= 500)
            FROM typed GROUP BY ALL""",
        partition="day",
        key=3,
    ),
    Case(
        "stations",
        "sensors",
        ("station", "coldest", "mean", "warmest", "readings"),
        """[reduce]
by = ["station"]
[reduce.measures]
coldest = "min(temperature)"
mean = "avg(temperature)"
warmest = "max(temperature)"
readings = "count(*)"
""",
        """SELECT station, min(temperature),
               sum((temperature * 10)::BIGINT)::DOUBLE / (count(*) * 10)::DOUBLE,
               max(temperature), count(*) FROM log GROUP BY ALL""",
    ),
    Case(
        "honeypot_days",
        "cowrie",
        ("window_start", "eventid", "events", "sessions", "sources", "roots", "highest_port"),
        """[reduce]
window = "1d"
by = ["eventid"]
[reduce.measures]
events = "count(*)"
sessions = "count(DISTINCT session)"
sources = "count(DISTINCT src_ip)"
roots = "count(*) FILTER (WHERE username LIKE 'root%')"
highest_port = "max(src_port)"
""",
        f"""WITH typed AS (SELECT *, epoch_us(replace(ts, 'Z', '')::TIMESTAMP) AS t FROM log)
            SELECT {window(DAY, "t")}, eventid, count(*), count(DISTINCT session),
                count(DISTINCT src_ip), count(*) FILTER (WHERE username LIKE 'root%'),
                max(src_port::BIGINT)
            FROM typed GROUP BY ALL""",
        partition="day",
        key=2,
    ),
    Case(
        "request_times",
        "tuning",
        ("window_start", "status", "hits", "total", "mean", "slowest"),
        """[reduce]
window = "10m"
by = ["status"]
[reduce.measures]
hits = "count(*)"
total = "sum(request_time)"
mean = "avg(request_time)"
slowest = "max(request_time)"
""",
        f"""WITH typed AS (
                SELECT *, epoch_us(replace(ts, '+00:00', '')::TIMESTAMP) AS t, status::BIGINT AS s,
                    request_time::DECIMAL(18, 3) AS seconds FROM log)
            SELECT {window(10 * MINUTE, "t")}, s, count(*), sum(seconds),
                sum((seconds * 1000)::BIGINT)::DOUBLE / (count(seconds) * 1000)::DOUBLE, max(seconds)
            FROM typed GROUP BY ALL""",
        key=2,
    ),
    Case(
        "dns_types",
        "zeek_dns",
        ("window_start", "qtype_name", "proto", "lookups", "names"),
        """[reduce]
window = "1m"
by = ["qtype_name", "proto"]
[reduce.measures]
lookups = "count(*)"
names = "count(DISTINCT query)"
""",
        f"""WITH typed AS (SELECT *, (ts::DECIMAL(38, 6) * 1000000)::BIGINT AS t FROM log)
            SELECT {window(MINUTE, "t")}, qtype_name, proto, count(*), count(DISTINCT query)
            FROM typed GROUP BY ALL""",
        key=3,
    ),
]

CASES = ACCESS + OTHERS
