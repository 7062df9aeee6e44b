"""An Apache LogFormat string, pasted as it stands (mod_log_config's manual)."""

import re
from dataclasses import dataclass

from ..errors import Unsupported
from ..types import INT, TIMESTAMP, decimal
from .access import PatternFormat
from .pattern import Value

DIRECTIVE = re.compile(r"%(?P<modifiers>[<>!0-9,]*)(?:\{(?P<argument>[^}]*)\})?(?P<letter>\^?[A-Za-z]{1,2}|%)")
# Nginx's names where they mean the same, and the documents' for the rest.
NAMES = {"h": "remote_addr", "a": "remote_addr", "u": "remote_user", "r": "request", "s": "status"}
NAMES |= {"b": "body_bytes_sent", "B": "body_bytes_sent"}
NAMES |= {"A": "server_addr", "l": "remote_ident", "S": "bytes_transferred", "V": "host", "m": "request_method"}
NAMES |= {"U": "uri", "q": "query_string", "H": "server_protocol", "f": "request_filename", "k": "keepalive_requests"}
NAMES |= {"X": "connection_status", "L": "log_id", "R": "handler"}
NAMES |= {"v": "server_name", "p": "server_port", "P": "pid", "I": "request_length", "O": "bytes_sent"}
TYPES = {"time_local": TIMESTAMP, "status": INT, "body_bytes_sent": INT}
TYPES |= {"keepalive_requests": INT, "server_port": INT, "bytes_transferred": INT, "pid": INT, "request_length": INT, "bytes_sent": INT}
# nginx has a variable for each header and each cookie.
PREFIXES = {"i": "http_", "o": "sent_http_", "C": "cookie_"}


# (letter, argument) -> digits of the unit behind the point of a second.
DURATIONS = {("D", None): 6, ("T", "us"): 6, ("T", "ms"): 3, ("T", "s"): 0, ("T", None): 0}


@dataclass
class Duration(Value):
    digits: int = 0


class Apache(PatternFormat):
    def __init__(self, text):
        parts = list(parts_of(text))
        durations = {part.digits for part in parts if isinstance(part, Duration)}
        if len(durations) > 1:
            raise Unsupported("two units of a duration")
        digits = max(durations, default=0)
        super().__init__(parts, TYPES | {"request_time": decimal(digits)})
        self.time = "time_local" if "time_local" in self.fields else None
        self.shifts = {"request_time": digits} if digits else {}


def parts_of(text):
    text = text.replace('\\"', '"').replace("\\t", "\t")
    if "\\" in text:
        raise Unsupported("a backslash in a LogFormat")
    at = 0
    while at < len(text):
        found = DIRECTIVE.match(text, at) if text[at] == "%" else None
        if not found:
            if text[at] == "%":
                raise Unsupported(f"the directive {text[at:at + 5]!r}")
            yield text[at]
            at += 1
            continue
        # A letter behind a one-letter directive is text.
        letter = found["letter"]
        end = found.end()
        if len(letter) == 2 and letter[0] != "^":
            letter, end = letter[0], end - 1
        yield from directive(letter, found["argument"])
        at = end


def directive(letter, argument):
    if letter == "%":
        yield "%"
    elif letter == "t" and argument is None:
        yield from ("[", Value("time_local"), "]")
    elif letter in PREFIXES and argument:
        yield Value(PREFIXES[letter] + argument.lower().replace("-", "_"))
    elif letter in ("e", "n") and argument:
        yield Value(None)
    elif (letter, argument) in DURATIONS:
        yield Duration("request_time", DURATIONS[letter, argument])
    elif argument is None and letter in NAMES:
        yield Value(NAMES[letter])
    else:
        raise Unsupported(f"the directive %{{{argument}}}{letter}")
