//! A Parquet file whose row groups are encoded apart, on any thread, and appended in order. Its bytes depend on the blocks
//! of rows only, not on who encodes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowLeafColumn, ArrowRowGroupWriterFactory,
    compute_leaves,
};
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;

use super::parquet_file::{Content, FileError, HashedFile, ParquetFile, Unsynced};

/// An encoded row group.
pub struct RowGroup {
    columns: Vec<ArrowColumnChunk>,
    rows: u64,
}

/// Writes one file. Dropped without [`RowGroupFile::finish`], it leaves a partial file that nothing names.
pub struct RowGroupFile {
    path: PathBuf,
    file: SerializedFileWriter<HashedFile>,
    encoder: Encoder,
    rows: u64,
}

impl RowGroupFile {
    /// Makes a new file; its folder must be there.
    pub fn create(path: &Path, schema: SchemaRef, content: Content) -> Result<Self, FileError> {
        let file = ParquetFile::create(path, Arc::clone(&schema), content)?;
        let (path, file, factory) = file.into_parts()?;
        let encoder = Encoder { path: path.clone(), schema, factory: Arc::new(factory) };
        Ok(RowGroupFile { path, file, encoder, rows: 0 })
    }

    /// Encodes row groups for it.
    pub fn encoder(&self) -> Encoder {
        self.encoder.clone()
    }

    /// Appends a row group.
    pub fn append(&mut self, group: RowGroup) -> Result<(), FileError> {
        self.rows += group.rows;
        let append = || {
            let mut writer = self.file.next_row_group()?;
            for column in group.columns {
                column.append_to_row_group(&mut writer)?;
            }
            writer.close().map(drop)
        };
        append().map_err(FileError::parquet("write", &self.path))
    }

    /// Writes the footer.
    pub fn finish(self) -> Result<Unsynced, FileError> {
        let out = self.file.into_inner().map_err(FileError::parquet("write", &self.path))?;
        out.unsynced(self.rows)
    }
}

/// Encodes rows for one file.
#[derive(Clone)]
pub struct Encoder {
    path: PathBuf,
    schema: SchemaRef,
    factory: Arc<ArrowRowGroupWriterFactory>,
}

/// Rows, taken apart into Parquet's columns.
pub struct Leaves {
    columns: Vec<ArrowLeafColumn>,
    rows: usize,
}

impl Encoder {
    /// Takes rows apart.
    pub fn leaves(&self, rows: &RecordBatch) -> Result<Leaves, FileError> {
        let mut columns = Vec::new();
        for (field, column) in self.schema.fields().iter().zip(rows.columns()) {
            let leaves = compute_leaves(field, column);
            columns.extend(leaves.map_err(FileError::parquet("write", &self.path))?);
        }
        Ok(Leaves { columns, rows: rows.num_rows() })
    }

    /// Encodes rows as one row group.
    pub fn row_group(&self, rows: &RecordBatch) -> Result<RowGroup, FileError> {
        let leaves = self.leaves(rows)?;
        let columns = self.begin()?.into_iter().zip(leaves.columns);
        let columns = columns.map(|(writer, leaf)| {
            Column { writer, leaves: vec![leaf], last: true }.encode(&self.path).map(Encoded::chunk)
        });
        let columns = columns.collect::<Result<Option<Vec<_>>, _>>()?.unwrap_or_default();
        Ok(RowGroup { columns, rows: leaves.rows as u64 })
    }

    fn begin(&self) -> Result<Vec<ArrowColumnWriter>, FileError> {
        // The index matters where columns are encrypted.
        let writers = self.factory.create_column_writers(0);
        writers.map_err(FileError::parquet("write", &self.path))
    }
}

/// One column of a row group, and what is to be appended to it.
struct Column {
    writer: ArrowColumnWriter,
    leaves: Vec<ArrowLeafColumn>,
    /// Whether the row group is complete then.
    last: bool,
}

enum Encoded {
    Open(Box<ArrowColumnWriter>),
    Closed(Box<ArrowColumnChunk>),
}

impl Encoded {
    fn chunk(self) -> Option<ArrowColumnChunk> {
        match self {
            Encoded::Open(_) => None,
            Encoded::Closed(chunk) => Some(*chunk),
        }
    }

    fn writer(self) -> Option<ArrowColumnWriter> {
        match self {
            Encoded::Open(writer) => Some(*writer),
            Encoded::Closed(_) => None,
        }
    }
}

impl Column {
    fn encode(mut self, path: &Path) -> Result<Encoded, FileError> {
        let encode = || {
            self.leaves.iter().try_for_each(|leaf| self.writer.write(leaf))?;
            Ok(match self.last {
                true => Encoded::Closed(Box::new(self.writer.close()?)),
                false => Encoded::Open(Box::new(self.writer)),
            })
        };
        encode().map_err(FileError::parquet("write", path))
    }
}

/// Blocks of rows as row groups of one size: a row group stays open from one call to the next.
pub struct RowGroupEncoder {
    encoder: Encoder,
    rows_max: usize,
    open: Option<(Vec<ArrowColumnWriter>, usize)>,
}

/// A row group and the blocks that go into it.
struct Portion {
    writers: Vec<ArrowColumnWriter>,
    blocks: Vec<Leaves>,
    rows: usize,
    full: bool,
}

impl RowGroupEncoder {
    /// Blocks are not cut: a row group is complete when the next block could make it larger than `rows_max`, supposing that
    /// all blocks but the last have the same size.
    pub fn new(encoder: Encoder, rows_max: usize) -> Self {
        RowGroupEncoder { encoder, rows_max, open: None }
    }

