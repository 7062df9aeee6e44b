"""DuckDB as a second oracle: the job's parts that it understands, over the records that logmill parsed.

Two jobs are derived: one that only parses (its events are the records), and one that has only the parts that translate.
The first is loaded into DuckDB, the second one's groups are compared with those of the SQL.
"""

from __future__ import annotations

from copy import copy
from pathlib import Path
from random import Random

import duckdb

from . import compare, variants
from .case import Case
from .compare import Difference
from .duck_sql import Translator, Untranslatable
from .expr import Expr, Slot, Word, field
from .variants import Variant

WIDTHS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
# Texts in the data for which the two are known to differ: sums that overflow to infinity, two zeros as two keys.
STRANGE = (b"308", b"-0", b"324")
NEAR = ("relative", 1e-9)
# Of values that are large and near to each other DuckDB loses digits; the model looks closer.
ABOUT = ("relative", 1e-6)
_base: duckdb.DuckDBPyConnection | None = None


def base() -> duckdb.DuckDBPyConnection:
    """One database a process."""
    global _base
    if _base is None:
        _base = duckdb.connect()
        # It would not compute what an aggregate does not need: `count(a * b)` is to fail where `a * b` does.
        _base.execute("SET threads = 1; SET TimeZone = 'UTC'; SET disabled_optimizers = 'statistics_propagation'")
    return _base


def width(window: str) -> int:
    """Microseconds of a window."""
    number = window.rstrip("mshdw")
    return int(number) * WIDTHS[window[len(number) :]]


def check(case: Case, binary: str, root: Path) -> list[Difference] | None:
    """Differences; nothing where there is nothing to compare."""
    if not case.reduce or case.uses("source_file") or any(word in file.data for file in case.files for word in STRANGE):
        return None
    ascii_only = all(file.data.isascii() for file in case.files) and all(e.sql().isascii() for e in case.exprs())
    question = Question(case, ascii_only)
    if not question.measures or not question.names:
        return None
    parsed, got = run(question.parse(), binary, root / "duck-parse"), run(question.reduced(), binary, root / "duck-reduce")
    if parsed.events is None or got.status not in (0, 3) or parsed.status not in (0, 3):
        return None
    try:
        rows = base().execute(question.sql(root / "duck-parse" / "out" / "events")).fetchall()
    except duckdb.Error:
        return None  # an overflow, a wrong cast: an error there, a reject here
    ours = got.summary.rows if got.summary else []
    if not question.keyed and not ours:
        return None  # no record: SQL has one group, logmill none
    keys = len(question.columns) - len(question.measures)
    ours, theirs = by_key(ours, keys), by_key(rows, keys)
    found = compare.rows("duckdb rows", question.columns, ours, theirs, question.tolerances, keys, "DuckDB")
    for difference in found:
        difference.detail += f"\n  {question.sql(Path('events'))}"
    return found


def by_key(rows: list[tuple], keys: int) -> list[tuple]:
    """Rows in some order of their keys."""
    return sorted(rows, key=lambda row: repr(compare.exact(row[:keys])))


def run(case: Case, binary: str, folder: Path) -> variants.Got:
    """One run of a derived job."""
    return variants.go(case, Variant("plain", variants.at_once), folder, binary, Random(0))[1]


def used(exprs: list[Expr], lets: dict[str, Expr]) -> set[str]:
    """Names of the fields that these expressions read, by way of lets too. A let that nobody uses reads nothing."""
    names: set[str] = set()
    waiting = [name for e in exprs for name in e.names()]
    while waiting:
        name = waiting.pop()
        if name in lets:
            waiting += lets[name].names()
        else:
            names.add(name)
    return names


