//! SQL expressions: text -> typed plan -> evaluation over columns.

//!
//! `parse` makes a small syntax tree, `check` types it into a `plan`, `eval` walks the plan with `kernel`s, which come
//! from `op` (operators and casts) and `functions` (one family a file).

mod aggregate;
mod check;
pub(crate) mod civil;
mod compile;
mod convert;
mod decimal;
mod error;
mod eval;
mod functions;
mod identity;
mod kernel;
mod op;
mod operation;
mod parse;
mod per_text;
mod plan;
mod reference;
mod stack_text;
#[cfg(test)]
pub(crate) mod tests;
mod types;

pub use aggregate::AggregateFn;
pub use compile::{compile_key, compile_measure};
pub(crate) use convert::write_timestamp;
pub use error::ExprError;
pub use identity::{Identity, SlotNames, word};
pub(crate) use op::compare::address_order;
pub use types::{AggregateCall, Expr, KeyExpr, Measure, Scope};

use std::rc::Rc;

use bumpalo::Bump;

use crate::data::{Column, Failure};

/// What an evaluation works on: the columns of one block of records.
pub struct Env<'e, 'a> {
    /// One column a slot (fields first, then `let` names), where it was asked for.
    pub slots: &'e [Option<Rc<Column<'a>>>],
    /// Where computed text lives as long as the chunk.
    pub arena: &'a Bump,
    /// Rows of the block.
    pub len: usize,
    /// Records that could not be evaluated; their value is NULL.
    pub failures: &'e mut Vec<Failure>,
}
