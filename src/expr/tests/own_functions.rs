//! Functions and rules that PostgreSQL has not, or has otherwise.

use super::{Fields, compile, constant};
use crate::data::DataType;
use crate::expr::Expr;

#[test]
fn functions_for_logs_and_duckdb_names() {
    for (text, value) in [
        (r#"unescape('a\"b\\c\x41\t\q\xZZ')"#, "a\"b\\cA\t\\q\\xZZ"),
        (r"unescape('\xC3\xA4\xff')", "ä\u{fffd}"),
        (r"unescape('end\')", "end\\"),
        ("url_host('https://user:pw@Example.COM:8080/a?b')", "example.com"),
        ("url_host('http://[::1]:80/')", "[::1]"),
        ("url_host('/only/a/path')", "NULL"),
        ("url_host('//cdn.example/x')", "cdn.example"),
        ("url_path('https://example.com/a/b?x=1#f')", "/a/b"),
        ("url_path('https://example.com')", "/"),
        ("url_path('/a/b?x=http://y/z')", "/a/b"),
        ("url_query('/s?q=a%20b+c&q=2', 'q')", "a b c"),
        ("url_query('/s?q', 'q')", ""),
        ("url_query('/s?q=1', 'r')", "NULL"),
        ("url_query('/s', 'q')", "NULL"),
        ("url_decode('a%2Fb+%zz%C3%A4%')", "a/b+%zzä%"),
        ("ip_prefix('10.1.2.3', 24)", "10.1.2.0/24"),
        ("ip_prefix('2001:db8:1:2::3', 32)", "2001:db8::/32"),
        ("ip_prefix('10.1.2.3', 0)", "0.0.0.0/0"),
        ("ip_prefix('10.1.2.3', 64)", "10.1.2.3/32"),
        ("ip_prefix('host', 24)", "NULL"),
        ("ip_in('10.1.2.3', '10.0.0.0/8')::text", "true"),
        ("ip_in('11.1.2.3', '10.0.0.0/8')::text", "false"),
        ("ip_in('::1', '0.0.0.0/0')::text", "false"),
        ("ip_in('x', '10.0.0.0/8')::text", "NULL"),
        ("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("contains('hello', 'ell')::text", "true"),
        ("regexp_matches('abc', 'B', 'i')::text", "true"),
        ("regexp_extract('status=200', '([a-z]+)=(\\d+)', 2)", "200"),
        ("regexp_extract('none', '\\d+')", ""),
        (
            "strftime(TIMESTAMP '2026-11-22 07:08:09', '%Y-%m-%d %H:%M:%S %j %a %-d%%')",
            "2026-11-22 07:08:09 326 Sun 22%",
        ),
        ("epoch(TIMESTAMP '1970-01-01 00:00:01.5')::text", "1.500000"),
        ("to_timestamp(1795330800)::text", "2026-11-22 07:00:00"),
        ("to_timestamp(1.0000005)::text", "1970-01-01 00:00:01.000001"),
        ("round(2.675e0, 2)::text", "2.68"),
        ("try_cast('x' AS int)::text", "NULL"),
        ("try_cast('7' AS int)::text", "7"),
        ("'2001:DB8:0:0::1'::ip::text", "2001:db8::1"),
    ] {
        assert_eq!(constant(text), value, "{text}");
    }
}

#[test]
fn date_trunc_follows_the_clock_of_a_zone() {
    for (text, value) in [
        (
            "date_trunc('day', TIMESTAMP '2026-07-01 23:30:00', 'Europe/Berlin')::text",
            "2026-07-01 22:00:00",
        ),
        (
            "date_trunc('day', TIMESTAMP '2026-03-29 12:00:00', 'Europe/Berlin')::text",
            "2026-03-28 23:00:00",
        ),
        (
            "date_trunc('hour', TIMESTAMP '2026-01-01 00:59:00', 'Asia/Kolkata')::text",
            "2026-01-01 00:30:00",
        ),
        (
            "date_trunc('month', TIMESTAMP '1969-12-31 23:30:00', 'Asia/Tokyo')::text",
            "1969-12-31 15:00:00",
        ),
    ] {
        assert_eq!(constant(text), value, "{text}");
    }
}

#[test]
fn decimals_have_the_documented_scales() {
    for (text, value) in [
        ("(1.0 / 3)::text", "0.333333"),
        ("(2 / 3.00)::text", "0.666667"),
        ("(1.00000000 / 3)::text", "0.33333333"),
        ("(1 / 0.3)::text", "3.333333"),
        ("(TIMESTAMP '2026-01-02' - TIMESTAMP '2026-01-01 12:00:00.5')::text", "43199.500000"),
        ("CASE WHEN TRUE THEN 1 ELSE 0.25 END::text", "1.00"),
    ] {
        assert_eq!(constant(text), value, "{text}");
    }
    let ty = |text: &str| compile(text).expect(text).ty();
    assert_eq!(ty("request_time * 1.50"), DataType::Decimal(5));
    assert_eq!(ty("request_time / 2"), DataType::Decimal(6));
    assert_eq!(ty("request_time + 1"), DataType::Decimal(3));
    assert_eq!(ty("sign(request_time)"), DataType::Decimal(0));
    assert_eq!((ty("sign(status)"), ty("sign(ratio)")), (DataType::Int, DataType::Float));
    assert_eq!(ty("1e3"), DataType::Float);
    assert_eq!(ty("status::numeric"), DataType::Decimal(0));
    assert_eq!(ty("NULL"), DataType::Text);
}

#[test]
fn a_pseudonym_without_a_key_is_refused() {
    let error = compile("pseudonym(path)").expect_err("no key in the tests' environment");
    assert!(error.message.contains("LOGMILL_PSEUDONYM_KEY"), "{error:?}");
    assert_eq!(error.span, 0..9);
}

/// PostgreSQL 15: `SELECT pg_typeof(nullif(1, 1.5))` and the like; a decimal's digits are those of its argument.
#[test]
fn nullif_has_the_type_that_its_equality_gives_to_the_first_argument() {
    for (text, ty) in [
        ("nullif(status, 1)", DataType::Int),
        ("nullif(status, 1.5)", DataType::Decimal(0)),
        ("nullif(status, 1::float)", DataType::Float),
        ("nullif(1.25, status)", DataType::Decimal(2)),
        ("nullif(1.25, 2.125)", DataType::Decimal(2)),
        ("nullif('5', status)", DataType::Int),
        ("nullif(path, 'x')", DataType::Text),
    ] {
        let expr = Expr::compile(text, &mut Fields).expect(text);
        assert_eq!(expr.ty(), ty, "{text}");
    }
}

#[test]
fn decimals_of_any_size_compare_as_in_postgresql() {
    let long = "9".repeat(33);
    for (text, value) in [
        (format!("{long} = 1.123456"), false),
        (format!("{long} > 1.123456"), true),
        (format!("-{long} < 1.1234567890123456789"), true),
        (format!("1.{long} < 9223372036854775807"), true),
        ("9223372036854775807 = 9223372036854775807.00".to_owned(), true),
    ] {
        assert_eq!(constant(&text), format!("Bool({value})"), "{text}");
    }
}
