"""Random measures, and siblings of them that differ in one small thing."""

from __future__ import annotations

from random import Random

from .expr import Expr, Slot, Word, const
from .gen import NUMBERS, TYPES, Gen, cast

# Aggregates by what they take: their names (siblings of each other), and the type they give (None: the argument's).
NUMERIC = (
    (("sum",), None),
    (("avg", "stddev"), "float"),
)
ANY = (("min", "max", "any", "first", "last"), None)
QUANTILES = ("0.5", "0.99", "0", "1", "0.25", "0.9")


def aggregate(gen: Gen, depth: int, timed: bool) -> Expr:
    """One aggregate, with a FILTER in some cases."""
    rng = gen.rng
    match rng.choices(range(7), (5, 4, 5, 6, 1, 1.5, 1.5))[0]:
        case 0:
            made = build("int", ("count",), Word("*", ("*",)))
        case 1:
            made = build("int", ("count",), gen.any(depth), Word(rng.choice(("", "DISTINCT ")), ("", "DISTINCT ")))
        case 2:
            names, type = rng.choice(NUMERIC)
            arg = gen.number(depth)
            made = build(type or arg.type, names, arg, scale=0 if type else arg.scale)
            made = choose(rng, made, names)
        case 3:
            arg = gen.any(depth)
            names = ANY[0] if timed else ANY[0][:3]
            made = choose(rng, build(arg.type, names, arg, scale=arg.scale), names)
        case 4:
            names = ("bool_and", "bool_or")
            made = choose(rng, build("bool", names, gen.expr("bool", depth)), names)
        case 5:
            made = build("int", ("approx_distinct",), gen.any(depth))
        case _:
            made = build("float", ("approx_quantile",), gen.number(depth), behind=Word(rng.choice(QUANTILES), QUANTILES))
    return filtered(gen, made, depth) if rng.random() < 0.3 else made


def build(type: str, names: tuple[str, ...], arg: Expr | Word, before: Word | None = None, behind: Word | None = None, scale: int = 0) -> Expr:
    """The call of an aggregate."""
    parts: list = [Word(names[0], names), "("]
    parts += [before] if before else []
    parts.append(Slot(arg) if isinstance(arg, Expr) else arg)
    parts += [", ", behind] if behind else []
    return Expr(type, f"agg {names[0]}", tuple(parts) + (")",), scale=scale)


def choose(rng: Random, made: Expr, names: tuple[str, ...]) -> Expr:
    """One of the names."""
    return made.with_part(0, Word(rng.choice(names), names))


def filtered(gen: Gen, made: Expr, depth: int) -> Expr:
    """The aggregate with a FILTER."""
    if made.op.startswith("agg") and " FILTER (WHERE " not in made.parts:
        return Expr(made.type, made.op, made.parts + (" FILTER (WHERE ", Slot(gen.expr("bool", depth)), ")"), scale=made.scale)
    return made


def measure(gen: Gen, depth: int, timed: bool) -> Expr:
    """An aggregate, or some arithmetic over aggregates."""
    if gen.rng.random() < 0.8:
        return aggregate(gen, depth, timed)
    leaves = [aggregate(gen, min(depth, 1), timed) for _ in range(gen.rng.choice((1, 2, 3)))]
    over = Gen(gen.rng, leaves, gen.edges, gen.key)
    for _ in range(10):
        made = over.expr(gen.rng.choice(leaves).type if gen.rng.random() < 0.6 else gen.type(), gen.rng.choice((1, 1, 2)))
        if any(op.startswith("agg") for op in made.ops()):
            return made
    return leaves[0]


def sibling(gen: Gen, of: Expr, depth: int, timed: bool) -> Expr:
    """A measure that differs in one operator, constant, pattern, FILTER, order of arguments or type."""
    rng = gen.rng
    nodes = list(of.walk())
    rng.shuffle(nodes)
    for path, node in nodes:
        changed = change(gen, node, depth)
        if changed is not None and changed != node:
            if not timed and any(part.text in ("first", "last") for part in changed.parts if isinstance(part, Word)):
                continue
            return of.replaced(path, changed)
    return of


def change(gen: Gen, node: Expr, depth: int) -> Expr | None:
    """The node with one small change, or nothing."""
    rng = gen.rng
    ways = []
    if node.op == "const":
        return gen.const(node.type)
    words = [at for at, part in enumerate(node.parts) if isinstance(part, Word) and len(part.choices) > 1]
    slots = [(at, child) for at, child in node.children()]
    if words:
        ways += ["word"] * 6
    if node.op == "field" and len(gen.leaves.get(node.type, ())) > 1:
        ways += ["field"]
    if len(slots) > 1:
        ways += ["swap"]
    if node.op.startswith("agg"):
        ways += ["filter"]
    elif node.type in NUMBERS:
        ways += ["type"]
    if not ways:
        return None
    match rng.choice(ways):
        case "word":
            at = rng.choice(words)
            word = node.parts[at]
            assert isinstance(word, Word)
            return node.with_part(at, Word(rng.choice([c for c in word.choices if c != word.text] or [word.text]), word.choices))
        case "field":
            return rng.choice(gen.leaves[node.type])
        case "swap":
            (one, first), (two, second) = rng.sample(slots, 2)
            if first.type != second.type:
                return None
            return node.with_child(one, second).with_child(two, first)
        case "filter":
            if " FILTER (WHERE " in node.parts:
                return Expr(node.type, node.op, node.parts[: node.parts.index(" FILTER (WHERE ")], scale=node.scale)
            return filtered(gen, node, depth)
        case "type":
            return cast(node, node.type, rng) if node.type == "decimal" else None
    return None


__all__ = ["TYPES", "aggregate", "const", "measure", "sibling"]
