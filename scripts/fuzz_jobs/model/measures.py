"""Aggregates: all values of a group are kept, and looked at when it is complete."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Callable

from . import exact
from .errors import JobError, RunError, Unsupported
from .node import Node, coerce
from .types import BOOL, DIGITS_MAX, FLOAT, INT, INT_MAX, INT_MIN, TEXT, UNKNOWN, fit, is_number, order_key

QUANTILE_BOUND = ("relative", 0.0079)
DISTINCT_BOUND = ("distinct", 0.05)
# A sum of what the C library's logarithms and powers give.
INEXACT_BOUND = ("relative", 1e-9)


@dataclass
class Aggregate:
    """`finish` gets the (value, (event time, place)) of the group's records that passed the filter, NULLs left out."""

    value: Node | None
    filter: Node | None
    finish: Callable
    needs_time: bool


def int_sum(values):
    result = sum(values)
    if not INT_MIN <= result <= INT_MAX:
        raise RunError("sum of ints beyond 64 bits")
    return result


def decimal_sum(scale):
    def compute(values):
        result = exact.total(values)
        if abs(result) * 10**scale >= 10**DIGITS_MAX:
            raise RunError("sum of decimals beyond 38 digits")
        return fit(result, scale)

    return compute


def or_null(compute):
    """NULL of no values."""
    return lambda values: compute(values) if values else None


def build_sum(kind):
    need_number("sum", kind)
    compute = {"int": int_sum, "float": exact.float_sum}.get(kind.name) or decimal_sum(kind.scale)
    return kind, or_null(compute)


def need_number(name, kind):
    if not is_number(kind):
        raise JobError(f"{name} of {kind}")


def build_avg(kind):
    need_number("avg", kind)
    return FLOAT, or_null(exact.average)


def build_stddev(kind):
    need_number("stddev", kind)
    return FLOAT, exact.deviation


def build_extreme(choose):
    def build(kind):
        return kind, or_null(lambda values: choose(values, key=order_key))

    return build


def build_any(kind):
    """The smallest value."""
    return kind, or_null(lambda values: min(values, key=order_key))


def build_bool(combine):
    def build(kind):
        if kind != BOOL:
            raise JobError(f"{combine.__name__} of {kind}")
        return BOOL, or_null(combine)

    return build


def distinct_count(values):
    return len({order_key(value) for value in values})


def of_value(build):
    """An aggregate that looks at values only."""

    def with_places(kind):
        result, finish = build(kind)
        return result, lambda pairs: finish([value for value, _ in pairs])

    return with_places


def by_place(choose):
    """By event time, then by file order, which of files whose first lines have one time is that of a hash."""

    def chosen(pairs):
        time = choose(place[0] for _, place in pairs)
        of_files = {}
        for pair in pairs:
            if pair[1][0] == time:
                of_files.setdefault(pair[1][2], []).append(pair)
        values = [choose(of_one, key=lambda pair: pair[1])[0] for of_one in of_files.values()]
        if len(set(map(order_key, values))) > 1:
            raise Unsupported("values of several files with the first or last time")
        return values[0]

    def build(kind):
        return kind, lambda pairs: chosen(pairs) if pairs else None

    return build


SIMPLE = {
    "sum": of_value(build_sum),
    "avg": of_value(build_avg),
    "stddev": of_value(build_stddev),
    "min": of_value(build_extreme(min)),
    "max": of_value(build_extreme(max)),
    "any": of_value(build_any),
    "bool_and": of_value(build_bool(all)),
    "bool_or": of_value(build_bool(any)),
    "first": by_place(min),
    "last": by_place(max),
    "count": of_value(lambda kind: (INT, len)),
    "approx_distinct": of_value(lambda kind: (INT, distinct_count)),
}
AGGREGATES = set(SIMPLE) | {"approx_quantile", "quantile"}


