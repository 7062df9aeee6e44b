"""Makes a case that shows a difference smaller: fewer parts, simpler expressions, fewer lines and bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace

from .case import Case, File
from .check import Plan, Result, check
from .expr import Expr, const
from .gen import signed

SECONDS = 40.0
CONSTANTS = {"int": "1", "decimal": "1.5", "float": "1e0", "text": "'a'", "bool": "true", "timestamp": "TIMESTAMP '2026-01-01 00:00:00'", "ip": "'10.0.0.1'::ip"}


class Shrinker:
    """Tries smaller cases as long as the same kind of difference remains, and time is left."""

    def __init__(self, case: Case, plan: Plan, result: Result):
        self.case = case
        self.result = result
        self.kind = result.differences[0].kind
        self.plan = self.narrow(plan)
        self.until = time.monotonic() + SECONDS

    def narrow(self, plan: Plan) -> Plan:
        """Only the variants and oracles that showed it."""
        kept = [variant for variant in plan.variants[1:] if self.kind.startswith((f"variant {variant.name}",))][:2]
        model = self.kind.startswith(("model", "failed", "hang"))
        return replace(plan, variants=plan.variants[:1] + kept, use_model=model, use_duckdb=self.kind.startswith("duckdb"), verify=self.kind in ("verify", "audit"))

    def holds(self, case: Case) -> bool:
        """Whether the difference is still there; then the case is the new best one."""
        if time.monotonic() > self.until:
            return False
        try:
            result = check(case, self.plan)
        except Exception:  # noqa: BLE001 - a smaller case that breaks the tool is no smaller case
            return False
        if any(difference.kind == self.kind for difference in result.differences):
            self.case, self.result = case, result
            return True
        return False

    def run(self) -> None:
        """Rounds, until nothing gets smaller."""
        if not self.holds(self.case):
            return
        while time.monotonic() < self.until:
            before = self.measure()
            self.drop_parts()
            self.fewer_lines()
            self.simpler()
            if self.measure() == before:
                break
        self.fewer_bytes()

    def measure(self) -> tuple[int, int, int]:
        """How large the case is."""
        case = self.case
        parts = len(case.lets) + len(case.by) + len(case.measures) + len(case.events or ()) + len(case.limits) + len(case.declared)
        return sum(len(f.data) for f in case.files), sum(e.size() for e in case.exprs()), parts

    def drop_parts(self) -> None:
        """Without measures, keys, lets, outputs, limits."""
        for name in ("files", "measures", "lets", "by", "events"):
            self.drop_items(name)
        for change in simple_changes(self.case):
            self.holds(change(self.case))
        for name in list(self.case.limits):
            self.holds(with_(self.case, limits={k: v for k, v in self.case.limits.items() if k != name}))

    def drop_items(self, name: str) -> None:
        """A list with fewer items: halves first, then single ones."""
        items = getattr(self.case, name)
        if not items:
            return
        least = 1 if name == "files" or (name == "measures") or (name == "events" and not self.case.reduce) else 0
        kept = reduce_list(items, least, lambda some: self.holds(with_(self.case, **{name: some})))
        if name == "events" and kept == [] and self.case.reduce:
            self.holds(with_(self.case, events=None))

    def fewer_lines(self) -> None:
        """Files with fewer lines."""
        for at, file in enumerate(self.case.files):
            lines = file.data.splitlines(keepends=True) if b"\r" not in file.data else split_lines(file.data)
            reduce_list(lines, 0, lambda some, at=at: self.holds(self.with_data(at, b"".join(some))))

    def fewer_bytes(self) -> None:
        """The few bytes that are left, fewer still."""
        for at, file in enumerate(self.case.files):
            if len(file.data) <= 600:
                reduce_list([bytes((b,)) for b in file.data], 0, lambda some, at=at: self.holds(self.with_data(at, b"".join(some))))

    def with_data(self, at: int, data: bytes) -> Case:
        """The case with other content of a file."""
        files = list(self.case.files)
        files[at] = File(files[at].name, data)
        return with_(self.case, files=files)

    def simpler(self) -> None:
        """Expressions with a subtree less."""
        for name in ("where", "lets", "by", "measures", "events"):
            count = 1 if name == "where" else len(getattr(self.case, name) or ())
            for at in range(count):
                self.simplify(name, at)

    def simplify(self, name: str, at: int) -> None:
        """One expression, as long as it gets smaller."""
        progress = True
        while progress and time.monotonic() < self.until:
            progress = False
            expr = self.get(name, at)
            if expr is None:
                return
            for smaller in candidates(expr):
                if self.holds(self.put(name, at, smaller)):
                    progress = True
                    break

    def get(self, name: str, at: int) -> Expr | None:
        """An expression of the case."""
        if name == "where":
            return self.case.where
        items = getattr(self.case, name) or []
        return items[at][1] if at < len(items) else None

    def put(self, name: str, at: int, expr: Expr) -> Case:
        """The case with another expression there; a column that loses its name's expression gets one."""
        if name == "where":
            return with_(self.case, where=expr)
        items = list(getattr(self.case, name))
        label = items[at][0]
        items[at] = (label or (None if expr.op == "field" else f"y{at}"), expr)
        return with_(self.case, **{name: items})


