"""Expressions that are conditions or times."""

from __future__ import annotations

from . import pools
from .expr import ADD, AND, COMPARE, IN, IS, NOT, OR, OTHER, Expr, Slot, Word, call
from .gen import NUMBERS, Gen, cast, makes, null, operator

COMPARISONS = ("<", "<=", ">", ">=", "=", "<>", "!=")
TRUTHS = (" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS NOT FALSE", " IS UNKNOWN", " IS NOT UNKNOWN")
TRUNCATIONS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year", "millisecond")
INTERVALS = ("5 minutes", "1 day", "1 week 2 days", "90 seconds", "1 hour", "-1 hour", "36 hours", "1 second")


def pair(gen: Gen, depth: int) -> tuple[Expr, Expr]:
    """Two values that can be compared: of one type, or two numbers."""
    type = gen.type()
    left = gen.expr(type, depth)
    other = gen.rng.choice(NUMBERS) if type in NUMBERS and gen.rng.random() < 0.3 else type
    right = gen.const(other) if gen.rng.random() < 0.6 else gen.expr(other, depth)
    return left, right


@makes("bool", 6)
def _comparison(gen: Gen, depth: int) -> Expr:
    left, right = pair(gen, depth)
    made = operator(gen, "bool", left, COMPARISONS, right, COMPARE)
    slot = made.parts[0]
    assert isinstance(slot, Slot)
    return made.with_part(0, Slot(slot.expr, COMPARE + 1))


@makes("bool", 2.5)
def _and_or(gen: Gen, depth: int) -> Expr:
    word, prec = gen.rng.choice((("AND", AND), ("OR", OR)))
    return operator(gen, "bool", gen.expr("bool", depth), (word,), gen.expr("bool", depth), prec)


@makes("bool", 0.8)
def _not(gen: Gen, depth: int) -> Expr:
    return Expr("bool", "not", ("NOT ", Slot(gen.expr("bool", depth), NOT)), prec=NOT)


@makes("bool", 1)
def _is_null(gen: Gen, depth: int) -> Expr:
    words = (" IS NULL", " IS NOT NULL")
    return Expr("bool", "is null", (Slot(gen.any(depth), IS + 1), Word(gen.rng.choice(words), words)), prec=IS)


@makes("bool", 1)
def _is_true(gen: Gen, depth: int) -> Expr:
    return Expr("bool", "is truth", (Slot(gen.expr("bool", depth), IS + 1), Word(gen.rng.choice(TRUTHS), TRUTHS)), prec=IS)


@makes("bool", 1)
def _distinct(gen: Gen, depth: int) -> Expr:
    left, right = pair(gen, depth)
    words = (" IS DISTINCT FROM ", " IS NOT DISTINCT FROM ")
    return Expr("bool", "is distinct", (Slot(left, IS + 1), Word(gen.rng.choice(words), words), Slot(right, COMPARE + 1)), prec=IS)


@makes("bool", 2)
def _in(gen: Gen, depth: int) -> Expr:
    type = gen.type()
    words = (" IN (", " NOT IN (")
    parts: list = [Slot(gen.expr(type, depth), IN + 1), Word(gen.rng.choice(words), words)]
    items = [gen.const(type) if gen.rng.random() < 0.85 else gen.expr(type, 0) for _ in range(gen.rng.choice((1, 2, 2, 3, 9)))]
    if gen.rng.random() < 0.3:
        items.append(null(type))
    for n, item in enumerate(items):
        parts += [", "] * (n > 0) + [Slot(item)]
    return Expr("bool", "in", tuple(parts) + (")",), prec=IN)


@makes("bool", 1.5)
def _between(gen: Gen, depth: int) -> Expr:
    type = gen.type()
    words = (" BETWEEN ", " NOT BETWEEN ")
    low, high = (gen.const(type) if gen.rng.random() < 0.8 else gen.expr(type, 0) for _ in range(2))
    return Expr("bool", "between", (Slot(gen.expr(type, depth), IN + 1), Word(gen.rng.choice(words), words), Slot(low, IN + 1), " AND ", Slot(high, IN + 1)), prec=IN)


