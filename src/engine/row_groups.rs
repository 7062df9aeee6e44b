//! The rows of a file of the store, a row group at a time: those that can't hold what is looked for are passed over by
//! their statistics, without a byte of them being read.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::statistics::Statistics;

use super::parquet_file::FileError;
use crate::limits::STORE_BLOCK_ROWS;

/// Which row groups are wanted.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'k> {
    /// All.
    All,
    /// Those that may hold this key or a later one.
    Key(&'k [u8]),
    /// Those that may hold a group which a later batch than this one changed.
    Since(u64),
}

/// Some columns of a file, from its first row group to its last.
pub(super) struct RowGroups {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    columns: ProjectionMask,
    /// The row group that is being read.
    reader: Option<ParquetRecordBatchReader>,
    /// The one behind it.
    next: usize,
    decoded: usize,
}

impl RowGroups {
    /// Opens a file; nothing of its rows is read yet.
    pub(super) fn open(path: &Path, columns: &[&str]) -> Result<Self, FileError> {
        let file = File::open(path).map_err(FileError::io("open", path))?;
        let metadata = ArrowReaderMetadata::load(&file, Default::default())
            .map_err(FileError::parquet("read", path))?;
        let columns = ProjectionMask::columns(metadata.parquet_schema(), columns.iter().copied());
        let path = path.to_owned();
        Ok(RowGroups { path, file, metadata, columns, reader: None, next: 0, decoded: 0 })
    }

    /// How many row groups were read.
    pub(super) fn decoded(&self) -> usize {
        self.decoded
    }

    /// For errors.
    pub(super) fn damaged(&self, what: impl ToString) -> FileError {
        FileError::Damaged { path: self.path.clone(), what: what.to_string() }
    }

    /// The next rows, at least one, of the row groups that are wanted; `None` behind the last.
    pub(super) fn next(&mut self, wanted: Wanted<'_>) -> Result<Option<RecordBatch>, FileError> {
        loop {
            if self.reader.is_some() && !self.may_hold(self.next - 1, wanted) {
                self.reader = None;
            }
            match self.reader.as_mut().and_then(Iterator::next) {
                Some(Err(error)) => return Err(self.damaged(error)),
                Some(Ok(rows)) if rows.num_rows() > 0 => return Ok(Some(rows)),
                Some(Ok(_)) => {}
                None if !self.enter(wanted)? => return Ok(None),
                None => {}
            }
        }
    }

    /// Begins the next row group that is wanted; false where there is none.
    fn enter(&mut self, wanted: Wanted<'_>) -> Result<bool, FileError> {
        self.reader = None;
        let end = self.metadata.metadata().num_row_groups();
        let found = (self.next..end).find(|&group| self.may_hold(group, wanted));
        self.next = found.map_or(end, |group| group + 1);
        if let Some(group) = found {
            self.reader = Some(self.read(group)?);
            self.decoded += 1;
        }
        Ok(found.is_some())
    }

    fn read(&self, group: usize) -> Result<ParquetRecordBatchReader, FileError> {
        let file = self.file.try_clone().map_err(FileError::io("read", &self.path))?;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_projection(self.columns.clone())
            .with_row_groups(vec![group])
            .with_batch_size(STORE_BLOCK_ROWS)
            .build()
            .map_err(FileError::parquet("read", &self.path))
    }

    /// Whether a row group may hold what is wanted. Keys' statistics are bounds: a long key is cut, and the cut one is
    /// rounded up. A file without statistics may hold anything.
    fn may_hold(&self, group: usize, wanted: Wanted<'_>) -> bool {
        match wanted {
            Wanted::All => true,
            Wanted::Key(key) => {
                let max = self.statistics(group, "key").and_then(Statistics::max_bytes_opt);
                max.is_none_or(|max| max >= key)
            }
            Wanted::Since(since) => match self.statistics(group, "batch") {
                Some(Statistics::Int64(batches)) => {
                    batches.max_opt().is_none_or(|&max| max as u64 > since)
                }
                _ => true,
            },
        }
    }

    fn statistics(&self, group: usize, column: &str) -> Option<&Statistics> {
        let columns = self.metadata.metadata().row_group(group).columns();
        columns.iter().find(|c| c.column_path().string() == column)?.statistics()
    }
}
