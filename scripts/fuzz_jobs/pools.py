"""Values that constants and data are drawn from. Both draw from the same pools, so that comparisons hit.

Each pool has common values, which appear most of the time, and edges. Texts are as they stand in a log.
"""

from __future__ import annotations

from random import Random

I64_MAX = 9_223_372_036_854_775_807

INTS = ["0", "1", "2", "3", "5", "7", "10", "25", "99", "100", "101", "200", "201", "204", "302", "404", "499", "500", "503"]
INTS_SIGNED = ["-1", "-2", "-7", "-100", "-503"]
INTS_EDGE = [str(I64_MAX), str(-I64_MAX - 1), str(I64_MAX - 1), "4294967296", "2147483647", "-2147483648", "9007199254740993"]
# What some reader might take for a number.
INTS_ODD = ["007", "+5", "-0", " 7", "7 ", "1e3", "0x10", "9223372036854775808", "-9223372036854775809", "1.0", "1,000", "٣", "--1", "1_0"]

DECIMALS = ["0.00", "0.05", "0.5", "1.25", "1.50", "2", "2.345", "10.00", "99.99", "0.001", "0.003", "100.1", "3.14"]
DECIMALS_SIGNED = ["-1.25", "-0.5", "-2.50", "-0.05", "-99.99"]
DECIMALS_EDGE = ["99999999999999999999.99", "-99999999999999999999.99", "9" * 35 + ".99", "12345678901234567.89", "0.01", "9007199254740993.5"]
DECIMALS_ODD = ["1.", ".5", "-.5", "+1.5", "-0.00", "1e2", "1.123456789", "NaN", "1.2.3", "0001.50", "1 .5", "9" * 39]

FLOATS = ["0", "0.1", "0.25", "1.5", "2.5", "3.5", "1e3", "100", "0.3", "1e-3", "7.125"]
FLOATS_SIGNED = ["-0.1", "-1.5", "-2.5", "-1e3"]
FLOATS_EDGE = ["-0", "-0.0", "NaN", "inf", "-inf", "Infinity", "1e308", "-1e308", "1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "1e22", "9007199254740993", "0.1e1"]
FLOATS_ODD = ["1e400", "-1e400", "1e-400", "nan", "INF", "+inf", "infinity", "1.", ".5", "1e", "0x1p3", "1_0", " 1", "1d", "+1"]

TEXTS = ["a", "b", "A", "ab", "abc", "/a", "/b", "/a/b", "/health", "/api/v1/items/17", "x", "foo.bar", "Hello World", "GET", "POST", "error", "warn", "info"]
TEXTS_EDGE = ["", " ", "a ", " a", "  b  ", "ÄÖü", "ß", "é", "日本語", "😀", "a😀b", "İ", "ǆ", "ﬁ", "100%", "a_b", "%", "_", "\\", "a\\b", "\\x41\\\\", "a'b", "0", "42", "-7", "1.5", "true", "null", "NaN",
              "10.0.0.1", "2026-03-29T02:30:00Z", "http://h.example/p/q?a=1&b=2#f", "https://U:P@EX.org:8080/?q=%41+b&q=2", "/s?q=a%20b&x=&q", "%zz%41%", "a,b,c", "a;b", "aaa", "xyxxyx", "\\t\\n\\\"", "🇩🇪", "e\u0301", "\u200b", "\ufeff", "a\u00a0b"]

IPS = ["10.0.0.1", "10.0.0.2", "10.0.1.9", "192.168.1.200", "192.0.2.1", "203.0.113.77"]
IPS_EDGE = ["::1", "2001:db8::ff00:42:8329", "2001:DB8:0::1", "255.255.255.255", "0.0.0.0", "::", "::ffff:10.0.0.1", "fe80::1"]
IPS_ODD = ["010.0.0.1", "10.0.0", "10.0.0.256", "1.2.3.4/24", "fe80::1%eth0", "host", "[::1]", "10.0.0.1 "]

BOOLS = ["true", "false"]
BOOLS_ODD = ["TRUE", "False", "t", "f", "yes", "no", "on", "off", "1", "0", "2", "o", "ye", "y", "n"]

# Seconds since 1970 around which times lie: an ordinary day, days on which Berlin's and New York's clocks change, a
# leap day, the end of a year, years that are edges.
MOMENTS = [1_795_305_600, 1_774_746_000, 1_792_890_000, 1_772_953_200, 1_709_164_800, 1_798_761_599, 951_782_400, 0, 1_483_228_799, 4_102_444_800]
# Moments at which clocks change, by how many hours they are ahead of UTC until then, and where.
CHANGES = {1_774_746_000: (1, "Europe/Berlin"), 1_792_890_000: (2, "Europe/Berlin"), 1_772_953_200: (-5, "America/New_York")}
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]

# Patterns that Rust's regex and Python's re read alike.
PATTERNS = ["a", "^a", "b$", "^/a", "[0-9]+", "^[a-z]+$", "o W", "a|b", "(a|b)+", "x{2,3}", "[^/]+", "(?i)hello", "é", ".", "", "^$", "a.*b", "[A-Z]", "[.]", "^.{3}$"]
GROUPS = ["(a)(b)?", "([a-z]+)", "([0-9]+)", "/([^/]*)", "(.)(.)", "^([^.]+)[.](.*)$", "(a|b)(x)?"]
REPLACEMENTS = ["", "-", ":id", "<\\1>", "[\\&]", "\\\\", "$1", "x\\1y", "ü"]
LIKES = ["a%", "%a", "%a%", "a", "%", "_", "__", "a_c", "/a%", "/b%", "%/%", "", "_%", "%é%", "a\\%", "%\\\\%", "%b%c%", "A%", "😀%", "%o W%", "Hello%", "1%%", "ä%"]


def pick(rng: Random, common: list[str], edge: list[str], share: float) -> str:
    """A value: an edge in that share of cases."""
    return rng.choice(edge if rng.random() < share else common)
