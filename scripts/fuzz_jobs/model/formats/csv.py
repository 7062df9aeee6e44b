"""Cells between delimiters, with quotes as in RFC 4180."""

from ..errors import JobError, Unsupported
from ..types import TEXT
from .base import HEADER, Format, NoMatch, null_rules

KEYS = {"delimiter", "header", "columns", "quote", "multiline"}


def multiline(name):
    """Quote and delimiter, where cells may hold line breaks."""
    if isinstance(name, dict):
        for kind, delimiter, quote in (("csv", ",", '"'), ("tsv", "\t", "")):
            if name.get(kind, {}).get("multiline"):
                options = name[kind]
                return {"delimiter": options.get("delimiter", delimiter), "quote": options.get("quote", quote)}
    return None


class Csv(Format):
    def __init__(self, options, delimiter, quote, first_lines):
        if unknown := set(options) - KEYS:
            raise Unsupported(f"csv = {{ {', '.join(unknown)} }}")
        self.delimiter = options.get("delimiter", delimiter)
        self.quote = options.get("quote", quote)
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or len(self.quote) > 1 or not self.quote.isascii():
            raise Unsupported("this delimiter or quote")
        self.multiline = options.get("multiline", False)
        if self.multiline and not self.quote:
            raise JobError("cells with line breaks need quotes")
        self.has_header = options.get("header", "columns" not in options)
        self.named = options.get("columns")
        if self.named is None and not self.has_header:
            raise JobError("neither a header nor columns")
        if self.named is not None and self.has_header:
            raise Unsupported("both a header and columns")
        columns = self.named if self.named is not None else self.first_header(first_lines)
        if len(set(columns)) != len(columns):
            raise Unsupported("two columns of one name")
        self.columns = columns
        self.fields = dict.fromkeys(columns, TEXT)

    def first_header(self, first_lines):
        """The header that the job is compiled with: that of the first file that has one."""
        for line in first_lines:
            try:
                header = self.cells(line)
            except NoMatch as error:
                raise JobError(f"the header: {error}") from None
            header = [cell.strip() for cell in header]
            if not all(header) or header[0].startswith("#"):
                raise Unsupported("a header with empty cells or a comment")
            return header
        raise Unsupported("a header in no file")

    def cells(self, line):
        cells, at = [], 0
        while True:
            cell, at = self.cell(line, at)
            cells.append(cell)
            if at == len(line):
                return cells
            if line[at] != self.delimiter:
                raise NoMatch("text behind a closing quote")
            at += 1

    def cell(self, line, at):
        """The cell that begins at `at`, and where it ends."""
        if self.quote and line[at : at + 1] == self.quote:
            return self.quoted(line, at + 1)
        end = line.find(self.delimiter, at)
        end = len(line) if end < 0 else end
        # A quote within is text: only one in front quotes.
        return line[at:end], end

    def quoted(self, line, at):
        text = ""
        while True:
            end = line.find(self.quote, at)
            if end < 0 and self.multiline:
                raise NoMatch("a quote that nothing closes")
            if end < 0:
                # A reject; but what the lines behind it are until the quote ends, the documents leave open to the model.
                raise Unsupported("a quote that is open at the end of the line")
            text += line[at:end]
            if line[end + 1 : end + 2] != self.quote:
                if line[end + 1 : end + 2] not in ("", self.delimiter):
                    raise NoMatch("text behind a closing quote")
                return text, end + 1
            text += self.quote
            at = end + 2

    def reader(self):
        columns = None if self.has_header else self.columns
        head, is_wrong = None, False

        def read(line):
            nonlocal columns, head, is_wrong
            if is_wrong and "\n" in line:
                raise Unsupported("records of a file without the header")
            if is_wrong:
                raise NoMatch("a file without the header")
            if columns is None and not line.strip(" \t\r\f"):
                # A blank line before the header.
                return HEADER
            if columns is None:
                try:
                    header, head = [cell.strip() for cell in self.cells(line)], line
                except NoMatch:
                    header = []
                if len(set(header)) != len(header):
                    raise Unsupported("two columns of one name")
                # Columns that are new are no harm.
                if not set(self.columns) <= set(header):
                    is_wrong = True
                    if "\n" in line:
                        raise Unsupported("records of a file without the header")
                    raise NoMatch("a file without the header")
                columns = header
                return HEADER
            if line == head:
                # Written by a program that began anew.
                return HEADER
            cells = self.cells(line)
            if len(cells) != len(columns):
                raise NoMatch(f"{len(cells)} cells for {len(columns)} columns")
            return {name: null_rules(cell) for name, cell in zip(columns, cells)}

        return read
