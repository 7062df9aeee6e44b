"""Whole jobs with what must come out, worked out by hand: (name, job, files, attributes of the Outcome)."""

from decimal import Decimal as D

MINUTE = 60_000_000


def job(source, reduce=None, map=None, events=None, limits=None):
    made = {"name": "t", "source": {"paths": ["a.log"], **source}, "output": {"sqlite": {"path": "t.db"}}}
    if reduce is not None:
        made["reduce"] = reduce
    if map is not None:
        made["map"] = map
    if events is not None:
        made["output"] = {"events": {"path": "e", "columns": events}}
    if limits is not None:
        made["limits"] = limits
    return made


def counters(mapped, filtered, rejected):
    return {"lines": mapped + filtered + rejected, "mapped": mapped, "filtered": filtered, "rejected": rejected}


HEAD = '192.0.2.1 - - [22/Nov/2026:09:00:30 +0100] "GET /a?b=1 HTTP/1.1"'
CLF = {"format": "combined"}
PASTED = {"format": {"nginx": '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'}}
NUMBERS = {"format": {"csv": {"header": False, "columns": ["k", "v"]}}, "fields": {"v": "decimal(2)"}}
INTS = {**NUMBERS, "fields": {"v": "int"}}
FLOATS = {**NUMBERS, "fields": {"v": "float"}}
JSON = {"format": "json", "fields": {"n": "int", "t": "timestamp", "http.status": "int"}, "time": "t"}

