"""Hashes, in hexadecimal."""

import hashlib
import hmac
import os

from ..casts import ip_text
from ..errors import Unsupported
from ..node import as_text, strict
from ..types import IP, TEXT
from . import function


def hashing(name, algorithm):
    @function(name, least=1)
    def build(value):
        return strict(TEXT, lambda text: algorithm(text.encode()).hexdigest(), as_text(value))


hashing("md5", hashlib.md5)
hashing("sha256", hashlib.sha256)


@function("pseudonym", least=1)
def pseudonym(value):
    """The first half of an HMAC-SHA-256."""
    key = os.environ.get("LOGMILL_PSEUDONYM_KEY")
    if not key:
        raise Unsupported("pseudonym without a key in LOGMILL_PSEUDONYM_KEY")
    value = strict(TEXT, ip_text, value) if value.type == IP else as_text(value)
    return strict(TEXT, lambda text: hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32], value)
