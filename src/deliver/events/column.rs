//! One column of a file of events: values straight from a block's column to pages, each copied once, where it is new to the
//! chunk's dictionary.

use parquet::basic::{Encoding, Type};
use parquet::data_type::FixedLenByteArray;
use parquet::errors::Result;
use parquet::file::metadata::ColumnIndexBuilder;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;

use super::dictionary::{BATCH, TextDictionary, Word, WordDictionary};
use super::hybrid;
use super::levels::Levels;
use super::pages::{Chunk, Codec, Pages};
use super::range::{FloatRange, Range, TextRange};
use crate::data::{Column, DataType, Values};
use crate::limits::{EVENT_DICTIONARY_BYTES, EVENT_PAGE_BYTES, EVENT_PAGE_ROWS};

/// Encodes a column, a row group after the other.
pub(super) struct ColumnEncoder {
    kind: Kind,
    /// Whether the values of the page are indices; never again in this chunk, once they are not.
    indexed: bool,
    levels: Levels,
    /// The page's values, if indexed.
    indices: Vec<u32>,
    /// Those of another page.
    plain: Vec<u8>,
    pages: Pages,
    index: ColumnIndexBuilder,
}

/// What depends on the physical type.
enum Kind {
    Text { dictionary: TextDictionary, range: TextRange },
    Long { dictionary: WordDictionary<i64>, page: Range<i64>, chunk: Range<i64> },
    Wide { dictionary: WordDictionary<i128>, page: Range<i128>, chunk: Range<i128> },
    Float { dictionary: WordDictionary<i64>, range: FloatRange },
    Bool { range: Range<bool>, filled: usize },
}

impl ColumnEncoder {
    /// An empty one.
    pub(super) fn new(ty: DataType) -> Self {
        let kind = match ty {
            DataType::Text | DataType::Ip => {
                Kind::Text { dictionary: TextDictionary::default(), range: TextRange::default() }
            }
            DataType::Int | DataType::Timestamp => Kind::Long {
                dictionary: WordDictionary::default(),
                page: Range::default(),
                chunk: Range::default(),
            },
            DataType::Decimal(_) => Kind::Wide {
                dictionary: WordDictionary::default(),
                page: Range::default(),
                chunk: Range::default(),
            },
            DataType::Float => {
                Kind::Float { dictionary: WordDictionary::default(), range: FloatRange::default() }
            }
            DataType::Bool => Kind::Bool { range: Range::default(), filled: 0 },
        };
        ColumnEncoder {
            indexed: !matches!(kind, Kind::Bool { .. }),
            index: new_index(&kind),
            kind,
            levels: Levels::default(),
            indices: Vec::new(),
            plain: Vec::new(),
            pages: Pages::default(),
        }
    }

    /// Appends the listed rows of a column.
    pub(super) fn append(
        &mut self,
        column: &Column<'_>,
        mut rows: &[u32],
        codec: &mut Codec,
    ) -> Result<()> {
        while !rows.is_empty() {
            let room = EVENT_PAGE_ROWS - self.levels.rows();
            let taken = self.take(column, &rows[..room.min(rows.len())]);
            rows = &rows[taken..];
            if self.is_full() {
                self.flush(codec)?;
            }
        }
        Ok(())
    }

    /// Takes as many of the rows as the page and the dictionary have room for, and at least one; answers how many.
    fn take(&mut self, column: &Column<'_>, rows: &[u32]) -> usize {
        let valid = column.valid.as_deref();
        let (levels, indices, plain) = (&mut self.levels, &mut self.indices, &mut self.plain);
        match (&mut self.kind, &column.values) {
            (Kind::Text { dictionary, range }, Values::Text(values)) if self.indexed => {
                take_texts(values, rows, valid, levels, dictionary, range, indices)
            }
            (Kind::Text { range, .. }, Values::Text(values)) => take(rows, valid, levels, |row| {
                plain.extend_from_slice(&(values[row].len() as u32).to_le_bytes());
                plain.extend_from_slice(values[row].as_bytes());
                range.include(values[row]);
                plain.len() < EVENT_PAGE_BYTES
            }),
            (
                Kind::Long { dictionary, page, .. },
                Values::Int(values) | Values::Timestamp(values),
            ) => {
                let words = Words { indexed: self.indexed, dictionary, indices, plain };
                words.take(rows, valid, levels, |row| {
                    page.include(values[row]);
                    values[row]
                })
            }
            (Kind::Wide { dictionary, page, .. }, Values::Decimal(values)) => {
                let words = Words { indexed: self.indexed, dictionary, indices, plain };
                words.take(rows, valid, levels, |row| {
                    page.include(values[row]);
                    values[row]
                })
            }
            (Kind::Float { dictionary, range }, Values::Float(values)) => {
                let words = Words { indexed: self.indexed, dictionary, indices, plain };
                words.take(rows, valid, levels, |row| {
                    range.include(values[row]);
                    values[row].to_bits() as i64
                })
            }
            (Kind::Bool { range, filled }, Values::Bool(values)) => {
                take(rows, valid, levels, |row| {
                    range.include(values[row]);
                    if *filled % 8 == 0 {
                        plain.push(0);
                    }
                    *plain.last_mut().expect("a byte") |= u8::from(values[row]) << (*filled % 8);
                    *filled += 1;
                    true
                })
            }
            _ => unreachable!("a column's values are of its type"),
        }
    }

