"""A random job with its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from . import columns, data, formats, gen_logic, gen_numbers, gen_text, measures, pools, servers
from .data import File, Gate
from .expr import COMPARE, Expr, Word, field as leaf, infix, quote
from .formats import Format
from .gen import NUMBERS, Gen

__all__ = ["Case", "File", "make"]
_REGISTERED = (gen_logic, gen_numbers, gen_text)

WINDOWS = ["1s", "10s", "1m", "5m", "7m", "1h", "90m", "1d", "1w", "500ms"]
MAKERS = [(formats.lines, 1), (formats.make_json, 4), (formats.csv, 4), (formats.regex, 2), (servers.combined, 3), (servers.pattern, 4)]


@dataclass
class Case:
    """A job as parts that can be dropped or made simpler one by one."""

    seed: str
    number: int
    format: Any
    declared: dict[str, str]
    files: list[File]
    time: str | None = None
    zone: str | None = None
    where: Expr | None = None
    lets: list[tuple[str, Expr]] = field(default_factory=list)
    reduce: bool = True
    window: str | None = None
    by: list[tuple[str | None, Expr]] = field(default_factory=list)
    measures: list[tuple[str, Expr]] = field(default_factory=list)
    events: list[tuple[str | None, Expr]] | None = None
    partition: str | None = None
    events_partition: str | None = None
    sqlite: bool = False
    limits: dict[str, Any] = field(default_factory=dict)
    header: bool = False
    # Whether a record may have several lines.
    multiline: bool = False

    def exprs(self) -> list[Expr]:
        """All expressions."""
        all_exprs = [e for _, e in self.lets] + [e for _, e in self.by] + [e for _, e in self.measures] + [e for _, e in self.events or ()]
        return all_exprs + ([self.where] if self.where else [])

    def uses(self, *words: str) -> bool:
        """Whether any expression has one of these words."""
        return any(word in expr.sql() for expr in self.exprs() for word in words)

    def job(self) -> dict[str, Any]:
        """The job file's content."""
        source: dict[str, Any] = {"paths": ["in/*"], "format": self.format}
        if self.declared:
            source["fields"] = self.declared
        if self.time:
            source["time"] = self.time
        if self.zone:
            source["zone"] = self.zone
        job: dict[str, Any] = {"name": "fuzz", "source": source}
        mapped: dict[str, Any] = {}
        if self.where:
            mapped["where"] = self.where.sql()
        if self.lets:
            mapped["let"] = {name: expr.sql() for name, expr in self.lets}
        if mapped:
            job["map"] = mapped
        output: dict[str, Any] = {}
        if self.reduce:
            reduce: dict[str, Any] = {"window": self.window} if self.window else {}
            reduce["by"] = [named(name, expr) for name, expr in self.by]
            reduce["measures"] = {name: expr.sql() for name, expr in self.measures}
            job["reduce"] = reduce
            output["summary"] = {"path": "out/summary"} | ({"partition": self.partition} if self.partition else {})
            if self.sqlite:
                output["sqlite"] = {"path": "out/fuzz.db", "table": "fuzz"}
        if self.events is not None:
            output["events"] = {"path": "out/events", "columns": [named(name, expr) for name, expr in self.events]}
            if self.events_partition:
                output["events"]["partition"] = self.events_partition
        job["output"] = output
        job["limits"] = {"reject_ratio": 1.0} | self.limits
        return job


def named(name: str | None, expr: Expr) -> str:
    """`expression AS name`, or a bare name."""
    return expr.sql() if name is None else f"{expr.sql()} AS {name}"


def make(seed: str, number: int, large_every: int = 20) -> Case:
    """The job with that number: the same one each time."""
    rng = Random(f"{seed}:{number}")
    how = columns.style(rng)
    maker = rng.choices([m for m, _ in MAKERS], [w for _, w in MAKERS])[0]
    form = maker(rng, how)
    large = rng.randrange(large_every) == 0
    gate, condition = make_gate(rng, form)
    case = Case(seed, number, form.spec, form.declared, [], header=form.header is not None, multiline=form.multiline)
    line_max = 1 << 20
    if rng.random() < 0.1:
        line_max = rng.choice((64, 256, 1024, 65_536))
        case.limits["line"] = f"{line_max}B" if line_max < 1024 else f"{line_max // 1024}KiB"
    if rng.random() < 0.1:
        case.limits["memory"] = rng.choice(("1KiB", "64KiB", "256KiB", "1MiB"))
    case.files = data.files(rng, form, how, gate, large, line_max)
    fill_job(rng, case, form, how, condition)
    return case


