//! Several files of events become one: row groups that are large are copied as they are, with their statistics and indexes;
//! small ones that stand beside each other are encoded anew, together.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::file::EventsFile;
use super::layout;
use super::pages::Codec;
use super::rows::{FileLayout, Rows};
use crate::data::Column;
use crate::engine::parquet_file::{self, FileError, Written};
use crate::limits::{EVENT_GROUP_LARGE_BYTES, EVENT_GROUP_LARGE_ROWS, STORE_BLOCK_ROWS};
use crate::plan::EventsOutput;

/// Writes the records of several files into one, in their order.
pub fn join(output: &EventsOutput, files: &[PathBuf], path: &Path) -> Result<Written, FileError> {
    join_as(layout(output), files, path)
}

/// As [`join`], for files of a layout.
pub(super) fn join_as(
    layout: FileLayout,
    files: &[PathBuf],
    path: &Path,
) -> Result<Written, FileError> {
    let mut join = Join::create(path, layout)?;
    for file in files {
        let source = Arc::new(Source::open(file)?);
        for group in 0..source.metadata.metadata().num_row_groups() {
            join.add(Group { source: Arc::clone(&source), number: group })?;
        }
    }
    join.close()
}

/// A file that is joined.
struct Source {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
}

impl Source {
    fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path).map_err(FileError::io("open", path))?;
        // Texts and floats have no column index. What is copied keeps how many pages have which encoding.
        let options = ArrowReaderOptions::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_encoding_stats_as_mask(false);
        let metadata = ArrowReaderMetadata::load(&file, options);
        let metadata = metadata.map_err(FileError::parquet("read", path))?;
        Ok(Source { path: path.to_owned(), file, metadata })
    }

    fn damaged(&self, what: impl Into<String>) -> FileError {
        FileError::Damaged { path: self.path.clone(), what: what.into() }
    }
}

/// One of its row groups.
struct Group {
    source: Arc<Source>,
    number: usize,
}

impl Group {
    fn metadata(&self) -> &RowGroupMetaData {
        self.source.metadata.metadata().row_group(self.number)
    }

    fn is_large(&self) -> bool {
        let metadata = self.metadata();
        metadata.num_rows() >= EVENT_GROUP_LARGE_ROWS as i64
            || metadata.compressed_size() >= EVENT_GROUP_LARGE_BYTES as i64
    }

    /// What stands in the footer and in the indexes about each column's chunk.
    fn chunks(&self) -> Result<Vec<ColumnCloseResult>, FileError> {
        let indexes = self.source.metadata.metadata().page_index_for_row_group(self.number);
        let rows = self.metadata().num_rows() as u64;
        let chunk = |(column, metadata): (usize, &ColumnChunkMetaData)| {
            let offset_index = indexes.offset_index(column);
            let offset_index =
                offset_index.ok_or_else(|| self.source.damaged("it has no offset index"))?;
            Ok(ColumnCloseResult {
                bytes_written: metadata.compressed_size() as u64,
                rows_written: rows,
                metadata: with_bounds_for_all(metadata)
                    .map_err(FileError::parquet("read", &self.source.path))?,
                bloom_filter: None,
                column_index: indexes.column_index(column).cloned(),
                offset_index: Some(offset_index.clone()),
            })
        };
        self.metadata().columns().iter().enumerate().map(chunk).collect()
    }
}

/// The bounds that old readers know are not told from the others when they are read.
fn with_bounds_for_all(
    metadata: &ColumnChunkMetaData,
) -> Result<ColumnChunkMetaData, ParquetError> {
    let for_all = metadata.column_descr().sort_order().is_signed();
    let statistics = metadata.statistics().cloned().map(|statistics| match statistics {
        Statistics::Boolean(bounds) => bounds.with_backwards_compatible_min_max(for_all).into(),
        Statistics::Int64(bounds) => bounds.with_backwards_compatible_min_max(for_all).into(),
        Statistics::Double(bounds) => bounds.with_backwards_compatible_min_max(for_all).into(),
        Statistics::FixedLenByteArray(bounds) => {
            Statistics::FixedLenByteArray(bounds.with_backwards_compatible_min_max(for_all))
        }
        others => others,
    });
    let builder = metadata.clone().into_builder();
    match statistics {
        Some(statistics) => builder.set_statistics(statistics).build(),
        None => builder.build(),
    }
}

