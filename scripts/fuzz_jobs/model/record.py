"""One line that matches its format, and what the names in expressions mean for it."""

from . import fields
from .errors import JobError, RecordError, Unsupported
from .measures import AGGREGATES
from .node import Node
from .types import TEXT, TIMESTAMP

BUILT_IN = {"event_time": TIMESTAMP, "source_file": TEXT, "raw": TEXT}


class Record:
    def __init__(self, texts, raw, source_file, context):
        self.texts = texts
        self.raw = raw
        self.source_file = source_file
        self.context = context
        self.lets = {}

    def field(self, name):
        """The field as its type; RecordError if it can't be read as that."""
        text = self.texts[name]
        if text is None:
            return None
        reading = self.context.format
        kind = reading.type_of(name)
        if name in reading.shifts:
            return fields.read_shifted(text, reading.shifts[name], kind)
        read = fields.read_unsigned if name in reading.unsigned else fields.read
        return read(text, kind, self.context.zone)

    @property
    def event_time(self):
        name = self.context.time_field
        text = self.texts[name]
        if text is None:
            raise RecordError("no event time")
        time = fields.read(text, TIMESTAMP, self.context.zone)
        if not self.context.earliest <= time < self.context.latest:
            raise RecordError("an absurd event time")
        return time

    def built_in(self, name):
        return getattr(self, name)


class RecordScope:
    """Names of fields and of the lets so far. Notes which of them an expression uses."""

    def __init__(self, context, lets):
        self.context = context
        self.lets = lets
        self.used = set()

    def resolve(self, name):
        self.used.add(name)
        if name in self.lets:
            return Node(self.lets[name].type, lambda record: record.lets[name], inexact=self.lets[name].inexact)
        if name in BUILT_IN:
            if name == "event_time":
                self.context.need_time_field()
            return Node(BUILT_IN[name], lambda record: record.built_in(name))
        return Node(self.context.format.type_of(name), lambda record: record.field(name))

    def aggregate(self, call, compiler):
        if call.name in AGGREGATES:
            raise JobError(f"the aggregate {call.name} may not stand here")


class Context:
    """What reading needs to know of the job."""

    def __init__(self, reading, zone, earliest, latest):
        self.format = reading
        self.zone = zone
        self.earliest = earliest
        self.latest = latest
        self.time_field = reading.time

    def need_time_field(self):
        name = self.time_field
        if name is None:
            raise Unsupported("an event time is needed, and the job does not say which field it is")
        kind = self.format.type_of(name)
        if kind == TEXT and name not in self.format.fields and self.format.is_open:
            return
        if kind not in (TIMESTAMP, TEXT) or name in self.format.shifts:
            raise Unsupported(f"an event time of type {kind}")
