"""Random expressions, evaluated by the model and by a PostgreSQL server: an error must be an error in both.

    cd scripts && python3 -m fuzz_jobs.model.against_postgres [--count N] [--seed N] PSQL_ARGUMENTS...

For instance `-h /tmp -U postgres`. It makes nothing in the database but temporary objects.
"""

import argparse
import math
import random
import re
import subprocess
import sys

from . import casts
from .errors import JobError, RecordError, Unsupported
from .expressions import Compiler
from .node import Node
from .parser import parse
from .types import BOOL, FLOAT, TEXT, TIMESTAMP, UNKNOWN, is_decimal
from .postgres_cases import COLUMNS, Generator

EVALUATE = """
\\set ON_ERROR_STOP on
SET TimeZone = 'UTC';
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.evaluate(expression text, line int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    EXECUTE format('SELECT (%s)::text FROM t WHERE line = %s', expression, line) INTO answer;
    RETURN coalesce('=' || replace(replace(answer, E'\\n', '<n>'), E'\\t', '<t>'), 'NULL');
EXCEPTION WHEN others THEN
    RETURN 'ERROR ' || SQLSTATE || ' ' || replace(SQLERRM, E'\\n', ' ');
END $$;
"""
SQL_TYPES = {"int": "bigint", "float": "float8", "text": "text", "bool": "bool", "timestamp": "timestamptz"}
# Classes of errors that come from values (22) and not from the statement (42).
VALUE_ERROR = re.compile(r"ERROR (22|54)")


class Row:
    """A record whose fields are typed already."""

    def __init__(self, values):
        self.values = values


class Scope:
    def resolve(self, name):
        return Node(COLUMNS[name], lambda row: row.values[name])

    def aggregate(self, call, compiler):
        return None


def sql_type(kind):
    return f"numeric(38,{kind.scale})" if is_decimal(kind) else SQL_TYPES[kind.name]


def in_sql(text):
    """The same expression in PostgreSQL's words."""
    text = re.sub(r"\bdecimal\((\d+)\)", r"numeric(38,\1)", text)
    text = re.sub(r"(::|AS )int\b", r"\1bigint", text)
    text = re.sub(r"(::|AS )timestamp\b", r"\1timestamptz", text)
    return text


def quoted(text):
    return "E'" + text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\t", "\\t") + "'"


def literal(value, kind):
    if value is None:
        return f"NULL::{sql_type(kind)}"
    if kind == TIMESTAMP:
        return f"timestamptz 'epoch' + interval '1 microsecond' * {value}"
    return f"{quoted(str(value))}::{sql_type(kind)}"


def ask_postgres(psql, rows, expressions):
    names = list(COLUMNS)
    selects = []
    for number, row in enumerate(rows):
        values = ", ".join(f"{literal(row.values[name], COLUMNS[name])} AS {name}" for name in names)
        selects.append(f"SELECT {number} AS line, {values}")
    script = [EVALUATE, "CREATE TEMP TABLE t AS " + " UNION ALL ".join(selects) + ";"]
    for text in expressions:
        for number in range(len(rows)):
            script.append(f"SELECT pg_temp.evaluate({quoted(in_sql(text))}, {number});")
    command = ["psql", "-AtqX", "-v", "VERBOSITY=terse", *psql]
    done = subprocess.run(command, input="\n".join(script), capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return done.stdout.split("\n")[:-1]


def ask_model(text, row):
    """(type, value), or the exception."""
    try:
        node = Compiler(Scope(), "UTC").compile(parse(text))
        return (TEXT if node.type == UNKNOWN else node.type), node.run(row)
    except (RecordError, Unsupported) as error:
        return error, None


def same(kind, value, answer):
    if value is None or answer == "NULL":
        return value is None and answer == "NULL"
    text = answer[1:]
    if kind == BOOL:
        return text == ("true" if value else "false")
    if kind == FLOAT:
        other = float(text)
        return math.isnan(value) and math.isnan(other) or math.isclose(value, other, rel_tol=1e-14)
    if is_decimal(kind):
        # PostgreSQL's quotients have more digits.
        return abs(casts.read_number(text) - casts.Fraction(value)) <= casts.Fraction(1, 10**kind.scale)
    if kind == TIMESTAMP:
        return casts.from_text(text, TIMESTAMP) == value
    if kind == TEXT:
        # -0 is 0 here.
        texts = text, value.replace("\n", "<n>").replace("\t", "<t>")
        return len({re.sub(r"(?<![1-9])-0(?![.])", "0", one) for one in texts}) == 1
    return casts.read_number(text) == value


def verdict(text, row, answer):
    """None if both agree, "unsupported", or a description of the difference."""
    kind, value = ask_model(text, row)
    # A decimal is finite, PostgreSQL's numeric has NaN and infinities; and it has an int4 that can become a bool.
    if "a decimal is finite" in str(kind) or "bigint to boolean" in answer:
        return None
    if isinstance(kind, JobError):
        return None if answer.startswith("ERROR") else f"the model refuses it: {kind}"
    if isinstance(kind, Unsupported):
        return "unsupported"
    if isinstance(kind, RecordError):
        return None if VALUE_ERROR.match(answer) else f"the model has the error {kind}"
    if answer.startswith("ERROR"):
        return f"the model has {value!r} of type {kind}"
    try:
        is_same = same(kind, value, answer)
    except (RecordError, ValueError):
        is_same = False
    return None if is_same else f"the model has {value!r} of type {kind}"


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options, psql = parser.parse_known_args()
    generator = Generator(random.Random(options.seed))
    rows = [Row(generator.row()) for _ in range(6)]
    expressions = [generator.expression() for _ in range(options.count)]
    answers = iter(ask_postgres(psql, rows, expressions))
    different = unsupported = total = errors = 0
    for text in expressions:
        for row in rows:
            answer = next(answers)
            total += 1
            errors += answer.startswith("ERROR")
            found = verdict(text, row, answer)
            if found == "unsupported":
                unsupported += 1
            elif found:
                different += 1
                if different <= 40:
                    print(f"{text}\n    {row.values}\n    {found}; PostgreSQL: {answer}")
    print(f"{total} values, {errors} of them errors in PostgreSQL, {unsupported} without opinion, {different} different")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
