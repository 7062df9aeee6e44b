"""The nodes of a parsed expression."""

from dataclasses import dataclass, field


@dataclass
class Literal:
    # "int", "decimal", "float", "text", "bool" or "null"
    kind: str
    value: object


@dataclass
class Interval:
    # A length of time that is the same in every calendar.
    micros: int


@dataclass
class Name:
    name: str


@dataclass
class Unary:
    op: str
    value: object


@dataclass
class Binary:
    op: str
    left: object
    right: object


@dataclass
class Like:
    value: object
    pattern: object
    escape: object
    ignore_case: bool
    negated: bool


@dataclass
class In:
    value: object
    items: list
    negated: bool


@dataclass
class Between:
    value: object
    low: object
    high: object
    negated: bool


@dataclass
class Is:
    # "null", "true", "false" or "unknown"
    value: object
    what: str
    negated: bool


@dataclass
class Distinct:
    left: object
    right: object
    negated: bool


@dataclass
class Case:
    operand: object
    branches: list
    otherwise: object


@dataclass
class Cast:
    value: object
    type: object


@dataclass
class Call:
    name: str
    args: list
    star: bool = False
    distinct: bool = False
    filter: object = None


@dataclass
class Item:
    """`expression AS name`, as in `by` and `columns`."""

    value: object
    alias: str | None = field(default=None)
