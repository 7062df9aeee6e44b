//! Dictionaries of one column chunk: each distinct value once, in the order of first appearance, already encoded as the
//! dictionary page has them. That order depends on the rows alone, so a file's bytes do, although the hashes are seeded anew
//! in each process: the values come from whoever writes to the logs.

mod text;
mod word;

pub(super) use text::{BATCH, TextDictionary};
pub(super) use word::{Word, WordDictionary};

/// Slots of an empty table: small, since a split with many time partitions has many dictionaries.
const SLOTS_MIN: usize = 64;
/// An index that marks a free slot.
const FREE: u32 = u32::MAX;

/// Whether a table needs more slots.
fn is_crowded(len: usize, slots: usize) -> bool {
    len * 3 > slots * 2
}
