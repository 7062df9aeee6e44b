"""The whole job over the files, line by line."""

import copy
import os
import re
from datetime import date, datetime, timezone
from functools import partial

from . import casts
from .errors import JobError, RecordError, RunError, Unsupported
from .formats import HEADER, multiline, open_format
from .lines import is_too_long, records, size, split
from .measures import Group, inputs
from .outcome import Outcome
from .plan import Plan
from .record import Context, Record
from .timestamps import from_datetime
from .types import TIMESTAMP, order_key


def run(job: dict, files: list[tuple[str, bytes]], final: bool = True) -> Outcome:
    """`files` are (name, decompressed content) in file order: segments by the time of their first line."""
    job = with_environment(job)
    return Run(job, files, final).outcome()


def with_environment(job):
    """${NAME} in strings. In a pasted log_format it is nginx's own notation."""

    def expand(value, inside):
        if isinstance(value, dict):
            return {key: expand(item, inside or key == "nginx") for key, item in value.items()}
        if isinstance(value, list):
            return [expand(item, inside) for item in value]
        if not isinstance(value, str) or inside:
            return value
        return re.sub(r"\$(\$\{)|\$\{(\w+)\}", variable, value)

    return expand(copy.deepcopy(job), False)


def variable(found):
    if found[1]:
        return found[1]
    if found[2] not in os.environ:
        raise Unsupported(f"the variable {found[2]} is not set")
    return os.environ[found[2]]


def bound(value, default):
    """limits.earliest and latest: a date is the begin of that day in UTC."""
    if value is None:
        value = default
    if isinstance(value, (date, datetime)):
        raise Unsupported("a bound that is no string")
    moment = datetime.fromisoformat(value)
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))


class Run:
    def __init__(self, job, files, final):
        limits = job.get("limits", {})
        source = job["source"]
        self.line_limit = size(limits.get("line", "1MiB"))
        cut = partial(split, final=final)
        if (marks := multiline(source.get("format"))) is not None:
            cut = partial(records, final=final, limit=self.line_limit, **marks)
        self.files = [(name, list(cut(content))) for name, content in files]
        earliest, latest = bound(limits.get("earliest"), "1970-01-01"), bound(limits.get("latest"), "2200-01-01")
        self.compile(job, source, (earliest, latest))
        self.counters = dict.fromkeys(("lines", "mapped", "filtered", "rejected"), 0)
        self.groups, self.events = {}, []
        self.rejects, self.reasons = [], []
        self.place = 0

    def compile(self, job, source, bounds):
        """With the header of the first file that has the job's fields: a file without them does not decide."""
        heads = list(first_lines(self.files))
        for at in range(max(len(heads), 1)):
            try:
                self.context = Context(open_format(source, heads[at:]), source.get("zone", "UTC"), *bounds)
                self.plan = Plan(job, self.context)
                return
            except JobError:
                if at + 1 >= len(heads):
                    raise

    def outcome(self):
        for name, lines in self.files:
            read = self.context.format.reader()
            for line in lines:
                self.take(name, line, read)
        return self.summary()

    def take(self, name, line, read):
        self.counters["lines"] += 1
        self.place += 1
        try:
            became = self.map(name, line, read)
        except RecordError as error:
            became = "rejected"
            self.rejects.append((name, line.offset, len(line.content)))
            self.reasons.append(str(error))
        self.counters[became] += 1

    def map(self, name, line, read):
        """What becomes of the line."""
        if is_too_long(line, self.line_limit):
            raise RecordError("too long")
        if not line.content:
            return "filtered"
        text = line.content.decode(errors="replace")
        texts = read(text)
        if texts is HEADER:
            return "filtered"
        record = Record(texts, text, name, self.context)
        plan = self.plan
        # `where` comes first, and only what it needs is read before it.
        self.prepare(record, plan.where_needs)
        if plan.where is not None and not plan.where.run(record):
            return "filtered"
        self.prepare(record, plan.needs)
        # Nothing of a record counts unless all of it can be computed.
        events = None if plan.events is None else [node.run(record) for _, node in plan.events]
        if plan.is_reduced:
            self.reduce(record)
        if events is not None:
            self.events.append(tuple(events))
        return "mapped"

    def prepare(self, record, names):
        """Reads the fields, and computes the lets in order: a bad one makes the line a reject, used up or not."""
        for name in names - set(self.plan.lets):
            record.built_in(name) if name in ("event_time", "source_file", "raw") else record.field(name)
        for name, node in self.plan.lets.items():
            if name in names:
                record.lets[name] = node.run(record)

    def reduce(self, record):
        plan = self.plan
        time = record.event_time if plan.needs_time else 0
        key = [node.run(record) for _, node in plan.by]
        if plan.window is not None:
            key.insert(0, time // plan.window * plan.window)
        values = inputs(plan.aggregates, record)
        group = self.groups.setdefault(tuple(map(order_key, key)), Group(key, plan.aggregates))
        group.add(values, (time, self.place, record.source_file))

    def summary(self):
        plan = self.plan
        columns = [("window_start", TIMESTAMP)] if plan.window is not None else []
        columns += [(name, node.type) for name, node in plan.by + plan.measures]
        outcome = Outcome(self.counters, rejects=self.rejects, reasons=self.reasons, tolerances=plan.tolerances)
        if plan.is_reduced:
            outcome.columns, outcome.types = names_and_types(columns)
            try:
                outcome.rows = self.rows()
            except (RecordError, RunError) as error:
                outcome.error = str(error)
        if plan.events is not None and outcome.error is None:
            columns = [(name, node.type) for name, node in plan.events]
            outcome.events_columns, outcome.events_types = names_and_types(columns)
            outcome.events = [tuple(map(output, row)) for row in self.events]
        return outcome

    def rows(self):
        rows = []
        for group in sorted(self.groups.values(), key=place):
            group.finish()
            values = group.key + [node.run(group) for _, node in self.plan.measures]
            rows.append(tuple(map(output, values)))
        return rows


def place(group):
    """Where the group stands in the table. Its columns are those of Parquet, where an address is text."""
    return [order_key(output(value)) for value in group.key]


def names_and_types(columns):
    return [name for name, _ in columns], [str(kind) for _, kind in columns]


def output(value):
    return casts.ip_text(value) if hasattr(value, "version") else value


def first_lines(files):
    """Of each file the first line that is not blank."""
    for _, lines in files:
        line = next((line for line in lines if line.content.strip(b" \t\r\f")), None)
        if line is not None:
            yield line.content.decode(errors="replace")