/// A file that others are joined into.
struct Join {
    path: PathBuf,
    layout: FileLayout,
    codec: Codec,
    file: EventsFile,
    /// A small row group that has not met another one yet.
    alone: Option<Group>,
    /// Small ones that have.
    together: Rows,
    /// Rows of those that were copied.
    copied: u64,
}

impl Join {
    fn create(path: &Path, layout: FileLayout) -> Result<Self, FileError> {
        Ok(Join {
            path: path.to_owned(),
            codec: Codec::default(),
            file: EventsFile::create(path, &layout)?,
            alone: None,
            together: Rows::new(&layout),
            copied: 0,
            layout,
        })
    }

    fn add(&mut self, group: Group) -> Result<(), FileError> {
        if group.is_large() {
            self.end_small()?;
            return self.copy(&group);
        }
        if let Some(alone) = self.alone.take() {
            self.encode(&alone)?;
        } else if self.together.is_empty() {
            self.alone = Some(group);
            return Ok(());
        }
        self.encode(&group)
    }

    /// Ends what was gathered of small row groups.
    fn end_small(&mut self) -> Result<(), FileError> {
        if let Some(alone) = self.alone.take() {
            return self.copy(&alone);
        }
        let ended = self.together.end_group(&self.layout, &mut self.codec);
        ended.map_err(FileError::parquet("encode", &self.path))?;
        self.file.write(std::mem::take(&mut self.together.groups))
    }

    fn copy(&mut self, group: &Group) -> Result<(), FileError> {
        let chunks = group.chunks()?;
        if !self.layout.fits(chunks.iter().map(|chunk| chunk.metadata.column_descr())) {
            return Err(group.source.damaged("it has other columns"));
        }
        self.copied += group.metadata().num_rows() as u64;
        self.file.copy(&group.source.file, chunks)
    }

    fn encode(&mut self, group: &Group) -> Result<(), FileError> {
        let Source { path, file, metadata } = &*group.source;
        let file = file.try_clone().map_err(FileError::io("open", path))?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
            .with_row_groups(vec![group.number])
            .with_batch_size(STORE_BLOCK_ROWS)
            .build()
            .map_err(FileError::parquet("read", path))?;
        for batch in reader {
            let batch = batch.map_err(|e| group.source.damaged(e.to_string()))?;
            let columns = columns(&batch, &self.layout);
            let columns = columns.ok_or_else(|| group.source.damaged("it has other columns"))?;
            let all: Vec<u32> = (0..batch.num_rows() as u32).collect();
            self.together
                .append(columns.iter(), &all, &self.layout, &mut self.codec)
                .map_err(FileError::parquet("encode", &self.path))?;
            self.file.write(std::mem::take(&mut self.together.groups))?;
        }
        Ok(())
    }

    fn close(mut self) -> Result<Written, FileError> {
        self.end_small()?;
        let joined = [self.file.close(self.copied + self.together.rows)?];
        parquet_file::make_durable(&joined)?;
        let [joined] = joined;
        Ok(joined.written)
    }
}

/// A batch's columns, if they are those of the layout.
fn columns<'a>(batch: &'a RecordBatch, layout: &FileLayout) -> Option<Vec<Column<'a>>> {
    let (arrays, types) = (batch.columns(), &layout.types);
    if arrays.len() != types.len() {
        return None;
    }
    arrays.iter().zip(types).map(|(array, &ty)| Column::from_array(array.as_ref(), ty)).collect()
}