def _near(gen: Gen) -> list[str]:
    """Patterns for LIKE that fit a text of the data but for a character."""
    text = gen.rng.choice([text for text in pools.TEXTS + pools.INTS if not set(text) & set("%_\\")])
    at = gen.rng.randrange(len(text) + 1)
    return [text[:at] + "_" + text[at:], text[:at] + "_" + text[at + 1 :], text[:at] + "%_" + text[at:], text[:at] + "_%" + text[at + 1 :]]


@makes("bool", 2.5)
def _like(gen: Gen, depth: int) -> Expr:
    words = (" LIKE ", " NOT LIKE ", " ILIKE ", " NOT ILIKE ")
    is_near = gen.rng.random() < 0.5
    likes = _near(gen) if is_near else pools.LIKES
    parts: tuple = (Slot(gen.expr("text", 0 if is_near else depth), IN + 1), Word(gen.rng.choice(words), words), gen.word(likes))
    if gen.rng.random() < 0.1:
        plain = [like for like in likes if "\\" not in like]
        parts = parts[:2] + (gen.word(plain), " ESCAPE '!'")
    return Expr("bool", "like", parts, prec=IN)


@makes("bool", 2)
def _match(gen: Gen, depth: int) -> Expr:
    words = (" ~ ", " ~* ", " !~ ", " !~* ")
    return Expr("bool", "match", (Slot(gen.expr("text", depth), OTHER), Word(gen.rng.choice(words), words), gen.word(pools.PATTERNS)), prec=OTHER)


@makes("bool", 1)
def _regexp_matches(gen: Gen, depth: int) -> Expr:
    args: list[Expr | Word] = [gen.expr("text", depth), gen.word(pools.PATTERNS)]
    if gen.rng.random() < 0.2:
        args.append(gen.word(("i",)))
    return call("bool", "regexp_matches", *args)


@makes("bool", 1.5)
def _has(gen: Gen, depth: int) -> Expr:
    names = ("starts_with", "ends_with", "contains")
    made = call("bool", gen.rng.choice(names), gen.expr("text", depth), gen.expr("text", min(depth, 1)))
    return made.with_part(0, Word(made.op, names))


@makes("bool", 0.7)
def _ip_in(gen: Gen, depth: int) -> Expr:
    nets = ("10.0.0.0/8", "10.0.0.0/24", "192.168.0.0/16", "0.0.0.0/0", "2001:db8::/32", "::1/128", "10.0.0.1/32", "10.0.0.1/24")
    return call("bool", "ip_in", gen.expr(gen.rng.choice(("ip", "ip", "text")), depth), gen.word(nets[:7]))


@makes("bool", 0.4)
def _cast_bool(gen: Gen, depth: int) -> Expr:
    return cast(gen.expr("int", depth), "bool", gen.rng)


@makes("timestamp", 2)
def _trunc(gen: Gen, depth: int) -> Expr:
    return call("timestamp", "date_trunc", gen.word(TRUNCATIONS), gen.expr("timestamp", depth))


@makes("timestamp", 2)
def _shift(gen: Gen, depth: int) -> Expr:
    words = (" + ", " - ")
    return Expr("timestamp", "shift", (Slot(gen.expr("timestamp", depth), ADD), Word(gen.rng.choice(words), words), "INTERVAL ", gen.word(INTERVALS)), prec=ADD)


@makes("timestamp", 0.7)
def _to_timestamp(gen: Gen, depth: int) -> Expr:
    return call("timestamp", "to_timestamp", gen.number(depth))


@makes("timestamp", 0.4)
def _cast_timestamp(gen: Gen, depth: int) -> Expr:
    return cast(cast(gen.expr("timestamp", depth), "text", gen.rng), "timestamp", gen.rng)
