//! The second way to compute an expression gives what the columns give: value by value, and failure by failure.

use std::rc::Rc;

use bumpalo::Bump;
use proptest::prelude::*;

use super::compile;
use super::monkey::{build, columns as odd_columns};
use super::pairs::{FAMILIES, ROWS, columns};
use crate::data::{Column, Scalar};
use crate::expr::{Env, Expr};

/// For each row: what the columns say, and what the other way does. Of failures only that they are.
fn both(expr: &Expr, columns: &[Option<Rc<Column<'static>>>]) -> Vec<[Result<String, ()>; 2]> {
    let (arena, mut failures) = (Bump::new(), Vec::new());
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    let mut env = Env { slots: columns, arena: &arena, len: ROWS, failures: &mut failures };
    let column = expr.eval(&mut env, &rows);
    let text = |value: Scalar| format!("{value:?}");
    let row = |row: u32| {
        let is_failed = failures.iter().any(|failure| failure.row == row);
        let usual = if is_failed { Err(()) } else { Ok(text(column.scalar(row as usize))) };
        let slots = columns.iter().flatten().map(|column| column.scalar(row as usize));
        let other = expr.value_of(&slots.collect::<Vec<_>>());
        [usual, other.map(text).map_err(drop)]
    };
    rows.into_iter().map(row).collect()
}

#[test]
fn each_form_of_the_language_has_the_same_values_either_way() {
    let mut wrong = Vec::new();
    for text in FAMILIES.iter().copied().flatten() {
        let expr = compile(text).expect(text);
        for columns in [columns(), odd_columns()] {
            for (row, [usual, other]) in both(&expr, &columns).into_iter().enumerate() {
                if usual != other {
                    wrong.push(format!("{text}, row {row}: {usual:?}, {other:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6000))]
    #[test]
    fn whatever_compiles_has_the_same_values_either_way(choices in prop::collection::vec(0usize..1000, 1..12)) {
        let text = build(&mut choices.into_iter(), 3);
        let Ok(expr) = compile(&text) else { return Ok(()) };
        for columns in [columns(), odd_columns()] {
            for (row, [usual, other]) in both(&expr, &columns).into_iter().enumerate() {
                prop_assert_eq!(usual, other, "{}, row {}", text, row);
            }
        }
    }

    #[test]
    fn a_pattern_fits_alike_either_way(pattern in "[ab%_!]{0,6}", text in "[ab!]{0,7}", escape in any::<bool>()) {
        let escape = if escape { "'!'" } else { "'#'" };
        let Ok(expr) = compile(&format!("path LIKE '{pattern}' ESCAPE {escape}")) else { return Ok(()) };
        let text = text.leak();
        let paths = Rc::new(Column { ty: crate::data::DataType::Text, values: crate::data::Values::Text(vec![text; ROWS]), valid: None });
        let mut columns = columns();
        columns[1] = Some(paths);
        for [usual, other] in both(&expr, &columns) {
            prop_assert_eq!(usual, other);
        }
    }
}
