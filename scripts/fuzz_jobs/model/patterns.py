"""Patterns of LIKE, and the syntax of Rust's `regex` crate translated to that of Python's `re`.

Both engines prefer the leftmost match, and of those the one that a backtracking engine finds first; so what is common
to both syntaxes has the same meaning. Anything else is Unsupported or, where Rust has no such thing, a JobError.
"""

import re
import unicodedata

from .errors import JobError, Unsupported

# Escapes that mean the same in both.
SAME_ESCAPES = set("dDwWbBAntrfv")
# Unicode's White_Space; Python's \s has U+001C to U+001F besides.
SPACES = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
TEXT_MAX = 5_000
TURKISH = {"\u0130", "\u0131"}
PUNCTUATION = set("\\.+*?()|[]{}^$#&-~/ \"'%:;,<>=!@`_")
FLAGS = {"i", "m", "s", "x"}


class Regex:
    def __init__(self, text, ignore_case=False):
        try:
            self.compiled = re.compile(Translator(text).run(), re.IGNORECASE if ignore_case else 0)
        except re.error as error:
            raise JobError(f"regular expression {text!r}: {error}") from None
        self.ignores_case = ignore_case or any("i" in flags for flags in re.findall(r"\(\?([a-z]+)", text))
        self.groups = self.compiled.groups
        self.names = list(self.compiled.groupindex)
        self.has_words = re.search(r"\\[wWbB]", text) is not None

    def search(self, text, start=0):
        if len(text) > TEXT_MAX:
            raise Unsupported("a text on which an engine that backtracks could take hours")
        if self.has_words and any(is_disputed(char) for char in text):
            raise Unsupported("a character that is a part of words for one engine only")
        if self.ignores_case and set(text) & TURKISH:
            raise Unsupported("an i with or without a dot, which has no simple folding, but equals i in Python")
        return self.compiled.search(text, start)


def is_disputed(char):
    """Whether Python and Rust may differ on \\w."""
    if char.isascii():
        return False
    category = unicodedata.category(char)
    in_rust = category[0] in "LM" or category in ("Nd", "Nl", "Pc")
    return category in ("So", "No", "Cf") or in_rust != (re.match(r"\w", char) is not None)


class Translator:
    def __init__(self, text):
        self.text = text
        self.at = 0
        self.out = []

    def take(self, count=1):
        taken = self.text[self.at : self.at + count]
        self.at += count
        return taken

    def run(self):
        while self.at < len(self.text):
            char = self.take()
            if char == "\\":
                self.out.append(self.escape())
            elif char == "[":
                self.out.append(self.char_class())
            elif char == "(":
                self.out.append(self.group())
            elif char == "$":
                # Python's $ also matches before a newline at the end; Rust's does not.
                self.out.append(r"\Z")
            elif char == "{":
                self.out.append(self.repetition())
            elif char in "*+?":
                self.out.append(char)
                self.refuse_possessive()
            else:
                self.out.append(char)
        return "".join(self.out)

    def refuse_possessive(self):
        if self.text[self.at : self.at + 1] == "+":
            raise Unsupported("x++, which is possessive in one engine and a repetition in the other")

    def repetition(self):
        found = re.match(r"(\d+)(,\d*)?\}", self.text[self.at :])
        if not found:
            raise Unsupported("{ that is no repetition")
        self.take(found.end())
        self.refuse_possessive()
        return "{" + found[0]

    def escape(self):
        char = self.take()
        if char in SAME_ESCAPES:
            return "\\" + char
        if char == "z":
            return r"\Z"
        if char in ("s", "S"):
            return f"[{'^' if char == 'S' else ''}{SPACES}]"
        if char in PUNCTUATION:
            return re.escape(char)
        if char == "x" and re.match(r"[0-9a-fA-F]{2}", self.text[self.at :]):
            return re.escape(chr(int(self.take(2), 16)))
        if char.isdigit():
            raise JobError("back references don't exist")
        raise Unsupported(f"the escape \\{char}")

    def group(self):
        rest = self.text[self.at :]
        if not rest.startswith("?"):
            return "("
        if found := re.match(r"\?P?<([A-Za-z_]\w*)>", rest):
            self.take(found.end())
            return f"(?P<{found[1]}>"
        if found := re.match(r"\?([a-z]*)(-[a-z]+)?:", rest):
            self.take(found.end())
            flags = set(found[1] + (found[2] or "")[1:])
            if not flags <= {"i", "s"}:
                raise Unsupported("flags other than i and s")
            return f"({found[0]}"
        # (?i) for the rest of the whole expression: only at its very begin do the engines agree.
        found = re.match(r"\?([is]+)\)", rest)
        if found and self.at == 1:
            self.take(found.end())
            return f"({found[0]}"
        raise Unsupported("this kind of group")

    def char_class(self):
        out = ["["]
        if self.text[self.at : self.at + 1] == "^":
            out.append(self.take())
        if self.text[self.at : self.at + 1] == "]":
            out.append("\\" + self.take())
        while True:
            char = self.take()
            if not char:
                raise JobError("a character class without an end")
            if char == "]":
                return "".join(out) + "]"
            if char == "[" or self.text[self.at - 1 : self.at + 1] in ("&&", "--", "~~"):
                raise Unsupported("sets within a character class")
            if char == "\\":
                if self.text[self.at : self.at + 1] in ("b", "B", "A", "z", "S"):
                    raise Unsupported("this escape within a character class")
                char = self.escape().strip("[]") if self.text[self.at : self.at + 1] == "s" else self.escape()
            out.append(char)


def like_matcher(pattern, escape="\\", ignore_case=False):
    """text -> whether it is LIKE the pattern: % is any text, _ any character."""
    parts = like_parts(fold(pattern) if ignore_case else pattern, escape)
    matcher = re.compile("".join(parts), re.DOTALL)
    if ignore_case:
        return lambda text: matcher.fullmatch(fold(text)) is not None
    return lambda text: matcher.fullmatch(text) is not None


def like_parts(pattern, escape):
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if escape and char == escape:
            if at == len(pattern):
                raise Unsupported("a LIKE pattern that ends with its escape")
            yield re.escape(pattern[at])
            at += 1
        else:
            yield {"%": ".*", "_": "."}.get(char) or re.escape(char)


def fold(text):
    """PostgreSQL's ILIKE compares what lower() makes of both sides."""
    if any(len(char.lower()) != 1 for char in text):
        raise Unsupported("ILIKE of a character whose small letter is two")
    return "".join(char.lower() for char in text)