def make_gate(rng: Random, form: Format) -> tuple[Gate | None, Expr | None]:
    """A column that `where` asks, with a value that passes and one that does not."""
    usable = [at for at, column in enumerate(form.columns) if column.type in ("int", "text")]
    if not usable or rng.random() < 0.4:
        return None, None
    at = rng.choice(usable)
    column = form.columns[at]
    name = leaf(column.name, column.type)
    if column.type == "int":
        words = (">=", ">")
        return Gate(at, "503", "200"), infix("bool", name, Word(rng.choice(words), words), Expr("int", "const", ("500",)), COMPARE)
    failing, passing = rng.choice((("/health", "/a"), ("info", "error")))
    if column.name == "remote_addr":
        failing, passing = "10.0.0.1", "10.0.0.2"
    if "request" in column.name:
        failing, passing = (f"GET {text} HTTP/1.1" for text in (failing, passing))
    words = ("<>", "IS DISTINCT FROM")
    return Gate(at, passing, failing), infix("bool", name, Word(rng.choice(words), words), Expr("text", "const", (quote(failing),)), COMPARE)


def fill_job(rng: Random, case: Case, form: Format, how: columns.Style, condition: Expr | None) -> None:
    """where, let, reduce, outputs and limits."""
    timed = form.time is not None and rng.random() < 0.85
    fields = [leaf(c.name, c.type, c.scale) for c in form.columns + form.derived]
    if timed:
        others = [c.name for c in form.columns if c.type == "timestamp"]
        case.time = rng.choice(others) if rng.random() < 0.1 else form.time
        if form.implied and case.time == form.time and rng.random() < 0.5:
            case.time = None
        fields.append(leaf("event_time", "timestamp"))
        if rng.random() < (0.8 if form.clocks else 0.3):
            case.zone = form.clocks or rng.choice(pools.ZONES)
    if rng.random() < 0.15:
        fields.append(leaf("raw", "text"))
    if rng.random() < 0.05:
        fields.append(leaf("source_file", "text"))
    gen = Gen(rng, fields, max(how.edges / 2, 0.03), key=rng.random() < 0.5)
    depth = rng.choice((1, 1, 2, 2, 3))
    if condition is not None or rng.random() < 0.4:
        case.where = where(gen, condition, depth)
    for n in range(rng.choice((0, 0, 1, 1, 2, 3))):
        made = gen.any(depth)
        case.lets.append((f"x{n}", made))
        gen.add(leaf(f"x{n}", made.type, made.scale))
    case.reduce = rng.random() < 0.88
    if case.reduce:
        fill_reduce(rng, case, gen, fields, depth, timed)
    if not case.reduce or rng.random() < 0.2:
        fill_events(rng, case, gen, fields, depth, timed)
    if timed and rng.random() < 0.1:
        case.limits[rng.choice(("earliest", "latest"))] = rng.choice(("2026-11-22", "2026-03-29T01:00:00Z", "2026-11-22T12:00:00+01:00", "2000-01-01"))


def where(gen: Gen, condition: Expr | None, depth: int) -> Expr:
    """The gate, something random, or both."""
    if condition is None:
        return gen.expr("bool", depth)
    match gen.rng.randrange(4):
        case 0:
            return infix("bool", condition, Word("AND", ("AND", "OR")), gen.expr("bool", depth), gen_logic.AND)
        case 1:
            return infix("bool", gen.expr("bool", depth), Word("AND", ("AND", "OR")), condition, gen_logic.AND)
    return condition


KEY_TYPES = (["int"], ["int", "bool"], [*NUMBERS, "bool", "timestamp"], ["text"], ["ip"], ["int", "text"], ["int", "decimal", "float", "text", "bool", "timestamp", "ip"])


def fill_reduce(rng: Random, case: Case, gen: Gen, fields: list[Expr], depth: int, timed: bool) -> None:
    """Window, keys and measures."""
    if timed and rng.random() < 0.6:
        case.window = rng.choice(WINDOWS)
    case.partition = rng.choice((None, "none", "hour", "day", "month")) if case.window else None
    types = rng.choice(KEY_TYPES)
    taken: set[str] = set()
    for n in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        type = rng.choice(types)
        bare = [f for f in fields if f.type == type and f.sql() not in taken | {"event_time"}]
        if bare and rng.random() < 0.6:
            key = rng.choice(bare)
            taken.add(key.sql())
            case.by.append((None, key))
        else:
            case.by.append((f"k{n}", gen.expr(type, depth)))
    while len(case.measures) < rng.choice((1, 2, 3, 4, 6)):
        made = measures.measure(gen, depth, timed)
        case.measures.append((f"m{len(case.measures)}", made))
        while rng.random() < 0.45 and len(case.measures) < 12:
            made = measures.sibling(gen, made, min(depth, 1), timed)
            case.measures.append((f"m{len(case.measures)}", made))
    case.sqlite = rng.random() < 0.3


def fill_events(rng: Random, case: Case, gen: Gen, fields: list[Expr], depth: int, timed: bool) -> None:
    """Columns of the events."""
    case.events = []
    taken: set[str] = set()
    for n in range(rng.choice((1, 2, 3, 5, 8))):
        bare = [f for f in fields if f.sql() not in taken]
        if bare and rng.random() < 0.5:
            column = rng.choice(bare)
            taken.add(column.sql())
            case.events.append((None, column))
        else:
            case.events.append((f"c{n}", gen.any(depth)))
    if timed:
        case.events_partition = rng.choice((None, None, "none", "hour", "day", "month"))
