"""What all formats have."""

from ..errors import JobError, RecordError
from ..types import TEXT

# What a reader answers for a header line: it counts as filtered.
HEADER = object()


def null_rules(text):
    """`-` and an empty field are NULL."""
    return None if text in (None, "", "-") else text


class Format:
    # name -> type; what is not in there is no field, unless the format is open (JSON).
    fields: dict
    # Which field is the event time if the job does not say.
    time: str | None = None
    is_open = False
    # Numbers that are digits alone.
    unsigned: set = set()
    # Fields in a unit of their own (Apache's %D): name -> digits that the point moves.
    shifts: dict = {}

    def type_of(self, name):
        if name in self.fields:
            return self.fields[name]
        if self.is_open:
            return TEXT
        raise JobError(f"no field {name!r}")

    def reader(self):
        """A function line -> {name: text or None}, or HEADER; a new one for each file."""
        raise NotImplementedError


class NoMatch(RecordError):
    """The line does not match its format."""
