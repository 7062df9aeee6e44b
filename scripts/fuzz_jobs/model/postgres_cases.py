"""Random rows and expressions that mean the same in PostgreSQL."""

from decimal import Decimal

from .types import BOOL, FLOAT, INT, TEXT, TIMESTAMP, decimal

COLUMNS = {"i": INT, "j": INT, "d": decimal(2), "e": decimal(3), "f": FLOAT, "g": FLOAT}
COLUMNS |= {"s": TEXT, "u": TEXT, "b": BOOL, "t": TIMESTAMP}
# Columns instead of constants, which PostgreSQL's planner would reckon with before it looks at any row.
CONSTANTS = {
    "none_i": (INT, None),
    "zero": (INT, 0),
    "one": (INT, 1),
    "two": (INT, 2),
    "three": (INT, -3),
    "ten": (INT, 10),
    "half": (decimal(1), Decimal("0.5")),
    "more": (decimal(2), Decimal("1.25")),
    "less": (decimal(2), Decimal("-2.50")),
    "half_f": (FLOAT, 0.5),
    "two_f": (FLOAT, 2.0),
    "none_s": (TEXT, None),
    "a_s": (TEXT, "a"),
    "empty": (TEXT, ""),
    "list": (TEXT, "b,c"),
    "its": (TEXT, "It's"),
    "none_b": (BOOL, None),
    "yes": (BOOL, True),
    "nope": (BOOL, False),
    "morning": (TIMESTAMP, 1795338000000000),
    "evening": (TIMESTAMP, 1772319599500000),
}
COLUMNS |= {name: kind for name, (kind, _) in CONSTANTS.items()}
INTS = [None, 0, 1, -1, 2, 3, 7, 100, -25, 404, 2**31, 2**62, 2**63 - 1, -(2**63)]
DECIMALS = ["0", "0.5", "-0.5", "1.25", "2.5", "-2.5", "1.005", "99.995", "-7.125", "123456789012.34"]
FLOATS = [None, 0.0, 1.0, -1.5, 0.1, 2.5, 3.5, -2.5, 1e300, -1e-300, 1e15, 123456.75, float("nan"), float("inf")]
TEXTS = [None, "", "a", "abc", "aXbXc", "  pad ", "Ärger", "10", "-7", " 42 ", "1.50", "x%y_z", "2e3", "/a/12/b/7", "true"]
TEXTS += ["a\nb", "a\\b", "ABC", "naïve 日本"]
TIMES = [None, 0, 1795136142000000, 1795136142123456, 1767225599999999, 951782400000000, 1709164800000000]
PATTERNS = ["a%", "%b%", "_", "%", "", "a\\_%", "%X_", "A%", "%日_"]
REGEXES = ["a", "^a", "c$", "[0-9]+", "(a|b)(c?)", "x*", "[^a-z]", "\\\\d{2}", "(?:X|b)+"]
REGEXES = [regex.replace("\\\\", "\\") for regex in REGEXES]


