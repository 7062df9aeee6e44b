"""Files of random lines: stretches of one kind each, with edges of sizes, line ends and encodings."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .columns import Style
from .formats import Format, Row

# How many lines a job has: a class, and how often.
SIZES = {"tiny": 30, "small": 40, "middle": 20, "edge": 10}


@dataclass
class Gate:
    """A column that `where` asks for a value: so a stretch of lines can be made that it drops."""

    at: int
    passing: str
    failing: str


@dataclass(frozen=True)
class File:
    """A file of the job: its name below `in/`, and its bytes."""

    name: str
    data: bytes


def count(rng: Random, large: bool) -> int:
    """How many lines."""
    if large:
        return rng.choice((4_000, 4_000, 8_000, 20_000))
    match rng.choices(list(SIZES), list(SIZES.values()))[0]:
        case "tiny":
            return rng.choice((0, 1, 1, 2, 3, 5, 8))
        case "small":
            return rng.randint(10, 200)
        case "middle":
            return rng.randint(200, 900)
    return rng.choice((1_023, 1_024, 1_025, 1_100, 2_047, 2_048, 2_049, 3_000))


def rows(rng: Random, form: Format, n: int) -> list[Row]:
    """Rows that draw from the pools, some of them often."""
    few = [[rng.choice(column.values) for column in form.columns] for _ in range(min(n, 300))]
    return few if n <= 300 else [rng.choice(few) for _ in range(n)]


def stretch(rng: Random, form: Format, how: Style, gate: Gate | None, kind: str, n: int) -> list[str]:
    """Some lines of one kind."""
    if kind == "empty":
        return [""] * n
    made = rows(rng, form, n)
    if kind == "null":
        keep = {at for at, column in enumerate(form.columns) if column.name == form.time}
        made = [[text if at in keep else None for at, text in enumerate(row)] for row in made]
    if kind == "broken":
        few = [form.broken(rng, row) for row in made[:50]] or [""]
        return [rng.choice(few) for _ in range(n)]
    if gate:
        value = gate.failing if kind == "failing" else gate.passing if rng.random() < 0.7 else None
        if value is not None:
            made = [[value if at == gate.at else text for at, text in enumerate(row)] for row in made]
    rendered = [form.render(rng, row) for row in made[:400]]
    return rendered if n <= 400 else [rng.choice(rendered) for _ in range(n)]


def body(rng: Random, form: Format, how: Style, gate: Gate | None, n: int) -> list[str]:
    """The lines of one file, without a header."""
    out: list[str] = []
    broken = rng.choice((0, 0, 0, 0.02, 0.2))
    kinds = ["mixed"] * 5 + ["null", "failing", "failing"] + (["broken", "empty"] if broken else [])
    while len(out) < n:
        left = n - len(out)
        length = left if rng.random() < 0.4 else rng.randint(1, left)
        out += stretch(rng, form, how, gate, rng.choice(kinds), length)
    if broken:
        for _ in range(max(1, int(n * broken)) if n else 0):
            at = rng.randrange(len(out))
            out[at] = rng.choice(("", form.broken(rng, [rng.choice(c.values) for c in form.columns])))
    return out


def encode(rng: Random, lines: list[str], wild: float, multiline: bool = False) -> bytes:
    """Bytes of the lines, with one of the line ends; some of them damaged."""
    ends = rng.choices((["\n"], ["\r\n"], ["\n", "\r\n"], ["\n", "\r\r\n"]), (80, 10, 8, 2))[0]
    cleaned = (line.replace("\n", "\n" if multiline else " ").encode("utf-8", "surrogatepass") for line in lines)
    if len(ends) == 1:
        data = b"".join(line + ends[0].encode() for line in cleaned)
    else:
        data = b"".join(line + rng.choice(ends).encode() for line in cleaned)
    if rng.random() < 0.25:
        data = data.rstrip(b"\n") if data.endswith(b"\n") else data
    if rng.random() < wild:
        data = damage(rng, data)
    if rng.random() < 0.03:
        data = b"\xef\xbb\xbf" + data
    return data


def damage(rng: Random, data: bytes) -> bytes:
    """Bytes that are no text, somewhere."""
    broken = bytearray(data)
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(len(broken) + 1)
        broken[at : at + rng.choice((0, 1))] = rng.choice((b"\xff", b"\xc3", b"\xe2\x82", b"\x00", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\x80", b"\r", b"\x1b[0m", b"\xef\xbb\xbf", b"\x85", b"\x0b"))
    return bytes(broken)


def lengthen(rng: Random, form: Format, lines: list[str], around: list[int]) -> None:
    """Makes one line about as long as one of these."""
    if not lines or not form.columns:
        return
    size = rng.choice(around) + rng.choice((-1, 0, 1, 17))
    row = [rng.choice(column.values) for column in form.columns]
    texts = [at for at, column in enumerate(form.columns) if column.type == "text"]
    if texts:
        short = len(form.render(rng, row).encode())
        row[rng.choice(texts)] = rng.choice(("x", "ab ", "é", "1")) * max(size - short, 1)
        lines[rng.randrange(len(lines))] = form.render(rng, row)
    else:
        lines[rng.randrange(len(lines))] = "x" * size


NAMES = (["app.log"], ["app.log", "app.log.1"], ["app.log.2", "app.log.1", "app.log"], ["a.log", "b.log"], ["app.log-20261122", "app.log"])


def files(rng: Random, form: Format, how: Style, gate: Gate | None, large: bool, line_max: int) -> list[File]:
    """The files of a job. No file's content begins another one, so that none is taken for its copy."""
    names = rng.choice(NAMES) if rng.random() < 0.3 else NAMES[0]
    wild = rng.choice((0, 0, 0, 0, 1))
    out: list[File] = []
    for name in names:
        lines = body(rng, form, how, gate, count(rng, large) // (1 if large else len(names)))
        if rng.random() < 0.08:
            lengthen(rng, form, lines, [line_max, 4_096, 65_536] if not large else [line_max, 1 << 20])
        if form.header is not None:
            lines.insert(0, form.header)
        data = encode(rng, lines, wild, form.multiline)
        if rng.random() < 0.03 and data:
            data = to_edge(rng, data)
        if not any(data.startswith(other.data[:4096]) or other.data.startswith(data[:4096]) for other in out):
            out.append(File(name, data))
    return out or [File(names[0], b"")]


def to_edge(rng: Random, data: bytes) -> bytes:
    """Ends at, or one byte beside, a multiple of 64 bytes or 64 KiB."""
    edge = rng.choice((64, 4_096, 65_536))
    missing = -len(data) % edge + rng.choice((-1, 0, 1))
    return data + b"\n" * max(missing, 0)
