"""Regular expressions. `regexp_replace` is PostgreSQL's; `regexp_matches` (a bool) and `regexp_extract` are DuckDB's."""

import re

from ..errors import JobError, Unsupported
from ..node import as_text, literal_int, literal_text, strict
from ..patterns import Regex
from ..types import BOOL, TEXT
from . import function


@function("regexp_matches", least=2, most=3)
def regexp_matches(value, pattern, flags=None):
    flags = "" if flags is None else literal_text(flags, "flags")
    if flags not in ("", "i", "c"):
        raise Unsupported(f"the flags {flags!r}")
    regex = Regex(literal_text(pattern, "a pattern"), ignore_case=flags == "i")
    return strict(BOOL, lambda text: regex.search(text) is not None, as_text(value))


@function("regexp_extract", least=2, most=3)
def regexp_extract(value, pattern, group=None):
    """The match or one of its groups; '' where there is none, as DuckDB says."""
    regex = Regex(literal_text(pattern, "a pattern"))
    number = 0 if group is None else literal_int(group, "a group")
    if not 0 <= number <= regex.groups:
        raise JobError(f"the pattern has no group {number}")

    def extract(text):
        found = regex.search(text)
        return (found[number] or "") if found else ""

    return strict(TEXT, extract, as_text(value))


@function("regexp_replace", least=3, most=4)
def regexp_replace(value, pattern, replacement, flags=None):
    flags = "" if flags is None else literal_text(flags, "flags")
    if not set(flags) <= {"g", "i"}:
        raise Unsupported(f"the flags {flags!r}")
    regex = Regex(literal_text(pattern, "a pattern"), ignore_case="i" in flags)
    parts = replacement_parts(literal_text(replacement, "a replacement"), regex.groups)
    return strict(TEXT, lambda text: replaced(text, regex, parts, "g" in flags), as_text(value))


def replacement_parts(text, groups):
    """\\1 to \\9 are groups, \\& is the match, \\\\ a backslash; any other backslash stands for itself."""
    parts = []
    for piece in re.findall(r"\\[1-9&\\]|[^\\]+|\\", text, re.DOTALL):
        if piece in ("\\", "\\\\"):
            parts.append("\\")
        elif piece[0] != "\\":
            parts.append(piece)
        else:
            number = 0 if piece[1] == "&" else int(piece[1])
            if number > groups:
                raise Unsupported("a group that the pattern does not have")
            parts.append(number)
    return parts


def replaced(text, regex, parts, everywhere):
    out, copied, search_at = [], 0, 0
    while search_at <= len(text):
        found = regex.search(text, search_at)
        if not found:
            break
        if found.start() == found.end() == copied and out:
            raise Unsupported("an empty match right behind another one")
        out.append(text[copied : found.start()])
        out.extend(part if isinstance(part, str) else found[part] or "" for part in parts)
        copied = found.end()
        search_at = copied + 1 if found.start() == copied else copied
        if not everywhere:
            break
    return "".join(out) + text[copied:]
