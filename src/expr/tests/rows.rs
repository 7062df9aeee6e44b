//! Which rows are computed: branches are lazy, selections are kept, failures name their rows.

use std::rc::Rc;

use bumpalo::Bump;
use proptest::prelude::*;

use super::{Env, compile, over_status};
use crate::data::{Column, DataType, Failure, Scalar, Values};

fn failed(row: u32, reason: &'static str) -> Failure {
    Failure { row, reason: reason.into() }
}

#[test]
fn a_branch_sees_only_its_own_rows() {
    for text in [
        "CASE WHEN status = 0 THEN NULL ELSE 10 / status END",
        "status <> 0 AND 10 / status > 2",
        "status = 0 OR 10 / status > 2",
        "coalesce(nullif(status, 0), 10 / nullif(status, 0))",
    ] {
        let (_, failures) = over_status(text, &[5, 0, 2], &[0, 1, 2]);
        assert_eq!(failures, [], "{text}");
    }
}

#[test]
fn a_failure_is_null_and_names_its_row() {
    let (values, failures) = over_status("10 / status", &[5, 0, 2], &[0, 1, 2]);
    assert_eq!(values, [Scalar::Int(2), Scalar::Null, Scalar::Int(5)]);
    assert_eq!(failures, [failed(1, "division by zero")]);
    let (_, failures) = over_status("status * 2", &[i64::MAX, 1], &[0, 1]);
    assert_eq!(failures, [failed(0, "integer overflow")]);
    let (_, failures) = over_status("(status::text || 'x')::int", &[1], &[0]);
    assert_eq!(failures, [failed(0, "not an int")]);
}

#[test]
fn a_computed_text_of_more_than_a_mebibyte_fails_either_way() {
    let ones = "1".repeat(100);
    let replaced = |text: &str| format!("replace({text}, '1', '{ones}')");
    let million = replaced(&replaced(&replaced("status::text")));
    let many = replaced(&replaced(&replaced("'1'")));
    for text in [
        million,
        format!("regexp_replace({}, '1', '{ones}', 'g')", replaced(&replaced("status::text"))),
        format!("concat(left({many}, 700000), nullif(left({many}, status * 40000), ''))"),
        format!("concat_ws(left({many}, status * 40000), left({many}, 700000), NULL, '')"),
        format!("left({many}, status * 40000) || left({many}, 700000)"),
    ] {
        let (values, failures) = over_status(&text, &[1, 11], &[0, 1]);
        let reason = "a computed text is longer than 1 MiB";
        let place = &text[text.len() - 80..];
        assert_eq!(failures, [failed(1, reason)], "{place}");
        assert!(matches!(&values[0], Scalar::Text(text) if text.len() > 600_000), "{place}");
        let expr = compile(&text).expect("compiles");
        let either_way = expr.value_of(&[Scalar::Int(1)]);
        assert!(either_way.as_ref() == Ok(&values[0]), "{place}");
        assert_eq!(expr.value_of(&[Scalar::Int(11)]), Err(reason.into()), "{place}");
    }
}

#[test]
fn rows_that_are_not_selected_never_fail() {
    let (values, failures) = over_status("10 / status", &[0, 5, 0], &[1]);
    assert_eq!((values, failures), (vec![Scalar::Int(2)], vec![]));
    let (values, failures) = over_status("10 / status", &[0, 5], &[]);
    assert_eq!((values, failures), (vec![], vec![]));
}

/// Expressions of every kind of node.
const EXPRESSIONS: [&str; 10] = [
    "100 / status",
    "status > 3 AND 100 / (status - 5) > 7 OR status IS NULL",
    "CASE status % 3 WHEN 0 THEN 'fizz' WHEN 1 THEN upper('x' || status) END",
    "coalesce(nullif(status % 4, 0), 100 / (status - 8))",
    "greatest(status, 3, nullif(status, 7))",
    "concat_ws('-', nullif(status, 1), 'b', status)",
    "concat_ws(nullif(status, 2)::text, 'a', nullif(status, 1), 'bcd', status, NULL)",
    "concat(nullif(status, 1), '-', CASE status WHEN 2 THEN '' WHEN 3 THEN 'ä' END, 'bcd', NULL, status)",
    "status IN (1, 2, NULL) OR status::text LIKE '1%'",
    "status::decimal(2) / nullif(status - 4, 0)",
];

