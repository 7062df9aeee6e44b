"""An nginx log_format string, pasted as it stands."""

import re

from ..errors import Unsupported
from ..types import INT, TIMESTAMP, decimal
from .access import PatternFormat
from .pattern import Value

TYPES = {
    "time_local": TIMESTAMP,
    "time_iso8601": TIMESTAMP,
    "status": INT,
    "body_bytes_sent": INT,
    "bytes_sent": INT,
    "request_length": INT,
    "request_time": decimal(3),
    # What the manual of nginx says of them: a number, and so many digits behind its point.
    "connection": INT,
    "connection_requests": INT,
    "server_port": INT,
    "remote_port": INT,
    "pid": INT,
    "gzip_ratio": decimal(2),
}
# Numbers, but neither our documents nor nginx's say of which type: the job has to.
NOT_SAID = {"msec", "content_length", "connection_time", "connections_active", "proxy_protocol_port", "limit_rate"}


class Nginx(PatternFormat):
    def __init__(self, text, declared):
        if "\\" in text:
            raise Unsupported("a backslash in a log_format")
        super().__init__(list(parts_of(text)), TYPES)
        for name in NOT_SAID & set(self.fields) - set(declared):
            self.fields[name] = None
        times = [name for name in ("time_local", "time_iso8601") if name in self.fields]
        self.time = times[0] if len(times) == 1 else None

    def type_of(self, name):
        kind = super().type_of(name)
        if kind is None:
            raise Unsupported(f"the type of nginx's ${name}")
        return kind


def parts_of(text):
    for literal, braced, plain in re.findall(r"([^$]+)|\$\$?\{(\w+)\}|\$(\w+)", text, re.ASCII):
        yield literal or Value(braced or plain)
    if "$" in re.sub(r"\$\$?\{\w+\}|\$\w+", "", text, flags=re.ASCII):
        raise Unsupported("a $ in a log_format that begins no variable")
