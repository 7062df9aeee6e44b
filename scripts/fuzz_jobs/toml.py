"""Writes a job as TOML."""

from __future__ import annotations

import json
import re
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def key(name: str) -> str:
    """A key, quoted where it must be."""
    return name if BARE.match(name) else string(name)


def string(text: str) -> str:
    """A basic string. `${` would be a variable of the environment."""
    return json.dumps(text.replace("${", "$${"), ensure_ascii=False).replace("\x7f", "\\u007f")


def value(of: Any) -> str:
    """Any value, tables inline."""
    match of:
        case bool():
            return "true" if of else "false"
        case int() | float():
            return repr(of)
        case str():
            return string(of)
        case list() | tuple():
            return "[" + ", ".join(value(item) for item in of) + "]"
        case dict():
            return "{ " + ", ".join(f"{key(name)} = {value(item)}" for name, item in of.items()) + " }"
    raise TypeError(repr(of))


def dumps(job: dict[str, Any]) -> str:
    """A job file: tables of two levels get headings, the rest stands inline."""
    out = [f"{key(name)} = {value(item)}" for name, item in job.items() if not isinstance(item, dict)]
    for name, table in job.items():
        if not isinstance(table, dict):
            continue
        deep = {inner for inner, item in table.items() if isinstance(item, dict) and name in ("output", "map", "reduce")}
        if not deep or len(deep) < len(table):
            out += ["", f"[{name}]"] + [f"{key(inner)} = {value(item)}" for inner, item in table.items() if inner not in deep]
        for inner in table:
            if inner in deep:
                out += ["", f"[{name}.{key(inner)}]"] + [f"{key(k)} = {value(v)}" for k, v in table[inner].items()]
    return "\n".join(out) + "\n"