class Question:
    """The parts of a job that translate."""

    def __init__(self, case: Case, ascii_only: bool):
        self.case = case
        self.translator = Translator({}, ascii_only)
        self.lets: list[tuple[str, Expr]] = []
        for name, expr in case.lets:
            sql = self.attempt(expr)
            if sql is not None:
                self.lets.append((name, expr))
                self.translator.lets[name] = sql
        self.where = self.attempt(case.where) if case.where else None
        self.keys = [(name, expr, sql) for name, expr in case.by if (sql := self.attempt(expr)) is not None and expr.type != "ip"]
        self.measures = [(name, expr, sql) for name, expr in case.measures if (sql := self.measure(expr)) is not None]
        self.keyed = bool(self.keys or case.window)
        exprs = [e for _, e, _ in self.keys] + [e for _, e, _ in self.measures] + ([case.where] if self.where else [])
        names = used(exprs, dict(self.lets))
        self.names = sorted(names | ({"event_time"} if case.window else set())) or ["raw"]
        self.columns = (["window_start"] if case.window else []) + [name or expr.sql() for name, expr, _ in self.keys] + [name for name, _, _ in self.measures]
        self.tolerances = {
            name: ABOUT if "stddev" in expr.sql() else NEAR for name, expr, _ in self.measures if expr.type == "float"
        }

    def attempt(self, expr: Expr) -> str | None:
        """The SQL, or nothing."""
        try:
            return self.translator.sql(expr)
        except Untranslatable:
            return None

    def measure(self, expr: Expr) -> str | None:
        """The SQL of one aggregate."""
        head = expr.parts[0]
        if not expr.op.startswith("agg") or not isinstance(head, Word):
            return None
        try:
            return self.aggregate(expr, head.text)
        except Untranslatable:
            return None

    def aggregate(self, expr: Expr, name: str) -> str:
        """`sum(x) FILTER (WHERE …)`"""
        if name not in ("count", "sum", "avg", "stddev", "min", "max", "any", "bool_and", "bool_or"):
            raise Untranslatable(name)
        slots = [part for part in expr.parts if isinstance(part, Slot)]
        filtered = " FILTER (WHERE " in expr.parts
        args = slots[:-1] if filtered else slots
        if any(slot.expr.type == "ip" for slot in args):
            raise Untranslatable("ip")
        distinct = "DISTINCT " if any(isinstance(part, Word) and part.text == "DISTINCT " for part in expr.parts) else ""
        inner = self.translator.sql(args[0].expr) if args else "*"
        made = f"{name.replace('any', 'min')}({distinct}{inner})"
        made += f" FILTER (WHERE {self.translator.sql(slots[-1].expr)})" if filtered else ""
        return made

    def parse(self) -> Case:
        """The job that only parses."""
        made = copy(self.case)
        made.where, made.lets, made.reduce, made.window, made.by, made.measures = None, [], False, None, [], []
        made.sqlite, made.partition, made.events_partition = False, None, None
        made.events = [(f"v{n}", field(name, "text")) for n, name in enumerate(self.names)]
        return made

    def reduced(self) -> Case:
        """The job with the parts that translate."""
        made = copy(self.case)
        made.lets, made.events, made.events_partition, made.sqlite = self.lets, None, None, False
        made.where = self.case.where if self.where else None
        made.by = [(name, expr) for name, expr, _ in self.keys]
        made.measures = [(name, expr) for name, expr, _ in self.measures]
        return made

    def sql(self, folder: Path) -> str:
        """The same question in SQL."""
        columns = ", ".join(f'v{n} AS "{name}"' for n, name in enumerate(self.names))
        loaded = f"SELECT {columns} FROM read_parquet('{folder}/*.parquet', hive_partitioning = false)"
        keys = [f'epoch_us("event_time") // {width(self.case.window)} * {width(self.case.window)}'] if self.case.window else []
        keys += [f"epoch_us({sql})" if expr.type == "timestamp" else sql for _, expr, sql in self.keys]
        measures = [f"epoch_us({sql})" if expr.type == "timestamp" else sql for _, expr, sql in self.measures]
        group = f" GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}" if keys else ""
        where = f" WHERE {self.where}" if self.where else ""
        times = [name for name in self.names if self.is_time(name)]
        shown = ", ".join(f"(\"{name}\" AT TIME ZONE 'UTC') AS \"{name}\"" for name in times)
        records = f"(SELECT * REPLACE ({shown}) FROM ({loaded}))" if times else f"({loaded})"
        return f"SELECT {', '.join(keys + measures)} FROM {records}{where}{group}"

    def is_time(self, name: str) -> bool:
        """Whether a field is a time."""
        found = {e.sql().strip('"'): e.type for whole in self.case.exprs() for _, e in whole.walk() if e.op == "field"}
        return name == "event_time" or found.get(name) == "timestamp"
