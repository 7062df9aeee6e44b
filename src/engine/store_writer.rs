//! Writes runs of the store.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, SchemaRef};

use super::groups::GroupBlock;
use super::merged::Merged;
use super::parquet_file::{self, Content, FileError, Unsynced};
use super::row_group_file::{Encoder, RowGroup, RowGroupFile};
use crate::limits::{STORE_GROUP_BYTES, STORE_GROUP_ROWS};

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
    /// The groups of a block; `merged`, if it was filled with these.
    pub fn encode(
        &self,
        block: &GroupBlock,
        merged: Option<&Merged>,
    ) -> Result<Vec<RowGroup>, FileError> {
        let rows = self.rows(block, merged);
        let cuts = cuts(&rows, self.rows_max);
        cuts.map(|cut| self.encoder.row_group(&rows.slice(cut.start, cut.len()))).collect()
    }

    fn rows(&self, block: &GroupBlock, merged: Option<&Merged>) -> RecordBatch {
        let mut states = BinaryBuilder::with_capacity(block.len(), merged.map_or(0, Merged::bytes));
        let (mut scratch, mut state) = (Vec::new(), Vec::new());
        for group in 0..block.len() {
            // Most groups stand in one sequence only; what is written there is what would be written here.
            if let Some(only) = merged.and_then(|merged| merged.only_state(group)) {
                states.append_value(only);
                continue;
            }
            state.clear();
            block.state(group, &mut scratch, &mut state);
            states.append_value(&state);
        }
        let batches = block.batches().iter().map(|&b| b as i64).collect::<Int64Array>();
        let columns: Vec<ArrayRef> =
            vec![Arc::new(block.keys()), Arc::new(states.finish()), Arc::new(batches)];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("three columns of equal length and the schema's types")
    }
}

fn schema() -> SchemaRef {
    parquet_file::schema(vec![
        Field::new("key", DataType::Binary, false),
        Field::new("state", DataType::Binary, false),
        Field::new("batch", DataType::Int64, false),
    ])
}

/// Row groups of so many rows at most, and of so many bytes, or of one row.
fn cuts(rows: &RecordBatch, rows_max: usize) -> impl Iterator<Item = Range<usize>> {
    let ends = [0, 1].map(|column| {
        let offsets = rows.column(column).as_binary::<i32>().value_offsets();
        offsets.iter().map(|&offset| offset as usize).collect::<Vec<_>>()
    });
    let bytes_to = move |row: usize| ends[0][row] + ends[1][row];
    let (mut from, len) = (0, rows.num_rows());
    std::iter::from_fn(move || {
        let mut to = (from + rows_max).min(len);
        while to > from + 1 && bytes_to(to) - bytes_to(from) > STORE_GROUP_BYTES {
            to = from + (to - from) / 2;
        }
        let cut = from..to;
        from = to;
        (!cut.is_empty()).then_some(cut)
    })
}
