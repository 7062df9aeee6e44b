"""The logs: where they lie, how logmill is told to read them, and how DuckDB reads them on its own."""

import bz2
import gzip
import lzma
from dataclasses import dataclass
from pathlib import Path

# A quoted field: anything but a quote or a backslash, or a backslash and the character behind it.
QUOTED = r'((?:[^"\\]|\\.)*)'
# A user's name may hold spaces, and ends before the first ` [`. Text behind the last field is ignored.
COMBINED = (
    r"(?s)^(\S+) (\S+) ((?:[^ ]| [^\[])*) \[([^\]]*)\] "
    rf'"{QUOTED}" (\d{{3}}) (\d+|-) "{QUOTED}" "{QUOTED}".*$'
)
# METHOD target HTTP/x.y: a token of RFC 9110, a target without a space, a version.
REQUEST = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+ \S+ HTTP/\d\.\d$"


@dataclass(frozen=True)
class Source:
    """A log (one file or several that belong together) and the kind of its lines."""

    name: str
    kind: str
    patterns: tuple[str, ...]

    def files(self, root: Path) -> list[Path]:
        """The files below `root`; none if the log isn't there."""
        return sorted(path for pattern in self.patterns for path in root.glob(pattern))


SAMPLES = [
    Source("samples", "access", ("access.log*",)),
    Source("app", "app", ("app.jsonl",)),
    Source("sensors", "sensors", ("sensors.csv",)),
]

REAL = [
    Source("bce", "access", ("BCE-yMPyT_log_analizer/CONCAT_access.log",)),
    Source("zanbil", "access", ("grafana_loki/pkg/dataobj/internal/dataset/testdata/access_logs",)),
    Source("13years", "access", ("srhegdegadikai_Analyzing_access_logs/access.log__access.log",)),
    Source("dale", "access", ("cphstud_DALE22-W45/CONCAT_access.log",)),
    Source("meatlabel", "access", ("WillTheFarmer_*/CONCAT_nginx_combined_meatlabel.log",)),
    Source("elastic", "access", ("elastic_examples/apache_logs",)),
    Source("hackers", "access", ("nielsbasjes_logparser/examples/demolog/hackers-access.log",)),
    Source("cowrie", "cowrie", ("kareiva_cowrie-logs/CONCAT_cowrie.json",)),
    Source("tuning", "tuning", ("anirin_42Tokyo-Tuning-2407/access.log.A",)),
    Source("zeek_dns", "zeek_dns", ("brimdata_zed-sample-data/zeek-default/dns.log",)),
]


def read_plain(path: Path) -> bytes:
    """The bytes of a file, decompressed by content."""
    data = path.read_bytes()
    for magic, unpack in ((b"\x1f\x8b", gzip), (b"BZh", bz2), (b"\xfd7zXZ", lzma)):
        if data.startswith(magic):
            return unpack.decompress(data)
    return data


def load_lines(con, files: list[Path], scratch: Path) -> int:
    """Makes the table `lines` (file, n, line) and returns how many lines there are.

    Bytes that are not UTF-8 become U+FFFD, and a carriage return in front of a newline belongs to the line's end.
    """
    con.execute("CREATE OR REPLACE TABLE lines (file INT, n BIGINT, line VARCHAR)")
    for index, path in enumerate(files):
        text = read_plain(path).decode("utf-8", errors="replace")
        plain = scratch / "plain.txt"
        plain.write_text(text.removesuffix("\n"), encoding="utf-8", newline="")
        con.execute(
            """INSERT INTO lines
               SELECT ?, unnest(range(len(parts))), unnest(parts)
               FROM (SELECT string_split(content, chr(10)) AS parts FROM read_text(?))""",
            [index, str(plain)],
        )
    con.execute("UPDATE lines SET line = left(line, length(line) - 1) WHERE ends_with(line, chr(13))")
    return con.execute("SELECT count(*) FROM lines").fetchone()[0]


