"""`[source] format`, as the reader of lines that it names."""

from ..errors import JobError, Unsupported
from ..types import TIMESTAMP, parse_type
from .access import COMBINED, COMMON, Access
from .apache import Apache
from .base import HEADER
from .csv import Csv, multiline
from .json import Json
from .lines import Lines
from .nginx import Nginx
from .regex import RegexFormat

__all__ = ["HEADER", "multiline", "open_format"]


def open_format(source, first_lines):
    """`first_lines` are the first lines of the files, in order: a CSV header may be there."""
    declared = source.get("fields", {})
    reading = build(source.get("format"), declared, first_lines)
    for name, kind in declared.items():
        if name not in reading.fields:
            raise JobError(f"fields names {name!r}, which the format does not have")
        if reading.fields[name] == TIMESTAMP and parse_type(kind) != TIMESTAMP:
            raise Unsupported("a time that is declared as something else")
        reading.fields[name] = parse_type(kind)
    reading.time = source.get("time", reading.time)
    return reading


def build(name, declared, first_lines):
    if isinstance(name, dict):
        if len(name) != 1:
            raise JobError("a format is one thing")
        ((name, options),) = name.items()
        if name == "nginx":
            return Nginx(options)
        if name == "apache":
            return Apache(options)
        if name == "regex":
            return RegexFormat(options)
    else:
        options = {}
    if name in ("csv", "tsv"):
        delimiter, quote = (",", '"') if name == "csv" else ("\t", "")
        return Csv(options, delimiter, quote, first_lines)
    if options or name not in ("lines", "json", "common", "combined"):
        raise Unsupported(f"format {name}")
    if name == "lines":
        return Lines()
    if name == "json":
        return Json(declared)
    return Access(COMMON if name == "common" else COMBINED)
