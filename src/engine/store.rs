//! The store of the groups: per time partition one Parquet file of (key, state, batch), sorted by key. It holds what the
//! visible columns can't carry: sketches, sums and counts of averages. Version 1; `key` and `state` describe the bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, BinaryArray, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::cursor::Cursor;
use super::groups::GroupBlock;
use super::parquet_file::{self, Content, FileError, ParquetFile, Written};
use crate::limits::STORE_BLOCK_ROWS;

/// Writes a store's file from blocks of groups.
pub struct StoreWriter {
    file: ParquetFile,
    schema: arrow_schema::SchemaRef,
}

impl StoreWriter {
    /// Makes a new file.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let schema = parquet_file::schema(vec![
            Field::new("key", DataType::Binary, false),
            Field::new("state", DataType::Binary, false),
            Field::new("batch", DataType::Int64, false),
        ]);
        let file = ParquetFile::create(path, Arc::clone(&schema), Content::Store)?;
        Ok(StoreWriter { file, schema })
    }

    /// Appends the groups of a block.
    pub fn write(&mut self, block: &GroupBlock) -> Result<(), FileError> {
        let mut states = BinaryBuilder::new();
        let (mut scratch, mut state) = (Vec::new(), Vec::new());
        for group in 0..block.len() {
            state.clear();
            block.state(group, &mut scratch, &mut state);
            states.append_value(&state);
        }
        let batches = block.batches().iter().map(|&b| b as i64).collect::<Int64Array>();
        let columns: Vec<arrow_array::ArrayRef> =
            vec![Arc::new(block.keys()), Arc::new(states.finish()), Arc::new(batches)];
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("three columns of equal length and the schema's types");
        self.file.write(&rows)
    }

    /// Makes the file durable.
    pub fn finish(self) -> Result<Written, FileError> {
        self.file.finish()
    }
}

/// Reads a store's file, group by group.
pub struct StoreCursor {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    rows: Option<Rows>,
    at: usize,
}

struct Rows {
    keys: BinaryArray,
    states: BinaryArray,
    batches: Int64Array,
}

impl StoreCursor {
    /// Opens a file and stands at its first group.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let reader = parquet_file::open(path, STORE_BLOCK_ROWS)?;
        let mut cursor = StoreCursor { path: path.to_owned(), reader, rows: None, at: 0 };
        cursor.refill()?;
        Ok(cursor)
    }

    fn damaged(&self, what: impl ToString) -> FileError {
        FileError::Damaged { path: self.path.clone(), what: what.to_string() }
    }

    fn refill(&mut self) -> Result<(), FileError> {
        self.at = 0;
        self.rows = None;
        loop {
            let Some(rows) = self.reader.next() else { return Ok(()) };
            let rows = rows.map_err(|e| self.damaged(e))?;
            if rows.num_rows() > 0 {
                self.rows = Some(Rows::read(&rows).ok_or_else(|| self.damaged("its columns"))?);
                return Ok(());
            }
        }
    }
}

impl Rows {
    fn read(rows: &RecordBatch) -> Option<Rows> {
        Some(Rows {
            keys: rows.column_by_name("key")?.as_binary_opt()?.clone(),
            states: rows.column_by_name("state")?.as_binary_opt()?.clone(),
            batches: rows.column_by_name("batch")?.as_primitive_opt::<Int64Type>()?.clone(),
        })
    }
}

impl Cursor for StoreCursor {
    fn key(&self) -> Option<&[u8]> {
        self.rows.as_ref().map(|rows| rows.keys.value(self.at))
    }

    fn state(&self, out: &mut Vec<u8>) {
        if let Some(rows) = &self.rows {
            out.extend_from_slice(rows.states.value(self.at));
        }
    }

    fn batch(&self) -> u64 {
        self.rows.as_ref().map_or(0, |rows| rows.batches.value(self.at) as u64)
    }

    fn advance(&mut self) -> Result<(), FileError> {
        self.at += 1;
        match &self.rows {
            Some(rows) if self.at >= rows.keys.len() => self.refill(),
            _ => Ok(()),
        }
    }
}
