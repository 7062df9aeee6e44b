//! Parquet of the mapped records: one file a split and time partition, so that the rows of a file and their order depend
//! on the input and the size of a split only, whichever worker took it.

mod column;
mod dictionary;
mod file;
mod hybrid;
mod join;
mod levels;
mod pages;
mod range;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use arrow_schema::SchemaRef;
use parquet::errors::ParquetError;

use self::file::EventsFile;
pub use self::join::join;
use self::pages::Codec;
use self::rows::{FileLayout, Rows};
use crate::data::Column;
use crate::engine::map::RecordSink;
use crate::engine::parquet_file::{FileError, Unsynced, Written};
use crate::engine::timepart;
use crate::job::Partition;
use crate::plan::{EventsOutput, arrow_schema};

/// Sets of encoders that a worker keeps for its next split.
const SPARE_MAX: usize = 4;

/// The records of one split, as they come.
pub struct EventSplit {
    layout: FileLayout,
    partition: Partition,
    parts: BTreeMap<i64, Rows>,
    /// Encoders to use again: their tables are as large as they need to be.
    spare: Vec<Rows>,
    codec: Codec,
    /// Why the records could not be taken.
    failed: Option<ParquetError>,
}

/// A staged file of one split: its place in the order of files, and where it belongs.
#[derive(Debug)]
pub struct StagedEvents {
    /// Index of the segment in the batch.
    pub segment: usize,
    /// Offset of the split in the segment.
    pub offset: u64,
    /// Start of the time partition.
    pub partition_us: i64,
    /// The file.
    pub written: Written,
}

/// The events' columns as an Arrow schema.
pub fn schema(output: &EventsOutput) -> SchemaRef {
    let columns: Vec<_> = output.columns.iter().map(|c| (c.name.clone(), c.expr.ty())).collect();
    arrow_schema(&columns)
}

fn layout(output: &EventsOutput) -> FileLayout {
    let types = output.columns.iter().map(|column| column.expr.ty()).collect();
    FileLayout::new(&schema(output), types)
}

impl EventSplit {
    /// An empty split for an output.
    pub fn new(output: &EventsOutput) -> Self {
        EventSplit {
            layout: layout(output),
            partition: output.partition,
            parts: BTreeMap::new(),
            spare: Vec::new(),
            codec: Codec::default(),
            failed: None,
        }
    }

    /// Writes the records to files in the staging folder, and forgets them. The files are added to those that are to be made
    /// durable.
    pub fn stage(
        &mut self,
        segment: usize,
        offset: u64,
        name: impl Fn(i64) -> PathBuf,
        unsynced: &mut Vec<Unsynced>,
    ) -> Result<Vec<StagedEvents>, FileError> {
        let mut staged = Vec::new();
        for (partition_us, mut rows) in std::mem::take(&mut self.parts) {
            let path: PathBuf = name(partition_us);
            let file = self.write(&path, &mut rows)?;
            let written = file.written.clone();
            unsynced.push(file);
            staged.push(StagedEvents { segment, offset, partition_us, written });
            if self.spare.len() < SPARE_MAX {
                self.spare.push(rows);
            }
        }
        Ok(staged)
    }

    fn write(&mut self, path: &Path, rows: &mut Rows) -> Result<Unsynced, FileError> {
        let failed = self.failed.take().map_or(Ok(()), Err);
        failed
            .and_then(|()| rows.end_group(&self.layout, &mut self.codec))
            .map_err(FileError::parquet("encode", path))?;
        let mut file = EventsFile::create(path, &self.layout)?;
        file.write(std::mem::take(&mut rows.groups))?;
        file.close(std::mem::take(&mut rows.rows))
    }

    fn push(&mut self, partition_us: i64, columns: &[Rc<Column<'_>>], rows: &[u32]) {
        let layout = &self.layout;
        let new = || self.spare.pop().unwrap_or_else(|| Rows::new(layout));
        let part = self.parts.entry(partition_us).or_insert_with(new);
        let columns = columns.iter().map(Rc::as_ref);
        if let Err(error) = part.append(columns, rows, layout, &mut self.codec) {
            self.failed.get_or_insert(error);
        }
    }
}

impl RecordSink for EventSplit {
    fn append(&mut self, columns: &[Rc<Column<'_>>], event_time: Option<&[i64]>, rows: &[u32]) {
        if rows.is_empty() {
            return;
        }
        let Some(times) = event_time.filter(|_| self.partition != Partition::None) else {
            return self.push(0, columns, rows);
        };
        let mut by_partition: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        for &row in rows {
            let start = timepart::start(self.partition, times[row as usize]);
            by_partition.entry(start).or_default().push(row);
        }
        for (start, rows) in by_partition {
            self.push(start, columns, &rows);
        }
    }
}
