"""Numbers. Decimals round half away from zero, floats half to even."""

import math
from fractions import Fraction

from ..errors import JobError, RecordError
from ..node import coerce, literal_int, strict
from ..operators import arithmetic, float_result
from ..types import FLOAT, INT, check_int, decimal, fit, is_decimal, is_number, round_half_away
from . import function


def number(node):
    if not is_number(node.type):
        raise JobError(f"{node.type} where a number is needed")
    return node


@function("abs")
def absolute(value):
    kind = number(value).type
    return strict(kind, lambda a: check_int(abs(a)) if kind == INT else abs(a), value)


@function("sign")
def sign(value):
    """As a number of the argument's kind; PostgreSQL gives an int the type float."""
    kind = number(value).type
    if kind == FLOAT:
        return strict(FLOAT, lambda a: float((a > 0) - (a < 0)), value)
    kind = decimal(0) if is_decimal(kind) else INT
    return strict(kind, lambda a: fit((a > 0) - (a < 0), 0) if is_decimal(kind) else (a > 0) - (a < 0), value)


@function("mod", least=2)
def mod(left, right):
    return arithmetic("%", left, right)


def float_half_even(value):
    return value if math.isinf(value) or math.isnan(value) or abs(value) >= 2**53 else math.copysign(round(value), value)


def float_whole(towards):
    return lambda value: value if math.isinf(value) or math.isnan(value) else math.copysign(towards(value), value)


def float_rounded(value, digits):
    """DuckDB's: the power of ten is a float, and so is each of the two steps."""
    power = float(10 ** abs(digits))
    scaled = value * power if digits >= 0 else value / power
    if math.isnan(scaled) or math.isinf(scaled):
        return value
    whole = math.copysign(round_half_away(Fraction(scaled)), scaled)
    return whole / power if digits >= 0 else whole * power


def rounding(names, of_fraction, of_float, with_digits):
    """A family: int stays as it is, decimal becomes decimal(0) or decimal(n), float stays float."""

    @function(*names, least=1, most=2 if with_digits else 1)
    def build(value, digits=None):
        kind = number(value).type
        if digits is not None:
            digits = literal_int(digits, "digits")
            if kind == FLOAT:
                return strict(FLOAT, lambda a: float_rounded(a, digits), value)
            return with_scale(value, digits)
        if kind == INT:
            return value
        if kind == FLOAT:
            return strict(FLOAT, of_float, value)
        return strict(decimal(0), lambda a: fit(of_fraction(Fraction(a)), 0), value)

    def with_scale(value, digits):
        shift = Fraction(10) ** digits
        scale = max(digits, 0)
        return strict(decimal(scale), lambda a: fit(of_fraction(Fraction(a) * shift) / shift, scale), value)


rounding(["round"], round_half_away, float_half_even, with_digits=True)
rounding(["trunc"], math.trunc, float_whole(math.trunc), with_digits=False)
rounding(["floor"], math.floor, float_whole(math.floor), with_digits=False)
rounding(["ceil"], math.ceil, float_whole(math.ceil), with_digits=False)


def as_float(node):
    """PostgreSQL has these of numeric, too, with more digits than a float; here there is no type for that."""
    return coerce(number(node), FLOAT)


def of_float(name, compute, inexact=True):
    @function(name)
    def build(value):
        return strict(FLOAT, compute, as_float(value), inexact=inexact)


def square_root(value):
    if value < 0:
        raise RecordError("the square root of a negative number")
    return math.sqrt(value)


def logarithm(log):
    def compute(value):
        if value <= 0:
            raise RecordError("the logarithm of a number that is not positive")
        return log(value)

    return compute


of_float("sqrt", square_root, inexact=False)
of_float("ln", logarithm(math.log))
of_float("log10", logarithm(math.log10))


@function("power", least=2)
def power(base, exponent):
    return strict(FLOAT, float_power, as_float(base), as_float(exponent), inexact=True)


def float_power(base, exponent):
    if base == 0 and exponent < 0:
        raise RecordError("zero to a negative power")
    if any(map(math.isnan, (base, exponent))) or math.isinf(base) or math.isinf(exponent):
        return math.pow(base, exponent)
    try:
        value = math.pow(base, exponent)
    except ValueError:
        raise RecordError("a power that is no real number") from None
    except OverflowError:
        raise RecordError("float overflow") from None
    if value == 0 and base != 0:
        raise RecordError("float underflow")
    return float_result(value, base, exponent)
