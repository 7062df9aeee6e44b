//! Merging of sorted sequences of groups, a block of merged groups at a time.

use arrow_array::BinaryArray;
use arrow_array::builder::BinaryBuilder;

use super::accumulator::{Accumulator, MeasureError};
use super::cursor::Cursor;
use super::map::accumulators;
use super::parquet_file::FileError;
use super::state;
use crate::expr::AggregateFn;
use crate::limits::STORE_BLOCK_ROWS;
use crate::plan::ReducePlan;

/// Why groups can't be merged or shown.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// A file of the store.
    #[error(transparent)]
    File(#[from] FileError),
    /// A state or a key that this program can't read.
    #[error(
        "the stored groups can't be read: {0}; remove the job's state directory and its outputs to compute them anew"
    )]
    Stored(String),
    /// A measure with no right value.
    #[error("measure `{measure}`: {what}; {help}")]
    Measure {
        /// Its name.
        measure: String,
        /// What is wrong.
        what: String,
        /// What to do.
        help: &'static str,
    },
}

/// Some merged groups, ascending by key.
pub struct GroupBlock {
    keys: Vec<u8>,
    ends: Vec<usize>,
    batches: Vec<u64>,
    /// Their states, one accumulator an aggregate call, sealed.
    pub accumulators: Vec<Box<dyn Accumulator>>,
    rows_max: usize,
}

impl GroupBlock {
    /// An empty block for a plan.
    pub fn new(reduce: &ReducePlan) -> Self {
        GroupBlock {
            keys: Vec::new(),
            ends: Vec::new(),
            batches: Vec::new(),
            accumulators: accumulators(reduce),
            rows_max: rows_max(reduce),
        }
    }

    /// How many groups.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The key of a group.
    pub fn key(&self, group: usize) -> &[u8] {
        let start = if group == 0 { 0 } else { self.ends[group - 1] };
        &self.keys[start..self.ends[group]]
    }

    /// All keys.
    pub fn keys(&self) -> BinaryArray {
        let mut builder = BinaryBuilder::with_capacity(self.len(), self.keys.len());
        (0..self.len()).for_each(|group| builder.append_value(self.key(group)));
        builder.finish()
    }

    /// The batch that changed each group last.
    pub fn batches(&self) -> &[u64] {
        &self.batches
    }

    /// Appends the states of a group.
    pub fn state(&self, group: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        for accumulator in &self.accumulators {
            scratch.clear();
            accumulator.state(group, scratch);
            state::append(scratch, out);
        }
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.ends.clear();
        self.batches.clear();
        self.accumulators.iter_mut().for_each(|a| a.clear());
        self.accumulators.iter_mut().for_each(|a| a.resize(self.rows_max));
    }

    /// Whether no further group belongs into it.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.rows_max
    }

    /// The key of the last group.
    pub(super) fn last_key(&self) -> &[u8] {
        self.len().checked_sub(1).map_or(&[], |last| self.key(last))
    }

    /// Makes the states ready to be read out.
    pub(super) fn seal(&mut self) {
        self.accumulators.iter_mut().for_each(|a| a.seal());
    }

    pub(super) fn push_key(&mut self, key: &[u8]) {
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len());
        self.batches.push(0);
    }

    /// Folds the cursor's group into the last one, where it has the same key; whether it has.
    pub(super) fn fold_same(
        &mut self,
        cursor: &dyn Cursor,
        state: &mut Vec<u8>,
    ) -> Result<bool, GroupError> {
        if cursor.key() != Some(self.last_key()) {
            return Ok(false);
        }
        state.clear();
        cursor.state(state);
        self.fold(state, cursor.batch())?;
        Ok(true)
    }

    fn fold(&mut self, mut states: &[u8], batch: u64) -> Result<(), GroupError> {
        let group = self.len() - 1;
        self.batches[group] = self.batches[group].max(batch);
        for accumulator in &mut self.accumulators {
            let part = state::next(&mut states)
                .ok_or_else(|| GroupError::Stored("a state is short".into()))?;
            let merged = accumulator.merge_state(group, part);
            merged.map_err(|e: MeasureError| GroupError::Stored(e.to_string()))?;
        }
        Ok(())
    }
}

/// Sketches take kilobytes a group: fewer of them at a time. Depends on the plan only, so that files do too.
fn rows_max(reduce: &ReducePlan) -> usize {
    let large = |f: AggregateFn| {
        matches!(
            f,
            AggregateFn::ApproxDistinct
                | AggregateFn::ApproxQuantile(_)
                | AggregateFn::CountDistinct
        )
    };
    let sketches = reduce.aggregates.iter().filter(|a| large(a.function)).count();
    (STORE_BLOCK_ROWS / (1 + 8 * sketches)).max(256)
}

/// Sorted sequences, merged: equal keys become one group.
pub struct Merge<'c> {
    cursors: Vec<Box<dyn Cursor + 'c>>,
    state: Vec<u8>,
}

impl<'c> Merge<'c> {
    /// Over these sequences.
    pub fn new(cursors: Vec<Box<dyn Cursor + 'c>>) -> Self {
        Merge { cursors, state: Vec::new() }
    }

    /// Fills the block with the next groups; false behind the last.
    pub fn next(&mut self, block: &mut GroupBlock) -> Result<bool, GroupError> {
        block.clear();
        while !block.is_full() {
            let Some(first) = self.smallest() else { break };
            block.push_key(self.cursors[first].key().unwrap_or_default());
            for cursor in &mut self.cursors[first..] {
                if block.fold_same(cursor.as_ref(), &mut self.state)? {
                    cursor.advance()?;
                }
            }
        }
        block.seal();
        Ok(!block.is_empty())
    }

    /// The first of the cursors with the smallest key.
    fn smallest(&self) -> Option<usize> {
        let keys = self.cursors.iter().enumerate().filter_map(|(at, c)| Some((c.key()?, at)));
        keys.min().map(|(_, at)| at)
    }
}
