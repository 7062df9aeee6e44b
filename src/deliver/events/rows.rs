//! The records of one file, as they come: encoded at once, in memory until they are staged.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::Compression;
use parquet::errors::Result;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::column::ColumnEncoder;
use super::pages::{Chunk, Codec};
use crate::data::{Column, DataType};
use crate::limits::{EVENT_GROUP_BYTES, ROW_GROUP_ROWS};

/// A row group that has ended: a chunk a column.
pub(super) type RowGroup = Vec<Chunk>;

/// What all files of an output have in common.
pub(super) struct FileLayout {
    pub(super) types: Vec<DataType>,
    pub(super) columns: SchemaDescriptor,
    pub(super) properties: Arc<WriterProperties>,
}

impl FileLayout {
    pub(super) fn new(schema: &SchemaRef, types: Vec<DataType>) -> Self {
        // Version 1 pages and encodings are read by every engine; version 2's were not (redpanda connect#1504).
        let mut properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by(concat!("logmill ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(Default::default()))
            .build();
        add_encoded_arrow_schema_to_metadata(schema, &mut properties);
        let columns = ArrowSchemaConverter::new().convert(schema);
        let columns = columns.expect("Parquet has a type for each of ours");
        FileLayout { types, columns, properties: Arc::new(properties) }
    }

    /// Whether a file of these columns is one of the output's.
    pub(super) fn fits<'c>(&self, columns: impl Iterator<Item = &'c ColumnDescriptor>) -> bool {
        columns.eq(self.columns.columns().iter().map(AsRef::as_ref))
    }
}

/// Encodes the records of a file.
pub(super) struct Rows {
    columns: Vec<ColumnEncoder>,
    /// Rows of the row group.
    filled: usize,
    /// Row groups that are complete.
    pub(super) groups: Vec<RowGroup>,
    /// Rows in all.
    pub(super) rows: u64,
}

impl Rows {
    /// No records yet.
    pub(super) fn new(layout: &FileLayout) -> Self {
        let columns = layout.types.iter().map(|&ty| ColumnEncoder::new(ty)).collect();
        Rows { columns, filled: 0, groups: Vec::new(), rows: 0 }
    }

    /// Appends the listed rows of a block.
    pub(super) fn append<'c, 'v: 'c>(
        &mut self,
        columns: impl Iterator<Item = &'c Column<'v>> + Clone,
        mut rows: &[u32],
        layout: &FileLayout,
        codec: &mut Codec,
    ) -> Result<()> {
        while !rows.is_empty() {
            let room = ROW_GROUP_ROWS - self.filled;
            let (now, later) = rows.split_at(room.min(rows.len()));
            for (encoder, column) in self.columns.iter_mut().zip(columns.clone()) {
                encoder.append(column, now, codec)?;
            }
            self.filled += now.len();
            self.rows += now.len() as u64;
            let bytes: usize = self.columns.iter().map(ColumnEncoder::heap_bytes).sum();
            if self.filled == ROW_GROUP_ROWS || bytes >= EVENT_GROUP_BYTES {
                self.end_group(layout, codec)?;
            }
            rows = later;
        }
        Ok(())
    }

    /// Whether nothing waits for the end of the row group.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Ends the row group, if it holds anything.
    pub(super) fn end_group(&mut self, layout: &FileLayout, codec: &mut Codec) -> Result<()> {
        if self.filled == 0 {
            return Ok(());
        }
        let encoders = self.columns.iter_mut().zip(layout.columns.columns());
        let group = encoders.map(|(encoder, column)| encoder.close(Arc::clone(column), codec));
        self.groups.push(group.collect::<Result<_>>()?);
        self.filled = 0;
        Ok(())
    }
}
