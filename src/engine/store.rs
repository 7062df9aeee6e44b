//! The store of the groups: per time partition sorted runs, each a Parquet file of (key, state, batch), ascending by key.
//! They hold what the visible columns can't carry: sketches, sums and counts of averages. A group's value is the merge of
//! its states in all runs. Version 1; `key` and `state` describe the bytes.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, BinaryArray, Int64Array, RecordBatch};

use super::cursor::Cursor;
use super::parquet_file::FileError;
use super::row_groups::{RowGroups, Wanted};

/// Reads a run, group by group.
pub struct StoreCursor {
    groups: RowGroups,
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
        let mut cursor = Self::unplaced(path)?;
        cursor.refill(Wanted::All)?;
        Ok(cursor)
    }

    /// Opens a file and stands nowhere until it is told where to: no row is read before.
    pub(super) fn unplaced(path: &Path) -> Result<Self, FileError> {
        let groups = RowGroups::open(path, &["key", "state", "batch"])?;
        Ok(StoreCursor { groups, rows: None, at: 0 })
    }

    /// How many row groups were read.
    pub(super) fn row_groups_read(&self) -> usize {
        self.groups.decoded()
    }

    fn refill(&mut self, wanted: Wanted<'_>) -> Result<(), FileError> {
        self.at = 0;
        self.rows = None;
        if let Some(rows) = self.groups.next(wanted)? {
            let rows = Rows::read(&rows).ok_or_else(|| self.groups.damaged("its columns"))?;
            self.rows = Some(rows);
        }
        Ok(())
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

    /// The first place from `at` on whose key is not below the one given; `None` where all are. Rows are never empty.
    fn find(&self, at: usize, key: &[u8]) -> Option<usize> {
        let len = self.keys.len();
        if self.keys.value(len - 1) < key {
            return None;
        }
        // Where most groups are looked for, the next is just ahead: strides that double, then halves.
        let (mut low, mut stride) = (at, 1);
        while low + stride < len && self.keys.value(low + stride - 1) < key {
            low += stride;
            stride *= 2;
        }
        let mut high = (low + stride).min(len);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.keys.value(middle) < key { low = middle + 1 } else { high = middle }
        }
        Some(low)
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
            Some(rows) if self.at >= rows.keys.len() => self.refill(Wanted::All),
            _ => Ok(()),
        }
    }

    fn seek(&mut self, key: &[u8]) -> Result<(), FileError> {
        loop {
            match self.rows.as_ref().map(|rows| rows.find(self.at, key)) {
                Some(Some(at)) => {
                    self.at = at;
                    return Ok(());
                }
                _ => self.refill(Wanted::Key(key))?,
            }
            if self.rows.is_none() {
                return Ok(());
            }
        }
    }
}
