//! Parquet of the mapped records: one file a split and time partition, so that the rows of a file and their order depend
//! on the input and the size of a split only, whichever worker took it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::data::Column;
use crate::engine::map::RecordSink;
use crate::engine::parquet_file::{self, Content, FileError, ParquetFile, Written};
use crate::engine::timepart;
use crate::job::Partition;
use crate::limits::STORE_BLOCK_ROWS;
use crate::plan::{EventsOutput, arrow_schema};

/// The records of one split, as they come.
pub struct EventSplit {
    schema: SchemaRef,
    partition: Partition,
    parts: BTreeMap<i64, Vec<RecordBatch>>,
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

impl EventSplit {
    /// An empty split for an output.
    pub fn new(output: &EventsOutput) -> Self {
        EventSplit { schema: schema(output), partition: output.partition, parts: BTreeMap::new() }
    }

    /// Writes the records to files in the staging folder, and forgets them.
    pub fn stage(
        &mut self,
        segment: usize,
        offset: u64,
        name: impl Fn(i64) -> PathBuf,
    ) -> Result<Vec<StagedEvents>, FileError> {
        let mut staged = Vec::new();
        for (partition_us, batches) in std::mem::take(&mut self.parts) {
            let path: PathBuf = name(partition_us);
            let written = self.write(&path, &batches)?;
            staged.push(StagedEvents { segment, offset, partition_us, written });
        }
        Ok(staged)
    }

    fn write(&self, path: &Path, batches: &[RecordBatch]) -> Result<Written, FileError> {
        let mut file = ParquetFile::create(path, Arc::clone(&self.schema), Content::Events)?;
        for batch in batches {
            file.write(batch)?;
        }
        file.finish()
    }

    fn push(&mut self, partition_us: i64, columns: &[Rc<Column<'_>>], rows: &[u32]) {
        let arrays = columns.iter().map(|column| column.to_array(rows)).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .expect("arrays of equal length and of the schema's types");
        self.parts.entry(partition_us).or_default().push(batch);
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

/// Writes the records of several files into one, in their order.
pub fn join(output: &EventsOutput, files: &[PathBuf], path: &Path) -> Result<Written, FileError> {
    let mut joined = ParquetFile::create(path, schema(output), Content::Events)?;
    for file in files {
        for batch in parquet_file::open(file, STORE_BLOCK_ROWS)? {
            let batch = batch
                .map_err(|e| FileError::Damaged { path: file.clone(), what: e.to_string() })?;
            joined.write(&batch)?;
        }
    }
    joined.finish()
}
