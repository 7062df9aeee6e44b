//! Log formats: one file a format, all behind [`Format`].

mod access;
mod apache;
mod careful;
mod convert;
mod csv;
mod detect;
mod json;
mod lanes;
#[cfg(test)]
mod law;
mod lines;
mod literal;
mod marks;
mod nginx;
mod number;
mod pasted;
mod pattern;
mod regex;
mod request;
mod scan;
mod spec;
#[cfg(test)]
mod testing;
mod text;
pub(crate) use text::utf8_lossy;
mod time;
mod variables;
mod view;
mod walk;
mod word;

pub use convert::Converter;
pub use csv::CsvOptions;
pub(crate) use csv::WITHIN_QUOTES;
pub use detect::{Detected, detect};

pub use spec::{FormatSpec, build};
pub use time::{TimeCache, TimeLayout};
pub(crate) use walk::{BYTE_ORDER_MARK, TOO_LONG, line_at};

use std::borrow::Cow;

use bumpalo::Bump;

use crate::data::DataType;
use crate::source::{Before, Rows};

/// A field that a format offers, and the type it has unless the job says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDef {
    /// Name in expressions.
    pub name: String,
    /// Default type.
    pub ty: DataType,
}

/// Why a line is no record: which field, where it helps which column, and what was expected.
pub type Reason = Cow<'static, str>;

/// A line that is no record.
#[derive(Debug, Clone)]
pub struct RawReject<'a> {
    /// The line, without its end.
    pub line: &'a [u8],
    /// Such as `no closing quote of the request`.
    pub reason: Reason,
}

/// The lines of a block, cut into the raw bytes of the wanted fields. Reused from block to block.
#[derive(Debug, Default)]
pub struct RawBlock<'a> {
    /// The input that the lines are slices of.
    text: &'a [u8],
    /// The records' lines, without their ends.
    pub lines: Vec<&'a [u8]>,
    /// One column a wanted field, one entry a record; empty means NULL.
    pub fields: Vec<Vec<&'a [u8]>>,
    /// Lines that are no records.
    pub rejects: Vec<RawReject<'a>>,
    /// Empty lines (and header or comment lines of the format), which count as filtered.
    pub skipped: u64,
    /// Bytes of these, their ends included, and of a byte order mark.
    pub skipped_bytes: u64,
    /// Whether some line ends with `\r\n`; else all do with `\n`, or at the end of the input.
    pub crlf: bool,
    /// What comes before the input, and behind the lines that were cut: is set before the first lines of a chunk, and goes
    /// on from block to block.
    pub before: Before,
    /// Whether all fields are UTF-8. False where nobody looked.
    utf8: bool,
    /// Whether each line is cut for itself, with care.
    careful: bool,
    /// Buffers of the tokenizer.
    index: scan::Index,
}

/// The raw values of a field.
#[derive(Debug, Clone, Copy)]
pub struct RawColumn<'r, 'a> {
    values: &'r [&'a [u8]],
    /// Where most of the values lie: a value may be read by whole words there.
    text: &'a [u8],
    /// Whether all of them are known to be UTF-8.
    utf8: bool,
}

impl<'r, 'a> RawColumn<'r, 'a> {
    /// Values of which nothing is known.
    pub fn new(values: &'r [&'a [u8]]) -> Self {
        RawColumn { values, text: &[], utf8: false }
    }
}

impl<'a> RawBlock<'a> {
    /// A block whose lines are each cut for itself by the format's slow path: no line is looked at together with others, none
    /// by its marks alone. What comes out is the same. For `verify`, which must not share a fast path's mistakes.
    pub fn careful() -> Self {
        RawBlock { careful: true, ..RawBlock::default() }
    }

    /// An empty one, for lines that come behind something.
    pub fn behind(before: Before) -> Self {
        RawBlock { before, ..RawBlock::default() }
    }

    /// The values of a wanted field.
    pub fn column(&self, field: usize) -> RawColumn<'_, 'a> {
        RawColumn { values: &self.fields[field], text: self.text, utf8: self.utf8 }
    }

    /// Forgets the lines, keeping the buffers and what comes before the next ones.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.fields.iter_mut().for_each(Vec::clear);
        self.rejects.clear();
        self.skipped = 0;
        self.skipped_bytes = 0;
        self.crlf = false;
        self.utf8 = false;
    }
}

/// A log format: names and types of its fields, and how to make a tokenizer.
pub trait Format: Send + Sync {
    /// The fields that are known before a line was seen. Formats with free field names list none.
    fn fields(&self) -> &[FieldDef];
    /// Whether a name that `fields` does not list is a field nevertheless (JSON, logfmt).
    fn open_ended(&self) -> bool {
        false
    }
    /// The fields that a job uses: all that an open-ended format knows of what must be there.
    fn expect(&mut self, _names: &[String]) {}
    /// The field that is the event time unless the job names one.
    fn default_time(&self) -> Option<&str>;
    /// Whether [`Format::tokenizer`] needs the head of the segment (column names in the file itself).
    fn needs_head(&self) -> bool {
        false
    }
    /// Whether the tokenizer of a whole segment does (a header to pass over).
    fn looks_at_head(&self) -> bool {
        self.needs_head()
    }
    /// How the timestamps of a field are written, where the format's text says so (Apache's `%{...}t`).
    fn time_layout(&self, _field: &str) -> Option<TimeLayout> {
        None
    }
    /// Whether a lone `-` means NULL: everywhere but in `lines`.
    fn dash_is_null(&self) -> bool {
        true
    }
    /// Whether the numbers of a field are digits alone, of a decimal with a point: those that a server writes of itself.
    fn is_unsigned(&self, _field: &str) -> bool {
        false
    }
    /// A tokenizer that cuts out the `wanted` fields, in that order. `head`: the first 64 KiB of the segment.
    fn tokenizer(&self, wanted: &[&str], head: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError>;
}

/// Cuts lines into fields. One a (worker, segment); shared state is read-only.
pub trait Tokenizer: Send + Sync {
    /// How rows are written, where a line may mean something else for what comes before it: then [`RawBlock::before`] is to
    /// be set.
    fn rows(&self) -> Option<Rows> {
        None
    }
    /// Appends up to `records_max` records from `input` (whole lines; the last may lack its newline) to `block` and
    /// returns the bytes consumed, which end behind a newline or at the end of `input`. `at_start`: `input` begins at
    /// offset 0 of the segment. Decoded text may live in `arena`.
    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize;
}

/// A format that can't be used: what is wrong, and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct FormatError {
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// Byte range in a pasted pattern or regular expression, for a caret.
    pub span: Option<std::ops::Range<usize>>,
}

impl FormatError {
    /// An error with a word of help and no position.
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        FormatError { message: message.into(), help: Some(help.into()), span: None }
    }

    /// The same error, pointing at bytes of the pasted text.
    fn at(mut self, span: std::ops::Range<usize>) -> Self {
        self.span = Some(span);
        self
    }
}
