"""Formats with random columns, and how a row becomes a line of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from .columns import CLF_ODD, TIMES_ODD, Column, Style, Times, fill

Row = list[str | None]


@dataclass
class Format:
    """A format: what the job file says, the columns, and a way to write rows."""

    name: str
    spec: Any
    columns: list[Column]
    render: Callable[[Random, Row], str]
    declared: dict[str, str] = field(default_factory=dict)
    time: str | None = None
    header: str | None = None
    # Fields that are not columns of their own, such as the parts of a request.
    derived: list[Column] = field(default_factory=list)
    # Whether the format itself says which field is the time.
    implied: bool = False
    # Whether a record may have several lines.
    multiline: bool = False
    # The zone whose clocks change at its times.
    clocks: str | None = None

    def broken(self, rng: Random, row: Row) -> str:
        """A line that was cut, has something before or behind it, or is of some other program."""
        line = self.render(rng, row)
        match rng.randrange(6):
            case 0:
                return line[: rng.randrange(len(line) + 1)]
            case 1:
                return line + rng.choice((" trailing", '"', ",", "}", " ", "\t"))
            case 2:
                return rng.choice(("garbage", "{", "# comment", "---", "\x00\x00", "\t", " ", '"', "[]", "null", "\x1b[31mred"))
            case 3:
                at = rng.randrange(len(line) + 1)
                return line[:at] + rng.choice(('"', "\\", " ", ",", "\x00", "\ufeff", "[", "-")) + line[at:]
            case 4:
                return line + line
        return line[rng.randrange(len(line) + 1) :]


def typed(rng: Random, how: Style, names: str) -> list[Column]:
    """Columns `name:type`, with their pools; a decimal's scale is random."""
    columns = []
    for name in names.split():
        name, _, type = name.partition(":")
        column = Column(name, type or "text", rng.choice((0, 1, 2, 3, 6)) if type == "decimal" else 0)
        if column.type != "timestamp":
            fill(rng, column, how)
        columns.append(column)
    return columns


def some(rng: Random, columns: list[Column], least: int = 2) -> list[Column]:
    """Some of them, in any order; the time is always among them, half of the time."""
    kept = rng.sample(columns, rng.randint(min(least, len(columns)), len(columns)))
    return kept


def times(rng: Random, columns: list[Column], how: Style, text: Callable[[Times, int], str], odd: list[str]) -> str | None:
    """The pools of times; returns the zone whose clocks change then."""
    drawn = Times.draw(rng, how.variety)
    for column in columns:
        if column.type == "timestamp":
            column.values = [text(drawn, moment) for moment in drawn.moments]
            if how.odd:
                column.values += rng.sample(odd, min(2, len(odd)))
            if how.nulls > 0.2:
                column.values.append(None)
    return drawn.clocks


TYPED = "n:int m:int d:decimal e:decimal f:float s s2 b:bool t:timestamp t2:timestamp ip:ip"


def lines(rng: Random, how: Style) -> Format:
    """The line alone."""
    column = Column("line", "text")
    fill(rng, column, how)
    return Format("lines", "lines", [column], lambda _, row: row[0] or "")


def make_json(rng: Random, how: Style) -> Format:
    """One object a line; some values as strings, some keys missing, some in another order."""
    columns = some(rng, typed(rng, how, TYPED + " http.status:int user.id u.v.w"))
    clocks = times(rng, columns, how, lambda drawn, moment: drawn.epoch(rng, moment) if rng.random() < 0.1 else drawn.iso(rng, moment), TIMES_ODD)
    flat = rng.random() < 0.2
    sloppy = rng.random() < 0.4

    def render(rng: Random, row: Row) -> str:
        members: list[tuple[str, Any]] = []
        nested: dict[str, dict] = {}
        for column, text in zip(columns, row):
            if text is None and rng.random() < 0.5:
                continue
            shown = json_value(rng, column, text)
            outer, dot, inner = column.name.partition(".")
            if not dot or flat:
                members.append((column.name, shown))
                continue
            if outer not in nested:
                nested[outer] = {}
                members.append((outer, nested[outer]))
            put(nested[outer], inner, shown)
        if sloppy and rng.random() < 0.3:
            rng.shuffle(members)
        if sloppy and rng.random() < 0.1:
            members.append(rng.choice((("extra", [1, {"n": 2}]), ("n", 5), ("s", {"x": "y"}), ("", None))))
        space = rng.choice(("", " ")) if sloppy else ""
        body = f",{space}".join(f"{json.dumps(key)}:{space}{dump(rng, value, sloppy)}" for key, value in members)
        return "{" + body + "}" if space == "" else "{ " + body + " }"

    declared = {c.name: c.declared for c in columns if c.type != "text" or rng.random() < 0.2}
    return Format("json", "json", columns, render, declared, time_of(columns), clocks=clocks)


def put(into: dict, name: str, value: Any) -> None:
    """Sets a nested key."""
    outer, dot, inner = name.partition(".")
    if dot:
        put(into.setdefault(outer, {}), inner, value)
    else:
        into[outer] = value


class Number(str):
    """A text that stands in JSON without quotes."""


