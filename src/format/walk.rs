//! Walks the lines of an input: line ends, the byte order mark, empty and overlong lines, for all tokenizers alike.

use memchr::memchr;

use super::{RawBlock, RawReject};

/// The reason of a line that is longer than the limit.
pub(crate) const TOO_LONG: &str = "longer than the line limit";
/// Records that room is made for at once: a block of the usual size.
const RESERVE_MAX: usize = 4096;
/// What some editors and Windows programs begin a file with.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a walk over an input needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    /// A longer line (without its end) is a reject.
    pub(super) line_bytes_max: usize,
    /// Whether the first line of a segment is a header, which is skipped.
    pub(super) header: bool,
}

impl Walk {
    /// Lines up to `line_bytes_max` bytes, with no header.
    pub(super) fn new(line_bytes_max: usize) -> Self {
        Walk { line_bytes_max, header: false }
    }

    /// Calls `cut` for each line that is not empty. `cut` pushes one value a wanted field (there are `columns`), or
    /// pushes nothing and says why the line is none. Stops after `records_max` records and rejects together, so that
    /// a file of another format can't fill the memory with rejects. Returns the bytes consumed.
    #[inline]
    pub(super) fn run<'a>(
        self,
        (input, at_start): (&'a [u8], bool),
        (columns, records_max): (usize, usize),
        block: &mut RawBlock<'a>,
        mut cut: impl FnMut(&'a [u8], &mut [Vec<&'a [u8]>]) -> Result<(), &'static str>,
    ) -> usize {
        let mut at = self.begin(input, at_start, (columns, records_max), block);
        let mut seen = 0;
        while at < input.len() && seen < records_max {
            let (next, is_line) = self.line(input, at, block, &mut cut);
            seen += usize::from(is_line);
            at = next;
        }
        at
    }

    /// The same for the line that begins at `at`: answers where the next one begins, and whether this one is not empty.
    #[inline]
    pub(super) fn line<'a>(
        self,
        input: &'a [u8],
        at: usize,
        block: &mut RawBlock<'a>,
        cut: impl FnOnce(&'a [u8], &mut [Vec<&'a [u8]>]) -> Result<(), &'static str>,
    ) -> (usize, bool) {
        let (line, next) = line_at(input, at);
        if line.is_empty() {
            block.skipped += 1;
            block.skipped_bytes += (next - at) as u64;
            return (next, false);
        }
        block.crlf |= next - at > line.len() + 1;
        let result = if line.len() > self.line_bytes_max {
            Err(TOO_LONG)
        } else {
            cut(line, &mut block.fields)
        };
        match result {
            Ok(()) => block.lines.push(line),
            Err(reason) => block.rejects.push(RawReject { line, reason }),
        }
        (next, true)
    }

    /// Makes room in the block, and passes over the byte order mark and the header line: answers their bytes.
    pub(super) fn begin<'a>(
        self,
        input: &'a [u8],
        at_start: bool,
        (columns, records_max): (usize, usize),
        block: &mut RawBlock<'a>,
    ) -> usize {
        block.text = input;
        block.fields.resize_with(columns, Vec::new);
        let room = records_max.min(RESERVE_MAX).min(input.len());
        block.lines.reserve(room);
        block.fields.iter_mut().for_each(|column| column.reserve(room));
        let at = if at_start { self.preamble(input, block) } else { 0 };
        block.skipped_bytes += at as u64;
        at
    }

    /// Passes over the byte order mark and the header line.
    fn preamble(self, input: &[u8], block: &mut RawBlock<'_>) -> usize {
        let mark = if input.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        if !self.header || mark == input.len() {
            return mark;
        }
        block.skipped += 1;
        line_at(input, mark).1
    }
}

/// The line that begins at `at`, without its end (`\n` or `\r\n`), and where the next one begins.
#[inline]
pub(crate) fn line_at(input: &[u8], at: usize) -> (&[u8], usize) {
    let rest = &input[at..];
    let (line, next) = match memchr(b'\n', rest) {
        Some(end) => (&rest[..end], at + end + 1),
        None => (rest, input.len()),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), next)
}

/// The first line of a segment, without a byte order mark; `None` for an empty segment.
pub(super) fn first_line(head: &[u8]) -> Option<&[u8]> {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    (!head.is_empty()).then(|| line_at(head, 0).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(walk: Walk, input: &'static [u8], records_max: usize) -> (RawBlock<'static>, usize) {
        let mut block = RawBlock::default();
        let consumed = walk.run((input, true), (0, records_max), &mut block, |_, _| Ok(()));
        (block, consumed)
    }

    #[test]
    fn line_ends_and_the_byte_order_mark_are_no_part_of_a_line() {
        let (block, consumed) = lines(Walk::new(9), b"\xEF\xBB\xBFa\r\n\r\n\nb\r", 9);
        assert_eq!(block.lines, [b"a", b"b"]);
        assert_eq!((block.skipped, consumed), (2, 11));
    }

    #[test]
    fn a_line_above_the_limit_is_a_reject_and_one_at_the_limit_is_none() {
        let (block, _) = lines(Walk::new(3), b"abc\r\nabcd\nab\n", 9);
        assert_eq!(block.lines, [&b"abc"[..], b"ab"]);
        assert_eq!((block.rejects[0].line, block.rejects[0].reason), (&b"abcd"[..], TOO_LONG));
    }

    #[test]
    fn a_walk_stops_behind_a_newline_once_the_block_is_full() {
        let (block, consumed) = lines(Walk::new(3), b"a\nb\nc\n", 2);
        assert_eq!((block.lines.len(), consumed), (2, 4));
    }

    #[test]
    fn a_header_line_is_skipped_at_the_start_of_a_segment_only() {
        let walk = Walk { line_bytes_max: 9, header: true };
        assert_eq!(lines(walk, b"h\na\n", 9).0.lines, [b"a"]);
        let mut block = RawBlock::default();
        walk.run((b"h\na\n", false), (0, 9), &mut block, |_, _| Ok(()));
        assert_eq!((block.lines.len(), block.skipped), (2, 0));
        assert_eq!(first_line(b"\xEF\xBB\xBFx,y\r\n1,2"), Some(&b"x,y"[..]));
    }
}
