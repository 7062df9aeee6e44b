"""Logs of web servers: common, combined, pasted patterns of nginx and Apache."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from . import pools
from .columns import CLF_ODD, TIMES_ODD, Column, Style, Times, fill
from .formats import Format, Row, typed

METHODS = ["GET", "POST", "HEAD", "PUT", "OPTIONS", "get", "M-SEARCH", "G@T", ""]
TARGETS = ["/", "/a", "/b", "/a/b?x=1&q=2", "/health", "/static/app.js", "/api/v1/items/17?q=%41", "/s?q=a+b", "*", "http://h.example/p?q=1", "example.org:443", "/ü", "/a?b?c", "?q", "/%zz", ""]
PROTOCOLS = ["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.x", "http/1.1", "HTTP/9.9", "HTTP/11.1", "FTP/1.0"]
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64)", "curl/8.0", "Googlebot/2.1", "", "a \\x22b\\x22 c", "-", "ü", "\\\\", "\\\" quoted"]


LIST_ITEMS = ["0.004", "0.102", "-", "10.0.0.1:80", "10.0.0.2", "unix:/a", "x"]


@dataclass(frozen=True)
class Variable:
    """A directive of a pasted pattern: how it is written, its field's name, and its values."""

    text: str
    name: str
    kind: str
    scale: int = 0


NGINX = [
    Variable("$remote_addr", "remote_addr", "ip text"),
    Variable("$remote_user", "remote_user", "word"),
    Variable('"$request"', "request", "request"),
    Variable("$status", "status", "int"),
    Variable("$body_bytes_sent", "body_bytes_sent", "int"),
    Variable("$bytes_sent", "bytes_sent", "int"),
    Variable("$request_length", "request_length", "int"),
    Variable("$connection", "connection", "int"),
    Variable("$request_time", "request_time", "decimal", 3),
    Variable("$gzip_ratio", "gzip_ratio", "decimal", 2),
    Variable("$upstream_response_time", "upstream_response_time", "list"),
    Variable('"$http_referer"', "http_referer", "quoted"),
    Variable('"$http_user_agent"', "http_user_agent", "quoted"),
    Variable("$host", "host", "word"),
    Variable("$request_method", "request_method", "word"),
    Variable("$http_x_thing", "http_x_thing", "word"),
    Variable("$connection_time", "connection_time", "decimal", 3),
    Variable("$msec", "msec", "msec", 3),
    Variable("$content_length", "content_length", "int"),
    Variable("$http_x_forwarded_for", "http_x_forwarded_for", "list"),
]
NGINX_TIMES = [Variable("[$time_local]", "time_local", "clf"), Variable("$time_iso8601", "time_iso8601", "iso")]
APACHE = [
    Variable("%h", "remote_addr", "ip text"),
    Variable("%l", "remote_ident", "word"),
    Variable("%u", "remote_user", "word"),
    Variable('"%r"', "request", "request"),
    Variable("%>s", "status", "int"),
    Variable("%b", "body_bytes_sent", "int"),
    Variable("%D", "request_time", "units", 6),
    Variable("%{us}T", "request_time", "units", 6),
    Variable("%{ms}T", "request_time", "units", 3),
    Variable("%T", "request_time", "units", 0),
    Variable("%O", "bytes_sent", "int"),
    Variable("%I", "request_length", "int"),
    Variable("%S", "bytes_transferred", "int"),
    Variable("%X", "connection_status", "word"),
    Variable('"%{Referer}i"', "http_referer", "quoted"),
    Variable('"%{User-Agent}i"', "http_user_agent", "quoted"),
    Variable("%v", "server_name", "word"),
    Variable("%{X-Y}o", "sent_http_x_y", "word"),
    Variable("%k", "keepalive_requests", "int"),
]
APACHE_TIMES = [Variable("%t", "time_local", "clf brackets")]
STATUS, SIZE = Variable("", "status", "status"), Variable("", "body_bytes_sent", "size")
COMBINED = [NGINX[0], NGINX[1], NGINX_TIMES[0], NGINX[2], STATUS, SIZE, NGINX[11], NGINX[12]]
FROM_REQUEST = ("method", "request_uri", "path", "query", "protocol")


def column(rng: Random, variable: Variable, how: Style, drawn: Times) -> Column:
    """The column of a variable, with its pool."""
    type = {"int": "int", "status": "int", "size": "int", "decimal": "decimal", "units": "decimal", "msec": "decimal", "msec time": "timestamp", "clf": "timestamp", "clf brackets": "timestamp", "iso": "timestamp"}.get(variable.kind, "text")
    made = Column(variable.name, type, variable.scale)
    count = range(how.variety)
    match variable.kind:
        case "clf" | "clf brackets":
            made.values = [drawn.clf(moment) for moment in drawn.moments] + (rng.sample(CLF_ODD, 2) if how.odd else [])
        case "iso":
            made.values = [drawn.iso(rng, moment) for moment in drawn.moments] + (rng.sample(TIMES_ODD, 2) if how.odd else [])
        case "request":
            made.values = [request(rng, how) for _ in count]
        case "quoted":
            made.values = [None if rng.random() < how.nulls else quoted(rng, how) for _ in count]
        case "units":
            edge = ["9223372036854775807", "4294967296", "-"] + (["-5", "1.5", "+7", "1e3", "1.500000"] if how.odd else [])
            made.values = [pools.pick(rng, pools.INTS, edge, how.edges) for _ in count]
        case "msec" | "msec time":
            made.values = [f"{moment // 1_000_000}.{moment // 1_000 % 1_000:03}" for moment in drawn.moments] + (["-1.5", "1e9", "0", "now"] if how.odd else [])
        case "list":
            made.values = [rng.choice((", ", ", ", " : ")).join(rng.choice(LIST_ITEMS) for _ in range(rng.choice((1, 1, 2, 3)))) for _ in count]
        case "ip text":
            made.values = [pools.pick(rng, pools.IPS, pools.IPS_EDGE + ["host.example", "-"], 0.1 + how.edges) for _ in count]
        case "status":
            made.values = [pools.pick(rng, ["200", "204", "302", "404", "499", "500", "503"], ["099", "999", "-", "20", "2000", "+20"], how.odd) for _ in count]
        case "size":
            made.values = [pools.pick(rng, pools.INTS, ["-", str(pools.I64_MAX), "9223372036854775808", "007"], how.edges / 4 + how.odd) for _ in count]
        case _:
            fill(rng, made, how)
            made.values = [value and (value.replace(" ", "_") if rng.random() < 0.98 else value) for value in made.values]
    return made


