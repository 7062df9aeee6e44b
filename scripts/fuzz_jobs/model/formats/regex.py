"""Named groups of a regular expression, found anywhere in the line."""

from ..errors import JobError
from ..patterns import Regex
from ..types import TEXT
from .base import Format, NoMatch, null_rules


class RegexFormat(Format):
    def __init__(self, pattern):
        self.regex = Regex(pattern)
        if not self.regex.names:
            raise JobError("a pattern without named groups")
        self.fields = dict.fromkeys(self.regex.names, TEXT)

    def reader(self):
        def read(line):
            found = self.regex.search(line)
            if not found:
                raise NoMatch("does not match")
            return {name: null_rules(found[name]) for name in self.regex.names}

        return read
