//! SQL expressions: text -> typed plan -> evaluation over columns.

mod aggregate;

pub use aggregate::AggregateFn;

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
