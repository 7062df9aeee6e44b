"""Parts of URLs."""

import re

from ..node import as_text, literal_text, strict
from ..types import TEXT
from . import function

HOST = re.compile(r"(?:[A-Za-z0-9+.-]+:)?//([^/?#]*)([^?#]*)", re.DOTALL)


def percent_decoded(text):
    """%HH decoded; a % that begins no such thing stays. `+` stays."""
    decoded = re.sub(rb"%([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    return decoded.decode(errors="replace")


def host(text):
    """In small letters, without user and port."""
    found = HOST.match(text)
    if not found:
        return None
    bare = found[1].rpartition("@")[2]
    bare = bare[: bare.index("]") + 1] if "]" in bare else bare.partition(":")[0]
    return "".join(char.lower() if char.isascii() else char for char in bare) or None


def path(text):
    """As it is written; of a URL with a host and nothing behind it, `/`."""
    found = HOST.match(text)
    return found[2] or "/" if found else re.match(r"[^?#]*", text)[0]


def query_value(text, name):
    """Of the first one with that name, both decoded; without `=` it is empty."""
    for pair in text.partition("#")[0].partition("?")[2].split("&") if "?" in text.partition("#")[0] else []:
        key, _, value = pair.partition("=")
        if percent_decoded(key.replace("+", " ")) == name:
            return percent_decoded(value.replace("+", " "))
    return None


def simple(name, compute):
    @function(name, least=1)
    def build(value):
        return strict(TEXT, compute, as_text(value))


simple("url_decode", percent_decoded)
simple("url_host", host)
simple("url_path", path)


@function("url_query", least=2)
def url_query(value, name):
    name = literal_text(name, "a name in a query")
    return strict(TEXT, lambda text: query_value(text, name), as_text(value))
