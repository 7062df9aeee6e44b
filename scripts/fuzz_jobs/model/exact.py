"""Sums of numbers without any rounding, and one rounding at the end."""

import math
from fractions import Fraction

from .errors import Unsupported


def nearest_float(value: Fraction) -> float:
    """int / int rounds to nearest, ties to even, in Python."""
    try:
        return value.numerator / value.denominator + 0.0
    except OverflowError:
        raise Unsupported("a float aggregate beyond the largest float") from None


def special(values):
    """What NaN and infinities among the values make of their sum, or None if there are none."""
    odd = {value for value in values if isinstance(value, float) and math.isinf(value)}
    if any(isinstance(value, float) and math.isnan(value) for value in values) or len(odd) > 1:
        return math.nan
    return odd.pop() if odd else None


def total(values) -> Fraction:
    return sum(map(Fraction, values), Fraction(0))


def average(values) -> float:
    odd = special(values)
    return nearest_float(total(values) / len(values)) if odd is None else odd


def float_sum(values) -> float:
    odd = special(values)
    return nearest_float(total(values)) if odd is None else odd


def deviation(values):
    """Of the sample; NULL for fewer than two values."""
    if len(values) < 2:
        return None
    if special(values) is not None:
        return math.nan
    count = len(values)
    squares = total(Fraction(value) ** 2 for value in values)
    return square_root((squares - total(values) ** 2 / count) / (count - 1))


def square_root(value: Fraction) -> float:
    """The float nearest to the root: 200 bits of it, and one bit that says whether there is more."""
    shift = 200 + max(0, value.denominator.bit_length() - value.numerator.bit_length())
    scaled = (value.numerator << 2 * shift) // value.denominator
    root = math.isqrt(scaled)
    is_exact = root * root == scaled and Fraction(scaled, 1 << 2 * shift) == value
    return nearest_float(Fraction(2 * root + (not is_exact), 2 << shift))
