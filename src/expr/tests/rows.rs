//! Which rows are computed: branches are lazy, selections are kept, failures name their rows.

use proptest::prelude::*;

use super::over_status;
use crate::data::{Failure, Scalar};

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
fn rows_that_are_not_selected_never_fail() {
    let (values, failures) = over_status("10 / status", &[0, 5, 0], &[1]);
    assert_eq!((values, failures), (vec![Scalar::Int(2)], vec![]));
    let (values, failures) = over_status("10 / status", &[0, 5], &[]);
    assert_eq!((values, failures), (vec![], vec![]));
}

/// Expressions of every kind of node.
const EXPRESSIONS: [&str; 8] = [
    "100 / status",
    "status > 3 AND 100 / (status - 5) > 7 OR status IS NULL",
    "CASE status % 3 WHEN 0 THEN 'fizz' WHEN 1 THEN upper('x' || status) END",
    "coalesce(nullif(status % 4, 0), 100 / (status - 8))",
    "greatest(status, 3, nullif(status, 7))",
    "concat_ws('-', nullif(status, 1), 'b', status)",
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
