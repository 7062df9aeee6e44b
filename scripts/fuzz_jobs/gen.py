"""Random expressions of a wanted type. Producers register themselves by type; see `gen_*.py`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from . import pools
from .expr import CAST, MINUS, Expr, Word, call, const, infix, quote

TYPES = ("int", "decimal", "float", "text", "bool", "timestamp", "ip")
NUMBERS = ("int", "decimal", "float")
MAX_SCALE = 12

Producer = Callable[["Gen", int], Expr]
PRODUCERS: dict[str, list[tuple[float, Producer]]] = {type: [] for type in TYPES}


def makes(type: str, weight: float = 1.0) -> Callable[[Producer], Producer]:
    """Registers a producer of expressions of that type."""

    def register(producer: Producer) -> Producer:
        PRODUCERS[type].append((weight, producer))
        return producer

    return register


class Gen:
    """Makes expressions over some leaves (fields, lets, or aggregates)."""

    def __init__(self, rng: Random, leaves: list[Expr], edges: float = 0.08, key: bool = False):
        self.rng = rng
        self.edges = edges
        # Whether `pseudonym` has its key.
        self.key = key
        self.leaves: dict[str, list[Expr]] = {}
        for leaf in leaves:
            self.leaves.setdefault(leaf.type, []).append(leaf)

    def add(self, leaf: Expr) -> None:
        """One more leaf, such as what `let` has just named."""
        self.leaves.setdefault(leaf.type, []).append(leaf)

    def expr(self, type: str, depth: int) -> Expr:
        """An expression of that type, at most so deep."""
        if depth <= 0 or self.rng.random() < 0.2:
            return self.leaf(type)
        producers = PRODUCERS[type]
        made = self.rng.choices([p for _, p in producers], [w for w, _ in producers])[0](self, depth - 1)
        if made.scale > MAX_SCALE:
            made = cast(made, "decimal", self.rng)
        if self.rng.random() < 0.03:
            made = Expr(made.type, made.op, made.parts, made.prec, made.scale, wrapped=True)
        return made

    def any(self, depth: int) -> Expr:
        """An expression of any type."""
        return self.expr(self.type(), depth)

    def number(self, depth: int) -> Expr:
        """A number of any type."""
        return self.expr(self.rng.choices(NUMBERS, (5, 3, 2))[0], depth)

    def type(self) -> str:
        """A type, common ones more often."""
        return self.rng.choices(TYPES, (6, 3, 3, 6, 2, 2, 1))[0]

    def leaf(self, type: str) -> Expr:
        """A field of that type if there is one, or a constant."""
        leaves = self.leaves.get(type)
        if leaves and self.rng.random() < 0.8:
            return quoted(self.rng, self.rng.choice(leaves))
        return self.const(type)

    def const(self, type: str) -> Expr:
        """A constant of that type."""
        rng = self.rng
        if rng.random() < 0.02:
            return null(type)
        match type:
            case "int":
                return signed(pools.pick(rng, pools.INTS, pools.INTS_SIGNED + pools.INTS_EDGE[:1], self.edges), type)
            case "decimal":
                text = pools.pick(rng, pools.DECIMALS, pools.DECIMALS_SIGNED, self.edges)
                return signed(text if "." in text else text + ".0", type)
            case "float":
                text = pools.pick(rng, pools.FLOATS, pools.FLOATS_SIGNED, self.edges)
                return const(f"{quote(text)}::float", type, CAST) if "e" not in text else signed(text, type)
            case "text":
                return const(quote(self.text()), type)
            case "bool":
                return const(rng.choice(pools.BOOLS), type)
            case "timestamp":
                return const(f"TIMESTAMP {quote(self.moment())}", type)
            case "ip":
                return const(f"{quote(pools.pick(rng, pools.IPS, pools.IPS_EDGE, 0.3))}::ip", type, CAST)
        raise ValueError(type)

    def text(self) -> str:
        """A text that may stand in the data, too."""
        return pools.pick(self.rng, pools.TEXTS, pools.TEXTS_EDGE, max(self.edges, 0.1))

    def moment(self) -> str:
        """A time near one of those in the data."""
        from datetime import UTC, datetime

        seconds = self.rng.choice(pools.MOMENTS) + self.rng.choice((0, 1, 30, 3600, 86_400, -1))
        shown = datetime.fromtimestamp(max(seconds, 0), UTC).strftime("%Y-%m-%d %H:%M:%S")
        return shown + self.rng.choice(("", "", ".5", ".000001", ".123456"))

    def numeric(self) -> Expr:
        """A text that may be a number: a cast of a constant that is none is refused when the job is compiled."""
        leaves = self.leaves.get("text")
        return self.rng.choice(leaves) if leaves and self.rng.random() < 0.8 else const(quote(self.rng.choice(("42", " -7 ", "+5", "0"))), "text")

    def small(self, *numbers: int) -> Expr:
        """A small int constant of those."""
        return signed(str(self.rng.choice(numbers)), "int")

    def word(self, choices: list[str] | tuple[str, ...], quoted: bool = True) -> Word:
        """One of the constants that a function takes, as a string of SQL."""
        all_words = tuple(quote(choice) for choice in choices) if quoted else tuple(choices)
        return Word(self.rng.choice(all_words), all_words)


def null(type: str) -> Expr:
    """A NULL of that type."""
    return const(f"NULL::{'decimal(2)' if type == 'decimal' else type}", type, CAST, 2)


def quoted(rng: Random, leaf: Expr) -> Expr:
    """Now and then a field's name in the quotes that SQL allows."""
    if leaf.op == "field" and rng.random() < 0.03:
        return leaf.with_part(0, f'"{leaf.parts[0]}"')
    return leaf


