//! Each documented function and aggregate may stand wherever an operand may.

use std::collections::BTreeSet;

use super::{Fields, compile};
use crate::data::DataType;
use crate::expr::compile_measure;

const DOCUMENT: &str = include_str!("../../../docs/JOB_FORMAT.md");

/// A call of each function.
const CALLS: &[&str] = &[
    "lower(path)",
    "upper(path)",
    "trim(path)",
    "trim(path, '/')",
    "trim('/' FROM path)",
    "trim(BOTH FROM path)",
    "trim(LEADING '/' FROM path)",
    "btrim(path)",
    "ltrim(path)",
    "rtrim(path)",
    "length(path)",
    "char_length(path)",
    "octet_length(path)",
    "substr(path, 2)",
    "substring(path FROM 2 FOR 3)",
    "left(path, 2)",
    "right(path, 2)",
    "split_part(path, '/', 1)",
    "replace(path, 'a', 'b')",
    "reverse(path)",
    "starts_with(path, '/')",
    "ends_with(path, '/')",
    "contains(path, '/')",
    "strpos(path, '/')",
    "position('/' IN path)",
    "concat(path, 'x')",
    "concat_ws(',', path, 'x')",
    "regexp_matches(path, 'a')",
    "regexp_extract(path, 'a')",
    "regexp_replace(path, 'a', 'b')",
    "abs(status)",
    "sign(status)",
    "round(request_time, 1)",
    "trunc(request_time)",
    "floor(ratio)",
    "ceil(ratio)",
    "power(ratio, 2)",
    "sqrt(ratio)",
    "ln(ratio)",
    "log10(ratio)",
    "greatest(status, 1)",
    "least(status, 1)",
    "coalesce(path, 'x')",
    "nullif(path, 'x')",
    "date_trunc('hour', at)",
    "extract(hour FROM at)",
    "date_part('hour', at)",
    "epoch(at)",
    "to_timestamp(status)",
    "to_char(at, 'YYYY')",
    "strftime(at, '%Y')",
    "md5(path)",
    "sha256(path)",
    "unescape(path)",
    "url_host(path)",
    "url_path(path)",
    "url_query(path, 'q')",
    "url_decode(path)",
    "ip_prefix(remote_addr, 24)",
    "ip_in(remote_addr, '10.0.0.0/8')",
    "CAST(status AS text)",
    "try_cast(path AS int)",
];

/// A call of each aggregate.
const AGGREGATES: &[&str] = &[
    "count(*)",
    "count(path)",
    "count(DISTINCT path)",
    "sum(status)",
    "avg(status)",
    "stddev(status)",
    "min(status)",
    "max(path)",
    "any(status)",
    "any(path) FILTER (WHERE status > 1)",
    "first(status)",
    "last(path)",
    "bool_and(status > 1)",
    "bool_or(status > 1)",
    "approx_distinct(path)",
    "approx_quantile(status, 0.5)",
];

/// Documented, but not to be called in a test without a key or a table.
const ELSEWHERE: [&str; 3] = ["pseudonym", "user_agent", "lookup"];

const ANYWHERE: [&str; 14] = [
    "{} = {}",
    "{} <> {} AND {} >= {}",
    "{} IN ({}, {})",
    "{} NOT IN ({})",
    "{} BETWEEN {} AND {}",
    "{} IS NULL OR {} IS NOT NULL",
    "NOT {} IS NULL",
    "{} IS DISTINCT FROM {}",
    "CASE WHEN {} = {} THEN {} ELSE {} END",
    "CASE {} WHEN {} THEN {} END",
    "coalesce({}, {})",
    "greatest({}, nullif({}, {}))",
    "{}::text || {}::text",
    "concat(CAST({} AS text), ({})::text)",
];
const OF_NUMBERS: [&str; 7] =
    ["1 + {}", "{} + 1", "{} - {}", "-{} * {}", "{} / 2 - {}", "abs({})", "1 < {}"];
const OF_TEXTS: [&str; 4] =
    ["'x' || {} || {}", "{} LIKE 'x'", "{} ~ 'x' AND {} !~* 'y'", "lower({})"];

/// Where a call of this type may stand.
fn places(call: &str, ty: DataType) -> Vec<String> {
    let typed: &[&str] = match ty {
        DataType::Text => &OF_TEXTS,
        DataType::Int | DataType::Decimal(_) | DataType::Float => &OF_NUMBERS,
        _ => &[],
    };
    ANYWHERE.iter().chain(typed).map(|place| place.replace("{}", call)).collect()
}

/// The names in a chapter's tables: `lower`, and the first word of `count(*)`.
fn documented(chapter: &str) -> BTreeSet<&'static str> {
    let text = DOCUMENT.split(&format!("\n## {chapter}\n")).nth(1).expect("the chapter");
    let rows = text.split("\n## ").next().unwrap_or_default().lines();
    let rows = rows.filter(|line| line.starts_with("| ") && !line.starts_with("| family"));
    let codes = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let is_name = |name: &&str| {
        name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    codes.filter_map(|code| code.split(['(', ' ']).next()).filter(is_name).collect()
}

fn name(call: &str) -> String {
    call.split('(').next().unwrap_or_default().to_lowercase()
}

#[test]
fn each_function_may_stand_wherever_an_operand_may() {
    let mut wrong = Vec::new();
    for call in CALLS {
        let ty = compile(call).expect(call).ty();
        for text in places(call, ty) {
            wrong.extend(compile(&text).err().map(|error| format!("{text}: {error:?}")));
            // The same within an aggregate, and in its filter.
            for text in [
                format!("count({text}) - count(*)"),
                format!("1 + max(status) FILTER (WHERE ({text}) IS NULL)"),
            ] {
                let error = compile_measure(&text, &mut Fields).err();
                wrong.extend(error.map(|error| format!("{text}: {error:?}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_aggregate_may_stand_wherever_an_operand_may() {
    let mut wrong = Vec::new();
    for call in AGGREGATES {
        let measure = compile_measure(call, &mut Fields).expect(call);
        for text in places(call, measure.value.ty()) {
            match compile_measure(&text, &mut Fields) {
                Ok(found) if !found.aggregates.is_empty() => {}
                other => wrong.push(format!("{text}: {other:?}")),
            }
        }
    }
    let text = "count(*) - any(status) + any(status) * first(status)";
    let measure = compile_measure(text, &mut Fields).expect(text);
    assert_eq!((measure.aggregates.len(), measure.value.ty()), (4, DataType::Int));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_documented_name_is_left_out_above() {
    let mut called: BTreeSet<String> =
        CALLS.iter().chain(AGGREGATES).map(|call| name(call)).collect();
    called.extend(ELSEWHERE.map(String::from));
    let names: BTreeSet<&str> =
        ["Functions", "Measures"].into_iter().flat_map(documented).collect();
    assert!(names.len() > 60, "{names:?}");
    let missing: Vec<&str> = names.into_iter().filter(|name| !called.contains(*name)).collect();
    assert!(missing.is_empty(), "documented, but without a call above: {missing:?}");
}
