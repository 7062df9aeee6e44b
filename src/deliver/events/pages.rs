//! Finished pages of one column chunk: compressed, behind their headers, in memory until the row group ends.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, EncodingMask, PageType, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

/// zstd's level: 3 takes more time, and saves next to nothing behind dictionaries.
const ZSTD_LEVEL: i32 = 1;

/// What compresses the pages of one worker, one after the other.
#[derive(Default)]
pub(super) struct Codec {
    compressor: Option<Compressor<'static>>,
    /// A page that is being put together.
    pub(super) raw: Vec<u8>,
}

impl Codec {
    fn compress(&mut self, page: &[u8]) -> std::io::Result<Vec<u8>> {
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(ZSTD_LEVEL)?),
        };
        compressor.compress(page)
    }
}

/// A column chunk as it lies in a file.
pub(super) type Chunk = (Bytes, ColumnCloseResult);

/// The data pages of a chunk so far.
#[derive(Debug, Default)]
pub(super) struct Pages {
    bytes: Vec<u8>,
    /// Bytes and rows of each page.
    sizes: Vec<(usize, usize)>,
    /// Bytes before compression.
    uncompressed: usize,
    rows: usize,
    nulls: usize,
    /// Pages of dictionary indices, and pages of plain values.
    indexed: i32,
    plain: i32,
}

impl Pages {
    /// Adds a data page; `raw` holds levels and values.
    pub(super) fn add(
        &mut self,
        raw: &[u8],
        (rows, nulls): (usize, usize),
        encoding: Encoding,
        codec: &mut Codec,
    ) -> Result<()> {
        let page = Page::DataPage {
            buf: codec.compress(raw)?.into(),
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let (size, uncompressed) = frame(page, raw.len(), &mut self.bytes)?;
        self.sizes.push((size, rows));
        self.uncompressed += uncompressed;
        self.rows += rows;
        self.nulls += nulls;
        *if encoding == Encoding::PLAIN { &mut self.plain } else { &mut self.indexed } += 1;
        Ok(())
    }

    /// Bytes of the finished pages.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Rows of the finished pages.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Rows of them that are NULL.
    pub(super) fn nulls(&self) -> usize {
        self.nulls
    }

    /// The chunk, and empty pages. The dictionary, with its number of values, is left out where no page refers to it.
    pub(super) fn close(
        &mut self,
        column: ColumnDescPtr,
        dictionary: (&[u8], usize),
        statistics: Statistics,
        index: ColumnIndexBuilder,
        codec: &mut Codec,
    ) -> Result<Chunk> {
        let pages = std::mem::take(self);
        let (mut bytes, mut encodings) = (Vec::new(), Vec::new());
        let mut uncompressed = pages.uncompressed;
        if pages.indexed > 0 {
            uncompressed += dictionary_page(dictionary, codec, &mut bytes)?;
            encodings.push(encoding_of(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1));
            encodings.push(encoding_of(
                PageType::DATA_PAGE,
                Encoding::RLE_DICTIONARY,
                pages.indexed,
            ));
        }
        if pages.plain > 0 {
            encodings.push(encoding_of(PageType::DATA_PAGE, Encoding::PLAIN, pages.plain));
        }
        let begin = bytes.len();
        bytes.extend_from_slice(&pages.bytes);
        let used = encodings.iter().map(|page| &page.encoding).chain([&Encoding::RLE]);
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_encodings_mask(EncodingMask::new_from_encodings(used))
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(uncompressed as i64)
            .set_num_values(pages.rows as i64)
            .set_dictionary_page_offset((begin > 0).then_some(0))
            .set_data_page_offset(begin as i64)
            .set_page_encoding_stats(encodings)
            .set_statistics(statistics)
            .build()?;
        let mut offsets = OffsetIndexBuilder::new();
        let mut at = begin;
        for (size, rows) in pages.sizes {
            let size_i32 = i32::try_from(size).map_err(|e| ParquetError::External(e.into()))?;
            offsets.append_offset_and_size(at as i64, size_i32);
            offsets.append_row_count(rows as i64);
            at += size;
        }
        let closed = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: pages.rows as u64,
            metadata,
            bloom_filter: None,
            column_index: index.valid().then(|| index.build()).transpose()?,
            offset_index: Some(offsets.build()),
        };
        Ok((bytes.into(), closed))
    }
}

fn encoding_of(page_type: PageType, encoding: Encoding, count: i32) -> PageEncodingStats {
    PageEncodingStats { page_type, encoding, count }
}

/// Answers its bytes before compression.
fn dictionary_page(
    (page, values): (&[u8], usize),
    codec: &mut Codec,
    out: &mut Vec<u8>,
) -> Result<usize> {
    let compressed = Page::DictionaryPage {
        buf: codec.compress(page)?.into(),
        num_values: values as u32,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    Ok(frame(compressed, page.len(), out)?.1)
}

/// Appends a page behind its header; answers the bytes of both, with the page compressed and not.
fn frame(page: Page, uncompressed: usize, out: &mut Vec<u8>) -> Result<(usize, usize)> {
    let mut sink = TrackedWrite::new(std::mem::take(out));
    let spec =
        SerializedPageWriter::new(&mut sink).write_page(CompressedPage::new(page, uncompressed))?;
    *out = sink.into_inner()?;
    Ok((spec.compressed_size, spec.uncompressed_size))
}
