//! Each error says what is wrong, and points at it.

use super::{Fields, NAMES, compile};
use crate::data::DataType;
use crate::expr::{Expr, compile_key};

/// Expression, the text that the error points at, and a part of its message and help.
const CASES: &[(&str, &str, &str)] = &[
    ("stauts = 200", "stauts", "did you mean status?"),
    ("status = 200 AND lowr(path) = 'x'", "lowr", "did you mean lower?"),
    ("status = 'abc'", "'abc'", "not an int"),
    ("1 + length(path, 2)", "length", "length takes 1 argument, found 2"),
    ("substr(path)", "substr", "2 to 3 arguments, found 1"),
    ("status + path", "path", "+ takes numbers, found text"),
    ("status > 5 AND path", "path", "expected a bool, found text"),
    ("path > status", "path > status", "x::int"),
    ("lower(status)", "status", "lower takes text as argument 1, found int"),
    ("CASE WHEN status = 1 THEN 1 ELSE path END", "path", "no common type"),
    ("status = 200 AND count(*) > 1", "count", "not allowed here"),
    ("path LIKE path", "path", "constant"),
    ("path ~ '('", "'('", "unclosed group"),
    ("regexp_matches(path, path)", "path", "must be a constant"),
    ("regexp_replace(path, 'a', '\\2')", "'\\2'", "groups up to 0"),
    ("date_trunc('hours', at)", "'hours'", "unknown unit"),
    ("date_trunc('hour', at, 'Mars/Base')", "'Mars/Base'", "unknown time zone"),
    ("to_char(at, 'YYYY-MM-DDTHH24')", "'YYYY-MM-DDTHH24'", "unknown pattern at 'THH24'"),
    ("ip_in(remote_addr, '10.0.0.0/33')", "'10.0.0.0/33'", "no network"),
    ("at::date", "at", "there is no type date"),
    ("at::int", "at", "epoch"),
    ("status::decimal(39)", "status", "bad type"),
    ("1 + 2 * (3 / 0)", "3 / 0", "division by zero"),
    ("status::money", "status", "unknown type money"),
    ("at + INTERVAL '1 month'", "'1 month'", "fixed length"),
    ("INTERVAL '1 day'", "'1 day'", "interval"),
    ("user_agent(path, 'os')", "user_agent", "not built yet"),
    ("lookup('x', path, 'y')", "lookup", "not built yet"),
    ("status IN (SELECT 1)", "status IN (SELECT 1", "subqueries"),
    ("sum(status) OVER ()", "sum", "window"),
    ("lower(DISTINCT path)", "lower", "no aggregate"),
    ("status & 1", "status & 1", "operator & is not supported"),
    ("ratio % 2", "ratio % 2", "no % for floats"),
    ("status = 200 status", "status", "unexpected"),
    ("'open", "'", "Unterminated"),
    (
        "request_time::decimal(30) * request_time::decimal(20)",
        "request_time::decimal(30) * request_time",
        "50 digits",
    ),
    ("status AS x", "x", "AS is not allowed"),
    ("1 < status < 3", "1 < status < 3", "need parentheses"),
    ("status BETWEEN NOT TRUE AND 3", "status BETWEEN NOT TRUE AND 3", "lower bound of BETWEEN"),
];

#[test]
fn errors_point_at_their_cause() {
    let mut wrong = Vec::new();
    for (text, place, words) in CASES {
        let error = match compile(text) {
            Ok(expr) => {
                wrong.push(format!("{text} compiles: {expr:?}"));
                continue;
            }
            Err(error) => error,
        };
        let said = format!("{} {}", error.message, error.help.as_deref().unwrap_or_default());
        if !said.contains(words) || &text[error.span.clone()] != *place {
            wrong.push(format!("{text} points at {}: {error:?}", &text[error.span.clone()]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_typed_place_refuses_other_types_and_takes_null() {
    let error = Expr::compile_typed("status", &mut Fields, DataType::Bool).expect_err("an int");
    assert_eq!(
        (error.message.as_str(), error.span),
        ("expected a value of type bool, found int", 0..6)
    );
    let null =
        Expr::compile_typed("NULL", &mut Fields, DataType::Bool).expect("NULL is of any type");
    assert_eq!(null.ty(), DataType::Bool);
}

#[test]
fn a_key_is_a_name_or_has_one() {
    assert_eq!(compile_key("path", &mut Fields).expect("a name").name, "path");
    let key = compile_key("status / 100 AS status_class", &mut Fields).expect("a named key");
    assert_eq!(
        (key.name.as_str(), key.expr.ty(), key.expr.slots()),
        ("status_class", DataType::Int, vec![0])
    );
    let error = compile_key("status / 100", &mut Fields).expect_err("no name");
    assert!(error.help.is_some_and(|help| help.contains("AS")));
}

#[test]
fn slots_are_listed_once() {
    let expr =
        compile("CASE WHEN status > 1 THEN path ELSE \"http.host\" || path END").expect("compiles");
    assert_eq!(expr.slots(), [0, 1, 5]);
    assert_eq!(compile("http.host").expect("a dotted name").slots(), [5]);
    assert_eq!(NAMES[5].0, "http.host");
}
