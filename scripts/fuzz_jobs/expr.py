"""Expressions as trees: they know their type, print themselves as SQL, and can be changed in one place.

The generator makes them, the shrinker replaces subtrees, and `duck` translates them by the name of their operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

# How strongly operators bind, PostgreSQL's table ("Operator Precedence" in its manual). Higher binds tighter.
OR, AND, NOT, IS, COMPARE, IN, OTHER, ADD, MULTIPLY, MINUS, CAST, ATOM = range(12)


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of an expression that has equals: an operator, a pattern, a unit. A sibling may take another one."""

    text: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expr:
    """A node. `type` is a family: decimals of every scale are `decimal`, and `scale` bounds theirs."""

    type: str
    op: str
    parts: tuple[str | Word | Slot, ...]
    prec: int = ATOM
    scale: int = 0
    # Brackets that nobody needs.
    wrapped: bool = False

    def sql(self) -> str:
        """The expression as it stands in a job file."""
        pieces = []
        for part in self.parts:
            match part:
                case str():
                    pieces.append(part)
                case Word():
                    pieces.append(part.text)
                case Slot():
                    inner = part.expr.sql()
                    bare = part.expr.prec >= part.least and not part.expr.wrapped
                    pieces.append(inner if bare else f"({inner})")
        return "".join(pieces)

    def children(self) -> Iterator[tuple[int, Expr]]:
        """The direct children, with their places among the parts."""
        for at, part in enumerate(self.parts):
            if isinstance(part, Slot):
                yield at, part.expr

    def with_child(self, at: int, child: Expr) -> Expr:
        """The same node with another child in that place."""
        slot = self.parts[at]
        assert isinstance(slot, Slot)
        return self.with_part(at, replace(slot, expr=child))

    def with_part(self, at: int, part: str | Word | Slot) -> Expr:
        """The same node with another piece in that place."""
        return replace(self, parts=self.parts[:at] + (part,) + self.parts[at + 1 :])

    def walk(self, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Expr]]:
        """All nodes, the root first, with the ways to them."""
        yield path, self
        for at, child in self.children():
            yield from child.walk(path + (at,))

    def replaced(self, path: tuple[int, ...], by: Expr) -> Expr:
        """The tree with another subtree at the end of that path."""
        if not path:
            return by
        slot = self.parts[path[0]]
        assert isinstance(slot, Slot)
        return self.with_child(path[0], slot.expr.replaced(path[1:], by))

    def ops(self) -> set[str]:
        """Names of all operations below and including this node."""
        return {node.op for _, node in self.walk()}

    def size(self) -> int:
        """How many nodes there are."""
        return sum(1 for _ in self.walk())

    def names(self) -> set[str]:
        """Names of the fields that it reads."""
        return {node.sql().strip('"') for _, node in self.walk() if node.op == "field"}


@dataclass(frozen=True, slots=True)
class Slot:
    """A child, and how strongly it must bind to stand without brackets."""

    expr: Expr
    least: int = OR


def field(name: str, type: str, scale: int = 0) -> Expr:
    """A field, or what `let` has named."""
    return Expr(type, "field", (name,), scale=scale)


def const(text: str, type: str, prec: int = ATOM, scale: int = 0) -> Expr:
    """A constant, written as it shall stand in the job."""
    return Expr(type, "const", (text,), prec=prec, scale=scale)


def quote(text: str) -> str:
    """A string constant of SQL."""
    return "'" + text.replace("'", "''") + "'"


def call(type: str, name: str, *args: Expr | str | Word, scale: int = 0) -> Expr:
    """A call of a function; strings and words among the arguments are written as they stand."""
    parts: list[str | Word | Slot] = [name, "("]
    for n, arg in enumerate(args):
        if n:
            parts.append(", ")
        parts.append(Slot(arg) if isinstance(arg, Expr) else arg)
    parts.append(")")
    return Expr(type, name, tuple(parts), scale=scale)


def infix(type: str, left: Expr, word: Word, right: Expr, prec: int, chain: bool = True, scale: int = 0) -> Expr:
    """An operator between two operands; `chain` says that a row of them binds to the left."""
    spaced = Word(f" {word.text} ", tuple(f" {choice} " for choice in word.choices))
    parts = (Slot(left, prec if chain else prec + 1), spaced, Slot(right, prec + 1))
    return Expr(type, "infix", parts, prec=prec, scale=scale)
