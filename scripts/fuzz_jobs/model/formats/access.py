"""`common` and `combined`, and what is taken from a request line."""

import ipaddress
import re

from ..errors import Unsupported
from ..types import INT, TEXT, TIMESTAMP
from .base import Format, NoMatch, null_rules
from .pattern import Pattern, Value

# RFC 9110: a token, a target without spaces, and a version: HTTP/1.1, or HTTP/2 as some servers write it.
REQUEST = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ ]+) (HTTP/(?:[0-9]\.[0-9]|[23]))")
FROM_REQUEST = ("method", "request_uri", "path", "query", "protocol")
TYPES = {"time_local": TIMESTAMP, "time_iso8601": TIMESTAMP, "status": INT, "body_bytes_sent": INT}


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

    def __init__(self, parts, types=TYPES, matches_whole_line=True):
        self.pattern = Pattern(parts, matches_whole_line)
        names = [part.name for part in self.pattern.parts if isinstance(part, Value) and part.name]
        self.fields = {name: types.get(name, TEXT) for name in names}
        self.derived = [name for name in FROM_REQUEST if "request" in names and name not in names]
        self.fields |= dict.fromkeys(self.derived, TEXT)

    def reader(self):
        def read(line):
            texts = self.pattern.match(line)
            self.check(texts)
            fields = {name: null_rules(text) for name, text in texts.items()}
            parts = request_parts(fields.get("request"))
            return fields | {name: parts[name] for name in self.derived}

        return read

    def check(self, texts):
        """What the built-in formats demand beyond their pattern."""


COMMON = [Value("remote_addr"), " - ", Value("remote_user"), " [", Value("time_local"), '] "', Value("request")]
COMMON += ['" ', Value("status"), " ", Value("body_bytes_sent")]
COMBINED = COMMON + [' "', Value("http_referer"), '" "', Value("http_user_agent"), '"']


class Access(PatternFormat):
    """Text behind the last field is ignored."""

    time = "time_local"

    def __init__(self, parts):
        super().__init__(parts, matches_whole_line=False)

    def reader(self):
        read = super().reader()

        def checked(line):
            try:
                return read(line)
            except NoMatch:
                if re.match(r"[^ ]+ (?!-)[^ ]+ [^ ]+ \[", line):
                    raise Unsupported("an identity (RFC 1413) that is no `-`") from None
                raise

        return checked

    def check(self, texts):
        """A line of another format, shifted by a column, is a reject."""
        # "The structure of the line is always checked", but a bad value that nothing uses rejects nothing.
        if not re.fullmatch(r"[0-9]{3}|-", texts["status"]) or not re.fullmatch(r"[0-9]+|-", texts["body_bytes_sent"]):
            raise Unsupported("whether the form of status and size belongs to the structure of a line")
        if " " in texts["remote_user"]:
            raise NoMatch("a user with a space")
        address = texts["remote_addr"]
        if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", address) or is_address(address):
            return
        if address == "unix:" or not address or re.fullmatch(r"[A-Za-z0-9._%:-]+", address) and not re.search(r":\d+$", address):
            raise Unsupported(f"the address {address!r}")
        raise NoMatch("neither an address nor a host")


def is_address(text):
    try:
        return ipaddress.ip_address(text) is not None
    except ValueError:
        return False
