//! What a mapper is given.

use crate::format::Tokenizer;
use crate::source::Before;

/// What a chunk's lines belong to.
#[derive(Clone, Copy)]
pub struct SegmentContext<'s> {
    /// Index of the segment in the batch.
    pub index: usize,
    /// Path as found.
    pub source_file: &'s str,
    /// Rank of the segment in the order of lines: (event time of its first line, hash of its first line).
    pub rank: (i64, u64),
    /// Cuts this segment's lines: into the fields that all plans of the mappers want.
    pub tokenizer: &'s dyn Tokenizer,
}

/// Whole lines of a segment.
#[derive(Default)]
pub struct Lines<'c> {
    /// The bytes; the last line may lack its newline.
    pub bytes: &'c [u8],
    /// Offset of the first of them in the segment.
    pub offset: u64,
    /// What comes before them.
    pub before: Before,
}

impl Lines<'_> {
    /// Where one of the lines begins in the segment. `line` is a part of `bytes`.
    pub(super) fn offset_of(&self, line: &[u8]) -> u64 {
        self.offset + self.within(line) as u64
    }

    /// Bytes of one of the lines, its end included. `crlf`: whether it may end with `\r\n`; where none does, nothing is
    /// read, since the line may be in no cache any more.
    #[inline]
    pub(super) fn bytes_of(&self, line: &[u8], crlf: bool) -> u64 {
        let behind = self.bytes.get(self.within(line) + line.len()..).unwrap_or_default();
        let end = match behind {
            [] => 0,
            [b'\r', b'\n', ..] if crlf => 2,
            _ => 1,
        };
        line.len() as u64 + end
    }

    fn within(&self, line: &[u8]) -> usize {
        (line.as_ptr() as usize).saturating_sub(self.bytes.as_ptr() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::line_at;

    #[test]
    fn a_line_takes_up_its_end_too() {
        let lines = Lines { bytes: b"ab\r\nc\nd\r\r\ne\r", offset: 100, ..Lines::default() };
        let (mut at, mut found) = (0, Vec::new());
        while at < lines.bytes.len() {
            let (line, next) = line_at(lines.bytes, at);
            found.push((line, lines.offset_of(line), lines.bytes_of(line, true)));
            assert_eq!(lines.bytes_of(line, true), (next - at) as u64);
            at = next;
        }
        let expected: [(&[u8], u64, u64); 4] =
            [(b"ab", 100, 4), (b"c", 104, 2), (b"d\r", 106, 4), (b"e", 110, 2)];
        assert_eq!(found, expected);
        let open = Lines { bytes: b"x", ..Lines::default() };
        assert_eq!(open.bytes_of(line_at(open.bytes, 0).0, false), 1);
        let unix = Lines { bytes: b"x\ny", ..Lines::default() };
        assert_eq!(unix.bytes_of(line_at(unix.bytes, 0).0, false), 2);
    }
}