def json_value(rng: Random, column: Column, text: str | None) -> Any:
    """A value as its type, or as a string."""
    if text is None:
        return None
    if column.type == "bool" and text in ("true", "false"):
        return Number(text)
    if column.type in ("int", "decimal", "float") and rng.random() < 0.8 and is_json_number(text):
        return Number(text)
    return text


def is_json_number(text: str) -> bool:
    """Whether JSON's grammar has it as a number."""
    try:
        json.loads(text, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        return False
    return text == text.strip() and not text.startswith(('"', "{", "[", "t", "f", "n"))


def dump(rng: Random, value: Any, sloppy: bool) -> str:
    """JSON text of a value."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{dump(rng, inner, sloppy)}" for key, inner in value.items()) + "}"
    text = json.dumps(value, ensure_ascii=sloppy and rng.random() < 0.5)
    return text.replace("/", "\\/") if sloppy and rng.random() < 0.1 else text


def time_of(columns: list[Column]) -> str | None:
    """The first column that is a time."""
    return next((c.name for c in columns if c.type == "timestamp"), None)


def csv(rng: Random, how: Style) -> Format:
    """Cells between delimiters, with or without a header and quotes."""
    columns = some(rng, typed(rng, how, TYPED))
    clocks = times(rng, columns, how, lambda drawn, moment: drawn.epoch(rng, moment) if rng.random() < 0.1 else drawn.iso(rng, moment), TIMES_ODD)
    kind = rng.choice(("csv", "csv", "tsv"))
    spec: dict[str, Any] = {}
    delimiter = "," if kind == "csv" else "\t"
    quote = '"' if kind == "csv" else ""
    if rng.random() < 0.5:
        delimiter = spec["delimiter"] = rng.choice((";", "|", ",", "\t", " ", ":", "^", "\x01", "a"))
    if rng.random() < 0.25:
        quote = spec["quote"] = rng.choice(("", "'", '"'))
    multiline = rng.random() < 0.35
    if multiline:
        quote = quote or '"'
        spec |= {"multiline": True, "quote": quote}
    header = rng.random() < 0.5
    if not header:
        spec["columns"] = [c.name for c in columns]
    if not header and rng.random() < 0.5:
        spec["header"] = False
    eager = rng.random() < 0.2

    def cell(rng: Random, text: str | None) -> str:
        text = rng.choice(("", "-")) if text is None else text
        needs = delimiter in text or (quote and quote in text) or "\n" in text
        if quote and (needs or eager or rng.random() < 0.02) and rng.random() < 0.98:
            return quote + text.replace(quote, quote + quote) + quote
        return text.replace(delimiter, "_") if needs and rng.random() < 0.95 else text

    def broken_up(rng: Random, column: Column, text: str | None) -> str | None:
        """With a line break in it, if it is a text."""
        if not multiline or text is None or rng.random() > (0.2 if column.type == "text" else 0.001):
            return text
        at = rng.randrange(len(text) + 1)
        return text[:at] + rng.choice(("\n", "\n", "\r\n", "\n\n", "\r", f"\n{quote}", f"{delimiter}\n")) + text[at:]

    def render(rng: Random, row: Row) -> str:
        cells = [cell(rng, broken_up(rng, column, text)) for column, text in zip(columns, row)]
        if how.odd and rng.random() < 0.02:
            cells = cells[:-1] if rng.random() < 0.5 else cells + ["more"]
        return delimiter.join(cells)

    named = [f"{quote}{c.name}{quote}" if multiline else cell(Random(1), c.name) for c in columns]
    first = delimiter.join(named) if header else None
    declared = {c.name: c.declared for c in columns if c.type != "text" or header}
    shown: Any = {kind: spec} if spec or rng.random() < 0.5 else kind
    return Format(kind, shown, columns, render, declared, time_of(columns), first, multiline=multiline, clocks=clocks)


def regex(rng: Random, how: Style) -> Format:
    """Named groups, found anywhere or anchored."""
    columns = typed(rng, how, rng.choice(("level n:int s", "t:timestamp level d:decimal s", "n:int f:float s2", "level")))
    clocks = times(rng, columns, how, lambda drawn, moment: drawn.iso(Random(1), moment), TIMES_ODD)
    group = {"int": r"-?\d+", "decimal": r"[-0-9.]+", "float": r"[-+0-9.eE]+|NaN|inf", "timestamp": r"\S+"}
    pieces = [f"(?P<{c.name}>{group.get(c.type, rng.choice(('.*', '[^|]*', '[a-zA-Z/]*')))})" for c in columns]
    between = rng.choice((" ", "|", ": "))
    pattern = between.replace("|", "\\|").join(pieces)
    if rng.random() < 0.5:
        pattern = f"^{pattern}$"
    if rng.random() < 0.2:
        pattern = f"(?:{pattern})" + rng.choice(("", "|zzz"))
    return Format("regex", {"regex": pattern}, columns, lambda _, row: between.join(text or "" for text in row), {c.name: c.declared for c in columns if c.type != "text"}, time_of(columns), clocks=clocks)


__all__ = ["CLF_ODD", "Format", "Row", "csv", "lines", "make_json", "regex", "times", "typed"]
