//! A file of events: row groups that are complete, written one after the other.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::column::writer::ColumnCloseResult;
use parquet::file::writer::SerializedFileWriter;

use super::rows::{FileLayout, RowGroup};
use crate::engine::parquet_file::{FileError, HashedFile, Unsynced};

/// A file that is being written.
pub(super) struct EventsFile {
    path: PathBuf,
    writer: SerializedFileWriter<HashedFile>,
}

impl EventsFile {
    /// Makes a new file; its folder must be there.
    pub(super) fn create(path: &Path, layout: &FileLayout) -> Result<Self, FileError> {
        let file = HashedFile::create(path)?;
        let (schema, properties) = (layout.columns.root_schema_ptr(), &layout.properties);
        let writer = SerializedFileWriter::new(file, schema, Arc::clone(properties))
            .map_err(FileError::parquet("create", path))?;
        Ok(EventsFile { path: path.to_owned(), writer })
    }

    /// Writes row groups.
    pub(super) fn write(&mut self, groups: Vec<RowGroup>) -> Result<(), FileError> {
        let writer = &mut self.writer;
        let write = || {
            for group in groups {
                let mut row_group = writer.next_row_group()?;
                for (bytes, chunk) in group {
                    row_group.append_column(&bytes, chunk)?;
                }
                row_group.close()?;
            }
            Ok(())
        };
        write().map_err(FileError::parquet("write", &self.path))
    }

    /// Writes a row group as it lies in another file.
    pub(super) fn copy(
        &mut self,
        from: &File,
        chunks: Vec<ColumnCloseResult>,
    ) -> Result<(), FileError> {
        let writer = &mut self.writer;
        let write = || {
            let mut row_group = writer.next_row_group()?;
            chunks.into_iter().try_for_each(|chunk| row_group.append_column(from, chunk))?;
            row_group.close().map(drop)
        };
        write().map_err(FileError::parquet("write", &self.path))
    }

    /// Writes the footer.
    pub(super) fn close(self, rows: u64) -> Result<Unsynced, FileError> {
        // `into_inner` writes the footer and flushes; `close` alone did not always (arrow-rs#5253).
        let file = self.writer.into_inner().map_err(FileError::parquet("write", &self.path))?;
        file.unsynced(rows)
    }
}
