"""A job's table -> compiled expressions, and what each of them needs."""

import re

from .errors import JobError, Unsupported
from .expressions import Compiler
from .measures import INEXACT_BOUND, MeasureScope
from .node import coerce
from .parser import parse, parse_item
from .record import Context, RecordScope
from .types import TEXT, UNKNOWN

UNITS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}


def duration(text):
    found = re.fullmatch(r"([0-9]+)(ms|[smhdw])", text)
    if not found or int(found[1]) == 0:
        raise Unsupported(f"the duration {text!r}")
    return int(found[1]) * UNITS[found[2]]


class Plan:
    def __init__(self, job, context: Context):
        refuse_unknown(job)
        self.context = context
        self.lets = {}
        # What a let or an output uses, by name: fields, lets, built-ins.
        self.let_uses = {}
        self.used = set()
        self.tolerances = {}
        source_map = job.get("map", {})
        self.compile_lets(source_map.get("let", {}))
        self.where, where_uses = None, set()
        if "where" in source_map:
            self.where, where_uses = self.compiled(source_map["where"], Compiler.condition)
        self.where_needs = self.closure(where_uses)
        self.compile_reduce(job.get("reduce"))
        self.compile_events(job.get("output", {}).get("events"))
        self.needs = self.closure(self.used) - self.where_needs
        if self.needs_time:
            context.need_time_field()
            if "event_time" not in self.where_needs:
                self.needs.add("event_time")

    def compiler(self):
        return Compiler(RecordScope(self.context, dict(self.lets)), self.context.zone)

    def compiled(self, text, method=Compiler.compile):
        compiler = self.compiler()
        node = method(compiler, parse(text))
        return node, compiler.scope.used

    def compile_lets(self, lets):
        for name, text in lets.items():
            node, self.let_uses[name] = self.compiled(text)
            if name in self.let_uses[name] or name in ("event_time", "source_file", "raw"):
                raise Unsupported(f"a let with the name of a field that it uses, or of a built-in one: {name}")
            self.lets[name] = typed(node)

    def closure(self, names):
        """The names, and what the lets among them need."""
        needs = set()
        for name in names:
            needs.add(name)
            if name in self.lets:
                needs |= self.closure(self.let_uses[name])
        return needs

    def compile_items(self, texts):
        """[(name, node)] of `by` and of `columns`."""
        items = []
        for text in texts:
            item = parse_item(text)
            compiler = self.compiler()
            node = typed(compiler.compile(item.value))
            self.used |= compiler.scope.used
            name = item.alias or getattr(item.value, "name", None)
            if name is None or type(item.value).__name__ == "Call" and not item.alias:
                raise JobError(f"{text!r} needs a name: AS …")
            items.append((name, node))
        return items

    def compile_reduce(self, reduce):
        self.is_reduced = reduce is not None
        self.window, self.by, self.measures, self.aggregates = None, [], [], []
        self.needs_time = False
        if not self.is_reduced:
            return
        if unknown := set(reduce) - {"window", "by", "measures"}:
            raise Unsupported(f"[reduce] {', '.join(unknown)}")
        if "window" in reduce:
            if not isinstance(reduce["window"], str):
                raise Unsupported("windows of sessions")
            self.window = duration(reduce["window"])
            self.needs_time = True
        self.by = self.compile_items(reduce.get("by", []))
        if any(node.inexact for _, node in self.by):
            raise Unsupported("a key whose last digit depends on the C library")
        self.compile_measures(reduce.get("measures", {}))
        self.note_tolerances(self.by)
        self.check_names(["window_start"] * (self.window is not None) + [name for name, _ in self.by + self.measures])

    def compile_measures(self, measures):
        records = self.compiler()
        scope = MeasureScope(records)
        for name, text in measures.items():
            tree = parse(text)
            node = typed(Compiler(scope, self.context.zone).compile(tree))
            self.tolerances[name] = INEXACT_BOUND if node.inexact else ("exact",)
            if node.sketch:
                is_bare = getattr(tree, "name", None) in ("approx_quantile", "approx_distinct")
                # How far arithmetic takes a sketch, nobody says.
                self.tolerances[name] = node.sketch if is_bare else ("any",)
            self.measures.append((name, node))
        self.aggregates = scope.aggregates
        self.used |= records.scope.used
        self.needs_time |= any(one.needs_time for one in self.aggregates)

    def compile_events(self, events):
        self.events = None
        if events is None:
            if not self.is_reduced:
                raise JobError("neither [reduce] nor [output.events]")
            return
        if "columns" not in events:
            raise Unsupported("events without columns")
        self.events = self.compile_items(events["columns"])
        self.check_names([name for name, _ in self.events])
        self.note_tolerances(self.events)
        self.needs_time |= events.get("partition", "none") != "none"

    def check_names(self, names):
        if len(set(names)) != len(names):
            raise JobError("two columns of one name")

    def note_tolerances(self, items):
        for name, node in items:
            self.tolerances.setdefault(name, INEXACT_BOUND if node.inexact else ("exact",))


def typed(node):
    """A literal that nothing gave a type is text."""
    if node.inexact and node.type == TEXT:
        raise Unsupported("the text of a number whose last digit depends on the C library")
    return coerce(node, TEXT) if node.type == UNKNOWN else node


def refuse_unknown(job):
    known = {"name", "description", "source", "map", "reduce", "output", "limits"}
    if unknown := set(job) - known:
        raise Unsupported(f"the keys {', '.join(unknown)}")
    if unknown := set(job["source"]) - {"paths", "format", "fields", "time", "zone", "seal_after"}:
        raise Unsupported(f"[source] {', '.join(unknown)}")
    if unknown := set(job.get("map", {})) - {"where", "let"}:
        raise Unsupported(f"[map] {', '.join(unknown)}")
