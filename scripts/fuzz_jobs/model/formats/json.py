"""One JSON object a line (RFC 8259). Values keep the text that they have in the line."""

import re

from ..errors import Unsupported
from ..types import parse_type
from .base import Format, NoMatch, null_rules

SPACE = re.compile(r"[ \t\n\r]*")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
DEPTH_MAX = 60


class Json(Format):
    is_open = True
    def __init__(self, types):
        self.fields = {name: parse_type(kind) for name, kind in types.items()}

    def reader(self):
        def read(line):
            value = Parser(line).document()
            if not isinstance(value, dict):
                raise NoMatch("no JSON object")
            return Lookup(value)

        return read


class Lookup:
    """The fields of one line, by name."""

    def __init__(self, value):
        self.value = value

    def get(self, name):
        return field_text(find(self.value, name))

    __getitem__ = get


MISSING = object()


def find(value, name):
    """A key with that dot in it comes before a key in an object."""
    if not isinstance(value, dict):
        return MISSING
    if name in value:
        return value[name]
    if any(name.startswith(key + ".") and "." in key for key in value if isinstance(key, str)):
        raise Unsupported("a key that is a part of a name, with a dot in it")
    head, dot, rest = name.partition(".")
    return find(value.get(head, MISSING), rest) if dot else MISSING


def field_text(value):
    if value is MISSING or value is None:
        return None
    if isinstance(value, (dict, list)):
        return value_text(value)
    return null_rules(value.text)


class Scalar:
    def __init__(self, text):
        self.text = text


class Object(dict):
    text: str


class Array(list):
    text: str


def value_text(value):
    """An object or a list as text is its JSON; spaces and escapes within could be kept or not."""
    if re.search(r"[ \t\\]", value.text) or has_doubles(value):
        raise Unsupported("the text of an object that could be written in two ways")
    return value.text


def has_doubles(value):
    if isinstance(value, dict):
        return value.has_doubles or any(map(has_doubles, value.values()))
    return isinstance(value, list) and any(map(has_doubles, value))


class Parser:
    def __init__(self, text):
        self.text = text
        self.at = 0

    def document(self):
        self.space()
        value = self.value(0)
        self.space()
        if self.at != len(self.text):
            raise NoMatch("text behind the JSON value")
        return value

    def space(self):
        self.at = SPACE.match(self.text, self.at).end()

    def peek(self):
        return self.text[self.at : self.at + 1]

    def take(self, char):
        if self.peek() != char:
            raise NoMatch(f"JSON: expected {char!r} at {self.at}")
        self.at += 1

    def value(self, depth):
        if depth > DEPTH_MAX:
            raise Unsupported("JSON as deep as that")
        char = self.peek()
        if char in ("{", "["):
            start = self.at
            value = self.object(depth) if char == "{" else self.array(depth)
            value.text = self.text[start : self.at]
            return value
        if char == '"':
            return Scalar(self.string())
        for word in ("true", "false", "null"):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return None if word == "null" else Scalar(word)
        found = NUMBER.match(self.text, self.at)
        if not found:
            raise NoMatch(f"JSON: no value at {self.at}")
        self.at = found.end()
        return Scalar(found[0])

    def object(self, depth):
        self.take("{")
        members = Object()
        members.has_doubles = False
        self.space()
        if self.peek() != "}":
            while True:
                self.space()
                key = self.string()
                members.has_doubles |= key in members
                self.space()
                self.take(":")
                self.space()
                # Of equal keys, the last one counts.
                members[key] = self.value(depth + 1)
                self.space()
                if self.peek() != ",":
                    break
                self.take(",")
        self.take("}")
        return members

    def array(self, depth):
        self.take("[")
        items = Array()
        self.space()
        if self.peek() != "]":
            while True:
                self.space()
                items.append(self.value(depth + 1))
                self.space()
                if self.peek() != ",":
                    break
                self.take(",")
        self.take("]")
        return items

    def string(self):
        self.take('"')
        out = []
        while True:
            char = self.peek()
            self.at += 1
            if char == '"':
                return "".join(out)
            if not char or char < " ":
                raise NoMatch("JSON: a control character in a string, or a string without an end")
            out.append(self.escape() if char == "\\" else char)

    def escape(self):
        char = self.peek()
        self.at += 1
        if char in ESCAPES:
            return ESCAPES[char]
        if char != "u":
            raise NoMatch("JSON: no such escape")
        unit = self.hex4()
        if 0xD800 <= unit <= 0xDBFF and self.text.startswith("\\u", self.at):
            self.at += 2
            low = self.hex4()
            if 0xDC00 <= low <= 0xDFFF:
                return chr(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00)
        if 0xD800 <= unit <= 0xDFFF:
            raise Unsupported("half of a surrogate pair")
        return chr(unit)

    def hex4(self):
        found = re.compile(r"[0-9a-fA-F]{4}").match(self.text, self.at)
        if not found:
            raise NoMatch("JSON: no four hexadecimal digits")
        self.at = found.end()
        return int(found[0], 16)
