"""Files -> lines."""

import re
from dataclasses import dataclass

from .errors import Unsupported

BOM = b"\xef\xbb\xbf"
SIZES = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "kB": 10**3, "MB": 10**6, "GB": 10**9}


@dataclass
class Line:
    # Of its first byte, behind a byte order mark.
    offset: int
    # Without its end.
    content: bytes
    # With a carriage return that is part of its end.
    length_with_return: int


def size(value):
    found = re.fullmatch(r"(\d+)\s*(\w*)", str(value))
    if not found or found[2] not in SIZES:
        raise Unsupported(f"the size {value!r}")
    return int(found[1]) * SIZES[found[2]]


def split(content, final):
    """The lines of a file; the last one counts without a newline only if the file is final."""
    at = len(BOM) if content.startswith(BOM) else 0
    while at < len(content):
        end = content.find(b"\n", at)
        if end < 0:
            if not final:
                return
            end = len(content)
        line = content[at:end]
        # The end of a line is \n or \r\n.
        yield Line(at, line[:-1] if line.endswith(b"\r") else line, len(line))
        at = end + 1


def records(content, final, quote, delimiter, limit):
    """Records whose quoted cells may hold line breaks. Where a line opens a quote that nothing closes, it counts alone."""
    whole = record(quote, delimiter)
    alone = {line.offset: line for line in split(content, True)}
    at = len(BOM) if content.startswith(BOM) else 0
    while at < len(content):
        first = alone[at]
        found = whole.match(content, at)
        length = found.end("row") - at if found else 0
        if found and (length <= limit or b"\n" not in found["row"]):
            made = Line(at, found["row"], found.end("row") - at + found["end"].count(b"\r"))
            next_at = found.end()
        else:
            made, next_at = first, at + first.length_with_return + 1
        if not final and (not content.endswith(b"\n") and next_at >= len(content)):
            return
        yield made
        at = next_at


def record(quote, delimiter):
    """A row of cells with quotes or without, up to the line end that is in no quotes."""
    q, d = (re.escape(mark.encode()) for mark in (quote, delimiter))
    cell = rb"(?:%b[^%b]*(?:%b%b[^%b]*)*%b|(?!%b)[^\n%b]*?)" % (q, q, q, q, q, q, q, d)
    return re.compile(rb"(?P<row>%b(?:%b%b)*)(?P<end>\r?\n|\r?\Z)" % (cell, d, cell))


def is_too_long(line, limit):
    if len(line.content) <= limit < line.length_with_return:
        raise Unsupported("a line that is too long by its carriage return only")
    return len(line.content) > limit
