//! Writes runs of the store.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, SchemaRef};
use rayon::prelude::*;

use super::groups::GroupBlock;
use super::merged::Merged;
use super::parquet_file::{self, Content, FileError, Unsynced};
use super::row_group_file::{Encoder, RowGroup, RowGroupFile};
use crate::limits::{STORE_GROUP_BYTES, STORE_GROUP_ROWS};

/// States in memory that are worth a thread's while.
const PIECE_BYTES: usize = 1 << 20;

/// Writes a run from blocks of groups.
pub struct StoreWriter {
    file: RowGroupFile,
    rows_max: usize,
}

/// Encodes blocks of groups for a run, on any thread.
pub struct StoreEncoder {
    encoder: Encoder,
    schema: SchemaRef,
    rows_max: usize,
}

impl StoreWriter {
    /// Makes a new file.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        Self::create_cut(path, STORE_GROUP_ROWS)
    }

    /// The same with row groups of so many rows.
    pub(super) fn create_cut(path: &Path, rows_max: usize) -> Result<Self, FileError> {
        let file = RowGroupFile::create(path, schema(), Content::Store(rows_max))?;
        Ok(StoreWriter { file, rows_max })
    }

    /// Encodes for it.
    pub fn encoder(&self) -> StoreEncoder {
        StoreEncoder { encoder: self.file.encoder(), schema: schema(), rows_max: self.rows_max }
    }

    /// Appends what was encoded.
    pub fn append(&mut self, groups: Vec<RowGroup>) -> Result<(), FileError> {
        groups.into_iter().try_for_each(|group| self.file.append(group))
    }

    /// Writes the footer.
    pub fn finish(self) -> Result<Unsynced, FileError> {
        self.file.finish()
    }
}

impl StoreEncoder {
    /// The groups of a block; `merged`, if it was filled with these. `parallel`: on all threads of the pool, where its
    /// states are many bytes.
    pub fn encode(
        &self,
        block: &GroupBlock,
        merged: Option<&Merged>,
        parallel: bool,
    ) -> Result<Vec<RowGroup>, FileError> {
        let states = States::of(block, merged, parallel);
        let (keys, cuts) = (block.keys(), cuts(block, &states, self.rows_max));
        let row_group = |cut: Range<usize>| {
            let keys = keys.slice(cut.start, cut.len());
            self.encoder.row_group(&self.rows(keys, &states, &block.batches()[cut.clone()], cut))
        };
        match parallel {
            true => cuts.into_par_iter().map(row_group).collect(),
            false => cuts.into_iter().map(row_group).collect(),
        }
    }

    fn rows(
        &self,
        keys: BinaryArray,
        states: &States,
        batches: &[u64],
        cut: Range<usize>,
    ) -> RecordBatch {
        let bytes = cut.clone().map(|group| states.get(group).len()).sum();
        let mut column = BinaryBuilder::with_capacity(cut.len(), bytes);
        cut.for_each(|group| column.append_value(states.get(group)));
        let batches = batches.iter().map(|&b| b as i64).collect::<Int64Array>();
        let columns: Vec<ArrayRef> =
            vec![Arc::new(keys), Arc::new(column.finish()), Arc::new(batches)];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("three columns of equal length and the schema's types")
    }
}

/// The states of a block as bytes.
struct States {
    /// Some groups each, as many as in the first; and where each state ends.
    pieces: Vec<(Vec<u8>, Vec<usize>)>,
    groups: usize,
}

impl States {
    fn of(block: &GroupBlock, merged: Option<&Merged>, parallel: bool) -> States {
        let len = block.len().max(1);
        let pieces = if parallel { block.heap_bytes() / PIECE_BYTES } else { 1 };
        let groups = len.div_ceil(pieces.clamp(1, len));
        let piece = |from: usize| piece(block, merged, from..(from + groups).min(block.len()));
        let pieces = match groups < len {
            true => (0..len.div_ceil(groups)).into_par_iter().map(|n| piece(n * groups)).collect(),
            false => vec![piece(0)],
        };
        States { pieces, groups }
    }

    fn get(&self, group: usize) -> &[u8] {
        let ((bytes, ends), at) = (&self.pieces[group / self.groups], group % self.groups);
        &bytes[at.checked_sub(1).map_or(0, |before| ends[before])..ends[at]]
    }
}

fn piece(
    block: &GroupBlock,
    merged: Option<&Merged>,
    groups: Range<usize>,
) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends, mut scratch) =
        (Vec::new(), Vec::with_capacity(groups.len()), Vec::new());
    for group in groups {
        // Most groups stand in one sequence only; what is written there is what would be written here.
        match merged.and_then(|merged| merged.only_state(group)) {
            Some(only) => bytes.extend_from_slice(only),
            None => block.state(group, &mut scratch, &mut bytes),
        }
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn schema() -> SchemaRef {
    parquet_file::schema(vec![
        Field::new("key", DataType::Binary, false),
        Field::new("state", DataType::Binary, false),
        Field::new("batch", DataType::Int64, false),
    ])
}

/// Row groups of so many rows at most, and of so many bytes, or of one row.
fn cuts(block: &GroupBlock, states: &States, rows_max: usize) -> Vec<Range<usize>> {
    let (mut bytes_to, mut bytes) = (vec![0], 0);
    for group in 0..block.len() {
        bytes += block.key(group).len() + states.get(group).len();
        bytes_to.push(bytes);
    }
    let (mut cuts, mut from) = (Vec::new(), 0);
    while from < block.len() {
        let mut to = (from + rows_max).min(block.len());
        while to > from + 1 && bytes_to[to] - bytes_to[from] > STORE_GROUP_BYTES {
            to = from + (to - from) / 2;
        }
        cuts.push(from..to);
        from = to;
    }
    cuts
}
