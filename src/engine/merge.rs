//! Merging of sorted sequences of groups.

use super::cursor::Cursor;
use super::groups::{GroupBlock, GroupError};
use super::merged::Merged;
use super::parquet_file::FileError;
use super::tournament::Tournament;

/// Sorted sequences, merged: equal keys become one group.
pub struct Merge<'c> {
    cursors: Vec<Box<dyn Cursor + 'c>>,
    tournament: Tournament,
    merged: Merged,
}

impl<'c> Merge<'c> {
    /// Over these sequences.
    pub fn new(cursors: Vec<Box<dyn Cursor + 'c>>) -> Self {
        let tournament = Tournament::new(cursors.len(), |a, b| before(&cursors, a, b));
        Merge { cursors, tournament, merged: Merged::default() }
    }

    /// Fills the block with the next groups; false behind the last.
    pub fn next(&mut self, block: &mut GroupBlock) -> Result<bool, GroupError> {
        let mut merged = std::mem::take(&mut self.merged);
        self.next_merged(block.rows_max(), &mut merged)?;
        block.fill(&merged)?;
        self.merged = merged;
        Ok(!block.is_empty())
    }

    /// The same as bytes: so many groups, or fewer if they are the last.
    pub fn next_merged(&mut self, rows_max: usize, merged: &mut Merged) -> Result<(), FileError> {
        merged.clear();
        while let Some(winner) = self.tournament.winner() {
            let cursor = &mut self.cursors[winner];
            let Some(key) = cursor.key() else { break };
            if merged.last_key() != Some(key) {
                if merged.len() == rows_max {
                    break;
                }
                merged.push_key(key);
            }
            merged.push_state(cursor.batch(), |states| cursor.state(states));
            cursor.advance()?;
            let cursors = &self.cursors;
            self.tournament.replay(|a, b| before(cursors, a, b));
        }
        Ok(())
    }
}

/// Whether the cursor `a` stands before `b`. Those that are at their end stand last, and equal keys in the order of the
/// cursors.
#[inline]
fn before(cursors: &[Box<dyn Cursor + '_>], a: usize, b: usize) -> bool {
    match (cursors[a].key(), cursors[b].key()) {
        (Some(left), Some(right)) => left.cmp(right).then(a.cmp(&b)).is_lt(),
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => a < b,
    }
}