class Generator:
    def __init__(self, random):
        self.random = random

    def row(self):
        pick = self.random.choice
        return {
            "i": pick(INTS),
            "j": pick(INTS),
            "d": pick([None, *(Decimal(text).quantize(Decimal("0.01")) for text in DECIMALS)]),
            "e": pick([None, *(Decimal(text).quantize(Decimal("0.001")) for text in DECIMALS)]),
            "f": pick(FLOATS),
            "g": pick(FLOATS),
            "s": pick(TEXTS),
            "u": pick(TEXTS),
            "b": pick([None, True, False]),
            "t": pick(TIMES),
        } | {name: value for name, (_, value) in CONSTANTS.items()}

    def expression(self):
        return getattr(self, self.random.choice(["int", "dec", "float", "text", "bool", "bool", "time"]))(3)

    def one_of(self, leaves, inner, depth):
        """A leaf or a template with {name} for each argument of that kind."""
        text = self.random.choice(leaves if depth <= 0 or self.random.random() < 0.15 else inner)
        while "{" in text:
            head, _, rest = text.partition("{")
            name, _, tail = rest.partition("}")
            text = head + self.filled(name, depth) + tail
        return text.replace("«", "{").replace("»", "}")

    def filled(self, name, depth):
        if name == "like":
            return "'" + self.random.choice(PATTERNS) + "'"
        if name == "regex":
            return "'" + self.random.choice(REGEXES).replace("{", "«").replace("}", "»") + "'"
        made = getattr(self, name)(depth - 1)
        # Precedence is tested where there are no parentheses.
        made = made if self.random.random() < 0.5 else f"({made})"
        return made.replace("{", "«").replace("}", "»")

    def int(self, depth):
        leaves = ["i", "j", "zero", "one", "two", "three", "ten", "none_i"]
        inner = ["{int} + {int}", "{int} - {int}", "{int} * {int}", "{int} / {int}", "{int} % {int}", "-{int}"]
        inner += ["abs({int})", "length({text})", "strpos({text}, {text})", "{dec}::int", "{float}::int", "{text}::int"]
        inner += ["octet_length({text})", "mod({int}, {int})", "position({text} in {text})", "coalesce({int}, {int})", "nullif({int}, {int})", "greatest({int}, {int})"]
        inner += ["least({int}, {int}, {int})", "CASE WHEN {bool} THEN {int} ELSE {int} END", "CASE {int} WHEN {int} THEN {int} END"]
        inner += ["extract(dow FROM {time})::int", "extract(week FROM {time})::int", "extract(doy FROM {time})::int", "CAST({dec} AS int)"]
        inner += ["extract(quarter FROM {time})::int", "extract(isoyear FROM {time})::int", "extract(hour FROM {time})::int"]
        return self.one_of(leaves, inner, depth)

    def dec(self, depth):
        leaves = ["d", "e", "half", "more", "less", "1.5e1", "2e-2"]
        inner = ["{dec} + {dec}", "{dec} - {int}", "{dec} * {dec}", "d % e", "e % {int}", "-{dec}", "abs({dec})"]
        inner += ["round({dec})", "round({dec}, 1)", "round({dec}, -1)", "floor({dec})", "ceil({dec})", "trunc({dec}, 1)"]
        inner += ["{int}::decimal(2)", "{float}::decimal(3)", "{text}::decimal(1)", "coalesce({dec}, {int})", "trunc({dec})"]
        inner += ["greatest({dec}, {int})", "nullif({dec}, {dec})", "CASE WHEN {bool} THEN {dec} END", "extract(epoch FROM {time})"]
        inner += ["sign({dec})", "extract(second FROM {time})", "extract(milliseconds FROM {time})"]
        return self.one_of(leaves, inner, depth)

    def float(self, depth):
        leaves = ["f", "g", "half_f", "two_f"]
        inner = ["{float} + {float}", "{float} - {dec}", "{float} * {float}", "{float} / {float}", "{int} * {float}", "-{float}"]
        inner += ["round({float})", "floor({float})", "ceil({float})", "trunc({float})", "abs({float})", "sqrt({float})"]
        inner += ["ln({float})", "log10({float})", "power({float}, {float})", "{int}::float", "{dec}::float", "{text}::float"]
        inner += ["coalesce({float}, {dec})", "greatest({float}, {int})", "CASE WHEN {bool} THEN {float} ELSE {int} END"]
        return self.one_of(leaves, inner, depth)

    def text(self, depth):
        leaves = ["s", "u", "a_s", "empty", "list", "its", "none_s"]
        inner = ["{text} || {text}", "{text} || {int}", "d || {text}", "lower({text})", "upper({text})", "trim({text})"]
        inner += ["ltrim({text}, 'a ')", "rtrim({text})", "btrim({text}, {text})", "substr({text}, 2)", "substr({text}, -1, 3)"]
        inner += ["left({text}, 2)", "left({text}, -1)", "right({text}, 2)", "right({text}, -1)", "split_part({text}, 'X', 2)"]
        inner += ["split_part({text}, {text}, -1)", "replace({text}, 'b', {text})", "reverse({text})", "trim(both 'a' from {text})", "substring({text} from 2 for 3)", "trim(leading {text} from {text})", "md5({text})"]
        inner += ["concat({text}, {int}, {text})", "concat_ws('-', {text}, {text}, e)", "{int}::text", "{float}::text"]
        inner += ["{bool}::text", "regexp_replace({text}, {regex}, '<\\&>')", "regexp_replace({text}, {regex}, '+', 'g')"]
        inner += ["regexp_replace({text}, {regex}, '+', 'i')", "coalesce({text}, {text})", "greatest({text}, {text})"]
        inner += ["CASE WHEN {bool} THEN {text} ELSE 'x' END", "nullif({text}, 'a')", "to_char({time}, 'YYYY-MM-DD HH24:MI:SS.US')"]
        inner += ["to_char({time}, 'Dy DD Mon IYYY-IW-ID HH12 am Q DDD')", "d::text", "substr({text}, 2, 2)", "to_char({time}, 'Day|Month|MS')"]
        return self.one_of(leaves, inner, depth)

    def bool(self, depth):
        leaves = ["b", "yes", "nope", "i = 1", "s = 'a'", "none_b"]
        inner = ["{bool} AND {bool}", "{bool} OR {bool}", "NOT {bool}", "{int} = {int}", "{int} < {dec}", "{float} >= {dec}"]
        inner += ["{text} < {text}", "{float} <> {float}", "{bool} = {bool}", "{time} <= {time}", "{dec} > {dec}", "{float} = {float}"]
        inner += ["{int} IN ({int}, {int})", "{text} NOT IN ('a', {text})", "{int} BETWEEN {int} AND {int}"]
        inner += ["{dec} NOT BETWEEN {int} AND {dec}", "{text} LIKE {like}", "{text} NOT LIKE {like}", "{text} ILIKE {like}"]
        inner += ["{text} ~ {regex}", "{text} ~* {regex}", "{text} !~ {regex}", "{int} IS NULL", "{text} IS NOT NULL"]
        inner += ["{bool} IS TRUE", "{bool} IS NOT FALSE", "{bool} IS UNKNOWN", "{int} IS DISTINCT FROM {int}"]
        inner += ["{text} IS NOT DISTINCT FROM {text}", "{float} IS DISTINCT FROM {float}", "{text}::bool", "{int} = '7'"]
        inner += ["starts_with({text}, {text})", "CASE WHEN {bool} THEN {bool} END", "coalesce({bool}, {bool})"]
        inner += ["{text} LIKE 'a!%%' ESCAPE '!'", "{bool} = NOT {bool}", "{int} + {int} = {int} * {int}"]
        return self.one_of(leaves, inner, depth)

    def time(self, depth):
        leaves = ["t", "morning", "evening"]
        inner = ["date_trunc('hour', {time})", "date_trunc('week', {time})", "date_trunc('month', {time})", "t"]
        inner += ["date_trunc('quarter', {time})", "to_timestamp(i % 1000000)", "coalesce({time}, {time})", "greatest({time}, {time})"]
        inner += ["CASE WHEN {bool} THEN {time} END", "date_trunc('year', {time})", "{time} + INTERVAL '1 day 3 hours'", "{time} - INTERVAL '90 seconds'", "date_trunc('minute', {time})"]
        return self.one_of(leaves, inner, depth)
