"""Expressions that are text or addresses."""

from __future__ import annotations

from . import pools
from .expr import ADD, OTHER, Expr, Slot, Word, call
from .gen import Gen, cast, makes, operator

TO_CHAR = ("YYYY-MM-DD HH24:MI:SS", "YYYY", "HH12:MI AM", "Month", "FMMonth FMDay", "Dy DD Mon", "DDD D ID IW Q", "US", "MS", "YY-MM", 'YYYY-MM-DD"T"HH24')
STRFTIME = ("%Y-%m-%d", "%H:%M:%S", "%Y", "%j", "%y%m%d", "%A %B", "%a %b", "%%", "%H", "%d/%b/%Y")


@makes("text", 2)
def _case(gen: Gen, depth: int) -> Expr:
    names = ("lower", "upper")
    made = call("text", gen.rng.choice(names), gen.expr("text", depth))
    return made.with_part(0, Word(made.op, names))


@makes("text", 1)
def _trim(gen: Gen, depth: int) -> Expr:
    names = ("btrim", "ltrim", "rtrim")
    args: list[Expr | str | Word] = [gen.expr("text", depth)]
    if gen.rng.random() < 0.5:
        args.append(gen.word(("x", "a", "/", "xy", " ab", "")))
    made = call("text", gen.rng.choice(names), *args)
    return made.with_part(0, Word(made.op, names))


@makes("text", 0.5)
def _trim_from(gen: Gen, depth: int) -> Expr:
    inner = gen.expr("text", depth)
    if gen.rng.random() < 0.5:
        return call("text", "trim", inner)
    sides = ("BOTH ", "LEADING ", "TRAILING ")
    return Expr("text", "trim from", ("trim(", Word(gen.rng.choice(sides), sides), gen.word(("x", "a", "/")), " FROM ", Slot(inner, ADD), ")"))


@makes("text", 1.5)
def _substring(gen: Gen, depth: int) -> Expr:
    inner, start, count = gen.expr("text", depth), gen.small(-1, 0, 1, 2, 3, 9), gen.small(0, 1, 2, 3, 5, 2147483647)
    if gen.rng.random() < 0.2:
        start = gen.expr("int", min(depth, 1))
    name = gen.rng.choice(("substr", "substring"))
    match gen.rng.randrange(4):
        case 0:
            return call("text", name, inner, start)
        case 1:
            return Expr("text", "substring from", ("substring(", Slot(inner, ADD), " from ", Slot(start, ADD), " for ", Slot(count, ADD), ")"))
    return call("text", name, inner, start, count)


@makes("text", 1)
def _ends(gen: Gen, depth: int) -> Expr:
    count = gen.small(-3, -1, 0, 1, 2, 4)
    if gen.rng.random() < 0.2:
        count = gen.expr("int", min(depth, 1))
    made = call("text", gen.rng.choice(("left", "right")), gen.expr("text", depth), count)
    return made.with_part(0, Word(made.op, ("left", "right")))


@makes("text", 1)
def _split_part(gen: Gen, depth: int) -> Expr:
    return call("text", "split_part", gen.expr("text", depth), gen.word(("/", " ", ",", ".", "a", "")), gen.small(1, 2, 3, -1, -2))


@makes("text", 1)
def _replace(gen: Gen, depth: int) -> Expr:
    if gen.rng.random() < 0.3:
        return call("text", "replace", *(gen.expr("text", min(depth, 1)) for _ in range(3)))
    return call("text", "replace", gen.expr("text", depth), gen.word(("a", "aa", "/", "", "é")), gen.word(("", "b", "<>", "😀")))


@makes("text", 0.4)
def _reverse(gen: Gen, depth: int) -> Expr:
    return call("text", "reverse", gen.expr("text", depth))


@makes("text", 2)
def _join(gen: Gen, depth: int) -> Expr:
    other = gen.any(depth)
    left, right = gen.expr("text", depth), other
    if gen.rng.random() < 0.4:
        left, right = right, left
    return operator(gen, "text", left, ("||",), right, OTHER)


@makes("text", 0.8)
def _concat(gen: Gen, depth: int) -> Expr:
    return call("text", "concat", *(gen.any(depth) for _ in range(gen.rng.choice((1, 2, 3)))))


@makes("text", 0.6)
def _concat_ws(gen: Gen, depth: int) -> Expr:
    return call("text", "concat_ws", gen.word((",", "-", "", "/")), *(gen.any(depth) for _ in range(gen.rng.choice((1, 2, 3)))))


@makes("text", 1.2)
def _regexp_extract(gen: Gen, depth: int) -> Expr:
    inner = gen.expr("text", depth)
    if gen.rng.random() < 0.4:
        return call("text", "regexp_extract", inner, gen.word(pools.PATTERNS))
    return call("text", "regexp_extract", inner, gen.word(pools.GROUPS), Word(gen.rng.choice("01"), ("0", "1")))


@makes("text", 1.5)
def _regexp_replace(gen: Gen, depth: int) -> Expr:
    args: list[Expr | Word] = [gen.expr("text", depth), gen.word(pools.GROUPS + pools.PATTERNS[:6]), gen.word(pools.REPLACEMENTS)]
    if "\\1" in args[2].text or gen.rng.random() < 0.5:  # type: ignore[union-attr]
        args[1] = gen.word(pools.GROUPS)
    else:
        args[2] = gen.word([r for r in pools.REPLACEMENTS if "\\1" not in r])
    if gen.rng.random() < 0.5:
        args.append(gen.word(("g", "i", "gi")))
    return call("text", "regexp_replace", *args)


@makes("text", 0.7)
def _to_char(gen: Gen, depth: int) -> Expr:
    if gen.rng.random() < 0.5:
        return call("text", "strftime", gen.expr("timestamp", depth), gen.word(STRFTIME))
    return call("text", "to_char", gen.expr("timestamp", depth), gen.word(TO_CHAR))


@makes("text", 0.4)
def _hash(gen: Gen, depth: int) -> Expr:
    made = call("text", gen.rng.choice(("md5", "sha256")), gen.expr("text", depth))
    return made.with_part(0, Word(made.op, ("md5", "sha256")))


@makes("text", 1)
def _url(gen: Gen, depth: int) -> Expr:
    names = ("url_host", "url_path", "url_decode", "unescape")
    made = call("text", gen.rng.choice(names), gen.expr("text", depth))
    return made.with_part(0, Word(made.op, names))


@makes("text", 0.5)
def _url_query(gen: Gen, depth: int) -> Expr:
    return call("text", "url_query", gen.expr("text", depth), gen.word(("q", "a", "x", "b", "")))


@makes("text", 0.6)
def _ip_prefix(gen: Gen, depth: int) -> Expr:
    return call("text", "ip_prefix", gen.expr(gen.rng.choice(("ip", "ip", "text")), depth), gen.small(0, 8, 16, 24, 31, 32))


@makes("text", 0.15)
def _pseudonym(gen: Gen, depth: int) -> Expr:
    return call("text", "pseudonym" if gen.key else "md5", gen.expr("text", depth))


@makes("text", 1.2)
def _cast(gen: Gen, depth: int) -> Expr:
    return cast(gen.expr(gen.rng.choice(("int", "decimal", "float", "bool", "timestamp", "ip")), depth), "text", gen.rng)


@makes("ip", 1)
def _cast_ip(gen: Gen, depth: int) -> Expr:
    inner = gen.leaf("ip")
    return cast(cast(inner, "text", gen.rng), "ip", gen.rng)
