"""The tool's own tests: a comparison that can't fail finds nothing. `scripts/fuzz-jobs --stage` runs them first."""

from __future__ import annotations

import csv
import io
import tempfile
import tomllib
import unittest
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import duckdb

from . import case, check, compare, measures, shrink, sqlite, toml, variants
from .expr import Expr, Slot
from .gen import Gen
from .model import lines
from .model.formats.csv import Csv

NAN = float("nan")


class Comparison(unittest.TestCase):
    """What counts as equal."""

    def test_values_are_equal_by_their_bits_but_for_nan_and_zero(self) -> None:
        for left, right in ((NAN, -NAN), (0.0, -0.0), (1, Decimal("1.00")), (None, None), ("a", "a"), (True, True)):
            self.assertTrue(compare.same(left, right), (left, right))
        for left, right in ((0.1 + 0.2, 0.3), (1, True), (1, "1"), (None, 0), ("a", "a "), (1.0, 1)):
            self.assertFalse(compare.same(left, right), (left, right))

    def test_a_tolerance_is_one(self) -> None:
        self.assertTrue(compare.same(101, 100.0, ("relative", 0.01)))
        self.assertFalse(compare.same(102, 100.0, ("relative", 0.01)))
        self.assertFalse(compare.same(None, 0.0, ("relative", 0.01)))
        self.assertTrue(compare.same(None, 0.0, ("any",)))
        # What is chosen by a number that is not exact may be a text.
        self.assertFalse(compare.same("a", "b", ("relative", 0.01)))
        rows = [("a", None), ("b", 1.0), ("b", NAN), ("c", "1.2.3.4")]
        self.assertFalse(compare.near_bags("k", ["a", "b"], rows, rows[::-1], {"b": ("relative", 0.01)}, "it"))

    def test_one_changed_value_is_found_in_rows_and_bags(self) -> None:
        rows = [(n, n * n, str(n)) for n in range(20)]
        for row in range(20):
            for column in range(3):
                other = [list(r) for r in rows]
                other[row][column] = "changed"
                changed = [tuple(r) for r in other]
                self.assertTrue(compare.rows("k", ["a", "b", "c"], rows, changed, {}, 1, "it"))
                self.assertTrue(compare.bags("k", rows, changed[::-1], "it"))
        self.assertFalse(compare.bags("k", rows, rows[::-1], "it"))
        self.assertTrue(compare.bags("k", rows, rows + rows[:1], "it"))

    def test_sqlite_holds_what_it_can(self) -> None:
        self.assertEqual(sqlite.stored(Decimal("1.50"), "decimal(2)", False), 1.5)
        self.assertEqual(sqlite.stored(Decimal("9007199254740993"), "decimal(0)", False), 9007199254740993)
        self.assertEqual(sqlite.stored(Decimal("12345678901234567.89"), "decimal(2)", False), "12345678901234567.89")
        self.assertEqual(sqlite.stored(1, "timestamp", False), "1970-01-01 00:00:00.000001")
        self.assertEqual(sqlite.stored(253_402_300_800_000_000, "timestamp", False), "10000-01-01 00:00:00")
        self.assertEqual(sqlite.stored(-62_135_596_800_000_001, "timestamp", False), "0001-12-31 23:59:59.999999 BC")
        self.assertIsNone(sqlite.stored(NAN, "float", False))
        self.assertEqual(sqlite.stored(NAN, "float", True), "NaN")


class Cases(unittest.TestCase):
    """What the generator makes."""

    def test_a_job_is_the_same_each_time_and_its_file_says_what_it_means(self) -> None:
        for number in range(60):
            made, again = case.make("tests", number), case.make("tests", number)
            self.assertEqual((made.job(), made.files), (again.job(), again.files))
            self.assertEqual(tomllib.loads(toml.dumps(made.job()).replace("$${", "${")), made.job())

    def test_siblings_differ(self) -> None:
        rng = Random(1)
        gen = Gen(rng, [])
        changed = 0
        for _ in range(200):
            made = measures.measure(gen, 2, True)
            changed += measures.sibling(gen, made, 1, True).sql() != made.sql()
        self.assertGreater(changed, 150)


