"""`common` and `combined`, and what is taken from a request line."""

import ipaddress
import re

from ..types import INT, TEXT, TIMESTAMP, is_decimal
from .base import Format, NoMatch, null_rules
from .pattern import Pattern, Value

# RFC 9110: a token, a target without spaces, and a version: HTTP/1.1, or HTTP/2 as some servers write it.
REQUEST = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ ]+) (HTTP/(?:[0-9]\.[0-9]|[23]))")
FROM_REQUEST = ("method", "request_uri", "path", "query", "protocol")
TYPES = {"time_local": TIMESTAMP, "status": INT, "body_bytes_sent": INT}


def request_parts(request):
    """method, request_uri, path, query, protocol; all NULL if it is no request."""
    found = REQUEST.fullmatch(request or "")
    if not found:
        return dict.fromkeys(FROM_REQUEST)
    method, target, protocol = found.groups()
    path, _, query = target.partition("?")
    parts = dict(zip(FROM_REQUEST, (method, target, path, query, protocol)))
    return {name: null_rules(text) for name, text in parts.items()}


class PatternFormat(Format):
    """Fields by a pattern; those within `request` besides."""

    def __init__(self, parts, types):
        self.pattern = Pattern(parts)
        names = [part.name for part in self.pattern.parts if isinstance(part, Value) and part.name]
        self.fields = {name: types.get(name, TEXT) for name in names}
        self.derived = [name for name in FROM_REQUEST if "request" in names and name not in names]
        self.fields |= dict.fromkeys(self.derived, TEXT)
        # Numbers that a server writes of itself have no sign.
        self.unsigned = {name for name, kind in self.fields.items() if kind == INT or is_decimal(kind)}

    def reader(self):
        def read(line):
            texts = self.pattern.match(line)
            fields = {name: null_rules(text) for name, text in texts.items()}
            parts = request_parts(fields.get("request"))
            return fields | {name: parts[name] for name in self.derived}

        return read


# `host identity user [time] "request" status size`, and of combined also `"referer" "agent"`. Spaces around the user are
# none of it, and the user may be empty; a space before a quote may be missing, or be two before the request.
FRONT = r"(?P<remote_addr>[^ ]+) [^ ]+ (?>(?P<remote_user>.*?) \[)(?P<time_local>[^\]]*)\] "
TEXT_IN_QUOTES = r' ?"(?P<%s>(?:[^"\\]|\\.)*)"'
NUMBERS = r" (?P<status>[0-9]{3}|-) (?P<body_bytes_sent>[0-9]+|-)(?=[ \t]|\Z)"
COMMON = FRONT + TEXT_IN_QUOTES % "request" + NUMBERS
COMBINED = COMMON + TEXT_IN_QUOTES % "http_referer" + TEXT_IN_QUOTES % "http_user_agent"
# A name, an address, also of one that is masked; U+FFFD and all that is not ASCII may be in a name.
HOST = re.compile("[A-Za-z0-9.*_\u0080-\U0010ffff-]+")


class Access(Format):
    """`common` and `combined`: text behind the last field is ignored."""

    time = "time_local"

    def __init__(self, line):
        self.line = re.compile(line, re.DOTALL)
        self.fields = {name: TYPES.get(name, TEXT) for name in self.line.groupindex}
        self.fields |= dict.fromkeys(FROM_REQUEST, TEXT)

    def reader(self):
        def read(line):
            found = self.line.match(line)
            if not found:
                raise NoMatch("no line of an access log")
            texts = found.groupdict()
            texts["remote_user"] = texts["remote_user"].strip(" \t\f\r")
            if " " in texts["remote_user"]:
                raise NoMatch("a user with a space")
            if not is_host(texts["remote_addr"]):
                raise NoMatch("neither an address nor a host")
            fields = {name: null_rules(text) for name, text in texts.items()}
            return fields | request_parts(fields["request"])

        return read


def is_host(text):
    if HOST.fullmatch(text) or text.startswith("unix:"):
        return True
    address = text.partition("%")[0]
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    try:
        return ipaddress.IPv6Address(address) is not None
    except ValueError:
        return False