    /// Appends blocks; answers what row groups are complete by now. `parallel`: columns and row groups side by side.
    pub fn push(
        &mut self,
        blocks: Vec<Leaves>,
        parallel: bool,
    ) -> Result<Vec<RowGroup>, FileError> {
        let portions = self.portions(blocks)?;
        let shapes: Vec<_> = portions.iter().map(|p| (p.writers.len(), p.rows, p.full)).collect();
        let columns: Vec<Column> = portions.into_iter().flat_map(Portion::columns).collect();
        let path = &self.encoder.path;
        let encoded: Result<Vec<Encoded>, FileError> = match parallel {
            true => columns.into_par_iter().map(|column| column.encode(path)).collect(),
            false => columns.into_iter().map(|column| column.encode(path)).collect(),
        };
        let mut encoded = encoded?.into_iter();
        let mut groups = Vec::new();
        for (columns, rows, full) in shapes {
            let encoded = encoded.by_ref().take(columns);
            if full {
                let columns = encoded.filter_map(Encoded::chunk).collect();
                groups.push(RowGroup { columns, rows: rows as u64 });
            } else {
                self.open = Some((encoded.filter_map(Encoded::writer).collect(), rows));
            }
        }
        Ok(groups)
    }

    /// The last row group.
    pub fn finish(mut self) -> Result<Option<RowGroup>, FileError> {
        let Some((writers, rows)) = self.open.take() else { return Ok(None) };
        let closed = writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>();
        let columns = closed.map_err(FileError::parquet("write", &self.encoder.path))?;
        Ok(Some(RowGroup { columns, rows: rows as u64 }))
    }

    /// The blocks by row group.
    fn portions(&mut self, blocks: Vec<Leaves>) -> Result<Vec<Portion>, FileError> {
        let mut portions: Vec<Portion> = Vec::new();
        if let Some((writers, rows)) = self.open.take() {
            portions.push(Portion { writers, blocks: Vec::new(), rows, full: false });
        }
        for block in blocks {
            if portions.last().is_none_or(|portion| portion.full) {
                let writers = self.encoder.begin()?;
                portions.push(Portion { writers, blocks: Vec::new(), rows: 0, full: false });
            }
            if let Some(portion) = portions.last_mut() {
                portion.rows += block.rows;
                portion.full = portion.rows + block.rows > self.rows_max;
                portion.blocks.push(block);
            }
        }
        Ok(portions)
    }
}

impl Portion {
    fn columns(self) -> impl Iterator<Item = Column> {
        let last = self.full;
        let mut leaves: Vec<Vec<ArrowLeafColumn>> =
            self.writers.iter().map(|_| Vec::new()).collect();
        for block in self.blocks {
            leaves.iter_mut().zip(block.columns).for_each(|(column, leaf)| column.push(leaf));
        }
        let columns = self.writers.into_iter().zip(leaves);
        columns.map(move |(writer, leaves)| Column { writer, leaves, last })
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringArray};
    use arrow_schema::{DataType, Field};

    use super::super::parquet_file::{make_durable, open, schema};
    use super::*;

    fn rows(schema: &SchemaRef, from: i64, len: i64) -> RecordBatch {
        let numbers: Int64Array = (from..from + len).collect();
        let words: StringArray = (from..from + len).map(|n| Some(format!("w{}", n % 7))).collect();
        RecordBatch::try_new(Arc::clone(schema), vec![Arc::new(numbers), Arc::new(words)])
            .expect("two columns")
    }

    /// Blocks of 100 rows, some of them at a time.
    fn write(path: &Path, total: i64, at_a_time: usize, parallel: bool) {
        let schema = schema(vec![
            Field::new("n", DataType::Int64, false),
            Field::new("w", DataType::Utf8, false),
        ]);
        let mut file =
            RowGroupFile::create(path, Arc::clone(&schema), Content::Summary(1)).expect("made");
        let mut encoder = RowGroupEncoder::new(file.encoder(), 350);
        let starts: Vec<i64> = (0..total).step_by(100).collect();
        for starts in starts.chunks(at_a_time) {
            let leaves = starts.iter().map(|&from| {
                file.encoder()
                    .leaves(&rows(&schema, from, (total - from).min(100)))
                    .expect("leaves")
            });
            let groups = encoder.push(leaves.collect(), parallel).expect("encoded");
            groups.into_iter().for_each(|group| file.append(group).expect("room"));
        }
        let last = encoder.finish().expect("encoded");
        last.into_iter().for_each(|group| file.append(group).expect("room"));
        let unsynced = file.finish().expect("room");
        assert_eq!(unsynced.written.rows, total as u64);
        make_durable(&[unsynced]).expect("as it was written");
    }

    #[test]
    fn the_bytes_depend_on_the_rows_only() {
        let folder = tempfile::tempdir().expect("a folder");
        for total in [1, 99, 300, 301, 1_050] {
            let (one, other) = (folder.path().join("one"), folder.path().join("other"));
            write(&one, total, 1, false);
            for at_a_time in [2, 3, 5, 20] {
                write(&other, total, at_a_time, true);
                let same =
                    std::fs::read(&one).expect("read") == std::fs::read(&other).expect("read");
                assert!(same, "{total} rows, {at_a_time} blocks at a time");
            }
            let found: usize =
                open(&other, 1000).expect("opened").map(|b| b.expect("rows").num_rows()).sum();
            assert_eq!(found, total as usize);
        }
    }
}
