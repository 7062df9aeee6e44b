"""Runs the real program on a case, in a folder of its own, and reads what it wrote."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from . import toml

KEY = "fuzz-jobs-key-0123456789abcdef0123456789"
# The model reads it where the program does.
os.environ.setdefault("LOGMILL_PSEUDONYM_KEY", KEY)
SECONDS = 60


@dataclass
class Told:
    """How one call of the program ended."""

    command: list[str]
    status: int
    stdout: str
    stderr: str

    def json(self) -> dict[str, Any]:
        """The object that it printed."""
        return json.loads(self.stdout) if self.stdout.strip() else {}

    def first_line(self) -> str:
        """The first line of its errors, without numbers that change."""
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        return re.sub(r"\d+", "N", lines[0]) if lines else ""


@dataclass
class Table:
    """Rows of an output with the names and types of their columns."""

    columns: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[tuple] = field(default_factory=list)


@dataclass
class Got:
    """What the outputs hold in the end."""

    status: int
    error: str
    counters: dict[str, int]
    summary: Table | None = None
    events: Table | None = None
    sqlite: list[tuple] | None = None
    bytes: dict[str, bytes] = field(default_factory=dict)
    rejects: list[tuple[str, int, int]] | None = None
    reasons: list[str] = field(default_factory=list)


class Site:
    """A folder with the job file, `in/` and the outputs."""

    def __init__(self, folder: Path, binary: str, job: dict[str, Any]):
        self.folder = folder
        self.binary = binary
        self.commands: list[list[str]] = []
        (folder / "in").mkdir(parents=True, exist_ok=True)
        (folder / "job.toml").write_text(toml.dumps(job), encoding="utf-8")

    def call(self, *args: str, env: dict[str, str] | None = None) -> Told:
        """Runs the program in the folder."""
        command = [self.binary, *args]
        self.commands.append(["logmill", *args])
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LOGMILL", "STATE_DIR"))}
        clean |= {"LOGMILL_PSEUDONYM_KEY": KEY, "RUST_BACKTRACE": "0"} | (env or {})
        done = subprocess.Popen(command, cwd=self.folder, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = done.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            done.send_signal(signal.SIGKILL)
            out, err = done.communicate()
            return Told(command, -1, "", f"still running after {SECONDS} s: {err.decode(errors='replace')}")
        return Told(command, done.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def write(self, name: str, data: bytes) -> None:
        """Puts a file into `in/`."""
        (self.folder / "in" / name).write_bytes(data)

    def append(self, name: str, data: bytes) -> None:
        """Lets a file grow."""
        with (self.folder / "in" / name).open("ab") as file:
            file.write(data)

    def summary(self) -> tuple[Table | None, dict[str, bytes]]:
        """All groups, and the files' bytes."""
        return read_all(self.folder / "out" / "summary")

    def events(self) -> Table | None:
        """All records."""
        return read_all(self.folder / "out" / "events")[0]

    def sqlite(self) -> list[tuple] | None:
        """Rows of the table."""
        path = self.folder / "out" / "fuzz.db"
        if not path.exists():
            return None
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return base.execute("SELECT * FROM fuzz").fetchall()
        finally:
            base.close()

    def rejects(self) -> tuple[list[tuple[str, int, int]], list[str]]:
        """Places of the rejected lines, and the reasons."""
        told = self.call("rejects", "--json", "--limit", "1000000", "job.toml")
        lines = [json.loads(line) for line in told.stdout.splitlines() if line.strip()]
        return sorted((Path(r["file"]).name, r["offset"], r["length"]) for r in lines), [r["reason"] for r in lines]


def read_all(folder: Path) -> tuple[Table | None, dict[str, bytes]]:
    """All Parquet files below a folder as one table."""
    table: Table | None = None
    contents: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*.parquet")):
        contents[str(path.relative_to(folder))] = path.read_bytes()
        read = pq.ParquetFile(path).read()
        if table is None:
            table = Table(read.column_names, [type_name(kind) for kind in read.schema.types])
        table.rows += rows(read)
    return table, contents


def type_name(kind: pa.DataType) -> str:
    """The type as a job file calls it; addresses are text in Parquet."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.scale})"
    names = {"int64": "int", "double": "float", "string": "text", "large_string": "text", "bool": "bool", "timestamp[us, tz=UTC]": "timestamp"}
    return names.get(str(kind), str(kind))


def rows(table: pa.Table) -> list[tuple]:
    """Rows as plain values; times as microseconds."""
    columns = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.int64())
        columns.append(column.to_pylist())
    return list(zip(*columns)) if columns else [()] * table.num_rows
