//! What the recorded PostgreSQL values can't show: errors and their places, laziness, selections, measures, and the
//! functions that are logmill's own.

mod errors;
mod identity;
mod measures;
mod monkey;
mod own_functions;
pub(crate) mod pairs;
mod reference;
mod rows;
mod words;

use std::rc::Rc;

use bumpalo::Bump;

use super::{Env, Expr, ExprError, Scope};
use crate::data::{Column, DataType, Failure, Scalar, Values};

/// A few fields of an access log.
struct Fields;

const NAMES: [(&str, DataType); 7] = [
    ("status", DataType::Int),
    ("path", DataType::Text),
    ("request_time", DataType::Decimal(3)),
    ("remote_addr", DataType::Ip),
    ("at", DataType::Timestamp),
    ("http.host", DataType::Text),
    ("ratio", DataType::Float),
];

impl Scope for Fields {
    fn resolve(&mut self, name: &str) -> Option<(usize, DataType)> {
        let slot = NAMES.iter().position(|(known, _)| *known == name)?;
        Some((slot, NAMES[slot].1))
    }

    fn names(&self) -> Vec<String> {
        NAMES.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

fn compile(text: &str) -> Result<Expr, ExprError> {
    Expr::compile(text, &mut Fields)
}

/// The value of an expression that reads no field, as text.
fn constant(text: &str) -> String {
    let expr = compile(text).expect(text);
    let (arena, mut failures) = (Bump::new(), Vec::new());
    let mut env = Env { slots: &[], arena: &arena, len: 1, failures: &mut failures };
    match expr.eval(&mut env, &[0]).scalar(0) {
        Scalar::Text(text) => text.into(),
        Scalar::Null => "NULL".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Evaluates over a column of ints in the slot of `status`.
fn over_status(text: &str, status: &[i64], sel: &[u32]) -> (Vec<Scalar>, Vec<Failure>) {
    let expr = compile(text).expect(text);
    let column = Column { ty: DataType::Int, values: Values::Int(status.to_vec()), valid: None };
    let slots = [Some(Rc::new(column))];
    let (arena, mut failures) = (Bump::new(), Vec::new());
    let mut env = Env { slots: &slots, arena: &arena, len: status.len(), failures: &mut failures };
    let column = expr.eval(&mut env, sel);
    assert_eq!(column.len(), status.len());
    (sel.iter().map(|&row| column.scalar(row as usize)).collect(), failures)
}
