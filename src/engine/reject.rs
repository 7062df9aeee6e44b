//! Lines that are no records, and the counters of a batch.

use std::borrow::Cow;

/// A line that could not be mapped, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Index of the segment in the batch.
    pub segment: usize,
    /// Byte offset of the line in the (decompressed) segment.
    pub offset: u64,
    /// Length of the line in bytes, without its end.
    pub length: u64,
    /// Such as `status: not an int`.
    pub reason: Cow<'static, str>,
    /// The line's first bytes, as they stand.
    pub sample: Vec<u8>,
}

/// What became of the lines. Always `lines = mapped + filtered + rejected`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records that were counted or written.
    pub mapped: u64,
    /// Lines that the filter dropped, empty lines and header lines.
    pub filtered: u64,
    /// Lines that are no records.
    pub rejected: u64,
    /// Bytes read, decompressed.
    pub bytes: u64,
}

impl Counters {
    /// All lines.
    pub fn lines(&self) -> u64 {
        self.mapped + self.filtered + self.rejected
    }

    /// Adds another worker's.
    pub fn add(&mut self, other: &Counters) {
        self.mapped += other.mapped;
        self.filtered += other.filtered;
        self.rejected += other.rejected;
        self.bytes += other.bytes;
    }
}
