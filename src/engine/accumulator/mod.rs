//! Accumulators: the aggregate functions, one file each, columnar and indexed by gapless group ids.
//!
//! Law: `update` and `merge` commute and associate, and equal content has equal state bytes, however it came together.

mod address;
mod approx_distinct;
mod approx_quantile;
mod avg;
mod bigratio;
mod count;
mod count_distinct;
mod distinct_fixed;
mod distinct_text;
mod encode;
mod ertl;
mod extreme;
mod factory;
mod first_last;
mod fixed;
mod grouped;
mod histogram;
mod hyperloglog;
mod packed;
mod stddev;
mod sum;
mod summand;
mod superaccumulator;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_columns;
mod total;
mod value;
mod value_set;

pub use factory::{have_one_state, new};

use std::any::Any;

use bumpalo::Bump;

use crate::data::{Column, DataType};

/// Rows to fold in: `groups[i]` gets row `rows[i]` of the column. NULL values are passed too; accumulators skip them.
pub struct Input<'i, 'a> {
    /// Group id of each row to fold in.
    pub groups: &'i [u32],
    /// Row of each, in the column.
    pub rows: &'i [u32],
    /// The argument; `None` for `count(*)`.
    pub column: Option<&'i Column<'a>>,
    /// The place of every row of the block in the total order, for `first` and `last` only.
    pub order: Option<&'i Order<'i>>,
}

/// Where the rows of a block stand in the order "by event time, then file order".
pub struct Order<'i> {
    /// Event time of each row of the block, microseconds.
    pub event_time: &'i [i64],
    /// Rank of the segment, by content: (event time of its first line, hash of its first line).
    pub segment: (i64, u64),
    /// Offset of each row's line in the (decompressed) segment.
    pub offset: &'i [u64],
}

/// The states of one aggregate function over all groups of a table.
pub trait Accumulator: Any + Send + Sync {
    /// Makes room for `groups` groups in all; new ones are empty.
    fn resize(&mut self, groups: usize);
    /// Folds rows in.
    fn update(&mut self, input: &Input<'_, '_>);
    /// Folds groups of another accumulator of the same kind in. A pair: its group, and the one here that it becomes.
    fn merge(&mut self, other: &dyn Accumulator, pairs: &[(u32, u32)]);
    /// An accumulator of the same kind without groups.
    fn fresh(&self) -> Box<dyn Accumulator>;
    /// Appends the canonical state of a group.
    fn state(&self, group: usize, out: &mut Vec<u8>);
    /// Asks for the memory that [`Accumulator::state`] will read first.
    fn prefetch(&self, group: usize);
    /// Called once before a series of [`Accumulator::state`] or [`Accumulator::evaluate`], after the last change.
    fn seal(&mut self) {}
    /// Folds a state in that [`Accumulator::state`] wrote.
    fn merge_state(&mut self, group: usize, state: &[u8]) -> Result<(), MeasureError>;
    /// The values of the groups `from..to`, as rows `0..to-from`.
    fn evaluate<'a>(
        &self,
        from: usize,
        to: usize,
        arena: &'a Bump,
    ) -> Result<Column<'a>, MeasureError>;
    /// The type of the values.
    fn data_type(&self) -> DataType;
    /// Bytes on the heap, roughly, for the memory limit. Must be cheap.
    fn heap_bytes(&self) -> usize;
    /// Forgets all groups, keeping the buffers.
    fn clear(&mut self);
    /// Moves the states of some groups out, a part after the other, into accumulators of their own; the groups are empty
    /// then. `None`, and nothing done, where states are as cheap to copy.
    fn cut(&mut self, parts: &[&[u32]]) -> Option<Vec<Box<dyn Accumulator>>>;
    /// Folds all groups of another accumulator of the same kind in, whose `n`th group becomes `groups[n]` here. They are
    /// empty then.
    fn absorb(&mut self, other: &mut dyn Accumulator, groups: &[u32]);
}

/// A measure that has no right value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeasureError {
    /// The exact sum does not fit its type.
    #[error("{0} overflows")]
    Overflow(&'static str),
    /// A stored state that this program can't read.
    #[error("the stored state of {0} is damaged or of another version")]
    State(&'static str),
}