JOBS = [
    (
        "text behind the last field is ignored, a host with a port and a user with a space are rejects",
        job(CLF, {"by": ["method", "path", "query", "status"], "measures": {"n": "count(*)"}}),
        [("a.log", f'{HEAD} 200 5 "-" "x" 0.1\nvhost:80 {HEAD} 200 5 "-" "x"\n{HEAD} 200 5 "-"\n\n'.encode())],
        {"rows": [("GET", "/a", "b=1", 200, 1)], "counters": counters(1, 1, 2)},
    ),
    (
        "a request that is none leaves its parts NULL",
        job(CLF, {"by": ["method", "status"], "measures": {"n": "count(*)"}}),
        [("a.log", HEAD.replace("GET /a?b=1", "\\x16\\x03").encode() + b' - - "-" "x"\r\n')],
        {"rows": [(None, None, 1)]},
    ),
    (
        "windows are aligned to the epoch, in UTC; an absurd time is a reject where it is needed",
        job(CLF, {"window": "1m", "measures": {"n": "count(*)"}}, limits={"earliest": "2026-01-01"}),
        [("a.log", f'{HEAD} 200 5 "-" "x"\n{HEAD.replace("2026", "1999")} 200 5 "-" "x"'.encode())],
        {"rows": [(1795334400000000, 1)], "rejects": [("a.log", 79, 78)], "types": ["timestamp", "int"]},
    ),
    (
        "where comes first, and only fields that are used are read",
        job(PASTED, {"measures": {"n": "count(*)"}}, {"where": "status < 300"}),
        [("a.log", f'{HEAD} 200 x "-" "x"\n{HEAD} 404 x "-" "x"\n{HEAD} x 1 "-" "x"\n'.encode())],
        {"rows": [(1,)], "counters": counters(1, 1, 1)},
    ),
    (
        "sums are exact, averages are rounded once, NULL is a group that sorts first",
        job(NUMBERS, {"by": ["k"], "measures": {"s": "sum(v)", "a": "avg(v)", "d": "stddev(v)", "n": "count(v)"}}),
        [("a.log", b"b,0.10\nb,0.20\n,1\n-,-\nb,1.234\nb,x\nb\nb,1,2\n")],
        {
            "rows": [(None, D("1.00"), 1.0, None, 1), ("b", D("0.30"), 0.15, 0.07071067811865475, 2)],
            "counters": counters(4, 0, 4),
            "types": ["text", "decimal(2)", "float", "float", "int"],
        },
    ),
    (
        "floats add up without regard to order",
        job(FLOATS, {"measures": {"s": "sum(v)", "m": "max(v)"}}),
        [("a.log", b"a,1e100\na,1\na,-1e100\n")],
        {"rows": [(1.0, 1e100)]},
    ),
    (
        "a sum beyond 64 bits ends the run",
        job(INTS, {"measures": {"s": "sum(v)"}}),
        [("a.log", b"a,9223372036854775807\na,1\n")],
        {"rows": [], "error": "sum of ints beyond 64 bits"},
    ),
    (
        "a measure that divides by zero ends the run",
        job(INTS, {"measures": {"s": "sum(v) / (count(v) - 1)"}}),
        [("a.log", b"a,5\n")],
        {"error": "division by zero"},
    ),
    (
        "filters, distinct counts, any, bools; an argument behind a false filter is not computed",
        job(
            INTS,
            {
                "measures": {
                    "big": "count(*) FILTER (WHERE v > 2)",
                    "kinds": "count(DISTINCT k)",
                    "any": "any(k)",
                    "all": "bool_and(v > 0)",
                    "some": "bool_or(v > 2)",
                    "inverse": "sum(6 / v) FILTER (WHERE v <> 0)",
                    "half": "approx_quantile(v, 0.5)",
                }
            },
        ),
        [("a.log", b"b,3\na,0\nb,2\n")],
        {"rows": [(1, 2, "a", False, True, 5, 2.0)], "counters": counters(3, 0, 0)},
    ),
    (
        "first and last go by time, then by place, and skip NULLs",
        job(JSON, {"measures": {"f": "first(n)", "l": "last(n)"}}),
        [("a.log", b'{"t":"2026-11-22T09:00:00Z","n":1}\n{"t":1795338000,"n":2}\n{"t":1795337999}\n{"n":9}\n')],
        {"rows": [(1, 2)], "counters": counters(3, 0, 1)},
    ),
    (
        "JSON: a key with a dot, nested keys, equal keys, values as text; rejects",
        job(JSON, None, None, ["http.status", "a", "n"]),
        [
            (
                "a.log",
                b'{"http.status":1,"http":{"status":2}}\n{"http":{"status":"3"},"a":[1,{"b":null}]}\n{"a":1.50,"a":""}\n'
                b'{"a":true,"n":-0}\n{"a":"\\u00e9\\ud83d\\ude00\xff"}\n[1]\n{"n":1.0}\n{"a":1}}\n{"a":"x\ty"}\n',
            )
        ],
        {
            "events": [
                (1, None, None),
                (3, '[1,{"b":null}]', None),
                (None, None, None),
                (None, "true", 0),
                (None, "é😀\ufffd", None),
            ],
            "counters": counters(5, 0, 4),
        },
    ),
    (
        "CSV: quotes, headers in another order, a file without the header",
        job({"format": "csv", "fields": {"n": "int"}}, None, None, ["id", "n"]),
        [
            ("a.csv", b'\xef\xbb\xbfid,n\r\n"a ""b"", c",1\r\n'),
            ("b.csv", b"n,id\n7,x\n"),
            ("c.csv", b"y,8\nz,9\n"),
        ],
        {"events": [('a "b", c', 1), ("x", 7)], "counters": counters(2, 2, 2)},
    ),
    (
        "Apache: quotes of the configuration, microseconds as seconds",
        job(
            {"format": {"apache": '%h %l %u %t \\"%r\\" %>s %b %D'}},
            {"by": ["remote_user", "body_bytes_sent", "request_time", "event_time"], "measures": {"n": "count(*)"}},
        ),
        [("a.log", f"{HEAD} 200 - 1234\n{HEAD} 200 - 1234 more\n".encode())],
        {"rows": [(None, None, D("0.001234"), 1795334430000000, 1)], "counters": counters(1, 0, 1)},
    ),
    (
        "nginx: a value ends where the next literal begins, a quoted one at the first quote that nothing escapes",
        job({"format": {"nginx": '$remote_addr "$http_user_agent" ${request_time}s'}}, None, None, ["http_user_agent", "request_time"]),
        [("a.log", b'1.2.3.4 "a \\" b\\\\" 0.25s\n1.2.3.4 "a" b" 0.25s\n1.2.3.4 "" 0.2555s\n')],
        {"events": [('a \\" b\\\\', D("0.250"))], "counters": counters(1, 0, 2)},
    ),
    (
        "regex: anywhere in the line, groups that took no part are NULL",
        job({"format": {"regex": r"(?P<a>\d+)(?:-(?P<b>\w+))?"}, "fields": {"a": "int"}}, None, {"let": {"c": "a * 2"}}, ["c", "b"]),
        [("a.log", b"x 12-ab y\n7\nnone\n99999999999999999999\n")],
        {"events": [(24, "ab"), (14, None)], "counters": counters(2, 0, 2)},
    ),
    (
        "zones: the first of an hour shown twice, an hour that is left out, second 60, digits",
        job({"format": "json", "fields": {"t": "timestamp"}, "zone": "Europe/Berlin", "time": "t"}, None, None, ["t"]),
        [
            (
                "a.log",
                b'{"t":"2026-10-25 02:30:00"}\n{"t":"2026-03-29 02:30:00"}\n{"t":"2016-12-31T23:59:60Z"}\n{"t":"20260101"}\n'
                b'{"t":1795338000123}\n{"t":"1795338000123456789"}\n{"t":"2026-13-01T00:00:00Z"}\n{"t":"x"}\n',
            )
        ],
        {
            "events": [
                (1792888200000000,),
                (1774747800000000,),
                (1483228800000000,),
                (1767222000000000,),
                (1795338000123000,),
                (1795338000123456,),
            ],
            "counters": counters(6, 0, 2),
        },
    ),
    (
        "lines: `-` is a line; an empty one is filtered, one that is too long is a reject",
        job({"format": "lines"}, None, None, ["line", "raw"], {"line": 4}),
        [("a.log", b"-\n\n\r\n12345\nabc\r\nlast")],
        {"events": [("-", "-"), ("abc", "abc"), ("last", "last")], "counters": counters(3, 2, 1)},
    ),
]
