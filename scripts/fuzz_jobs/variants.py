"""Ways to run a job that must all give the same: threads, memory, readers, batches, compression, cuts."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pyarrow as pa

from .binary import Got, Site, Told
from .case import Case, File

CPUS = ("scalar", "avx2", "avx512", "vbmi2")


@dataclass
class Variant:
    """One way: how the files get there, and the options of the last run (and of those before it)."""

    name: str
    feed: Callable[[Site, list[File], Random, "Variant"], Told]
    options: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    # Whether the files' names and the places of lines stay as they are.
    same_places: bool = True


def run(site: Site, variant: Variant, *more: str) -> Told:
    """One `logmill run`."""
    return site.call("run", "--json", "--quiet", *variant.options, *more, "job.toml", env=variant.env)


def at_once(site: Site, files: list[File], _: Random, variant: Variant) -> Told:
    """All files as they are, one batch."""
    for file in files:
        site.write(file.name, file.data)
    return run(site, variant, "--final")


def growing(site: Site, files: list[File], rng: Random, variant: Variant) -> Told:
    """Files that grow, cut at any byte, with a run in between."""
    cuts = {file.name: sorted(rng.randrange(len(file.data) + 1) for _ in range(rng.choice((1, 2, 3)))) for file in files}
    done = {file.name: 0 for file in files}
    site.write(files[0].name, b"")
    for turn in range(3):
        for file in files:
            if turn < len(cuts[file.name]) and rng.random() < 0.9:
                to = cuts[file.name][turn]
                site.append(file.name, file.data[done[file.name] : to])
                done[file.name] = to
        told = run(site, variant)
        if told.status not in (0, 3):
            return told
    for file in files:
        site.append(file.name, file.data[done[file.name] :])
    return run(site, variant, "--final")


def one_by_one(site: Site, files: list[File], rng: Random, variant: Variant) -> Told:
    """Files that come one after the other."""
    told = None
    for n, file in enumerate(rng.sample(files, len(files))):
        site.write(file.name, file.data)
        told = run(site, variant, *(["--final"] if n == len(files) - 1 else []))
        if told.status not in (0, 3):
            return told
    assert told is not None
    return told


def zstd(data: bytes) -> bytes:
    """One frame of zstd."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    (".gz", lambda data: gzip.compress(data, 1)),
    (".zst", zstd),
    (".bz2", bz2.compress),
    (".xz", lambda data: lzma.compress(data, preset=0)),
    ("", lambda data: gzip.compress(data[: len(data) // 2], 1) + gzip.compress(data[len(data) // 2 :], 1)),
]


def packed(site: Site, files: list[File], rng: Random, variant: Variant) -> Told:
    """Compressed files, by any of the four programs."""
    for file in files:
        suffix, pack = rng.choice(PACKERS)
        site.write(file.name + suffix, pack(file.data))
    return run(site, variant, "--final")


def packed_halfway(site: Site, files: list[File], rng: Random, variant: Variant) -> Told:
    """Half of each file is read before it is whole, and compressed."""
    for file in files:
        site.write(file.name, file.data[: rng.randrange(len(file.data) + 1)])
    told = run(site, variant)
    if told.status not in (0, 3):
        return told
    for file in files:
        suffix, pack = rng.choice(PACKERS[:4])
        (site.folder / "in" / file.name).unlink()
        site.write(file.name + suffix, pack(file.data))
    return run(site, variant, "--final")


def split(site: Site, files: list[File], rng: Random, variant: Variant) -> Told:
    """Each file as several, cut behind a newline."""
    written: list[bytes] = []
    for file in files:
        at = file.data.find(b"\n", rng.randrange(len(file.data) + 1)) + 1
        pieces = [file.data[:at], file.data[at:]] if at else [file.data]
        # A piece that begins another one would be taken for its copy.
        others = [piece for piece in written if piece] + [other.data for other in files if other is not file and other.data]
        clash = any(one[:4096].startswith(other[:4096]) or other[:4096].startswith(one[:4096]) for at, one in enumerate(pieces) for other in others + pieces[:at])
        if clash:
            pieces = [file.data]
        for n, piece in enumerate(pieces):
            site.write(f"{file.name}.part{n}", piece)
        written += pieces
    return run(site, variant, "--final")


def rotated(site: Site, files: list[File], rng: Random, variant: Variant) -> Told:
    """The first file is renamed when half of it was read, and another one takes its name, as logrotate does it."""
    first, *others = files
    for file in others:
        site.write(file.name, file.data)
    at = first.data.find(b"\n", rng.randrange(len(first.data) + 1)) + 1
    before, behind = first.data[:at], first.data[at:]
    cut = rng.randrange(len(before) + 1)
    site.write("live.log", before[:cut])
    told = run(site, variant)
    if told.status not in (0, 3):
        return told
    site.append("live.log", before[cut:])
    if not behind or behind[:4096].startswith(before[:4096]) or before[:4096].startswith(behind[:4096]):
        site.append("live.log", behind)
    else:
        (site.folder / "in" / "live.log").rename(site.folder / "in" / "live.log.1")
        site.write("live.log", behind)
    return run(site, variant, "--final")


def choose(rng: Random, case: Case, binary_io: tuple[str, ...] = ("mmap", "read")) -> list[Variant]:
    """The plain run, and some others."""
    ordered = case.uses("first(", "last(")
    named = case.uses("source_file")
    few = [
        Variant("threads", at_once, ["--threads", rng.choice(("1", "2", "3", "4"))]),
        Variant("memory", at_once, ["--memory", rng.choice(("1KiB", "16KiB", "256KiB"))]),
        Variant("io", at_once, ["--io", rng.choice(binary_io)]),
        Variant("cpu", at_once, env={"LOGMILL_CPU": rng.choice(CPUS)}),
        Variant("growing", growing, rng.choice(([], ["--threads", "1"], ["--memory", "1KiB"]))),
    ]
    # A job is refused where no file has its header yet.
    if len(case.files) > 1 and (not case.header or len({file.data.split(b"\n")[0].strip() for file in case.files}) == 1):
        few.append(Variant("one by one", one_by_one))
    if not named:
        few.append(Variant("packed", packed, same_places=False))
        if all(begins_apart(case.files)):
            few.append(Variant("packed halfway", packed_halfway, same_places=False))
        # These cut files behind a line end.
        if not ordered and not case.header and not case.multiline and not leaves_quotes_open(case):
            if all(begins_apart(case.files)):
                few.append(Variant("split", split, same_places=False))
                few.append(Variant("rotated", rotated, same_places=False))
    chosen = rng.sample(few, rng.choice((1, 1, 2)))
    chosen.sort(key=lambda variant: variant.name)
    return [Variant("plain", at_once), *chosen]


def leaves_quotes_open(case: Case) -> bool:
    """Whether a line of CSV may leave a quote open: what comes then are rejects, but not in another file."""
    odd = any(line.count(quote) % 2 for file in case.files for line in file.data.split(b"\n") for quote in (b'"', b"'"))
    return "csv" in case.format and odd


def begins_apart(files: list[File]) -> list[bool]:
    """Whether each file's first line is like no other's."""
    firsts = [file.data.partition(b"\n")[0] for file in files]
    return [not any(one.startswith(other) for m, other in enumerate(firsts) if m != n) for n, one in enumerate(firsts)]


def go(case: Case, variant: Variant, folder: Path, binary: str, rng: Random) -> tuple[Site, Got]:
    """Runs the variant, and reads what it left."""
    site = Site(folder, binary, case.job())
    told = variant.feed(site, case.files, rng, variant)
    return site, read(site, case, told)


def read(site: Site, case: Case, told: Told) -> Got:
    """The outputs after a run."""
    if told.status not in (0, 3):
        return Got(told.status, told.stderr, {})
    got = Got(told.status, told.stderr, totals(site, told))
    if case.reduce:
        got.summary, got.bytes = site.summary()
        got.sqlite = site.sqlite() if case.sqlite else None
    if case.events is not None:
        got.events = site.events()
    return got


def totals(site: Site, told: Told) -> dict[str, int]:
    """Counters over all batches."""
    names = ("lines", "mapped", "filtered", "rejected")
    runs = [command for command in site.commands if command[1] == "run"]
    if len(runs) == 1:
        last = told.json()
        return {name: last.get(name, 0) for name in names}
    batches = json.loads(site.call("history", "--json", "job.toml").stdout or "{}").get("batches", [])
    return {name: sum(batch.get(name, 0) for batch in batches) for name in names}
