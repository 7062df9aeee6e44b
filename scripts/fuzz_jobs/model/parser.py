"""Tokens -> tree, with PostgreSQL's precedence (its manual, 4.1.6), by precedence climbing."""

import re
from decimal import Decimal

from . import ast
from .casts import read_float
from .errors import JobError, Unsupported
from .lexer import tokens
from .types import DIGITS_MAX, INT_MAX, TIMESTAMP, WIDE, parse_type

OR, AND, NOT, IS, COMPARE, LIKE, OTHER, ADD, MULTIPLY, SIGN, CAST = range(1, 12)
BINARY = {"or": OR, "and": AND, "||": OTHER, "~": OTHER, "~*": OTHER, "!~": OTHER, "!~*": OTHER}
BINARY |= {"+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "%": MULTIPLY}
BINARY |= dict.fromkeys(["=", "<>", "!=", "<", "<=", ">", ">="], COMPARE)
# Microseconds of the units of an interval. A day has 24 hours: times are in UTC.
UNITS = {"second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6, "day": 86400 * 10**6, "week": 7 * 86400 * 10**6}
# PostgreSQL's grammar has these as %nonassoc: `a < b < c` is a syntax error.
NO_CHAIN = {IS, COMPARE, LIKE}


def parse(text):
    """One expression."""
    parser = Parser(text)
    tree = parser.expression()
    parser.expect("end")
    return tree


def parse_item(text):
    """`expression` or `expression AS name`."""
    parser = Parser(text)
    tree = parser.expression()
    alias = None
    if parser.accept("keyword", "as"):
        alias = parser.expect("name").text
    parser.expect("end")
    return ast.Item(tree, alias)


class Parser:
    def __init__(self, text):
        self.text = text
        self.tokens = tokens(text)
        self.at = 0

    def peek(self, ahead=0):
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def is_next(self, kind, text=None, ahead=0):
        token = self.peek(ahead)
        return token.kind == kind and text in (None, token.text)

    def accept(self, kind, text=None):
        if not self.is_next(kind, text):
            return None
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, kind, text=None):
        token = self.accept(kind, text)
        if not token:
            raise JobError(f"syntax: expected {text or kind} at {self.text[self.peek().offset:][:20]!r}")
        return token

    def is_word(self, *words):
        return self.is_next("name") and self.peek().text.lower() in words

    def accept_keyword(self, *words):
        """All of these words in a row, or none of them."""
        if not all(self.is_next("keyword", word, ahead) for ahead, word in enumerate(words)):
            return False
        self.at += len(words)
        return True

    def expression(self, least=OR):
        left = self.operand()
        ended_in = None
        while True:
            level = self.level_of_next()
            if level is None or level < least:
                return left
            if level == ended_in:
                raise JobError("syntax: comparisons of one level can't be chained")
            left, ends_in_operand = self.infix(left, level)
            ended_in = level if ends_in_operand and level in NO_CHAIN else None

    def level_of_next(self):
        token = self.peek()
        if token.kind == "op":
            return CAST if token.text == "::" else BINARY.get(token.text)
        if token.kind != "keyword":
            return None
        if token.text in ("in", "between", "like", "ilike", "similar"):
            return LIKE
        if token.text == "not" and self.peek(1).text in ("in", "between", "like", "ilike", "similar"):
            return LIKE
        return IS if token.text == "is" else BINARY.get(token.text)

    def infix(self, left, level):
        """The tree with the operator that is next, and whether that operator ends in an operand."""
        if level == CAST:
            self.expect("op", "::")
            return ast.Cast(left, self.type_name()), False
        if level == IS:
            return self.is_something(left)
        if level == LIKE:
            return self.like_in_between(left)
        op = self.tokens[self.at].text
        self.at += 1
        return ast.Binary("<>" if op == "!=" else op, left, self.expression(level + 1)), True

    def is_something(self, left):
        self.expect("keyword", "is")
        negated = self.accept_keyword("not")
        if self.accept_keyword("distinct", "from"):
            return ast.Distinct(left, self.expression(IS + 1), negated), True
        for what in ("null", "true", "false", "unknown"):
            if self.accept_keyword(what):
                return ast.Is(left, what, negated), False
        raise JobError("syntax: what should it be?")

    def like_in_between(self, left):
        negated = self.accept_keyword("not")
        if self.accept_keyword("in"):
            self.expect("op", "(")
            return ast.In(left, self.list_until_paren(), negated), False
        if self.accept_keyword("between"):
            if self.accept_keyword("symmetric"):
                raise Unsupported("BETWEEN SYMMETRIC")
            low = self.expression(LIKE + 1)
            self.expect("keyword", "and")
            return ast.Between(left, low, self.expression(LIKE + 1), negated), True
        if self.accept_keyword("similar"):
            raise Unsupported("SIMILAR TO")
        ignore_case = self.accept_keyword("ilike") or not self.expect("keyword", "like")
        pattern = self.expression(LIKE + 1)
        escape = self.expression(LIKE + 1) if self.accept_keyword("escape") else None
        return ast.Like(left, pattern, escape, ignore_case, negated), True

    def operand(self):
        token = self.peek()
        if self.accept("op", "("):
            tree = self.expression()
            self.expect("op", ")")
            return tree
        if self.accept("op", "-") or self.accept("op", "+"):
            return ast.Unary(token.text, self.expression(SIGN))
        if self.accept_keyword("not"):
            return ast.Unary("not", self.expression(NOT + 1))
        if self.accept("number"):
            return number(token.text)
        if self.accept("string"):
            return ast.Literal("text", token.text)
        if self.accept_keyword("null"):
            return ast.Literal("null", None)
        if self.accept_keyword("true") or self.accept_keyword("false"):
            return ast.Literal("bool", token.text == "true")
        if self.accept_keyword("case"):
            return self.case()
        if self.accept_keyword("cast"):
            return self.cast()
        if self.is_next("string", None, 1) and self.is_word("timestamp", "interval"):
            self.at += 2
            return typed_literal(token.text.lower(), self.tokens[self.at - 1].text)
        if self.accept("name"):
            return self.call(token.text) if self.accept("op", "(") else ast.Name(token.text)
        raise JobError(f"syntax: unexpected {token.text or 'end'!r}")

    def case(self):
        operand = None if self.is_next("keyword", "when") else self.expression()
        branches, otherwise = [], None
        while self.accept_keyword("when"):
            condition = self.expression()
            self.expect("keyword", "then")
            branches.append((condition, self.expression()))
        if not branches:
            raise JobError("syntax: CASE without WHEN")
        if self.accept_keyword("else"):
            otherwise = self.expression()
        self.expect("keyword", "end")
        return ast.Case(operand, branches, otherwise)

    def cast(self):
        self.expect("op", "(")
        value = self.expression()
        self.expect("keyword", "as")
        cast = ast.Cast(value, self.type_name())
        self.expect("op", ")")
        return cast

    def type_name(self):
        name = self.expect("name").text
        if name.lower() == "double" and self.is_word("precision"):
            self.at += 1
        if self.accept("op", "("):
            name += "(" + self.expect("number").text
            if self.accept("op", ","):
                # A precision of its own would be one more bound; 38 is that of every decimal.
                name += "," + self.expect("number").text
            self.expect("op", ")")
            name += ")"
        return parse_type(name)

    def call(self, name):
        name = name.lower()
        if name in ("extract", "position", "trim", "substring"):
            long_form = getattr(self, name)()
            if long_form is not None:
                return long_form
        call = ast.Call(name, [])
        if self.accept("op", "*"):
            call.star = True
            self.expect("op", ")")
        else:
            call.distinct = self.accept_keyword("distinct")
            call.args = [] if self.accept("op", ")") else self.list_until_paren()
        if self.accept_keyword("filter"):
            self.expect("op", "(")
            self.expect("keyword", "where")
            call.filter = self.expression()
            self.expect("op", ")")
        return call

    def extract(self):
        field = self.accept("name") or self.expect("string")
        self.expect("keyword", "from")
        value = self.expression()
        self.expect("op", ")")
        return ast.Call("extract", [ast.Literal("text", field.text.lower()), value])

    def position(self):
        """position(part IN text), whose operands bind tighter than the operator IN."""
        part = self.expression(LIKE + 1)
        self.expect("keyword", "in")
        text = self.expression(LIKE + 1)
        self.expect("op", ")")
        return ast.Call("strpos", [text, part])

    def trim(self):
        """trim([side] [chars] FROM text), or None if it is trim(text, chars)."""
        start, name = self.at, "btrim"
        if self.is_word("both", "leading", "trailing") and not self.is_next("op", ",", 1) and not self.is_next("op", ")", 1):
            name = {"both": "btrim", "leading": "ltrim", "trailing": "rtrim"}[self.peek().text.lower()]
            self.at += 1
        chars = None if self.is_next("keyword", "from") else self.expression()
        if not self.accept("keyword", "from"):
            self.at = start
            return None
        text = self.expression()
        self.expect("op", ")")
        return ast.Call(name, [text] if chars is None else [text, chars])

    def substring(self):
        """substring(text FROM start FOR count), or None if it has commas."""
        before = self.at
        args = [self.expression()]
        if not self.accept("keyword", "from"):
            self.at = before
            return None
        args.append(self.expression())
        if self.is_word("for"):
            self.at += 1
            args.append(self.expression())
        self.expect("op", ")")
        return ast.Call("substring", args)

    def list_until_paren(self):
        items = [self.expression()]
        while self.accept("op", ","):
            items.append(self.expression())
        if self.is_next("keyword", "from"):
            raise Unsupported("SQL's long form of a function call")
        self.expect("op", ")")
        return items


def number(text):
    """A float if it has an exponent, an int if it has no point and fits; a decimal otherwise, as PostgreSQL's numeric."""
    if text.isdigit() and int(text) <= INT_MAX:
        return ast.Literal("int", int(text))
    if "e" in text.lower():
        return ast.Literal("float", read_float(text))
    value = Decimal(text)
    value = value.quantize(Decimal(1), context=WIDE) if value.as_tuple().exponent > 0 else value
    if len(value.as_tuple().digits) > DIGITS_MAX or -value.as_tuple().exponent > DIGITS_MAX:
        raise Unsupported("a number literal of more than 38 digits")
    return ast.Literal("decimal", value)


def typed_literal(name, text):
    if name == "timestamp":
        return ast.Cast(ast.Literal("text", text), TIMESTAMP)
    micros = 0
    if not re.fullmatch(r"(\s*-?\d+\s+[a-z]+)+", text):
        raise Unsupported(f"the interval {text!r}")
    for count, unit in re.findall(r"(-?\d+)\s+([a-z]+)", text):
        if unit.removesuffix("s") not in UNITS:
            raise Unsupported(f"an interval of {unit}")
        micros += int(count) * UNITS[unit.removesuffix("s")]
    return ast.Interval(micros)
