"""Parts of URLs. The documents say little: what they leave open is Unsupported."""

import re

from ..errors import Unsupported
from ..node import as_text, literal_text, strict
from ..types import TEXT
from . import function

ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)([^?#]*)", re.DOTALL)


def percent_decoded(text):
    """%HH decoded; a % that begins no such thing stays. `+` stays."""
    decoded = re.sub(rb"%([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    return decoded.decode(errors="replace")


def parsed(text):
    found = ABSOLUTE.match(text)
    if not found and not text.startswith("/") or text.startswith("//"):
        raise Unsupported(f"a URL that is neither absolute nor a path: {text!r}")
    return found


def host(text):
    found = parsed(text)
    if not found:
        return None
    authority = found[1]
    if not re.fullmatch(r"[a-z0-9._-]+(:\d+)?", authority):
        raise Unsupported(f"the host of {authority!r}")
    return authority.partition(":")[0]


def path(text):
    found = parsed(text)
    if not found:
        return re.match(r"[^?#]*", text)[0]
    if not found[2]:
        raise Unsupported("the path of a URL that has none")
    return found[2]


def query_value(text, name):
    before_fragment = text.partition("#")[0]
    if "?" not in before_fragment:
        return None
    for pair in before_fragment.partition("?")[2].split("&"):
        key, equals, value = pair.partition("=")
        if key == name:
            if not equals:
                raise Unsupported("a name in a query without a value")
            return percent_decoded(value.replace("+", " "))
        if percent_decoded(key.replace("+", " ")) == name:
            raise Unsupported("an encoded name in a query")
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
