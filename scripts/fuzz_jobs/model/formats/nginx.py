"""An nginx log_format string, pasted as it stands."""

import re

from ..errors import Unsupported
from ..types import INT, TIMESTAMP, decimal
from .access import PatternFormat
from .pattern import Value

INTS = "status body_bytes_sent bytes_sent request_length content_length sent_http_content_length connection pid".split()
INTS += "connection_requests connections_active connections_reading connections_writing connections_waiting".split()
INTS += "remote_port server_port proxy_port proxy_protocol_port proxy_protocol_server_port".split()
INTS += "tcpinfo_rtt tcpinfo_rttvar tcpinfo_snd_cwnd tcpinfo_rcv_space".split()
TYPES = {
    "time_local": TIMESTAMP,
    "time_iso8601": TIMESTAMP,
    "request_time": decimal(3),
    "connection_time": decimal(3),
    "msec": decimal(3),
    "gzip_ratio": decimal(2),
} | dict.fromkeys(INTS, INT)
TIMES = ("time_local", "time_iso8601", "msec")


class Nginx(PatternFormat):
    def __init__(self, text):
        if "\\" in text:
            raise Unsupported("a backslash in a log_format")
        super().__init__(list(parts_of(text)), TYPES)
        self.time = next((name for name in TIMES if name in self.fields), None)
        if self.time == "msec":
            self.fields["msec"] = TIMESTAMP
            self.unsigned.remove("msec")


def parts_of(text):
    for literal, braced, plain in re.findall(r"([^$]+)|\$\$?\{(\w+)\}|\$(\w+)", text, re.ASCII):
        yield literal or Value(braced or plain)
    if "$" in re.sub(r"\$\$?\{\w+\}|\$\w+", "", text, flags=re.ASCII):
        raise Unsupported("a $ in a log_format that begins no variable")
