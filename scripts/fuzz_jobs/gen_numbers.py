"""Expressions that are numbers."""

from __future__ import annotations

from .expr import ADD, MINUS, MULTIPLY, Expr, Slot, Word, call
from .gen import NUMBERS, Gen, cast, makes, operator, signed

UNITS_INT = ("year", "month", "day", "hour", "minute", "dow", "isodow", "doy", "week", "isoyear", "quarter", "microsecond")
UNITS_DECIMAL = ("second", "epoch", "millisecond", "milliseconds")


def arithmetic(gen: Gen, type: str, depth: int) -> Expr:
    """Sum, difference or product; at least one operand has that type."""
    left = gen.expr(type, depth)
    other = {"int": ("int",), "decimal": ("decimal", "int"), "float": NUMBERS}[type]
    right = gen.expr(gen.rng.choice(other), depth)
    if gen.rng.random() < 0.3:
        left, right = right, left
    if gen.rng.random() < 0.3:
        return operator(gen, type, left, ("*",), right, MULTIPLY, left.scale + right.scale)
    return operator(gen, type, left, ("+", "-"), right, ADD, max(left.scale, right.scale))


@makes("int", 4)
def _int_arithmetic(gen: Gen, depth: int) -> Expr:
    return arithmetic(gen, "int", depth)


@makes("decimal", 4)
def _decimal_arithmetic(gen: Gen, depth: int) -> Expr:
    return arithmetic(gen, "decimal", depth)


@makes("float", 4)
def _float_arithmetic(gen: Gen, depth: int) -> Expr:
    return arithmetic(gen, "float", depth)


def divisor(gen: Gen, type: str, depth: int) -> Expr:
    """Mostly a constant: most records should live."""
    if gen.rng.random() < 0.8:
        return gen.small(2, 3, 7, 10, 100, 1000) if type != "decimal" else signed(gen.rng.choice(("0.5", "1.25", "3.0", "7.5", "100.00")), type)
    return gen.expr(type, depth)


@makes("int", 2)
def _int_division(gen: Gen, depth: int) -> Expr:
    return operator(gen, "int", gen.expr("int", depth), ("/", "%"), divisor(gen, "int", depth), MULTIPLY)


@makes("decimal", 1.5)
def _decimal_division(gen: Gen, depth: int) -> Expr:
    left, right = gen.expr("decimal", depth), divisor(gen, gen.rng.choice(("int", "decimal")), depth)
    if gen.rng.random() < 0.2:
        left, right = divisor(gen, "int", depth), left
    word = gen.rng.choice(("/", "/", "%"))
    scale = max(left.scale, right.scale, 6 if word == "/" else 0)
    return operator(gen, "decimal", left, (word,), right, MULTIPLY, scale)


@makes("float", 1.5)
def _float_division(gen: Gen, depth: int) -> Expr:
    left, right = gen.expr("float", depth), divisor(gen, gen.rng.choice(NUMBERS), depth)
    return operator(gen, "float", left, ("/",), right, MULTIPLY)


@makes("int", 0.5)
def _mod(gen: Gen, depth: int) -> Expr:
    return call("int", "mod", gen.expr("int", depth), divisor(gen, "int", depth))


def unary(type: str) -> None:
    """What gives a number of the type of its argument."""

    @makes(type, 0.6)
    def _minus(gen: Gen, depth: int) -> Expr:
        inner = gen.expr(type, depth)
        return Expr(type, "minus", (Word("- ", ("- ", "+ ")), Slot(inner, MINUS + 1)), prec=MINUS, scale=inner.scale)

    @makes(type, 0.7)
    def _abs(gen: Gen, depth: int) -> Expr:
        inner = gen.expr(type, depth)
        return call(type, "abs", inner, scale=inner.scale)

    @makes(type, 1)
    def _whole(gen: Gen, depth: int) -> Expr:
        names = ("round", "trunc", "floor", "ceil")
        made = call(type, gen.rng.choice(names), gen.expr(type, depth))
        return made.with_part(0, Word(made.op, names))


for _type in NUMBERS:
    unary(_type)


