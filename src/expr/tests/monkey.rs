//! Random expressions: whatever compiles must evaluate without a panic, to a column of its type and length.

use std::rc::Rc;

use bumpalo::Bump;
use proptest::prelude::*;

use super::{Fields, NAMES, compile};
use crate::data::{Column, DataType, Values};
use crate::expr::{Env, compile_key, compile_measure};

pub(super) const LEAVES: [&str; 20] = [
    "status",
    "path",
    "request_time",
    "remote_addr",
    "at",
    "\"http.host\"",
    "ratio",
    "NULL",
    "TRUE",
    "0",
    "-1",
    "7.25",
    "1e300",
    "''",
    "'7'",
    "'ä%b'",
    "'10.0.0.1'",
    "9223372036854775807",
    "TIMESTAMP '2026-11-22 07:08:09.5'",
    "'NaN'",
];

/// Each `#` is an expression.
const SHAPES: [&str; 48] = [
    "# + #",
    "# - #",
    "# * #",
    "# / #",
    "# % #",
    "# || #",
    "# = #",
    "# <> #",
    "# < #",
    "# >= #",
    "# AND #",
    "# OR #",
    "NOT #",
    "-#",
    "# IS NULL",
    "# IS NOT TRUE",
    "# IS DISTINCT FROM #",
    "# IN (#, #)",
    "# BETWEEN # AND #",
    "# LIKE '%b_'",
    "# ILIKE 'Ä%'",
    "# ~ '^[0-9]'",
    "CASE WHEN # THEN # ELSE # END",
    "CASE # WHEN # THEN # END",
    "#::int",
    "#::decimal(3)",
    "#::float",
    "#::text",
    "#::bool",
    "#::timestamp",
    "#::ip",
    "coalesce(#, #)",
    "nullif(#, #)",
    "greatest(#, #)",
    "least(#, #, #)",
    "concat_ws(#, #, #)",
    "substr(#, #, #)",
    "split_part(#, #, #)",
    "replace(#, #, #)",
    "round(#, 2)",
    "round(#, -3)",
    "floor(#)",
    "date_trunc('week', #)",
    "extract(doy from #)",
    "at + INTERVAL '9 weeks'",
    "ip_prefix(#, #)",
    "to_timestamp(#)",
    "to_char(#, 'FMDay IDDD')",
];

/// An expression from a sequence of choices.
pub(super) fn build(choices: &mut impl Iterator<Item = usize>, depth: usize) -> String {
    let choice = choices.next().unwrap_or(0);
    if depth == 0 || choice.is_multiple_of(3) {
        return LEAVES[choice / 3 % LEAVES.len()].to_owned();
    }
    let mut text = String::new();
    for (i, part) in SHAPES[choice / 3 % SHAPES.len()].split('#').enumerate() {
        if i > 0 {
            text.push_str(&format!("({})", build(choices, depth - 1)));
        }
        text.push_str(part);
    }
    text
}

/// Pieces of expressions, right and wrong.
const WORDS: [&str; 44] = [
    "status",
    "path",
    "ä",
    " ",
    " ",
    " ",
    "(",
    ")",
    "(",
    ")",
    ",",
    "'",
    "'ö'",
    "\"",
    "1",
    ".",
    "+",
    "-",
    "/",
    "=",
    "<",
    "\n",
    "lower(",
    "trim(",
    "substr(",
    "extract(epoch from ",
    "count(*)",
    "sum(",
    "DISTINCT ",
    " FILTER (WHERE ",
    " AS ",
    "CASE ",
    " WHEN ",
    " THEN ",
    " END",
    "::",
    "int",
    " AND ",
    "NOT ",
    " LIKE ",
    "INTERVAL ",
    "TIMESTAMP ",
    " IN (",
    "€",
];

/// Columns with the ends of each type, and a NULL at the end.
pub(super) fn columns() -> Vec<Option<Rc<Column<'static>>>> {
    let text = || Values::Text(vec!["", "ä€𝄞b", "7", "0.0.0.0", "NaN", ""]);
    let column = |(_, ty): (&str, DataType)| {
        let values = match ty {
            DataType::Int => Values::Int(vec![0, -1, i64::MAX, i64::MIN, 7, 0]),
            DataType::Timestamp => Values::Timestamp(vec![0, -1, i64::MAX, i64::MIN, 7, 0]),
            DataType::Float => {
                Values::Float(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::MAX, 0.0])
            }
            DataType::Decimal(_) => {
                let most = crate::expr::decimal::POW10[38] - 1;
                Values::Decimal(vec![0, -1, most, -most, 1500, 0])
            }
            _ => text(),
        };
        let valid = Some(vec![true, true, true, true, true, false]);
        Some(Rc::new(Column { ty, values, valid }))
    };
    NAMES.into_iter().map(column).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn whatever_compiles_evaluates(choices in prop::collection::vec(0usize..1000, 1..12)) {
        let text = build(&mut choices.into_iter(), 3);
        if let Ok(expr) = compile(&text) {
            let slots = columns();
            let (arena, mut failures) = (Bump::new(), Vec::new());
            let mut env = Env { slots: &slots, arena: &arena, len: 6, failures: &mut failures };
            let column = expr.eval(&mut env, &[0, 1, 2, 3, 4, 5]);
            prop_assert_eq!((column.ty, column.len()), (expr.ty(), 6), "{}", text);
            let failed: Vec<u32> = failures.iter().map(|failure| failure.row).collect();
            prop_assert!(failed.iter().all(|row| *row < 6), "{}", text);
            // What is a decimal stays within its digits.
            if let Values::Decimal(values) = &column.values {
                let fits = |v: &i128| v.abs() < crate::expr::decimal::POW10[38];
                prop_assert!((0..6).all(|row| !column.is_valid(row) || fits(&values[row])), "{}", text);
            }
        }
    }

    #[test]
    fn whatever_is_typed_an_error_points_into_it(words in prop::collection::vec(0..WORDS.len(), 0..12), noise in ".{0,3}") {
        let mut text: String = words.into_iter().map(|word| WORDS[word]).collect();
        text.push_str(&noise);
        for error in [compile(&text).err(), compile_measure(&text, &mut Fields).err(), compile_key(&text, &mut Fields).err()] {
            let span = error.map_or(0..0, |error| error.span);
            prop_assert!(text.get(span.clone()).is_some(), "{} {:?}", text, span);
        }
    }
}