def request(rng: Random, how: Style) -> str | None:
    """A request line, or what came instead of one."""
    if rng.random() < how.nulls / 2:
        return rng.choice((None, "", "\\x16\\x03\\x01", "GET /"))
    common = max(how.edges / 2, 0.02)
    method = pools.pick(rng, METHODS[:5], METHODS[5:], common)
    target = pools.pick(rng, TARGETS[:8], TARGETS[8:], common)
    protocol = pools.pick(rng, PROTOCOLS[:2], PROTOCOLS[2:], common)
    return f"{method} {target} {protocol}"


def quoted(rng: Random, how: Style) -> str:
    """A header's value, escaped as the servers do (mostly)."""
    text = rng.choice(AGENTS) if rng.random() < 0.6 else pools.pick(rng, pools.TEXTS, pools.TEXTS_EDGE, max(how.edges, 0.05))
    return text.replace('"', "\\x22") if '\\"' not in text and rng.random() < 0.98 else text


def combined(rng: Random, how: Style) -> Format:
    """`common` or `combined`; many people append fields."""
    name = rng.choice(("common", "combined"))
    variables = COMBINED if name == "combined" else COMBINED[:6]
    drawn = Times.draw(rng, how.variety)
    columns = [column(rng, variable, how, drawn) for variable in variables]
    behind = rng.choice(("", "", " 0.005", ' "-" 17', " "))

    def render(rng: Random, row: Row) -> str:
        shown = [("-" if text is None else text) for text in row]
        line = f'{shown[0]} - {shown[1]} [{shown[2]}] "{shown[3]}" {shown[4]} {shown[5]}'
        if name == "combined":
            line += f' "{shown[6]}" "{shown[7]}"'
        return line + behind

    derived = [Column(name, "text") for name in FROM_REQUEST]
    return Format(name, name, columns, render, declare(rng, columns), "time_local", None, derived, implied=True)


def pattern(rng: Random, how: Style) -> Format:
    """A log_format of nginx, or a LogFormat of Apache, of random variables."""
    kind = rng.choice(("nginx", "apache"))
    all_variables, all_times = (NGINX, NGINX_TIMES) if kind == "nginx" else (APACHE, APACHE_TIMES)
    variables = rng.sample(all_variables, rng.randint(2, len(all_variables)))
    if rng.random() < 0.85:
        variables.insert(rng.randrange(len(variables) + 1), rng.choice(all_times))
    # Of two with one name the most exact one would count; the model has no opinion on that.
    variables = list({variable.name: variable for variable in variables}.values())
    if not any(variable in all_times for variable in variables):
        variables = [replace(v, kind="msec time", scale=0) if v.kind == "msec" else v for v in variables]
    drawn = Times.draw(rng, how.variety)
    columns = [column(rng, variable, how, drawn) for variable in variables]
    betweens = [rng.choice((" ", " ", " ", "|", " - ", ", ", " x=")) for variable in variables]
    betweens[0] = rng.choice(("", "", "[", "log "))
    spec = "".join(between + variable.text for between, variable in zip(betweens, variables))
    frames = [("[%s]" if variable.kind.startswith("clf") else '"%s"' if variable.text[0] == '"' else "%s") for variable in variables]

    def render(_: Random, row: Row) -> str:
        shown = ["-" if text is None else text for text in row]
        return "".join(between + frame % text for between, frame, text in zip(betweens, frames, shown))

    derived = [Column(name, "text") for name in FROM_REQUEST] if any(v.name == "request" for v in variables) else []
    time = next((c.name for c in columns if c.type == "timestamp"), None)
    return Format(kind, {kind: spec}, columns, render, declare(rng, columns), time, None, derived, implied=True, clocks=drawn.clocks)


def declare(rng: Random, columns: list[Column]) -> dict[str, str]:
    """Types over those that the format has."""
    declared = {}
    for at, column in enumerate(columns):
        if column.name == "remote_addr" and rng.random() < 0.3:
            column.type = declared["remote_addr"] = "ip"
        elif column.type == "int" and column.name != "status" and rng.random() < 0.1:
            column.type = "decimal"
            declared[column.name] = column.declared
        elif column.type == "int" and rng.random() < 0.05:
            column.type = declared[column.name] = "text"
    return declared


__all__ = ["combined", "pattern", "typed"]
