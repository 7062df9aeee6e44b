//! The second way from lines to groups, for `verify`: one line after the other, one value at a time, groups in a sorted map,
//! and states as a textbook has them. Slow, small, and apart from the way of the runs: it shares with that the formats' slow
//! paths, the kernels of what [`Expr::value_of`](crate::expr::Expr::value_of) does not compute itself, and the sketches;
//! it has no blocks, no columns, no lanes or marks, no hashing, no codes, no caches, no shared aggregates, no merging of
//! tables and no store.

mod encode;
mod exact;
mod groups;
mod lines;
mod records;
mod states;
#[cfg(test)]
mod tests;

pub use encode::put as put_value;
pub use groups::{Group, Groups};
pub use lines::{Reader, Record, Segment};
pub use records::RecordCutter;