    fn is_full(&self) -> bool {
        self.levels.rows() >= EVENT_PAGE_ROWS
            || self.plain.len() >= EVENT_PAGE_BYTES
            || self.indexed && self.dictionary().0.len() >= EVENT_DICTIONARY_BYTES
    }

    /// The dictionary page, and its number of values.
    fn dictionary(&self) -> (&[u8], usize) {
        match &self.kind {
            Kind::Text { dictionary, .. } => (dictionary.page(), dictionary.len()),
            Kind::Long { dictionary, .. } | Kind::Float { dictionary, .. } => {
                (dictionary.page(), dictionary.len())
            }
            Kind::Wide { dictionary, .. } => (dictionary.page(), dictionary.len()),
            Kind::Bool { .. } => (&[], 0),
        }
    }

    /// Ends the page.
    fn flush(&mut self, codec: &mut Codec) -> Result<()> {
        let (rows, nulls) = (self.levels.rows(), self.levels.nulls());
        if rows == 0 {
            return Ok(());
        }
        let mut raw = std::mem::take(&mut codec.raw);
        raw.clear();
        self.levels.flush(&mut raw);
        let encoding = if self.indexed {
            let width = hybrid::width_of(self.dictionary().1.saturating_sub(1));
            raw.push(width as u8);
            hybrid::encode(&self.indices, width, &mut raw);
            Encoding::RLE_DICTIONARY
        } else {
            raw.extend_from_slice(&self.plain);
            Encoding::PLAIN
        };
        self.pages.add(&raw, (rows, nulls), encoding, codec)?;
        codec.raw = raw;
        self.indices.clear();
        self.plain.clear();
        self.end_page(rows, nulls);
        self.indexed = self.indexed && self.is_dictionary_worth_it();
        Ok(())
    }

    /// The page's entry in the column index. Pages of texts and floats have none: their order is not the file's.
    fn end_page(&mut self, rows: usize, nulls: usize) {
        let bytes = match &mut self.kind {
            Kind::Long { page, chunk, .. } => {
                chunk.merge(*page);
                let bounds = std::mem::take(page).0;
                bounds.map(|(min, max)| (min.plain().to_vec(), max.plain().to_vec()))
            }
            Kind::Wide { page, chunk, .. } => {
                chunk.merge(*page);
                let bounds = std::mem::take(page).0;
                bounds.map(|(min, max)| (min.plain().to_vec(), max.plain().to_vec()))
            }
            Kind::Bool { filled, .. } => {
                *filled = 0;
                return;
            }
            Kind::Text { .. } | Kind::Float { .. } => return,
        };
        let (min, max) = bytes.unwrap_or_default();
        self.index.append(rows == nulls, min, max, nulls as i64, None);
    }

    /// Whether values repeat, so that an index is shorter than the value.
    fn is_dictionary_worth_it(&self) -> bool {
        let (page, values) = self.dictionary();
        page.len() < EVENT_DICTIONARY_BYTES && values * 4 <= self.pages.rows() * 3
    }

    /// Bytes that wait in memory for the end of the row group.
    pub(super) fn heap_bytes(&self) -> usize {
        self.pages.bytes() + self.dictionary().0.len() + self.plain.len()
    }

    /// Ends the column's chunk, and begins another.
    pub(super) fn close(&mut self, column: ColumnDescPtr, codec: &mut Codec) -> Result<Chunk> {
        self.flush(codec)?;
        let index = std::mem::replace(&mut self.index, new_index(&self.kind));
        let mut pages = std::mem::take(&mut self.pages);
        let statistics = self.statistics(pages.nulls() as u64, &column);
        let chunk = pages.close(column, self.dictionary(), statistics, index, codec)?;
        self.clear();
        Ok(chunk)
    }

    fn statistics(&self, nulls: u64, column: &ColumnDescPtr) -> Statistics {
        // Readers before 2017 know one pair of bounds, right for signed numbers only.
        let for_all = column.sort_order().is_signed();
        match &self.kind {
            Kind::Text { range, .. } => range.statistics(nulls),
            Kind::Long { chunk, .. } => Statistics::Int64(bounded(chunk.0, nulls, for_all)),
            Kind::Float { range, .. } => {
                Statistics::Double(bounded(range.bounds(), nulls, for_all))
            }
            Kind::Bool { range, .. } => Statistics::Boolean(bounded(range.0, nulls, for_all)),
            Kind::Wide { chunk, .. } => {
                let bytes = |value: i128| FixedLenByteArray::from(value.plain().to_vec());
                let bounds = chunk.0.map(|(min, max)| (bytes(min), bytes(max)));
                Statistics::FixedLenByteArray(bounded(bounds, nulls, for_all))
            }
        }
    }