def percentile_disc(fraction, is_sketch):
    """The first value whose share of the sorted values reaches the fraction."""

    def compute(values):
        ordered = sorted(values, key=order_key)
        at = max(math.ceil(fraction * len(ordered)), 1)
        # PostgreSQL multiplies floats, which may end just above the whole number.
        if at != max(math.ceil(float(fraction) * len(ordered)), 1):
            raise Unsupported("a quantile on the edge between two values")
        return float(ordered[at - 1]) if is_sketch else ordered[at - 1]

    return or_null(compute)


def unsigned_zero(value):
    """What a group keeps is one zero."""
    return value + 0.0 if isinstance(value, float) else value


class MeasureScope:
    """Within measures only aggregates have values; their arguments see the records."""

    def __init__(self, record_compiler):
        self.record_compiler = record_compiler
        self.aggregates = []

    def resolve(self, name):
        raise JobError(f"{name!r} stands outside of an aggregate")

    def aggregate(self, call, compiler):
        if call.name not in AGGREGATES:
            return None
        if call.distinct and call.name != "count":
            raise Unsupported(f"{call.name}(DISTINCT …)")
        if call.star and call.name != "count":
            raise JobError(f"{call.name}(*)")
        kept = None if call.filter is None else self.record_compiler.condition(call.filter)
        if call.star:
            return self.add(call, None, kept, INT, len)
        if call.name in ("approx_quantile", "quantile"):
            return self.quantile(call, kept)
        value = self.argument(call, 1)
        if call.distinct:
            return self.add(call, value, kept, INT, lambda pairs: distinct_count([value for value, _ in pairs]))
        kind, finish = SIMPLE[call.name](value.type)
        return self.add(call, value, kept, kind, finish)

    def argument(self, call, count):
        if len(call.args) != count:
            raise JobError(f"{call.name} takes {count} arguments")
        value = self.record_compiler.compile(call.args[0])
        return coerce(value, TEXT) if value.type == UNKNOWN else value

    def quantile(self, call, kept):
        value = self.argument(call, 2)
        is_sketch = call.name == "approx_quantile"
        if is_sketch:
            need_number(call.name, value.type)
        share = self.record_compiler.compile(call.args[1])
        if not share.is_literal or not is_number(share.type):
            raise Unsupported("a quantile that is no literal")
        fraction = Fraction(share.literal)
        if not 0 <= fraction <= 1:
            raise JobError("a quantile lies between 0 and 1")
        kind = FLOAT if is_sketch else value.type
        _, finish = of_value(lambda _: (kind, percentile_disc(fraction, is_sketch)))(value.type)
        return self.add(call, value, kept, kind, finish)

    def add(self, call, value, kept, kind, finish):
        index = len(self.aggregates)
        self.aggregates.append(Aggregate(value, kept, finish, call.name in ("first", "last")))
        node = Node(kind, lambda group: unsigned_zero(group.results[index]))
        node.inexact = any(part.inexact for part in (value, kept) if part is not None)
        node.sketch = {"approx_quantile": QUANTILE_BOUND, "approx_distinct": DISTINCT_BOUND}.get(call.name)
        return node


class Group:
    """The values of one group's records, an entry for each aggregate."""

    def __init__(self, key, aggregates):
        self.key = key
        self.aggregates = aggregates
        self.pairs = [[] for _ in aggregates]
        self.results = None

    def add(self, values, place):
        """`values` as `inputs` gave them."""
        for pairs, value in zip(self.pairs, values):
            if value is not None:
                pairs.append((value, place))

    def finish(self):
        self.results = [one.finish(pairs) for one, pairs in zip(self.aggregates, self.pairs)]


def inputs(aggregates, record):
    """Of each aggregate the record's value, NULL if the filter drops it; the argument is not evaluated then."""
    values = []
    for one in aggregates:
        if one.filter is not None and not one.filter.run(record):
            values.append(None)
        else:
            values.append(True if one.value is None else one.value.run(record))
    return values
