"""A pasted log format: literals and values in turn.

A value ends where the literal behind it begins, the last one where the line's last literal does; between quotes, at the
first quote that no backslash escapes.
"""

import re
from dataclasses import dataclass

from ..errors import Unsupported
from .base import NoMatch

QUOTED = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)


@dataclass
class Value:
    # None for a value that no name of the job can mean.
    name: str | None

    @property
    def is_list(self):
        """Upstreams, and the addresses of X-Forwarded-For, have a comma and a space between them."""
        return self.name is not None and (self.name.startswith("upstream_") or self.name.endswith("x_forwarded_for"))


class Pattern:
    def __init__(self, parts):
        """`parts` are literals (str) and Values."""
        self.parts = merged(parts)
        for one, next_one in zip(self.parts, self.parts[1:]):
            if isinstance(one, Value) and isinstance(next_one, Value):
                raise Unsupported("two values with nothing between them")

    def match(self, line):
        """{name: text}; a name that stands there twice is Unsupported if the texts differ."""
        found, at = {}, 0
        for index, part in enumerate(self.parts):
            if isinstance(part, str):
                if not line.startswith(part, at):
                    raise NoMatch(f"no {part!r} at character {at}")
                at += len(part)
                continue
            end = self.end_of_value(line, at, index)
            text = line[at:end]
            if part.name is not None and found.setdefault(part.name, text) != text:
                raise Unsupported(f"{part.name} twice, with two values")
            at = end
        if at != len(line):
            raise NoMatch("text behind the last field")
        return found

    def end_of_value(self, line, at, index):
        before = self.parts[index - 1] if index else ""
        behind = self.parts[index + 1] if index + 1 < len(self.parts) else ""
        if before.endswith('"') and behind.startswith('"'):
            return QUOTED.match(line, at).end()
        if index + 2 >= len(self.parts):
            # The last value is all that is left before the text behind it.
            return max(len(line) - len(behind), at)
        end = line.find(behind, at)
        while self.parts[index].is_list and end >= 0 and is_within_list(line, at, end):
            end = line.find(behind, end + 1)
        if end < 0:
            raise NoMatch(f"no {behind!r} behind character {at}")
        return end


def is_within_list(line, start, at):
    """Whether the space at a place stands behind a comma or a colon of a list, or before a colon."""
    return line[at] == " " and (line[start:at].endswith((",", ":")) or line.startswith(" : ", at))


def merged(parts):
    """Neighbouring literals as one."""
    out = []
    for part in parts:
        if isinstance(part, str) and out and isinstance(out[-1], str):
            out[-1] += part
        elif part != "":
            out.append(part)
    return out