def load_access(con) -> None:
    """Makes the table `log` of the lines that are in combined format; `-` and an empty field are NULL."""
    names = "remote_addr, ident, remote_user, time, request, status, bytes, referer, agent"
    con.execute(
        f"""CREATE OR REPLACE TABLE log AS
            WITH cut AS (
                SELECT file, n, unnest(regexp_extract(line, ?, {names.split(", ")}))
                FROM lines WHERE regexp_matches(line, ?)),
            requests AS (
                SELECT *, CASE WHEN regexp_matches(request, ?) THEN request END AS good FROM cut)
            SELECT file, n, remote_addr,
                epoch_us(try_strptime(time[1:20], '%d/%b/%Y:%H:%M:%S'))
                    - CASE time[22:22] WHEN '-' THEN -1 ELSE 1 END
                    * (time[23:24]::BIGINT * 60 + time[25:26]::BIGINT) * 60000000 AS ts,
                {null_if_dash("split_part(good, ' ', 1)")} AS method,
                {null_if_dash("split_part(good, ' ', 2)")} AS request_uri,
                {null_if_dash("split_part(split_part(good, ' ', 2), '?', 1)")} AS path,
                {null_if_dash("regexp_extract(split_part(good, ' ', 2), '[?](.*)$', 1)")} AS query,
                status::BIGINT AS status,
                {null_if_dash("bytes")}::BIGINT AS body_bytes_sent,
                {null_if_dash("referer")} AS http_referer,
                {null_if_dash("agent")} AS http_user_agent
            FROM requests""",
        [COMBINED, COMBINED, REQUEST],
    )


def null_if_dash(expression: str) -> str:
    """SQL that gives NULL for `-` and for nothing."""
    return f"nullif(nullif({expression}, '-'), '')"


def load_json(con, columns: dict[str, str]) -> None:
    """Makes the table `log` of the lines that are JSON objects, with the given columns and JSON paths, as text."""
    wanted = ", ".join(f"json_extract_string(line, '{path}') AS {name}" for name, path in columns.items())
    con.execute(
        f"""CREATE OR REPLACE TABLE log AS
            SELECT file, n, {wanted} FROM (
                SELECT file, n, CASE WHEN json_valid(line) THEN line END AS line FROM lines)
            WHERE line IS NOT NULL"""
    )


def load_sensors(con) -> None:
    """Makes the table `log` (station, temperature) of lines with a semicolon."""
    con.execute(
        """CREATE OR REPLACE TABLE log AS
           SELECT file, n, split_part(line, ';', 1) AS station,
               split_part(line, ';', 2)::DECIMAL(18, 1) AS temperature FROM lines"""
    )


def load_zeek_dns(con) -> None:
    """Makes the table `log` of Zeek's DNS log, whose columns the file's own `#fields` line names."""
    fields = con.execute("SELECT line FROM lines WHERE starts_with(line, '#fields')").fetchone()[0]
    names = fields.split("\t")[1:]
    wanted = ", ".join(
        f"{null_if_dash(f'split_part(line, chr(9), {names.index(name) + 1})')} AS {name}"
        for name in ("ts", "proto", "query", "qtype_name")
    )
    con.execute(
        f"""CREATE OR REPLACE TABLE log AS
            SELECT file, n, {wanted} FROM lines WHERE NOT starts_with(line, '#')"""
    )


def rejected(con, timed: bool) -> int:
    """How many lines must be rejected: neither empty nor in `log`, or without a time where one is needed."""
    kept = "count(ts)" if timed else "count(*)"
    return con.execute(
        f"SELECT (SELECT count(*) FROM lines WHERE line <> '') - (SELECT {kept} FROM log)"
    ).fetchone()[0]


LOADERS = {
    "access": load_access,
    "app": lambda con: load_json(
        con,
        {
            "ts": "$.ts",
            "level": "$.level",
            "logger": "$.logger",
            "duration_ms": "$.duration_ms",
            "http_status": "$.http.status",
            "user_id": "$.user.id",
        },
    ),
    "cowrie": lambda con: load_json(
        con,
        {
            "ts": "$.timestamp",
            "eventid": "$.eventid",
            "session": "$.session",
            "src_ip": "$.src_ip",
            "username": "$.username",
            "src_port": "$.src_port",
        },
    ),
    "tuning": lambda con: load_json(
        con,
        {"ts": "$.time", "uri": "$.uri", "status": "$.status", "request_time": "$.request_time"},
    ),
    "sensors": load_sensors,
    "zeek_dns": load_zeek_dns,
}