def signed(text: str, type: str) -> Expr:
    """A number as a constant; a sign in front binds less than a cast does."""
    scale = len(text.partition(".")[2]) if type == "decimal" else 0
    return const(text, type, MINUS if text[0] == "-" else 11, scale)


def cast(expr: Expr, to: str, rng: Random) -> Expr:
    """A cast in one of its two spellings, to a type that the scale is chosen for."""
    from .expr import Slot

    scale = rng.choice((0, 1, 2, 3, 6)) if to == "decimal" else 0
    names = {
        "int": ("int", "bigint", "integer"),
        "float": ("float", "double precision", "float8"),
        "text": ("text", "varchar"),
        "bool": ("bool", "boolean"),
        "decimal": (f"decimal({scale})", f"numeric(38,{scale})"),
    }.get(to, (to,))
    name = rng.choice(names)
    op = f"cast {expr.type} {to}"
    if rng.random() < 0.5:
        return Expr(to, op, ("CAST(", Slot(expr), f" AS {name})"), scale=scale)
    return Expr(to, op, (Slot(expr, CAST), f"::{name}"), prec=CAST, scale=scale)


def any_case(gen: Gen, type: str, depth: int) -> Expr:
    """A CASE with conditions."""
    from .expr import Slot

    parts: list = ["CASE"]
    scale = 0
    for _ in range(gen.rng.choice((1, 1, 2))):
        then = gen.expr(type, depth)
        scale = max(scale, then.scale)
        parts += [" WHEN ", Slot(gen.expr("bool", depth)), " THEN ", Slot(then)]
    if gen.rng.random() < 0.7:
        other = gen.expr(type, depth)
        scale = max(scale, other.scale)
        parts += [" ELSE ", Slot(other)]
    return Expr(type, "case", tuple(parts) + (" END",), scale=scale)


def simple_case(gen: Gen, type: str, depth: int) -> Expr:
    """A CASE that compares one value with others."""
    from .expr import Slot

    of = gen.type()
    then, other = gen.expr(type, depth), gen.expr(type, depth)
    parts = ("CASE ", Slot(gen.expr(of, depth)), " WHEN ", Slot(gen.expr(of, 0)), " THEN ", Slot(then), " ELSE ", Slot(other), " END")
    return Expr(type, "case of", parts, scale=max(then.scale, other.scale))


def generic(type: str) -> None:
    """What there is for every type: CASE, coalesce, nullif, greatest, least."""

    @makes(type, 0.7)
    def _case(gen: Gen, depth: int) -> Expr:
        return any_case(gen, type, depth)

    @makes(type, 0.3)
    def _case_of(gen: Gen, depth: int) -> Expr:
        return simple_case(gen, type, depth)

    @makes(type, 0.8)
    def _coalesce(gen: Gen, depth: int) -> Expr:
        args = [gen.expr(type, depth) for _ in range(gen.rng.choice((2, 2, 3)))]
        return call(type, "coalesce", *args, scale=max(a.scale for a in args))

    @makes(type, 0.4)
    def _nullif(gen: Gen, depth: int) -> Expr:
        first = gen.expr(type, depth)
        return call(type, "nullif", first, gen.expr(type, depth), scale=first.scale)

    @makes(type, 0.8)
    def _extreme(gen: Gen, depth: int) -> Expr:
        args = [gen.expr(type, depth) for _ in range(gen.rng.choice((2, 2, 3)))]
        made = call(type, gen.rng.choice(("greatest", "least")), *args, scale=max(a.scale for a in args))
        return made.with_part(0, Word(made.op, ("greatest", "least")))


for _type in TYPES:
    generic(_type)


def operator(gen: Gen, type: str, left: Expr, words: tuple[str, ...], right: Expr, prec: int, scale: int = 0) -> Expr:
    """One of some operators between two operands."""
    made = infix(type, left, Word(gen.rng.choice(words), words), right, prec, scale=scale)
    return Expr(type, made.parts[1].text.strip(), made.parts, prec, scale)  # type: ignore[union-attr]
