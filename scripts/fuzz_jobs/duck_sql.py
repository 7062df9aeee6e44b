"""Expressions as DuckDB's SQL, where DuckDB means the same by them.

What is left out, and why:

| left out | DuckDB |
|---|---|
| `decimal / x`, `round` of floats, casts of floats to int and decimal | gives a float; rounds half away from zero; rounds otherwise |
| `x / y`, `x % y` unless y is a constant | gives NULL for a zero, where logmill rejects the record |
| `float * float`, `power`, `sqrt`, `ln`, `log10` | gives infinities and NULL, or other last bits |
| casts of text, floats and times to text, `to_char`, `to_timestamp` | other spellings |
| `lower`, `upper`, `reverse`, ILIKE, `~*` of what is not ASCII | other tables of Unicode, whole graphemes |
| `substr` below 1, `left` and `right` below 0, `split_part` and `replace` of '' | counts from the end; other choices |
| a replacement with `\\&` | has none |
| `extract` of what is decimal, all of `ip` but `=` and NULL | gives floats; has no such type that compares so |
| `first`, `last`, `approx_*`, URLs, `unescape`, `pseudonym` | has none, or takes no part of the file order into account |

Numbers: an overflow is an error there, and then nothing is compared. `~` is `regexp_matches` here, since DuckDB's `~` asks
for the whole text; LIKE has no escape there unless it is told.
"""

from __future__ import annotations

from collections.abc import Callable

from .expr import Expr, Slot, Word


class Untranslatable(Exception):
    """DuckDB means something else by it."""


# What has to be true of the data: all of it ASCII.
ASCII_OPS = {"lower", "upper", "reverse", "ilike", "match i", "regexp_replace i"}
INT_UNITS = {"year", "month", "day", "hour", "minute", "dow", "isodow", "doy", "week", "isoyear", "quarter"}
PLAIN_CALLS = {"starts_with", "ends_with", "contains", "coalesce", "nullif", "greatest", "least", "md5", "sha256", "btrim", "ltrim", "rtrim", "lower", "upper", "reverse", "strpos", "abs", "regexp_extract"}
NAMES = {"int": "BIGINT", "float": "DOUBLE", "text": "VARCHAR", "bool": "BOOLEAN", "timestamp": "TIMESTAMP"}
PATTERN = Callable[["Translator", Expr], str]


