"""Arithmetic, comparison and concatenation."""

import math
from fractions import Fraction

from .casts import caster
from .errors import JobError, RecordError, Unsupported
from .node import coerce, derived, strict, together
from .timestamps import YEAR_1, YEAR_10000
from .types import BOOL, FLOAT, INT, TEXT, TIMESTAMP, UNKNOWN, check_int, compare, decimal, fit, is_number

COMPARISONS = {
    "=": lambda order: order == 0,
    "<>": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def comparison(op, left, right):
    _, (left, right) = comparable(left, right)
    return strict(BOOL, lambda a, b: COMPARISONS[op](compare(a, b)), left, right)


def comparable(left, right):
    """Both sides as one type. Ints and decimals compare exactly, beside a float both are floats."""
    if is_number(left.type) and is_number(right.type) and FLOAT not in (left.type, right.type):
        # Widening an int could overflow decimal(38); there is no need to widen for a comparison.
        return None, (left, right)
    return together([left, right])


def arithmetic(op, left, right):
    if (left.type, right.type) == (TIMESTAMP, TIMESTAMP) and op == "-":
        return strict(decimal(6), lambda a, b: fit(Fraction(a - b, 10**6), 6), left, right)
    left, right = arithmetic_operands(left, right)
    if FLOAT in (left.type, right.type):
        if op == "%":
            raise Unsupported("float % float, which PostgreSQL does not have")
        left, right = coerce(left, FLOAT), coerce(right, FLOAT)
        return strict(FLOAT, FLOAT_OPS[op], left, right)
    if left.type == right.type == INT:
        return strict(INT, lambda a, b: check_int(INT_OPS[op](a, b)), left, right)
    scale = decimal_scale(op, left.type.scale or 0, right.type.scale or 0)
    kind = decimal(scale)
    return strict(kind, lambda a, b: fit(EXACT_OPS[op](Fraction(a), Fraction(b)), scale), left, right)


def shifted(time, micros):
    """A time and an interval."""

    def shift(value):
        if not YEAR_1 <= value + micros < YEAR_10000:
            raise Unsupported("a time beyond the years 1 to 9999")
        return value + micros

    return strict(TIMESTAMP, shift, coerce(time, TIMESTAMP))


def arithmetic_operands(left, right):
    """A literal in quotes takes the type of the other side."""
    if left.type == UNKNOWN and right.type == UNKNOWN:
        raise Unsupported("arithmetic of two literals without a type")
    if left.type == UNKNOWN:
        left = coerce(left, right.type)
    if right.type == UNKNOWN:
        right = coerce(right, left.type)
    if not (is_number(left.type) and is_number(right.type)):
        raise JobError(f"arithmetic of {left.type} and {right.type}")
    return left, right


def decimal_scale(op, left, right):
    if op == "*":
        return left + right
    if op == "/":
        return max(left, right, 6)
    return max(left, right)


def truncated(a, b):
    """a / b towards zero."""
    if b == 0:
        raise RecordError("division by zero")
    whole = abs(a) // abs(b)
    return whole if (a < 0) == (b < 0) else -whole


def divided(a, b):
    if b == 0:
        raise RecordError("division by zero")
    return a / b


INT_OPS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": truncated,
    "%": lambda a, b: a - b * truncated(a, b),
}
EXACT_OPS = INT_OPS | {"/": divided}


def float_result(value, *operands):
    """PostgreSQL's float8: infinite from finite operands is an overflow."""
    if math.isinf(value) and not any(math.isinf(operand) for operand in operands):
        raise RecordError("float overflow")
    return value


def float_product(a, b):
    value = a * b
    if value == 0 and a != 0 and b != 0:
        raise RecordError("float underflow")
    return float_result(value, a, b)


def float_quotient(a, b):
    if math.isnan(a) or math.isnan(b):
        return math.nan
    if b == 0:
        raise RecordError("division by zero")
    value = a / b
    if value == 0 and a != 0 and not math.isinf(b):
        raise RecordError("float underflow")
    return float_result(value, a)


FLOAT_OPS = {
    "+": lambda a, b: float_result(a + b, a, b),
    "-": lambda a, b: float_result(a - b, a, b),
    "*": float_product,
    "/": float_quotient,
}


def negated(value):
    if value.type == UNKNOWN:
        raise Unsupported("the sign of a literal without a type")
    if value.type == INT:
        return strict(INT, lambda a: check_int(-a), value)
    if value.type == FLOAT:
        return strict(FLOAT, lambda a: -a, value)
    if not is_number(value.type):
        raise JobError(f"the sign of {value.type}")
    return strict(value.type, lambda a: fit(-Fraction(a), value.type.scale), value)


def concatenation(left, right):
    """`||`: one side is text, the other one becomes its text, as in PostgreSQL."""
    if TEXT not in (left.type, right.type) and UNKNOWN not in (left.type, right.type):
        raise JobError(f"{left.type} || {right.type}: one of them must be text")
    sides = [textual(side) for side in (left, right)]
    return strict(TEXT, lambda a, b: a + b, *sides)


def textual(node):
    if node.type in (TEXT, UNKNOWN):
        return coerce(node, TEXT)
    return strict(TEXT, caster(node.type, TEXT), node)


def distinct(left, right, is_negated):
    """IS [NOT] DISTINCT FROM: NULLs are equal."""
    _, (left, right) = comparable(left, right)

    def run(record):
        a, b = left.run(record), right.run(record)
        return (compare(a, b) != 0) != is_negated

    return derived(BOOL, run, [left, right])
