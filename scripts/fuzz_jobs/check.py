"""One case: run in some ways, compared with each other and with the oracles."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from . import compare, duck, model, sqlite, variants
from .binary import Got, Site
from .case import Case
from .compare import Difference
from .variants import Variant

# Memory, where there is some: most of a small run would be the waiting for a disk.
FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass
class Result:
    """What came out of a case."""

    differences: list[Difference] = field(default_factory=list)
    # Why nothing could be said: the job was refused, or the model knows no such job.
    skipped: str = ""
    refused: str = ""
    got: Got | None = None
    want: Any = None
    commands: list[str] = field(default_factory=list)
    oracles: list[str] = field(default_factory=list)


@dataclass
class Plan:
    """What to do with a case; the shrinker asks for the part that showed a difference."""

    binary: str
    variants: list[Variant]
    use_model: bool = True
    use_duckdb: bool = True
    verify: bool = True


def check(case: Case, plan: Plan) -> Result:
    """Runs the case and compares."""
    root = Path(tempfile.mkdtemp(prefix="fuzz-jobs-", dir=FAST))
    try:
        return Checker(case, plan, root).run()
    finally:
        shutil.rmtree(root, ignore_errors=True)


class Checker:
    """The steps of one check."""

    def __init__(self, case: Case, plan: Plan, root: Path):
        self.case = case
        self.plan = plan
        self.root = root
        self.result = Result()

    def run(self) -> Result:
        """All steps."""
        plain, *others = self.plan.variants
        site, got = self.go(plain)
        self.result.got = got
        if got.status == 2:
            self.result.refused = got.error.strip()
            return self.result
        self.against_model(site, got)
        if got.status in (0, 3):
            self.outputs(site, got)
        elif not (self.result.want and self.result.want.error):
            self.crash(site, got)
        for variant in others:
            self.against_plain(variant, got)
        self.against_duckdb(got)
        return self.result

    def against_duckdb(self, got: Got) -> None:
        """The parts that DuckDB understands."""
        if not self.plan.use_duckdb or got.status not in (0, 3):
            return
        found = duck.check(self.case, self.plan.binary, self.root)
        if found is not None:
            self.result.differences += found
            self.result.oracles.append("DuckDB")

    def go(self, variant: Variant) -> tuple[Site, Got]:
        """One variant; its cuts are the same each time."""
        rng = Random(f"{self.case.seed}:{self.case.number}:{variant.name}")
        site, got = variants.go(self.case, variant, self.root / variant.name.replace(" ", "-"), self.plan.binary, rng)
        env = " ".join(f"{name}={value}" for name, value in variant.env.items())
        self.result.commands += [f"[{variant.name}] {env} {' '.join(command)}" for command in site.commands]
        return site, got

    def tell(self, kind: str, detail: str, column: str = "") -> None:
        """Notes a difference."""
        self.result.differences.append(Difference(kind, detail, column))

    def crash(self, site: Site, got: Got) -> None:
        """The run failed, and no oracle says that it must."""
        first = next((line for line in got.error.splitlines() if line.strip()), "")
        kind = "hang" if got.status == -1 else "failed"
        if self.result.want is None and not internal(got.error):
            # Without a model nobody knows whether a failure in words is right: a sum may overflow.
            return
        self.tell(f"{kind}: {normal(first)}", f"status {got.status}: {got.error.strip()[:1500]}")

    def outputs(self, site: Site, got: Got) -> None:
        """The outputs of one run, beside each other."""
        counters = got.counters
        if counters["lines"] != counters["mapped"] + counters["filtered"] + counters["rejected"]:
            self.tell("counters", f"lines are not mapped + filtered + rejected: {counters}")
        if internal(got.error):
            self.tell("internal error", got.error.strip()[:1500])
        if got.summary and got.sqlite is not None:
            keys = len(self.case.by) + (self.case.window is not None)
            want = [sqlite.row(row, got.summary.types, keys) for row in got.summary.rows]
            self.result.differences += compare.bags("sqlite", got.sqlite, want, "the Parquet")
        self.verify(site, got)

    def verify(self, site: Site, got: Got) -> None:
        """`verify` must say equal, `audit` right."""
        if not self.plan.verify:
            return
        for command in ("verify", "audit"):
            told = site.call(command, "--json", "job.toml")
            if told.status != 0:
                self.tell(command, f"status {told.status}\n{told.stdout[:1500]}{told.stderr[:500]}")
        self.result.oracles.append("verify")

    def against_plain(self, variant: Variant, plain: Got) -> None:
        """Another way to run must give the same."""
        site, got = self.go(variant)
        name = f"variant {variant.name}"
        if (got.status in (0, 3)) != (plain.status in (0, 3)):
            self.tell(f"{name} status", f"status {got.status}, the plain run has {plain.status}\n{(got.error or plain.error).strip()[:1500]}")
            return
        if got.status not in (0, 3):
            return
        if got.counters != plain.counters:
            self.tell(f"{name} counters", f"{got.counters}, the plain run has {plain.counters}")
        if got.summary and plain.summary and got.summary.rows != plain.summary.rows:
            keys = len(self.case.by) + (self.case.window is not None)
            self.result.differences += compare.rows(f"{name} rows", got.summary.columns, got.summary.rows, plain.summary.rows, {}, keys, "the plain run")
        if got.bytes != plain.bytes and not any(d.kind.startswith(name) for d in self.result.differences):
            files = sorted(path for path in got.bytes.keys() | plain.bytes.keys() if got.bytes.get(path) != plain.bytes.get(path))
            self.tell(f"{name} bytes", f"the summary's files differ in bytes: {files[:5]}")
        if (got.events is None) != (plain.events is None):
            self.tell(f"{name} events", "only one of the runs wrote events")
        elif got.events and plain.events:
            self.result.differences += compare.bags(f"{name} events", got.events.rows, plain.events.rows, "the plain run")
        if Random(f"{self.case.seed}:{self.case.number}").random() < 0.5:
            self.verify(site, got)
        self.result.oracles.append(name)

    def against_model(self, site: Site, got: Got) -> None:
        """The model's answer beside the program's."""
        if not self.plan.use_model:
            self.result.skipped = "no model"
            return
        try:
            want = model.run(self.case.job(), [(f"in/{file.name}", file.data) for file in self.case.files], final=True)
        except model.Unsupported as why:
            self.result.skipped = f"unsupported: {why}"
            return
        self.result.want = want
        self.result.oracles.append("model")
        if want.error:
            if got.status in (0, 3):
                self.tell("model error", f"the run should fail: {want.error}", normal(want.error))
            return
        if got.status not in (0, 3):
            return
        if got.counters != {name: want.counters[name] for name in got.counters}:
            self.tell("model counters", f"{got.counters}, the model has {want.counters}{self.rejects(site, want)}")
        else:
            self.places(site, got, want)
        self.groups(got, want)
        self.records(got, want)

    def places(self, site: Site, got: Got, want: Any) -> None:
        """Which lines were rejected."""
        if not got.counters["rejected"] or got.counters["rejected"] > 10_000:
            return
        ours, _ = site.rejects()
        theirs = sorted((Path(name).name, offset, length) for name, offset, length in want.rejects)
        if ours != theirs:
            self.result.differences += compare.bags("model rejects", ours, theirs, "the model")

    def rejects(self, site: Site, want: Any) -> str:
        """The rejected lines that only one of the two has."""
        ours, reasons = site.rejects()
        theirs = [(Path(name).name, offset, length) for name, offset, length in want.rejects]
        missing, more = compare.apart(ours, theirs)
        return f"; rejects missing {missing[:3]}, too many {more[:3]}; reasons {sorted(set(reasons))[:5]}"

    def groups(self, got: Got, want: Any) -> None:
        """The summary."""
        if not self.case.reduce:
            return
        ours = got.summary.rows if got.summary else []
        if got.summary and got.summary.columns != list(want.columns):
            self.tell("model columns", f"{got.summary.columns}, the model has {want.columns}")
            return
        types = ["text" if type == "ip" else type for type in want.types]
        if got.summary and got.summary.types != types:
            self.tell("model types", f"{list(zip(got.summary.columns, got.summary.types))}, the model has {types}")
        keys = len(self.case.by) + (self.case.window is not None)
        self.result.differences += compare.rows("model rows", list(want.columns), ours, list(want.rows), want.tolerances, keys, "the model")

    def records(self, got: Got, want: Any) -> None:
        """The events."""
        if self.case.events is None:
            return
        ours = got.events.rows if got.events else []
        theirs = [tuple(row) for row in want.events]
        self.result.differences += compare.near_bags("model events", list(want.events_columns), ours, theirs, want.tolerances, "the model")


def internal(text: str) -> bool:
    """Whether the program says that it is at fault itself."""
    return any(word in text for word in ("a bug in logmill", "has a bug", "panicked", "internal error"))


def normal(text: str) -> str:
    """A message without its numbers."""
    text = re.sub(r"^logmill: fuzz: nothing was changed: ", "", text)
    return re.sub(r"\d+", "N", text)[:90]
