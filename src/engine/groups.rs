//! A block of groups: their keys, and their states in accumulators.

use std::ops::Range;

use arrow_array::BinaryArray;
use arrow_array::builder::BinaryBuilder;

use super::accumulator::{Accumulator, MeasureError};
use super::cursor::{Cursor, TableSlice};
use super::map::accumulators;
use super::merged::Merged;
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

    /// Bytes on the heap for states, roughly.
    pub(super) fn heap_bytes(&self) -> usize {
        self.accumulators.iter().map(|a| a.heap_bytes()).sum()
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
        self.empty(self.rows_max);
    }

    /// Forgets all groups, and makes room for so many.
    fn empty(&mut self, groups: usize) {
        self.keys.clear();
        self.ends.clear();
        self.batches.clear();
        self.accumulators.iter_mut().for_each(|a| a.clear());
        self.accumulators.iter_mut().for_each(|a| a.resize(groups));
    }

    /// Takes the place of what was in it: these groups, each the merge of its states.
    pub fn fill(&mut self, merged: &Merged) -> Result<(), GroupError> {
        self.fill_with(merged, 0..merged.len())
    }

    /// The same with some of them.
    pub fn fill_with(&mut self, merged: &Merged, groups: Range<usize>) -> Result<(), GroupError> {
        self.empty(groups.len());
        for group in groups {
            self.push_key(merged.key(group));
            merged.states(group).try_for_each(|state| self.fold(state, merged.batch(group)))?;
        }
        self.seal();
        Ok(())
    }

    /// Takes the place of what was in it: groups of tables, whose keys ascend from slice to slice.
    pub fn gather(&mut self, slices: &[TableSlice<'_>], batch: u64) {
        self.empty(slices.iter().map(|slice| slice.order.len()).sum());
        for slice in slices {
            let from = self.len() as u32;
            slice.order.iter().for_each(|&group| self.push_key(slice.table.key(group)));
            let pairs: Vec<(u32, u32)> = slice.order.iter().copied().zip(from..).collect();
            for (call, mine) in self.accumulators.iter_mut().enumerate() {
                mine.merge(slice.table.accumulator(call), &pairs);
            }
        }
        self.batches.fill(batch);
        self.seal();
    }

    /// How many groups belong into it at most.
    pub fn rows_max(&self) -> usize {
        self.rows_max
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
pub fn rows_max(reduce: &ReducePlan) -> usize {
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
