//! Walks the lines of an input: line ends, the byte order mark, empty and overlong lines, for all tokenizers alike.

use memchr::memchr;

use super::{RawBlock, RawReject, Reason};

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
}

/// Why a line is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It says nothing, such as a header.
    Skip,
    /// It should be one.
    Reject(Reason),
}

impl From<&'static str> for Unfit {
    fn from(reason: &'static str) -> Self {
        Unfit::Reject(reason.into())
    }
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Unfit::Reject(reason.into())
    }
}

impl Walk {
    /// Lines up to `line_bytes_max` bytes.
    pub(super) fn new(line_bytes_max: usize) -> Self {
        Walk { line_bytes_max }
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
        mut cut: impl FnMut(&'a [u8], &mut [Vec<&'a [u8]>]) -> Result<(), Unfit>,
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

    /// The same for the line that begins at `at`: answers where the next one begins, and whether this one is a record
    /// or a reject.
    #[inline]
    pub(super) fn line<'a>(
        self,
        input: &'a [u8],
        at: usize,
        block: &mut RawBlock<'a>,
        cut: impl FnOnce(&'a [u8], &mut [Vec<&'a [u8]>]) -> Result<(), Unfit>,
    ) -> (usize, bool) {
        let (line, next) = line_at(input, at);
        (next, self.take((line, next - at), block, cut))
    }

    /// The same for a line, or a record of several lines, given with its bytes, its end included: answers whether it is a
    /// record or a reject.
    #[inline]
    pub(super) fn take<'a>(
        self,
        (line, bytes): (&'a [u8], usize),
        block: &mut RawBlock<'a>,
        cut: impl FnOnce(&'a [u8], &mut [Vec<&'a [u8]>]) -> Result<(), Unfit>,
    ) -> bool {
        if line.is_empty() {
            block.skipped += 1;
            block.skipped_bytes += bytes as u64;
            return false;
        }
        block.crlf |= bytes > line.len() + 1;
        let result = if line.len() > self.line_bytes_max {
            Err(TOO_LONG.into())
        } else {
            cut(line, &mut block.fields)
        };
        match result {
            Ok(()) => block.lines.push(line),
            Err(Unfit::Reject(reason)) => block.rejects.push(RawReject { line, reason }),
            Err(Unfit::Skip) => {
                block.skipped += 1;
                block.skipped_bytes += bytes as u64;
                return false;
            }
        }
        true
    }

    /// Makes room in the block, and passes over the byte order mark and what comes before the rows: answers their bytes.
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
        let marked = at_start && input.starts_with(BYTE_ORDER_MARK);
        let mut at = if marked { BYTE_ORDER_MARK.len() } else { 0 };
        let preamble = std::mem::take(&mut block.before.preamble);
        while (at as u64) < preamble && at < input.len() {
            at = line_at(input, at).1;
            block.skipped += 1;
        }
        block.before.preamble = preamble.saturating_sub(at as u64);
        block.skipped_bytes += at as u64;
        at
    }
}

/// A line or a record without its line end.
pub(crate) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Before;

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
        assert_eq!(
            (block.rejects[0].line, block.rejects[0].reason.clone()),
            (&b"abcd"[..], TOO_LONG.into())
        );
    }

    #[test]
    fn a_walk_stops_behind_a_newline_once_the_block_is_full() {
        let (block, consumed) = lines(Walk::new(3), b"a\nb\nc\n", 2);
        assert_eq!((block.lines.len(), consumed), (2, 4));
    }

    #[test]
    fn what_comes_before_the_rows_is_skipped_however_the_input_is_cut() {
        let mut block = RawBlock::behind(Before { preamble: 8, open: None });
        let used = Walk::new(9).run((b"\xEF\xBB\xBFh\n", true), (0, 9), &mut block, |_, _| Ok(()));
        assert_eq!((used, block.skipped, block.before.preamble), (5, 1, 3));
        Walk::new(9).run((b"\xEF\n\na\n", false), (0, 9), &mut block, |_, _| Ok(()));
        assert_eq!((&block.lines[..], block.skipped), (&[&b"a"[..]][..], 3));
    }

    #[test]
    fn a_line_that_says_nothing_is_skipped() {
        let mut block = RawBlock::default();
        let cut = |line: &[u8]| if line == b"#" { Err(Unfit::Skip) } else { Ok(()) };
        Walk::new(9).run((b"#\na\n#\n", true), (0, 9), &mut block, |line, _| cut(line));
        assert_eq!((block.lines.len(), block.skipped, block.skipped_bytes), (1, 2, 4));
    }
}
