//! Lines that are no records, and the counters of a batch.

use std::borrow::Cow;

use crate::limits::{REJECT_SAMPLES_MAX, REJECTS_KEPT_MAX};

/// A line that could not be mapped, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Index of the segment in the batch.
    pub segment: usize,
    /// Rank of the segment in the order of lines.
    pub rank: (i64, u64),
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
    /// Bytes read, decompressed. Always `bytes = mapped_bytes + filtered_bytes + rejected_bytes`.
    pub bytes: u64,
    /// Bytes of mapped lines, their ends included.
    pub mapped_bytes: u64,
    /// Bytes of filtered lines, their ends included, and of byte order marks.
    pub filtered_bytes: u64,
    /// Bytes of rejected lines, their ends included.
    pub rejected_bytes: u64,
    /// Mapped records whose window had ended when the batch began.
    pub late: u64,
    /// The newest event time among the mapped records, microseconds.
    pub newest_us: Option<i64>,
}

impl Counters {
    /// All lines.
    pub fn lines(&self) -> u64 {
        self.mapped + self.filtered + self.rejected
    }

    /// Adds those of other lines.
    pub fn add(&mut self, other: &Counters) {
        self.mapped += other.mapped;
        self.filtered += other.filtered;
        self.rejected += other.rejected;
        self.bytes += other.bytes;
        self.mapped_bytes += other.mapped_bytes;
        self.filtered_bytes += other.filtered_bytes;
        self.rejected_bytes += other.rejected_bytes;
        self.late += other.late;
        self.newest_us = self.newest_us.max(other.newest_us);
    }
}

/// The first rejects of a batch, in the order of segments and offsets, whoever found them in whatever order.
#[derive(Debug, Default)]
pub struct Rejects {
    kept: Vec<Reject>,
    pruned: usize,
}

impl Rejects {
    /// Adds one.
    pub fn push(&mut self, reject: Reject) {
        self.kept.push(reject);
        if self.kept.len() >= self.pruned + 2 * REJECT_SAMPLES_MAX {
            self.prune();
        }
    }

    /// Adds another worker's.
    pub fn append(&mut self, other: Rejects) {
        self.kept.extend(other.kept);
    }

    /// All that are kept, in order.
    pub fn finish(mut self) -> Vec<Reject> {
        self.prune();
        self.kept
    }

    fn prune(&mut self) {
        self.kept.sort_by_key(|r| (r.segment, r.offset));
        self.kept.truncate(REJECTS_KEPT_MAX);
        self.kept.iter_mut().skip(REJECT_SAMPLES_MAX).for_each(|r| r.sample = Vec::new());
        self.pruned = self.kept.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rejects_are_kept_whatever_order_they_came_in() {
        let reject = |offset: u64| Reject {
            segment: 0,
            rank: (0, 0),
            offset,
            length: 1,
            reason: "x".into(),
            sample: vec![1],
        };
        let count = 3 * REJECT_SAMPLES_MAX as u64;
        let (mut up, mut down) = (Rejects::default(), Rejects::default());
        (0..count).for_each(|offset| up.push(reject(offset)));
        (0..count).rev().for_each(|offset| down.push(reject(offset)));
        let (up, down) = (up.finish(), down.finish());
        assert_eq!(up, down);
        assert_eq!(up.iter().filter(|r| !r.sample.is_empty()).count(), REJECT_SAMPLES_MAX);
    }
}