class Records(unittest.TestCase):
    """The model's records of several lines, beside readers that others wrote."""

    def rows(self, rng: Random) -> list[list[str]]:
        """Rows of some cells, most of them with quotes, delimiters and line breaks."""
        words = ("a", "é", '"', '""', ",", "\n", "\r\n", "\n\n", " ", "1")
        width = rng.randint(2, 4)
        return [["".join(rng.choice(words) for _ in range(rng.randint(0, 6))) for _ in range(width)] for _ in range(rng.randint(1, 8))]

    def written(self, rng: Random, rows: list[list[str]], end: str) -> str:
        """The file."""

        def cell(text: str) -> str:
            needs = any(mark in text for mark in '",\n\r')
            return '"' + text.replace('"', '""') + '"' if needs or rng.random() < 0.2 else text

        return "".join(",".join(map(cell, row)) + end for row in rows)

    def model(self, text: str) -> list[list[str]]:
        """What the model reads."""
        read = Csv({"columns": ["x"], "multiline": True}, ",", '"', [])
        made = lines.records(text.encode(), True, '"', ",", 1 << 20)
        return [read.cells(record.content.decode()) for record in made]

    def test_rows_are_those_of_python_s_csv_module(self) -> None:
        for number in range(500):
            rng = Random(number)
            rows = self.rows(rng)
            text = self.written(rng, rows, rng.choice(("\n", "\r\n")))
            self.assertEqual(self.model(text), rows)
            self.assertEqual(list(csv.reader(io.StringIO(text, newline=""))), rows)

    def test_rows_are_those_of_duckdb(self) -> None:
        database = duckdb.connect()
        for number in range(60):
            rng = Random(number)
            rows = self.rows(rng)
            text = self.written(rng, rows, "\n")
            with tempfile.NamedTemporaryFile(suffix=".csv") as file:
                file.write(text.encode())
                file.flush()
                names = {f"c{at}": "VARCHAR" for at in range(len(rows[0]))}
                found = database.execute(
                    f"SELECT * FROM read_csv('{file.name}', header = false, auto_detect = false, delim = ',', quote = '\"', escape = '\"',"
                    f" new_line = '\\n', nullstr = '\x01', columns = {names}, parallel = false)"
                ).fetchall()
                self.assertEqual(self.model(text), [list(row) for row in found])

    def test_a_quote_that_nothing_closes_costs_its_line(self) -> None:
        def records(text: str, limit: int = 99) -> list[bytes]:
            return [record.content for record in lines.records(text.encode(), True, '"', ",", limit)]

        self.assertEqual(records('1,"a\n2,"b",3\n4,5\n'), [b'1,"a', b'2,"b",3', b"4,5"])
        self.assertEqual(records('1,"a\n2,b\n'), [b'1,"a', b"2,b"])
        self.assertEqual(records('1,"a\n2,b\n3,c\n"\n', 13), [b'1,"a', b"2,b", b"3,c", b'"'])
        self.assertEqual(records('1,"a\n2,b\n3,c\n"\n', 14), [b'1,"a\n2,b\n3,c\n"'])


class Smaller(unittest.TestCase):
    """The shrinker."""

    def test_a_list_is_reduced_to_what_matters(self) -> None:
        self.assertEqual(shrink.reduce_list(list(range(100)), 0, lambda some: {3, 77} <= set(some)), [3, 77])

    def test_candidates_of_an_expression_keep_its_type(self) -> None:
        gen = Gen(Random(2), [])
        for _ in range(50):
            made = gen.expr("int", 3)
            self.assertTrue(all(smaller.type == "int" for smaller in shrink.candidates(made)))

    def test_brackets_stand_where_they_must(self) -> None:
        two = Expr("int", "const", ("2",))
        plus = Expr("int", "+", (Slot(two, 7), " + ", Slot(two, 8)), prec=7)
        times = Expr("int", "*", (Slot(plus, 8), " * ", Slot(two, 9)), prec=8)
        self.assertEqual(times.sql(), "(2 + 2) * 2")


class Oracle(unittest.TestCase):
    """A wrong answer is told, whoever gives it. The program and the model are stand-ins here."""

    def outcome(self, **wrong: Any) -> set[str]:
        """Kinds of the differences, where the program's answer has this wrong."""
        made = case.make("tests", 0)
        made.reduce, made.by, made.window, made.sqlite, made.events = True, [], None, False, None
        counters = {"lines": 2, "mapped": 2, "filtered": 0, "rejected": 0}
        right = {"status": 0, "error": "", "counters": counters, "rows": [(1, "x")], "types": ["int", "text"]} | wrong
        table = compare_table(["a", "b"], right["types"], right["rows"])
        got = check.Got(right["status"], right["error"], right["counters"], table)
        want = SimpleNamespace(error=None, counters=counters, columns=["a", "b"], types=["int", "text"], rows=[(1, "x")], events=[], rejects=[], tolerances={})
        site = SimpleNamespace(commands=[], rejects=lambda: ([], []), call=lambda *_: SimpleNamespace(status=0))
        plan = check.Plan("none", [variants.Variant("plain", variants.at_once)], use_duckdb=False, verify=False)
        with mock.patch.object(variants, "go", lambda *_: (site, got)), mock.patch.object(check.model, "run", lambda *_, **__: want):
            return {difference.kind for difference in check.check(made, plan).differences}

    def test_each_kind_of_wrong_answer_is_told(self) -> None:
        self.assertEqual(self.outcome(), set())
        self.assertEqual(self.outcome(rows=[(1, "y")]), {"model rows"})
        self.assertEqual(self.outcome(rows=[]), {"model rows"})
        self.assertEqual(self.outcome(types=["float", "text"]), {"model types"})
        self.assertIn("model counters", self.outcome(counters={"lines": 2, "mapped": 1, "filtered": 1, "rejected": 0}))
        self.assertIn("counters", self.outcome(counters={"lines": 3, "mapped": 1, "filtered": 1, "rejected": 0}))
        self.assertEqual({kind.partition(":")[0] for kind in self.outcome(status=1, error="logmill: a bug in logmill")}, {"failed"})


def compare_table(columns: list[str], types: list[str], rows: list[tuple]) -> Any:
    """A table as the Parquet would give it."""
    from .binary import Table

    return Table(columns, types, rows)


def run() -> bool:
    """Runs the tests; says which failed."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(__import__("fuzz_jobs.tests", fromlist=["tests"]))
    return unittest.TextTestRunner(verbosity=0).run(suite).wasSuccessful()
