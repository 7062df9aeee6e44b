//! Chunks: the whole lines of one split, cut alike whether the bytes come from a map, a file or a decoder.

use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memrchr};

use super::SourceError;
use super::map::Map;
use super::rows::Before;
use super::split::Split;

/// How much of a line is kept when it is too long, in bytes: 4 KiB, and a byte order mark, which is no part of it.
pub(crate) const SAMPLE_BYTES_MAX: usize = 4096 + 3;
/// How far a split's last line is followed at first, in bytes: most lines end there. Each further step is twice as long.
const STEP_BYTES_MIN: u64 = 4 * 1024;
/// The longest such step.
const STEP_BYTES_MAX: u64 = 64 * 1024;

/// The whole lines whose first byte lies in one split.
#[derive(Debug)]
pub struct Chunk<'c> {
    /// The lines with their newlines; the last may lack one, at the end of the range only. `line_bytes_max` bounds what
    /// is read *behind* a split for its last line: a line that lies within the split may be longer, and whoever takes
    /// the lines apart has to look at their lengths too.
    pub bytes: &'c [u8],
    /// Where `bytes` begin in the segment, decompressed.
    pub offset: u64,
    /// The line behind `bytes`, when it is longer than `line_bytes_max`: left out of them.
    pub oversize: Option<Oversize>,
    /// What comes before `bytes`, where the reader was told how [rows](super::Rows) are written.
    pub before: Before,
}

/// A line that is too long to be kept in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oversize {
    /// Where it begins in the segment, decompressed.
    pub offset: u64,
    /// Its bytes without its newline.
    pub length: u64,
    /// Whether a newline ends it.
    pub terminated: bool,
    /// Whether the last of its bytes is a carriage return.
    pub ends_in_cr: bool,
    /// Its first bytes: 4 KiB of them, and three more for a byte order mark.
    pub sample: Vec<u8>,
}

impl Oversize {
    /// Takes note of more of its bytes.
    pub(super) fn add(&mut self, more: &[u8]) {
        let missing = SAMPLE_BYTES_MAX - self.sample.len();
        self.sample.extend_from_slice(&more[..missing.min(more.len())]);
        self.length += more.len() as u64;
        if let Some(last) = more.last() {
            self.ends_in_cr = *last == b'\r';
        }
    }
}

/// Memory for chunks. A worker keeps one and uses it again and again; it grows to `split_bytes` plus `line_bytes_max`
/// or so.
#[derive(Debug, Default)]
pub struct ChunkBuffer {
    /// Bytes read, when they are not mapped.
    pub(crate) bytes: Vec<u8>,
    /// Keeps the map alive as long as a chunk of it is in use.
    pub(crate) map: Option<Arc<Map>>,
    /// For looking for the end of a line that is not kept.
    pub(crate) scan: Vec<u8>,
}

impl ChunkBuffer {
    /// Lets go of the segment that was read last, and keeps the memory. For buffers that will be idle: a map keeps the
    /// disk space of a deleted file.
    pub fn release(&mut self) {
        self.map = None;
    }
}

/// Bytes of a segment from some base on.
pub(crate) trait Window {
    /// All bytes from the base to `end`, which is not behind the range's end.
    fn to(&mut self, end: u64) -> Result<&[u8], SourceError>;
    /// The first newline in the stretch, without keeping its bytes.
    fn newline(&mut self, stretch: Range<u64>) -> Result<Option<u64>, SourceError>;
    /// One byte of the range, wherever, without keeping it.
    fn byte(&mut self, at: u64) -> Result<u8, SourceError>;
}

/// Where the lines of a split begin and end.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) lines: Range<u64>,
    pub(crate) oversize: Option<Oversize>,
}

/// Where a window for this split must begin: one byte early, to see whether a line begins with the split.
pub(crate) fn base(split: Split, range: &Range<u64>) -> u64 {
    if split.start > range.start { split.start - 1 } else { split.start }
}

/// Cuts a split of `range`, which begins with a line. The window's base is [`base`].
pub(crate) fn cut(
    window: &mut impl Window,
    split: Split,
    range: &Range<u64>,
    line_bytes_max: u64,
) -> Result<Cut, SourceError> {
    let base = base(split, range);
    let bytes = window.to(split.end)?;
    let first = match split.start > range.start {
        false => Some(base),
        true => memchr(b'\n', bytes).map(|at| base + at as u64 + 1),
    };
    let Some(first) = first.filter(|first| *first < split.end) else {
        return Ok(Cut { lines: split.end..split.end, oversize: None });
    };
    let before_last_byte = &bytes[(first - base) as usize..bytes.len() - 1];
    let last = memrchr(b'\n', before_last_byte).map_or(first, |at| first + at as u64 + 1);
    let newline = find_newline(window, base, last, split.end, range.end, line_bytes_max)?;
    let length = newline.unwrap_or(range.end) - last;
    if length <= line_bytes_max {
        return Ok(Cut { lines: first..newline.map_or(range.end, |at| at + 1), oversize: None });
    }
    let sample = sample(window.to(split.end.max(sample_end(last, length)))?, last - base, length);
    let ends_in_cr = window.byte(last + length - 1)? == b'\r';
    let terminated = newline.is_some();
    let oversize = Oversize { offset: last, length, terminated, ends_in_cr, sample };
    Ok(Cut { lines: first..last, oversize: Some(oversize) })
}

fn sample_end(offset: u64, length: u64) -> u64 {
    offset + length.min(SAMPLE_BYTES_MAX as u64)
}

fn sample(bytes: &[u8], from: u64, length: u64) -> Vec<u8> {
    bytes[from as usize..sample_end(from, length) as usize].to_vec()
}

/// The newline of the line that begins at `last` and reaches at least to `split_end - 1`. Keeps no more of the line than
/// `line_bytes_max` and a byte.
fn find_newline(
    window: &mut impl Window,
    base: u64,
    last: u64,
    split_end: u64,
    range_end: u64,
    line_bytes_max: u64,
) -> Result<Option<u64>, SourceError> {
    let mut from = split_end - 1;
    let mut seen = split_end;
    let mut step = STEP_BYTES_MIN;
    loop {
        let bytes = window.to(seen)?;
        if let Some(at) = memchr(b'\n', &bytes[(from - base) as usize..(seen - base) as usize]) {
            return Ok(Some(from + at as u64));
        }
        if seen >= range_end {
            return Ok(None);
        }
        if seen - last > line_bytes_max {
            return window.newline(seen..range_end);
        }
        let enough = last.saturating_add(line_bytes_max).saturating_add(1);
        from = seen;
        seen = (seen + step).min(enough).min(range_end);
        step = (step * 2).min(STEP_BYTES_MAX);
    }
}
