"""`lines`: the line alone. A `-` is a line like others."""

from ..types import TEXT
from .base import Format


class Lines(Format):
    fields = {"line": TEXT}

    def reader(self):
        return lambda line: {"line": line}