@makes("decimal", 1)
def _round_to(gen: Gen, depth: int) -> Expr:
    digits = gen.rng.choice((0, 1, 2, 3, -1))
    return call("decimal", "round", gen.expr("decimal", depth), str(digits), scale=max(digits, 0))


@makes("float", 0.4)
def _round_float(gen: Gen, depth: int) -> Expr:
    return call("float", "round", gen.expr("float", depth), str(gen.rng.choice((0, 1, 2, 3))))


@makes("int", 0.4)
def _sign(gen: Gen, depth: int) -> Expr:
    return call("int", "sign", gen.expr(gen.rng.choice(("int", "decimal")), depth))


@makes("float", 0.2)
def _sign_of_float(gen: Gen, depth: int) -> Expr:
    return call("float", "sign", gen.expr("float", depth))


@makes("int", 2)
def _length(gen: Gen, depth: int) -> Expr:
    names = ("length", "char_length", "octet_length")
    made = call("int", gen.rng.choice(names), gen.expr("text", depth))
    return made.with_part(0, Word(made.op, names))


@makes("int", 0.8)
def _strpos(gen: Gen, depth: int) -> Expr:
    whole, part = gen.expr("text", depth), gen.expr("text", min(depth, 1))
    if gen.rng.random() < 0.3:
        return Expr("int", "position", ("position(", Slot(part, ADD), " in ", Slot(whole, ADD), ")"))
    return call("int", "strpos", whole, part)


@makes("int", 1)
def _extract_int(gen: Gen, depth: int) -> Expr:
    return extract(gen, "int", UNITS_INT, depth)


@makes("decimal", 1)
def _extract_decimal(gen: Gen, depth: int) -> Expr:
    return extract(gen, "decimal", UNITS_DECIMAL, depth)


def extract(gen: Gen, type: str, units: tuple[str, ...], depth: int) -> Expr:
    """A part of a time, in one of the two spellings."""
    time = gen.expr("timestamp", depth)
    scale = 6 if type == "decimal" else 0
    if gen.rng.random() < 0.5:
        return call(type, "date_part", gen.word(units), time, scale=scale)
    return Expr(type, "extract", ("extract(", gen.word(units, quoted=False), " from ", Slot(time, ADD), ")"), scale=scale)


@makes("decimal", 0.4)
def _epoch(gen: Gen, depth: int) -> Expr:
    return call("decimal", "epoch", gen.expr("timestamp", depth), scale=6)


@makes("decimal", 0.5)
def _between_times(gen: Gen, depth: int) -> Expr:
    return operator(gen, "decimal", gen.expr("timestamp", depth), ("-",), gen.expr("timestamp", depth), ADD, 6)


@makes("float", 1)
def _roots(gen: Gen, depth: int) -> Expr:
    inner = gen.number(depth)
    if gen.rng.random() < 0.7:
        inner = call(inner.type, "abs", inner, scale=inner.scale)
    return call("float", gen.rng.choice(("sqrt", "ln", "log10")), inner)


@makes("float", 0.4)
def _power(gen: Gen, depth: int) -> Expr:
    return call("float", "power", gen.number(depth), gen.small(0, 1, 2, 3, 10, -1))


@makes("int", 0.7)
def _cast_int(gen: Gen, depth: int) -> Expr:
    of = gen.rng.choices(("decimal", "float", "bool", "text"), (4, 3, 2, 1))[0]
    return cast(gen.numeric() if of == "text" else gen.expr(of, depth), "int", gen.rng)


@makes("decimal", 1.5)
def _cast_decimal(gen: Gen, depth: int) -> Expr:
    of = gen.rng.choices(("int", "decimal", "float", "text"), (4, 4, 2, 1))[0]
    return cast(gen.numeric() if of == "text" else gen.expr(of, depth), "decimal", gen.rng)


@makes("float", 1.5)
def _cast_float(gen: Gen, depth: int) -> Expr:
    of = gen.rng.choices(("int", "decimal", "text"), (4, 4, 1))[0]
    return cast(gen.numeric() if of == "text" else gen.expr(of, depth), "float", gen.rng)
