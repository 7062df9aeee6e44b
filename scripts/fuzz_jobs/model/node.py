"""A typed expression that can be evaluated, and the helpers to make one."""

from dataclasses import dataclass
from typing import Callable

from .casts import literal_as
from .errors import JobError, Unsupported
from .types import INT, TEXT, UNKNOWN, common, convert

NOT_LITERAL = object()


@dataclass
class Node:
    type: object
    # record (or group) -> value
    run: Callable
    # The value, if it is written down in the job.
    literal: object = NOT_LITERAL
    # For a literal: the zone of times without an offset, if it is known.
    zone: str | None = None
    # Computed with the C library's transcendental functions, whose last digit may differ.
    inexact: bool = False
    # How far a sketch may be off: None, or a tolerance as in Outcome.
    sketch: tuple | None = None

    @property
    def is_literal(self):
        return self.literal is not NOT_LITERAL


def constant(kind, value, zone=None):
    return Node(kind, lambda record: value, literal=value, zone=zone)


def derived(kind, run, args, inexact=False):
    """A node that computes something of `args`, and inherits how exact they are."""
    sketch = next((arg.sketch for arg in args if arg.sketch), None)
    return Node(kind, run, inexact=inexact or any(arg.inexact for arg in args), sketch=sketch)


def strict(kind, function, *args, inexact=False):
    """All arguments are evaluated; the result is NULL if one of them is."""

    def run(record):
        values = [arg.run(record) for arg in args]
        return None if None in values else function(*values)

    return derived(kind, run, args, inexact)


def coerce(node, kind):
    """The node as `kind`: literals are read as it, numbers are widened to it, anything else must be it."""
    if node.type == UNKNOWN:
        return constant(kind, literal_as(node.literal, kind, node.zone))
    if node.type == kind:
        return node
    if common([node.type, kind]) != kind:
        raise JobError(f"{node.type} where {kind} is needed")
    return derived(kind, lambda record: convert(node.run(record), kind), [node])


def together(nodes):
    """All nodes as their common type."""
    kind = common([node.type for node in nodes])
    return kind, [coerce(node, kind) for node in nodes]


def as_text(node):
    return coerce(node, TEXT)


def as_int(node):
    return coerce(node, INT)


def literal_text(node, what):
    """The text of an argument that must be written down in the job."""
    if not node.is_literal or not isinstance(node.literal, str):
        raise Unsupported(f"{what} that is no literal")
    return node.literal


def literal_int(node, what):
    if not node.is_literal or type(node.literal) is not int:
        raise Unsupported(f"{what} that is no literal")
    return node.literal