proptest! {
    #[test]
    fn a_selection_gives_what_each_row_alone_gives(
        status in prop::collection::vec(-3i64..12, 1..20),
        picks in prop::collection::vec(any::<bool>(), 20),
        which in 0..EXPRESSIONS.len(),
    ) {
        let text = EXPRESSIONS[which];
        let sel: Vec<u32> = (0..status.len() as u32).filter(|&row| picks[row as usize]).collect();
        let (values, failures) = over_status(text, &status, &sel);
        for (i, &row) in sel.iter().enumerate() {
            let (alone, failure) = over_status(text, &status[row as usize..=row as usize], &[0]);
            prop_assert_eq!(&values[i], &alone[0]);
            prop_assert_eq!(failures.iter().any(|f| f.row == row), !failure.is_empty());
        }
    }
}

/// Evaluates over a column of texts in the slot of `path`.
fn over_path(text: &str, path: &[Option<&str>], sel: &[u32]) -> (Vec<Scalar>, Vec<Failure>) {
    let expr = compile(text).expect(text);
    let column = Column {
        ty: DataType::Text,
        values: Values::Text(path.iter().map(|text| text.unwrap_or("?")).collect()),
        valid: path.contains(&None).then(|| path.iter().map(Option::is_some).collect()),
    };
    let slots = [None, Some(Rc::new(column))];
    let (arena, mut failures) = (Bump::new(), Vec::new());
    let mut env = Env { slots: &slots, arena: &arena, len: path.len(), failures: &mut failures };
    let column = expr.eval(&mut env, sel);
    (sel.iter().map(|&row| column.scalar(row as usize)).collect(), failures)
}

/// Expressions that are computed once a text, of every type of value; some fail, some are NULL.
const SEARCHES: [&str; 9] = [
    "path LIKE '%a%' OR path LIKE '%bb%' OR path LIKE '%c%'",
    "CASE WHEN path LIKE '%a_c%' THEN 'one' WHEN path = 'b' THEN path END",
    "CASE WHEN path ~ 'a.*a' THEN 1 WHEN path ~ 'b' THEN path::int ELSE 10 / (length(path) - 2) END",
    "CASE WHEN path ~ 'a' THEN 1.25 END",
    "CASE WHEN path ~ 'a' THEN path::float END",
    "CASE WHEN path ~ 'a' THEN TIMESTAMP '2026-11-22' END",
    "coalesce(CASE WHEN path ~ '^a' THEN path END, 'none')",
    "concat_ws('-', path ~ 'b', path)",
    "CASE WHEN path ~ 'a' THEN NULL ELSE NULL END IS NULL",
];

proptest! {
    #[test]
    fn searched_texts_give_what_each_row_alone_gives(
        few in prop::collection::vec(prop::option::of("[abc]{0,3}"), 1..8),
        many in prop::collection::vec(prop::option::of("[abc]{0,9}"), 0..40),
        picks in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..200),
        which in 0..SEARCHES.len(),
    ) {
        let texts: Vec<Option<&str>> = few.iter().chain(&many).map(Option::as_deref).collect();
        // Drawn from few texts, from all, or each once: few that differ, some, and too many.
        for kinds in [few.len(), texts.len()] {
            let rows: Vec<_> = picks.iter().map(|(_, pick)| texts[pick.index(kinds)]).collect();
            let rows = [rows, texts.clone()].concat();
            let picked = |row: &u32| picks.get(*row as usize).is_none_or(|(picked, _)| *picked);
            let sel: Vec<u32> = (0..rows.len() as u32).filter(picked).collect();
            let (values, failures) = over_path(SEARCHES[which], &rows, &sel);
            for (i, &row) in sel.iter().enumerate() {
                let (alone, failure) = over_path(SEARCHES[which], &rows[row as usize..=row as usize], &[0]);
                prop_assert_eq!(&values[i], &alone[0]);
                let found = failures.iter().find(|f| f.row == row).map(|f| &f.reason);
                prop_assert_eq!(found, failure.first().map(|f| &f.reason));
            }
            prop_assert!(failures.iter().all(|f| sel.contains(&f.row)));
        }
    }
}

#[test]
fn often_searched_text_is_searched_once() {
    for text in &SEARCHES[..7] {
        let plan = format!("{:?}", compile(text).expect(text));
        assert!(plan.contains("per-text"), "{plan}");
    }
    for text in ["path LIKE '%a%'", "path LIKE 'a%' OR path LIKE '%b'", "status::text ~ '4'"] {
        let plan = format!("{:?}", compile(text).expect(text));
        assert!(!plan.contains("per-text"), "{plan}");
    }
    let plan = format!("{:?}", compile("path ~ 'a' OR status = 4").expect("a good one"));
    assert!(plan.starts_with("(or -> bool: (per-text"), "{plan}");
}
