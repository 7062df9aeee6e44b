"""A report that stands for itself: the job, the input, what came out, how to do it again."""

from __future__ import annotations

import re
from pathlib import Path

from . import toml
from .case import Case
from .check import Plan, Result


def short(refusal: str) -> str:
    """Why a job was refused, without the place."""
    first = refusal.splitlines()[0] if refusal else ""
    first = re.sub(r"^logmill: (job\.toml:\d+:\d+: )?", "", first)
    return re.sub(r"\d+", "N", first)[:60]


def text(case: Case, plan: Plan, result: Result) -> str:
    """The report."""
    out = [f"==== seed {case.seed} job {case.number}: {', '.join(sorted({d.kind for d in result.differences}))}"]
    for difference in result.differences[:8]:
        out.append(f"* {difference.kind}: {difference.detail}")
    out += ["---- job.toml", toml.dumps(case.job()).rstrip()]
    for file in case.files:
        shown = repr(file.data[:3000])
        out.append(f"---- in/{file.name} ({len(file.data)} bytes)\n{shown}{' …' if len(file.data) > 3000 else ''}")
    if result.got:
        out.append(f"---- logmill: status {result.got.status} {result.got.counters}")
        for name, table in (("summary", result.got.summary), ("events", result.got.events)):
            if table:
                out.append(f"{name} {list(zip(table.columns, table.types))}")
                out += [f"  {str(row)[:400]}" for row in table.rows[:6]]
    if result.want:
        want = result.want
        out.append(f"---- model: error {want.error!r} {want.counters}")
        out += [f"  {str(row)[:400]}" for row in list(want.rows or [])[:6]]
        out += [f"  {str(row)[:400]}" for row in list(want.events or [])[:6]]
    out += ["---- commands", *result.commands[:12]]
    out.append(f"again: scripts/fuzz-jobs --seed {case.seed} --only {case.number}")
    return "\n".join(out)


def keep(folder: Path, case: Case, report: str) -> None:
    """Writes the report, the job and the files into a folder of their own."""
    place = folder / f"{case.seed}-{case.number}"
    (place / "in").mkdir(parents=True, exist_ok=True)
    (place / "report.txt").write_text(report + "\n", encoding="utf-8", errors="backslashreplace")
    (place / "job.toml").write_text(toml.dumps(case.job()), encoding="utf-8")
    for file in case.files:
        (place / "in" / file.name).write_bytes(file.data)
