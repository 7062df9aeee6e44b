"""Functions of any type."""

from ..node import coerce, derived, together
from ..operators import comparison
from ..types import UNKNOWN, decimal, is_decimal, order_key
from . import function

MANY = 100


@function("coalesce", least=1, most=MANY)
def coalesce(*nodes):
    """Arguments behind the first one that is not NULL are not evaluated."""
    kind, nodes = together(nodes)

    def run(record):
        for node in nodes:
            value = node.run(record)
            if value is not None:
                return value
        return None

    return derived(kind, run, nodes)


@function("nullif", least=2)
def nullif(left, right):
    """PostgreSQL: the first argument, as the `=` of the two takes it; a decimal keeps its digits."""
    equal = comparison("=", left, right)
    kind, (value, _) = together([left, right])
    if is_decimal(kind) and left.type != UNKNOWN:
        kind = decimal(left.type.scale or 0)
        value = coerce(left, kind)
    return derived(kind, lambda record: None if equal.run(record) else value.run(record), [equal, value])


def extreme(name, choose):
    @function(name, least=1, most=MANY)
    def build(*nodes):
        """NULLs are skipped."""
        kind, nodes = together(nodes)

        def run(record):
            values = [node.run(record) for node in nodes]
            return choose((value for value in values if value is not None), key=order_key, default=None)

        return derived(kind, run, nodes)


extreme("greatest", max)
extreme("least", min)
