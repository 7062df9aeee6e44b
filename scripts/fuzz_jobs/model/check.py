"""Checks of the model by itself: python3 -m fuzz_jobs.model.check, from scripts/.

The values of EXPRESSIONS stand in PostgreSQL's manual (chapters 4.1.6, 9.1 to 9.9, 9.18), or came from PostgreSQL 15;
those of the jobs were worked out by hand from docs/JOB_FORMAT.md. None came from logmill.
"""

import math
import sys
from decimal import Decimal as D
from fractions import Fraction

from . import JobError, Unsupported, run
from .check_jobs import JOBS
from .errors import RecordError
from .exact import square_root
from .expressions import Compiler
from .parser import parse

ERROR, REFUSED = "error", "refused"

EXPRESSIONS = [
    # 4.1.6 precedence
    ("2 + 3 * 4", 14),
    ("-5 + 2", -3),
    ("- 2 * 3 % 4", -2),
    ("1 + 2 = 3 AND NOT false", True),
    ("NOT 1 = 2", True),
    ("true OR true AND false", True),
    ("'a' || 'b' LIKE 'ab'", True),
    ("'a' LIKE 'a' || 'b'", "unsupported"),
    ("1 < 2 IS TRUE", True),
    ("1 = 1 IS NULL", False),
    ("1 < 2 < 3", REFUSED),
    ("1 = 2 = 3", REFUSED),
    ("NULL IS NULL = true", True),
    ("true = NOT false", True),
    ("-2.5::int", -3),
    ("1 BETWEEN 0 AND 2 AND true", True),
    # 9.1, 9.2 logic and comparison
    ("NULL AND false", False),
    ("NULL OR true", True),
    ("NULL AND true", None),
    ("NOT NULL::bool", None),
    ("2 BETWEEN 1 AND 3", True),
    ("2 BETWEEN 3 AND 1", False),
    ("2 NOT BETWEEN 1 AND 3", False),
    ("1 IS DISTINCT FROM NULL", True),
    ("NULL IS NOT DISTINCT FROM NULL", True),
    ("1.5 IS NULL", False),
    ("NULL::bool IS NOT TRUE", True),
    ("NULL::bool IS UNKNOWN", True),
    ("1 IN (2, NULL)", None),
    ("1 IN (1, NULL)", True),
    ("1 NOT IN (2, NULL)", None),
    ("false AND 1 / 0 = 1", False),
    ("1 / 0 = 1 AND false", ERROR),
    # 9.3 numbers
    ("5 / 2", 2),
    ("(-5) / 2", -2),
    ("5 % 4", 1),
    ("-5 % 4", -1),
    ("5.0 / 2", D("2.500000")),
    ("1 / 3.0", D("0.333333")),
    ("2 / 3.0", D("0.666667")),
    ("abs(-17.4)", D("17.4")),
    ("ceil(42.2)", D("43")),
    ("ceil(-42.8)", D("-42")),
    ("floor(42.8)", D("42")),
    ("floor(-42.8)", D("-43")),
    ("round(42.4)", D("42")),
    ("round(42.4382, 2)", D("42.44")),
    ("round(1234.56, -1)", D("1230")),
    ("round(2.5)", D("3")),
    ("round(-2.5)", D("-3")),
    ("round(2.5::float)", 2.0),
    ("trunc(42.8)", D("42")),
    ("trunc(-42.8)", D("-42")),
    ("trunc(42.4382, 2)", REFUSED),
    ("sign(-8.4)", D("-1")),
    ("sqrt(2::float)", 1.4142135623730951),
    ("power(9, 3)", 729.0),
    ("ln(2.0::float)", 0.6931471805599453),
    ("log10(100)", 2.0),
    ("1 / 0", ERROR),
    ("1 % 0", ERROR),
    ("1.5 / 0", ERROR),
    ("1::float / 0", ERROR),
    ("'NaN'::float / 0", math.nan),
    ("mod(-5, 4)", -1),
    ("9223372036854775807 + 1", ERROR),
    ("9223372036854775808", D("9223372036854775808")),
    ("abs(-9223372036854775807 - 1)", ERROR),
    ("'1e300'::float * '1e300'::float", ERROR),
    ("'NaN'::float = 'NaN'::float", True),
    ("'NaN'::float > 'inf'::float", True),
    ("0.1 + 0.2 = 0.3", True),
    ("0.1::float + 0.2::float = 0.3", False),
    # 9.4 text
    ("'Post' || 'greSQL'", "PostgreSQL"),
    ("'Value: ' || 42", "Value: 42"),
    ("1 || 2", REFUSED),
    ("btrim('xyxtrimyyx', 'xyz')", "trim"),
    ("ltrim('zzzytest', 'xyz')", "test"),
    ("rtrim('testxxzx', 'xyz')", "test"),
    ("concat('abcde', 2, NULL, 22)", "abcde222"),
    ("concat_ws(',', 'abcde', 2, NULL, 22)", "abcde,2,22"),
    ("left('abcde', 2)", "ab"),
    ("left('abcde', -2)", "abc"),
    ("right('abcde', 2)", "de"),
    ("right('abcde', -2)", "cde"),
    ("length('jose')", 4),
    ("octet_length('josé')", 5),
    ("replace('abcdefabcdef', 'cd', 'XX')", "abXXefabXXef"),
    ("reverse('abcde')", "edcba"),
    ("split_part('abc~@~def~@~ghi', '~@~', 2)", "def"),
    ("split_part('abc,def,ghi,jkl', ',', -2)", "ghi"),
    ("split_part('a', ',', 0)", ERROR),
    ("starts_with('alphabet', 'alph')", True),
    ("strpos('high', 'ig')", 2),
    ("substr('alphabet', 3)", "phabet"),
    ("substr('alphabet', 3, 2)", "ph"),
    ("substr('alphabet', -1, 4)", "al"),
    ("substr('alphabet', 1, -1)", ERROR),
    ("md5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
    ("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("lower('TOM')", "tom"),
    # 9.7 patterns
    ("'abc' LIKE 'abc'", True),
    ("'abc' LIKE 'a%'", True),
    ("'abc' LIKE '_b_'", True),
    ("'abc' LIKE 'c'", False),
    ("'a_c' LIKE 'a\\_c'", True),
    ("'abc' LIKE 'a\\_c'", False),
    ("'ABC' ILIKE 'a%'", True),
    ("'thomas' ~ 't.*ma'", True),
    ("'thomas' ~* 'T.*ma'", True),
    ("'thomas' !~ 't.*max'", True),
    ("'abcd' ~ 'bc'", True),
    ("regexp_replace('foobarbaz', 'b..', 'X')", "fooXbaz"),
    ("regexp_replace('foobarbaz', 'b..', 'X', 'g')", "fooXX"),
    ("regexp_replace('foobarbaz', 'b(..)', 'X\\1Y', 'g')", "fooXarYXazY"),
    ("regexp_replace('Thomas', '.[mN]a.', 'M')", "ThM"),
    ("regexp_replace('ab', 'b', '<\\&\\\\>')", "a<b\\>"),
    ("regexp_extract('hello_world', '([a-z]+)_?', 1)", "hello"),
    ("regexp_matches('anabanana', '(an)*')", True),
    # 9.8, 9.9 times
    ("to_char('2002-04-20T17:31:12.66Z'::timestamp, 'HH12:MI:SS')", "05:31:12"),
    ("to_char('2001-02-16T20:38:40Z'::timestamp, 'Day, DD  HH12:MI:SS')", "Friday   , 16  08:38:40"),
    ("extract(century FROM '2000-12-16T12:21:13Z'::timestamp)", 20),
    ("extract(day FROM '2001-02-16T20:38:40Z'::timestamp)", 16),
    ("extract(decade FROM '2001-02-16T20:38:40Z'::timestamp)", 200),
    ("extract(dow FROM '2001-02-16T20:38:40Z'::timestamp)", 5),
    ("extract(doy FROM '2001-02-16T20:38:40Z'::timestamp)", 47),
    ("extract(epoch FROM '2001-02-16T20:38:40.12-08:00'::timestamp)", D("982384720.120000")),
    ("extract(isodow FROM '2001-02-18T20:38:40Z'::timestamp)", 7),
    ("extract(isoyear FROM '2006-01-01'::timestamp)", 2005),
    ("extract(second FROM '2001-02-16T20:38:40.5Z'::timestamp)", D("40.500000")),
    ("extract(milliseconds FROM '2001-02-16T20:38:28.5Z'::timestamp)", D("28500.000")),
    ("extract(microseconds FROM '2001-02-16T20:38:28.5Z'::timestamp)", 28500000),
    ("to_char(TIMESTAMP '2001-02-06 20:38:40', 'FMDay, FMDD  HH12:MI:SS')", "Tuesday, 6  08:38:40"),
    ("TIMESTAMP '2001-09-28 01:00:00' + INTERVAL '23 hours' = '2001-09-29T00:00:00Z'", True),
    ("extract(week FROM '2001-02-16T20:38:40Z'::timestamp)", 7),
    ("date_trunc('hour', '2001-02-16T20:38:40Z'::timestamp) = '2001-02-16T20:00:00Z'", True),
    ("date_trunc('year', '2001-02-16T20:38:40Z'::timestamp) = '2001-01-01T00:00:00Z'", True),
    ("to_timestamp(1284352323) = '2010-09-13T04:32:03Z'", True),
    ("'2026-11-22T09:00:01Z'::timestamp - '2026-11-22T08:59:59.5Z'::timestamp", D("1.500000")),
    # 9.18 conditions
    ("CASE WHEN 1 > 2 THEN 'one' WHEN 2 > 1 THEN 'two' END", "two"),
    ("CASE 3 WHEN 1 THEN 'one' END", None),
    ("CASE WHEN 0 <> 0 THEN 1 / 0 = 1 ELSE false END", False),
    ("CASE WHEN true THEN 1 ELSE 2.50 END", D("1.00")),
    ("CASE WHEN true THEN 1 ELSE 'x' END", REFUSED),
    ("coalesce(NULL, 2, 1 / 0)", 2),
    ("nullif(1, 1)", None),
    ("nullif(1, 2.2)", D("1")),
    ("nullif(1.5, 2.25)", D("1.5")),
    ("greatest(1, NULL, 3)", 3),
    ("least(NULL::int, NULL)", None),
    ("lower(1)", REFUSED),
    ("1 = 'x'", REFUSED),
    ("'a' < 1", REFUSED),
    # casts
    ("CAST('12' AS int)", 12),
    ("' 12 '::text::int", 12),
    ("'1.5'::text::int", ERROR),
    ("(2.5::float)::int", 2),
    ("2.5::int", 3),
    ("1.005::decimal(2)", D("1.01")),
    ("CAST(1.5 AS double precision)", 1.5),
    ("1.235::numeric(38,2)", D("1.24")),
    ("position('om' in 'Thomas')", 3),
    ("trim(both 'xyz' from 'yxTomxx')", "Tom"),
    ("trim(leading 'x' from 'xTomx')", "Tomx"),
    ("trim('  Tom ')", "Tom"),
    ("substring('Thomas' from 2 for 3)", "hom"),
    ("substring('Thomas' from 3)", "omas"),
    ("(1000000000000000::float)::text", "1e+15"),
    ("(0.00001::float)::text", "1e-05"),
    ("1.50::text", "1.50"),
    ("'yes'::bool", True),
    ("'maybe'::text::bool", ERROR),
    # for logs
    (r"unescape('a\x22b\tc\\')", 'a"b\tc\\'),
    ("url_decode('a%20b+c%zz')", "a b+c%zz"),
    ("url_host('https://shop.example:8443/a?b=1')", "shop.example"),
    ("url_path('/a/b?c=d')", "/a/b"),
    ("url_query('/a?x=1&q=a+b%21', 'q')", "a b!"),
    ("url_query('/a?x=1', 'q')", None),
    ("ip_prefix('10.1.2.3', 24)", "10.1.2.0/24"),
    ("ip_prefix('2001:db8::1', 32)", "2001:db8::/32"),
    ("ip_prefix('nonsense', 24)", None),
    ("ip_in('10.1.2.3', '10.0.0.0/8')", True),
    ("ip_in('2001:db8::1', '10.0.0.0/8')", False),
]


class NoNames:
    def resolve(self, name):
        raise JobError(f"no field {name}")

    def aggregate(self, call, compiler):
        return None


def value_of(text):
    try:
        return Compiler(NoNames(), "UTC").compile(parse(text)).run(None)
    except JobError:
        return REFUSED
    except Unsupported:
        return "unsupported"
    except RecordError:
        return ERROR


def is_same(value, wanted):
    if isinstance(wanted, float) and math.isnan(wanted):
        return isinstance(value, float) and math.isnan(value)
    # Also the digits behind a decimal's point.
    return type(value) is type(wanted) and str(value) == str(wanted)


def check_expressions(report):
    for text, wanted in EXPRESSIONS:
        value = value_of(text)
        report(is_same(value, wanted), f"{text}: {value!r}, not {wanted!r}")


def check_roots(report):
    for value in (Fraction(2), Fraction(1, 3), Fraction(10) ** 300, Fraction(1, 10**300), Fraction(0), Fraction(9, 4)):
        root = Fraction(square_root(value))
        for other in (math.nextafter(float(root), 0), math.nextafter(float(root), math.inf)):
            middle = (root + Fraction(other)) / 2
            closer = middle**2 <= value if other < root else middle**2 >= value
            report(closer, f"root of {value}: {root} is not the nearest")


def check_jobs(report):
    for name, job, files, wanted in JOBS:
        outcome = run(job, files)
        for what, value in wanted.items():
            got = getattr(outcome, what)
            report(got == value, f"{name}: {what}\n    is     {got!r}\n    wanted {value!r}")


def passes():
    """Checks all; prints what failed, and how much that is."""
    failed = checked = 0

    def report(is_right, message):
        nonlocal failed, checked
        checked += 1
        if not is_right:
            failed += 1
            print(message)

    check_expressions(report)
    check_roots(report)
    check_jobs(report)
    print(f"{checked} checks of the model, {failed} failed")
    return failed == 0


if __name__ == "__main__":
    sys.exit(not passes())