class Translator:
    """Translates with the names that `let` has given replaced by what they stand for."""

    def __init__(self, lets: dict[str, str], ascii_only: bool):
        self.lets = lets
        self.ascii_only = ascii_only

    def sql(self, expr: Expr) -> str:
        """The expression in DuckDB's words, in brackets where it isn't a name."""
        if expr.op in ASCII_OPS and not self.ascii_only:
            raise Untranslatable(expr.op)
        method = getattr(self, "do_" + expr.op.split()[0].replace("|", "x"), None)
        if expr.op == "field":
            return self.field(expr)
        if expr.op == "const":
            return self.const(expr)
        if expr.op in PLAIN_CALLS:
            return self.call(expr)
        if expr.op in OPERATORS:
            return self.infix(expr)
        if method is None:
            raise Untranslatable(expr.op)
        return method(expr)

    def args(self, expr: Expr) -> list[str]:
        """The children."""
        return [self.sql(child) for _, child in expr.children()]

    def field(self, expr: Expr) -> str:
        """A field, or a let."""
        name = expr.parts[0]
        assert isinstance(name, str)
        name = name.strip('"')
        if name in self.lets:
            return self.lets[name]
        if name.startswith("x") and name[1:].isdigit():
            raise Untranslatable("a let")
        return '"' + name.replace('"', '""') + '"'

    def const(self, expr: Expr) -> str:
        """A constant of its type."""
        text = expr.sql()
        if expr.type == "ip":
            raise Untranslatable("ip")
        if text.startswith("NULL"):
            return f"CAST(NULL AS {self.type(expr)})"
        if text.startswith("TIMESTAMP"):
            return f"({text})"
        return f"CAST({text.removesuffix('::float')} AS {self.type(expr)})"

    def type(self, expr: Expr) -> str:
        """DuckDB's name of a type."""
        if expr.type == "decimal":
            return f"DECIMAL(38,{expr.scale})"
        return NAMES[expr.type]

    def call(self, expr: Expr) -> str:
        """A call whose words mean the same there."""
        if expr.type == "ip" or any(child.type == "ip" for _, child in expr.children()):
            raise Untranslatable("ip")
        out = []
        for part in expr.parts:
            out.append(part if isinstance(part, str) else part.text if isinstance(part, Word) else self.sql(part.expr))
        if expr.op in ("greatest", "least", "coalesce") and expr.type == "decimal":
            out = [self.scaled(expr, text) if isinstance(part, Slot) else text for part, text in zip(expr.parts, out)]
        name = out[0].replace("btrim", "trim")
        if name in ("lower", "upper", "reverse") and not self.ascii_only:
            raise Untranslatable(name)
        return name + "".join(out[1:])

    def infix(self, expr: Expr) -> str:
        """Two operands."""
        left, word, right = expr.parts
        assert isinstance(left, Slot) and isinstance(word, Word) and isinstance(right, Slot)
        sign = word.text.strip()
        types = {left.expr.type, right.expr.type}
        if sign in ("/", "%"):
            return self.division(left.expr, sign, right.expr)
        if sign == "||" and not types <= {"text", "int", "bool"}:
            raise Untranslatable("|| of what is spelled otherwise")
        if sign == "*" and expr.type == "float" or sign == "-" and "timestamp" in types:
            raise Untranslatable(sign)
        if "ip" in types and sign not in ("=", "<>", "!="):
            raise Untranslatable("ip")
        if types == {"decimal", "float"} or types == {"int", "float"}:
            raise Untranslatable("a number of a type and one of another")
        return f"({self.sql(left.expr)} {sign} {self.sql(right.expr)})"

    def division(self, left: Expr, sign: str, right: Expr) -> str:
        """By a constant that is not zero."""
        if right.op != "const" or right.sql() in ("0", "0.0", "0.00") or {left.type, right.type} != {"int"}:
            raise Untranslatable(sign)
        if has_decimal(left):
            raise Untranslatable("sign of a decimal is one, an int in DuckDB")
        return f"({self.sql(left)} {'//' if sign == '/' else '%'} {self.sql(right)})"

    def scaled(self, expr: Expr, value: str) -> str:
        """One of several values as the type of all: of two scales DuckDB may take the smaller one."""
        return f"CAST({value} AS {self.type(expr)})" if expr.type == "decimal" else value

    def words(self, expr: Expr) -> str:
        """Pieces as they are, children translated."""
        out = []
        for part in expr.parts:
            out.append(part if isinstance(part, str) else part.text if isinstance(part, Word) else self.sql(part.expr))
        return "(" + "".join(out) + ")"

    def do_case(self, expr: Expr) -> str:
        out, before = [], ""
        for part in expr.parts:
            text = part if isinstance(part, str) else part.text if isinstance(part, Word) else self.sql(part.expr)
            is_value = isinstance(part, Slot) and before.strip().endswith(("THEN", "ELSE"))
            out.append(self.scaled(expr, text) if is_value else text)
            before = text
        return "(" + "".join(out) + ")"

    def do_not(self, expr: Expr) -> str:
        return self.words(expr)

    def do_minus(self, expr: Expr) -> str:
        return self.words(expr)

    def do_between(self, expr: Expr) -> str:
        self.no_ip(expr)
        return self.words(expr)

    def do_in(self, expr: Expr) -> str:
        self.no_ip(expr)
        return self.words(expr)

    def no_ip(self, expr: Expr) -> None:
        """Addresses are text there, in another order."""
        if any(child.type == "ip" for _, child in expr.children()):
            raise Untranslatable("ip")

    def do_is(self, expr: Expr) -> str:
        return self.words(expr).replace("UNKNOWN", "NULL")

    def do_like(self, expr: Expr) -> str:
        pattern = expr.parts[1]
        assert isinstance(pattern, Word)
        if "ILIKE" in pattern.text and not self.ascii_only:
            raise Untranslatable("ILIKE")
        return self.words(expr) if len(expr.parts) > 3 else self.words(expr)[:-1] + " ESCAPE '\\')"

    def do_match(self, expr: Expr) -> str:
        of, word, pattern = expr.parts
        assert isinstance(of, Slot) and isinstance(word, Word) and isinstance(pattern, Word)
        if "*" in word.text and not self.ascii_only:
            raise Untranslatable("~*")
        flags = ", 'i'" if "*" in word.text else ""
        made = f"regexp_matches({self.sql(of.expr)}, {pattern.text}{flags})"
        return f"(NOT {made})" if "!" in word.text else made

    def do_regexp_matches(self, expr: Expr) -> str:
        if len(expr.parts) > 5 and not self.ascii_only:
            raise Untranslatable("i")
        return self.words(expr)

    def do_regexp_replace(self, expr: Expr) -> str:
        text = expr.sql()
        if "\\&" in text or "\\\\" in text or ("i')" in text and not self.ascii_only):
            raise Untranslatable("a replacement")
        return self.words(expr)

    def do_length(self, expr: Expr) -> str:
        name = expr.parts[0]
        assert isinstance(name, Word)
        inner = self.args(expr)[0]
        return f"strlen({inner})" if name.text == "octet_length" else f"length({inner})"

    do_char_length = do_octet_length = do_length

    def do_substr(self, expr: Expr) -> str:
        _, *numbers = [child for _, child in expr.children()]
        if any(number.op != "const" or int(number.sql()) < 1 for number in numbers):
            raise Untranslatable("substr")
        return self.words(expr)

    do_substring = do_left = do_right = do_substr

    def do_split_part(self, expr: Expr) -> str:
        if expr.sql().endswith(("-1)", "-2)")) or "''" in expr.parts[4].text:  # type: ignore[union-attr]
            raise Untranslatable("split_part")
        return self.words(expr)

    def do_replace(self, expr: Expr) -> str:
        if not isinstance(expr.parts[4], Word) or expr.parts[4].text == "''":
            raise Untranslatable("replace")
        return self.words(expr)

    def do_trim(self, expr: Expr) -> str:
        return self.words(expr)

    def do_xx(self, expr: Expr) -> str:
        return self.infix(expr)

    def do_concat(self, expr: Expr) -> str:
        if any(child.type not in ("text", "int") for _, child in expr.children()):
            raise Untranslatable("concat of what is spelled otherwise (a bool is t here)")
        return self.words(expr)

    do_concat_ws = do_concat

    def do_round(self, expr: Expr) -> str:
        name = expr.parts[0]
        inner = self.args(expr)[0]
        if expr.type == "int":
            return inner
        word = name.text if isinstance(name, Word) else name
        if expr.type == "float" and word in ("round",):
            raise Untranslatable("round")
        digits = expr.parts[4] if len(expr.parts) > 4 else "0"
        if expr.type == "decimal" and word == "round" and digits != "-1":
            return f"CAST(round({inner}, {digits}) AS DECIMAL(38,{digits}))"
        if digits == "-1":
            raise Untranslatable("round")
        return f"{word}({inner})" if expr.type == "float" else f"CAST({word}({inner}) AS DECIMAL(38,0))"

    do_trunc = do_floor = do_ceil = do_round

    def do_sign(self, expr: Expr) -> str:
        return f"CAST(sign({self.args(expr)[0]}) AS {self.type(expr)})"

    def do_mod(self, expr: Expr) -> str:
        left, right = (child for _, child in expr.children())
        return self.division(left, "%", right)

    def do_extract(self, expr: Expr) -> str:
        unit = next(part.text for part in expr.parts if isinstance(part, Word)).strip("'")
        if unit not in INT_UNITS:
            raise Untranslatable(unit)
        return f"CAST(extract({unit} FROM {self.args(expr)[0]}) AS BIGINT)"

    do_date_part = do_extract

    def do_date_trunc(self, expr: Expr) -> str:
        return f"CAST({self.words(expr)[1:-1]} AS TIMESTAMP)"

    def do_shift(self, expr: Expr) -> str:
        return self.words(expr)

    def do_strftime(self, expr: Expr) -> str:
        return self.words(expr)

    def do_cast(self, expr: Expr) -> str:
        _, before, after = expr.op.split()
        if (before, after) not in CASTS:
            raise Untranslatable(expr.op)
        return f"CAST({self.args(expr)[0]} AS {self.type(expr)})"


OPERATORS = {"+", "-", "*", "/", "%", "||", "<", "<=", ">", ">=", "=", "<>", "!=", "AND", "OR", "infix"}
CASTS = {("int", "text"), ("bool", "text"), ("int", "float"), ("int", "decimal"), ("decimal", "decimal"), ("decimal", "int"), ("bool", "int"), ("int", "bool"), ("int", "int"), ("text", "text")}


def has_decimal(expr: Expr) -> bool:
    """Whether a decimal goes into the value."""
    return expr.type == "decimal" or any(has_decimal(part.expr) for part in expr.parts if isinstance(part, Slot))