def with_(case: Case, **changes) -> Case:
    """A copy with other parts."""
    made = copy(case)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def simple_changes(case: Case) -> list[Callable[[Case], Case]]:
    """Parts that can be left out whole."""
    found: list[Callable[[Case], Case]] = []
    if case.where:
        found.append(lambda c: with_(c, where=None))
    if case.reduce and case.events is not None:
        found += [lambda c: with_(c, reduce=False, window=None, by=[], measures=[], sqlite=False), lambda c: with_(c, events=None)]
    for name in ("window", "partition", "events_partition", "zone"):
        if getattr(case, name):
            found.append(lambda c, name=name: with_(c, **{name: None}))
    if case.sqlite:
        found.append(lambda c: with_(c, sqlite=False))
    if case.time or case.window:
        found.append(lambda c: with_(c, time=None, window=None, partition=None, events_partition=None))
    return found


def candidates(expr: Expr) -> Iterator[Expr]:
    """Smaller expressions: a subtree instead of its parent, a constant instead of a subtree; large steps first."""
    nodes = sorted(expr.walk(), key=lambda item: -item[1].size())
    for path, node in nodes:
        for _, child in node.walk():
            if child is not node and child.type == node.type and not child.op.startswith("agg") or (child.op.startswith("agg") and child is not node and child.type == node.type):
                yield expr.replaced(path, child)
        if node.size() > 1 and not any(op.startswith("agg") for op in node.ops()):
            text = CONSTANTS[node.type]
            yield expr.replaced(path, signed(text, node.type) if node.type == "decimal" else const(text, node.type))
        if " FILTER (WHERE " in node.parts:
            yield expr.replaced(path, replace(node, parts=node.parts[: node.parts.index(" FILTER (WHERE ")]))
        if node.op in ("in", "coalesce", "concat", "concat_ws", "greatest", "case", "case of"):
            yield from (expr.replaced(path, fewer) for fewer in shorter(node))


def shorter(node: Expr) -> Iterator[Expr]:
    """Lists with an item less."""
    for at in range(1, len(node.parts) - 1):
        if node.parts[at] == ", " and at + 1 < len(node.parts):
            yield replace(node, parts=node.parts[:at] + node.parts[at + 2 :])


def reduce_list(items: list, least: int, holds: Callable[[list], bool]) -> list:
    """Delta debugging: leaves out ever smaller pieces as long as it holds."""
    kept = list(items)
    size = max(len(kept) // 2, 1)
    while size >= 1 and len(kept) > least:
        at = 0
        removed = False
        while at < len(kept) and len(kept) - size >= 0:
            tried = kept[:at] + kept[at + size :]
            if len(tried) >= least and holds(tried):
                kept, removed = tried, True
            else:
                at += size
        if size == 1 and not removed:
            break
        size = size // 2 if size > 1 else (1 if removed else 0)
    return kept


def split_lines(data: bytes) -> list[bytes]:
    """Lines that end with a newline only."""
    return [line + b"\n" for line in data.split(b"\n")[:-1]] + [data.rsplit(b"\n", 1)[-1]]


def shrink(case: Case, plan: Plan, result: Result) -> tuple[Case, Plan, Result]:
    """The smallest case that was found, and what it showed."""
    shrinker = Shrinker(case, plan, result)
    shrinker.run()
    return shrinker.case, shrinker.plan, shrinker.result