    fn clear(&mut self) {
        match &mut self.kind {
            Kind::Text { dictionary, range } => {
                dictionary.clear();
                *range = TextRange::default();
            }
            Kind::Long { dictionary, chunk, .. } => {
                dictionary.clear();
                *chunk = Range::default();
            }
            Kind::Wide { dictionary, chunk, .. } => {
                dictionary.clear();
                *chunk = Range::default();
            }
            Kind::Float { dictionary, range } => {
                dictionary.clear();
                *range = FloatRange::default();
            }
            Kind::Bool { range, .. } => *range = Range::default(),
        }
        self.indexed = !matches!(self.kind, Kind::Bool { .. });
    }
}

fn bounded<T>(bounds: Option<(T, T)>, nulls: u64, for_all: bool) -> ValueStatistics<T> {
    let (min, max) = bounds.unzip();
    ValueStatistics::new(min, max, None, Some(nulls), false)
        .with_backwards_compatible_min_max(for_all)
}

fn new_index(kind: &Kind) -> ColumnIndexBuilder {
    let (ty, has_index) = match kind {
        Kind::Long { .. } => (Type::INT64, true),
        Kind::Wide { .. } => (Type::FIXED_LEN_BYTE_ARRAY, true),
        Kind::Text { .. } => (Type::BYTE_ARRAY, false),
        Kind::Float { .. } => (Type::DOUBLE, false),
        Kind::Bool { .. } => (Type::BOOLEAN, false),
    };
    let mut index = ColumnIndexBuilder::new(ty);
    if !has_index {
        index.to_invalid();
    }
    index
}

/// Hands the rows with a value to `add` until it answers false; notes the levels of what was taken, and answers how many.
#[inline]
fn take(
    rows: &[u32],
    valid: Option<&[bool]>,
    levels: &mut Levels,
    mut add: impl FnMut(usize) -> bool,
) -> usize {
    let Some(valid) = valid else {
        let taken = rows.iter().position(|&row| !add(row as usize)).map_or(rows.len(), |n| n + 1);
        levels.push_valid(taken);
        return taken;
    };
    for (n, &row) in rows.iter().enumerate() {
        levels.push(valid[row as usize]);
        if valid[row as usize] && !add(row as usize) {
            return n + 1;
        }
    }
    rows.len()
}

/// Takes texts into a dictionary until it is full; answers how many rows.
fn take_texts(
    values: &[&str],
    rows: &[u32],
    valid: Option<&[bool]>,
    levels: &mut Levels,
    dictionary: &mut TextDictionary,
    range: &mut TextRange,
    indices: &mut Vec<u32>,
) -> usize {
    let mut taken = 0;
    for batch in rows.chunks(BATCH) {
        dictionary.prepare(batch.iter().map(|&row| values[row as usize].as_bytes()));
        let mut nth = 0;
        let is_in = |row: &u32| valid.is_none_or(|valid| valid[*row as usize]);
        let nulls = batch.iter().filter(|row| !is_in(row)).count();
        for row in batch {
            nth += 1;
            if !is_in(row) {
                levels.push(false);
                continue;
            }
            if nulls > 0 {
                levels.push(true);
            }
            let value = values[*row as usize];
            let (index, new) = dictionary.intern(nth - 1, value.as_bytes());
            indices.push(index);
            if new {
                range.include(value);
                if dictionary.page().len() >= EVENT_DICTIONARY_BYTES {
                    break;
                }
            }
        }
        if nulls == 0 {
            levels.push_valid(nth);
        }
        taken += nth;
        if dictionary.page().len() >= EVENT_DICTIONARY_BYTES {
            break;
        }
    }
    taken
}

/// Where values of fixed width go.
struct Words<'c, T> {
    indexed: bool,
    dictionary: &'c mut WordDictionary<T>,
    indices: &'c mut Vec<u32>,
    plain: &'c mut Vec<u8>,
}

impl<T: Word> Words<'_, T> {
    #[inline]
    fn take(
        self,
        rows: &[u32],
        valid: Option<&[bool]>,
        levels: &mut Levels,
        mut value: impl FnMut(usize) -> T,
    ) -> usize {
        let Words { indexed, dictionary, indices, plain } = self;
        if !indexed {
            return take(rows, valid, levels, |row| {
                plain.extend_from_slice(value(row).plain().as_ref());
                plain.len() < EVENT_PAGE_BYTES
            });
        }
        indices.reserve(rows.len());
        take(rows, valid, levels, |row| {
            indices.push(dictionary.intern(value(row)));
            dictionary.page().len() < EVENT_DICTIONARY_BYTES
        })
    }
}
