"""Text, with PostgreSQL's meaning (its manual, 9.4); `contains`, `ends_with` are DuckDB's."""

import re

from ..errors import RecordError, Unsupported
from ..node import as_int, as_text, constant, derived, strict
from ..operators import textual
from ..types import BOOL, INT, TEXT
from . import function


def simple(name, kind, compute, args=1, names=()):
    """A function of texts only."""

    @function(name, *names, least=args)
    def build(*nodes):
        return strict(kind, compute, *map(as_text, nodes))


def change_case(method):
    def change(text):
        # Final sigma and letters that become two: libraries differ.
        if "Σ" in text or any(len(method(char)) != 1 for char in text):
            raise Unsupported("the case of a letter on which libraries differ")
        return "".join(map(method, text))

    return change


def unescape(text):
    """`\\"`, `\\\\`, `\\xHH`, `\\t` …, as nginx and Apache write them; the bytes are UTF-8 together."""

    def decode(match):
        what = match[1]
        if what.startswith(b"x"):
            return bytes([int(what[1:], 16)])
        if what in b"\"\\'":
            return what
        if what not in b"ntrbfv":
            raise Unsupported("an escape that neither nginx nor Apache writes")
        return {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}[what]

    if text.endswith("\\") and (len(text) - len(text.rstrip("\\"))) % 2:
        raise Unsupported("a backslash that escapes nothing")
    decoded = re.sub(rb"\\(x[0-9a-fA-F]{2}|.)", decode, text.encode(), flags=re.DOTALL)
    return decoded.decode(errors="replace")


simple("lower", TEXT, change_case(str.lower))
simple("upper", TEXT, change_case(str.upper))
simple("length", INT, len, names=("char_length",))
simple("octet_length", INT, lambda text: len(text.encode()))
simple("reverse", TEXT, lambda text: text[::-1])
simple("replace", TEXT, lambda text, old, new: text.replace(old, new) if old else text, 3)
simple("starts_with", BOOL, str.startswith, 2)
simple("ends_with", BOOL, str.endswith, 2)
simple("contains", BOOL, lambda text, part: part in text, 2)
simple("strpos", INT, lambda text, part: text.find(part) + 1, 2)
simple("unescape", TEXT, unescape)


def trimming(name, method, names=()):
    @function(name, *names, least=1, most=2)
    def build(value, chars=None):
        # Without a set of characters, spaces only.
        chars = constant(TEXT, " ") if chars is None else as_text(chars)
        return strict(TEXT, lambda text, drop: method(text, drop) if drop else text, as_text(value), chars)


trimming("trim", str.strip, names=("btrim",))
trimming("ltrim", str.lstrip)
trimming("rtrim", str.rstrip)


@function("substr", "substring", least=2, most=3)
def substr(value, start, count=None):
    if start.type == TEXT or (start.is_literal and isinstance(start.literal, str)):
        raise Unsupported("substring with a pattern")
    if count is None:
        return strict(TEXT, lambda text, at: text[max(at - 1, 0) :], as_text(value), as_int(start))

    def cut(text, at, length):
        if length < 0:
            raise RecordError("negative length of a substring")
        end = at + length
        return text[max(at, 1) - 1 : max(end, 1) - 1]

    return strict(TEXT, cut, as_text(value), as_int(start), as_int(count))


@function("left", least=2)
def left(value, count):
    return strict(TEXT, lambda text, n: text[:n], as_text(value), as_int(count))


@function("right", least=2)
def right(value, count):
    def cut(text, n):
        # A negative n drops the first |n| characters.
        return text[max(len(text) - n, 0) :] if n >= 0 else text[-n:]

    return strict(TEXT, cut, as_text(value), as_int(count))


@function("split_part", least=3)
def split_part(value, delimiter, field):
    def part(text, by, n):
        if n == 0:
            raise RecordError("field position must not be zero")
        parts = text.split(by) if by else [text]
        at = n - 1 if n > 0 else len(parts) + n
        return parts[at] if 0 <= at < len(parts) else ""

    return strict(TEXT, part, as_text(value), as_text(delimiter), as_int(field))


def printable(node):
    if node.type == BOOL:
        # What PostgreSQL prints of it; its cast is true.
        return strict(TEXT, lambda value: "t" if value else "f", node)
    return textual(node)


@function("concat", least=1, most=100)
def concat(*nodes):
    """NULLs are skipped."""
    nodes = [printable(node) for node in nodes]

    def run(record):
        values = [node.run(record) for node in nodes]
        return "".join(value for value in values if value is not None)

    return derived(TEXT, run, nodes)


@function("concat_ws", least=2, most=100)
def concat_ws(separator, *nodes):
    """NULLs are skipped, but without a separator there is no text."""
    separator, nodes = as_text(separator), [printable(node) for node in nodes]

    def run(record):
        by, values = separator.run(record), [node.run(record) for node in nodes]
        return None if by is None else by.join(value for value in values if value is not None)

    return derived(TEXT, run, [separator, *nodes])
