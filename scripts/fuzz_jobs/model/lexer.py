"""Text of an expression -> tokens. A word with a dot in it is one name."""

import re
from dataclasses import dataclass

from .errors import JobError, Unsupported

KEYWORDS = set(
    "and or not is null true false unknown case when then else end in between symmetric like ilike similar distinct "
    "from cast as escape filter where".split()
)
TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")+")
  | (?P<word>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
  | (?P<op>::|<>|!=|<=|>=|\|\||!~\*|!~|~\*|~|[-+*/%^=<>(),])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass
class Token:
    # "number", "string", "name", "keyword", "op" or "end"
    kind: str
    text: str
    offset: int


def tokens(text):
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise JobError(f"cannot read the expression at {text[at:at + 20]!r}")
        kind, token = match.lastgroup, match[0]
        if kind == "number" and re.match(r"\w", text[match.end() : match.end() + 1]):
            raise JobError(f"junk behind the number {token!r}")
        if kind == "word":
            found.append(word(token, at))
        elif kind == "quoted":
            found.append(Token("name", token[1:-1].replace('""', '"'), at))
        elif kind == "string":
            if found and found[-1].kind == "name" and found[-1].offset + len(found[-1].text) == at:
                raise Unsupported("prefixed string literals")
            found.append(Token("string", token[1:-1].replace("''", "'"), at))
        elif kind != "space":
            found.append(Token(kind, token, at))
        at = match.end()
    return found + [Token("end", "", at)]


def word(text, at):
    if text.lower() in KEYWORDS:
        return Token("keyword", text.lower(), at)
    return Token("name", text, at)
