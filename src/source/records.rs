//! Records of several lines: rows in which a value in quotes holds line breaks (RFC 4180, 2.6).
//!
//! A record ends with the first line that no quote is open behind. Where there is none within the limit of a line, where the
//! bytes end before, or where something else stands behind the quote that should close, the quote is none, and costs one line:
//! that one is torn, and the next one begins a record. So whatever is torn, what follows is read; and what a line is depends on
//! no more than the bytes behind it, up to the limit.

use std::ops::Range;

use memchr::memchr;

use super::SourceError;
use super::chunk::{Chunk, ChunkBuffer, Oversize, SAMPLE_BYTES_MAX};
use super::rows::{Before, End, Rows};

/// What some editors and Windows programs begin a file with.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// What is read at a time where a chunk is not whole yet, at least.
const STEP_BYTES_MIN: usize = 4096;
/// What is read at a time of a line that is not kept.
const SCAN_BYTES: usize = 256 * 1024;

/// What begins some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A record, which ends here, its line end included.
    Whole(usize),
    /// A line that opens a quote which nothing closes. It ends here.
    Torn(usize),
    /// Something that does not end within the text.
    Open,
}

/// Cuts records.
#[derive(Debug)]
pub struct Records {
    rows: Rows,
    /// Lines that begin here leave a quote open that was open before them: they were looked at before. So nothing is looked at
    /// twice, however many quotes are opened one behind the other and never closed.
    passed: Range<u64>,
}

impl Records {
    /// Of a segment.
    pub fn new(rows: Rows) -> Self {
        Records { rows, passed: 0..0 }
    }

    /// Where what is whole of a text ends, from `at` on. `base` and `is_end`: see [`Records::at`].
    pub(super) fn whole(&mut self, text: &[u8], base: u64, mut at: usize, is_end: bool) -> usize {
        while at < text.len() {
            let start = base + at as u64;
            let found = if start < self.rows.preamble_bytes {
                line_of(text, at, is_end).map_or(Record::Open, |(_, end)| Record::Whole(end))
            } else {
                let is_marked = start == 0 && text.starts_with(BYTE_ORDER_MARK);
                let mark = if is_marked { BYTE_ORDER_MARK.len() } else { 0 };
                self.at(text, base, at + mark, is_end)
            };
            at = match found {
                Record::Whole(end) | Record::Torn(end) => end,
                Record::Open if is_end => line_of(text, at, true).map_or(at, |(_, end)| end),
                Record::Open => break,
            };
        }
        at
    }

    /// What begins at `at` of a text, which begins at `base` of the segment. `is_end`: nothing follows the text, so that its last
    /// line needs no line end.
    pub fn at(&mut self, text: &[u8], base: u64, at: usize, is_end: bool) -> Record {
        let Some((line, first_end)) = line_of(text, at, is_end) else { return Record::Open };
        let is_long = |end: usize| (end - at) as u64 > self.rows.line_bytes_max;
        if is_long(at + line.len()) || !matches!(self.rows.end(line, false), End::Open) {
            return Record::Whole(first_end);
        }
        let mut end = first_end;
        let found = loop {
            if self.passed.contains(&(base + end as u64)) {
                end = (self.passed.end - base) as usize;
            }
            let content = trimmed(&text[..end]);
            let Some((line, next)) = line_of(text, end, is_end).filter(|_| !is_long(content))
            else {
                // What a last line will be at least: its last byte may be a part of its end.
                let least = text.len().saturating_sub(1).max(content);
                break if is_long(least) { Record::Torn(first_end) } else { Record::Open };
            };
            if is_long(end + line.len()) {
                break Record::Torn(first_end);
            }
            match self.rows.end(line, true) {
                End::Open => end = next,
                End::Closed => break Record::Whole(next),
                End::Malformed => break Record::Torn(first_end),
            }
        };
        if !matches!(found, Record::Whole(_)) {
            self.passed = base + first_end as u64..base + end as u64;
        }
        found
    }
}

/// The line that begins at a place, without its end, and where the next one begins.
fn line_of(text: &[u8], at: usize, is_end: bool) -> Option<(&[u8], usize)> {
    let rest = &text[at..];
    let (line, next) = match memchr(b'\n', rest) {
        Some(newline) => (&rest[..newline], at + newline + 1),
        None if is_end && !rest.is_empty() => (rest, text.len()),
        None => return None,
    };
    Some((line.strip_suffix(b"\r").unwrap_or(line), next))
}

/// Bytes without a line end.
fn trimmed(text: &[u8]) -> usize {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text).len()
}

/// Hands out bytes of a segment in chunks of whole records.
#[derive(Debug)]
pub(super) struct RecordChunks {
    records: Records,
    /// Bytes read behind those handed out.
    carry: Vec<u8>,
    /// Where the next chunk begins.
    offset: u64,
    is_end: bool,
    step: usize,
    /// As in [`Chunk`].
    line_bytes_max: u64,
}

impl RecordChunks {
    /// From a place on, about `step` bytes at a time.
    pub(super) fn new(rows: Rows, offset: u64, step: u64, line_bytes_max: u64) -> Self {
        let step = usize::try_from(step.max(1)).unwrap_or(usize::MAX);
        let (records, carry) = (Records::new(rows), Vec::new());
        RecordChunks { records, carry, offset, is_end: false, step, line_bytes_max }
    }

    /// The next records; `None` at the end. `read` gives the next bytes, and fewer than asked for at the end only.
    pub(super) fn next<'c>(
        &mut self,
        buffer: &'c mut ChunkBuffer,
        mut read: impl FnMut(&mut [u8]) -> Result<usize, SourceError>,
    ) -> Result<Option<Chunk<'c>>, SourceError> {
        buffer.map = None;
        let bytes = &mut buffer.bytes;
        bytes.clear();
        bytes.append(&mut self.carry);
        let (mut whole, mut step) = (0, self.step);
        while whole == 0 && !(self.is_end && bytes.is_empty()) {
            if !self.is_end {
                let from = bytes.len();
                bytes.resize(from + step, 0);
                let n = read(&mut bytes[from..])?;
                bytes.truncate(from + n);
                self.is_end = n < step;
            }
            whole = self.records.whole(bytes, self.offset, 0, self.is_end);
            // No record has so many bytes, unless its first line has.
            if whole == 0 && bytes.len() as u64 > self.line_bytes_max {
                let line = self.pass_over(bytes, &mut buffer.scan, &mut read)?;
                return Ok(Some(self.chunk(&[], Some(line))));
            }
            step = step.max(STEP_BYTES_MIN);
        }
        self.carry.extend_from_slice(&bytes[whole..]);
        let bytes = &buffer.bytes[..whole];
        Ok((whole > 0).then(|| self.chunk(bytes, None)))
    }

    fn chunk<'c>(&mut self, bytes: &'c [u8], oversize: Option<Oversize>) -> Chunk<'c> {
        let offset = self.offset;
        let long = oversize.as_ref().map(|line| line.length + u64::from(line.terminated));
        self.offset += bytes.len() as u64 + long.unwrap_or(0);
        let preamble = self.records.rows.preamble_bytes.saturating_sub(offset);
        Chunk { bytes, offset, oversize, before: Before { open: None, preamble } }
    }

    /// Reads to the end of a line that begins with `start` and is not kept.
    fn pass_over(
        &mut self,
        start: &[u8],
        scan: &mut Vec<u8>,
        mut read: impl FnMut(&mut [u8]) -> Result<usize, SourceError>,
    ) -> Result<Oversize, SourceError> {
        let mut line = Oversize {
            offset: self.offset,
            length: start.len() as u64,
            terminated: false,
            ends_in_cr: start.last() == Some(&b'\r'),
            sample: start[..start.len().min(SAMPLE_BYTES_MAX)].to_vec(),
        };
        scan.resize(SCAN_BYTES, 0);
        while !self.is_end && !line.terminated {
            let n = read(scan)?;
            self.is_end = n < scan.len();
            let newline = memchr(b'\n', &scan[..n]);
            line.add(&scan[..newline.unwrap_or(n)]);
            line.terminated = newline.is_some();
            if let Some(at) = newline {
                self.carry.extend_from_slice(&scan[at + 1..n]);
            }
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(line_bytes_max: u64, preamble_bytes: u64) -> Rows {
        let quote = Some(b'"');
        Rows { quote, delimiter: b',', multiline: true, line_bytes_max, preamble_bytes }
    }

    #[derive(PartialEq)]
    enum Read {
        Closed,
        Open,
        Malformed,
    }

    /// What a text is as a row, character by character.
    fn read(text: &[u8]) -> Read {
        let mut rest = text;
        loop {
            if let Some(mut value) = rest.strip_prefix(b"\"") {
                loop {
                    match value {
                        [] => return Read::Open,
                        [b'"', b'"', more @ ..] => value = more,
                        [b'"', ..] => break,
                        [_, more @ ..] => value = more,
                    }
                }
                rest = &value[1..];
                match rest.first() {
                    None => return Read::Closed,
                    Some(b',') => {}
                    Some(_) => return Read::Malformed,
                }
            }
            match rest.iter().position(|&byte| byte == b',') {
                None => return Read::Closed,
                Some(at) => rest = &rest[at + 1..],
            }
        }
    }

    /// Where each record of a text ends: each possible end is tried, and the row read anew.
    fn model(rows: Rows, text: &[u8]) -> Vec<usize> {
        let newlines = (0..text.len()).filter(|&at| text[at] == b'\n').map(|at| at + 1);
        let mut lines: Vec<usize> = newlines.collect();
        if text.last().is_some_and(|&last| last != b'\n') {
            lines.push(text.len());
        }
        let (mut ends, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let rest = &lines[lines.partition_point(|&end| end <= at)..];
            let first = rest[0];
            let mark = if at == 0 && text.starts_with(BYTE_ORDER_MARK) { 3 } else { 0 };
            let content = |end: usize| &text[at + mark..trimmed(&text[..end]).max(at + mark)];
            let is_long = |end: &usize| content(*end).len() as u64 > rows.line_bytes_max;
            let is_alone = (at as u64) < rows.preamble_bytes || is_long(&first);
            let closed = rest.iter().take_while(|end| !is_long(end));
            let found =
                closed.map(|&end| (end, read(content(end)))).find(|(_, r)| *r != Read::Open);
            at = match found {
                Some((end, Read::Closed)) if !is_alone => end,
                _ => first,
            };
            ends.push(at);
        }
        ends
    }

    /// The same, of a chunk that ends with a whole record.
    fn ends(rows: Rows, text: &[u8], base: u64) -> Vec<usize> {
        let (mut records, mut at, mut ends) = (Records::new(rows), 0, Vec::new());
        while at < text.len() {
            let mark =
                if base == 0 && at == 0 && text.starts_with(BYTE_ORDER_MARK) { 3 } else { 0 };
            at = match records.at(text, base, at + mark, true) {
                _ if base + (at as u64) < rows.preamble_bytes => None,
                Record::Whole(end) | Record::Torn(end) => Some(end),
                Record::Open => None,
            }
            .unwrap_or_else(|| line_of(text, at, true).expect("a line").1);
            ends.push(at);
        }
        ends
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let words = vec![
            "a",
            "\"",
            "\"",
            ",",
            "\n",
            "\n",
            "\r\n",
            "\r",
            "bcdefgh",
            "\",",
            ",\"",
            "\"\"",
            "x\",\"y\n",
            "\n\n",
            "\"\n",
            "\"\r\n",
        ];
        let words = prop::collection::vec(prop::sample::select(words), 0..60);
        (any::<prop::sample::Index>(), words).prop_map(|(mark, words)| {
            let mark = if mark.index(8) == 0 { "\u{feff}" } else { "" };
            [mark, &words.concat()].concat().into_bytes()
        })
    }

    #[test]
    fn a_record_ends_where_no_quote_is_open_and_a_quote_that_nothing_closes_costs_one_line() {
        let ends = |text: &str, limit| {
            let text = text.as_bytes();
            let ends = ends(rows(limit, 0), text, 0);
            assert_eq!(ends, model(rows(limit, 0), text));
            ends
        };
        assert_eq!(ends("1,\"a\nb\",2\n3,x\n", 99), [10, 14]);
        assert_eq!(ends("\"a\r\n\r\n\"\r\nb\n", 99), [9, 11]);
        // Torn: what stands behind the next quote, the file's end, the limit.
        assert_eq!(ends("1,\"a\n2,\"b\",3\n4,5\n", 99), [5, 13, 17]);
        assert_eq!(ends("1,\"a\n2,b\n3,c\n", 99), [5, 9, 13]);
        assert_eq!(ends("1,\"a\n2,b\n3,c\n\"\n", 13), [5, 9, 13, 15]);
        assert_eq!(ends("1,\"a\n2,b\n3,c\n\"\n", 14), [15]);
        assert_eq!(ends("1,\"a\n2,b\n3,c\"\n", 12), [5, 9, 14]);
    }

    #[test]
    fn quotes_that_are_opened_over_and_over_end_nothing_but_their_lines() {
        let text = "x\",\"y\n".repeat(200_000);
        // Each quote looked for up to the end of the text would take minutes.
        assert_eq!(ends(rows(1 << 20, 0), text.as_bytes(), 0).len(), 200_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]
        #[test]
        fn records_are_those_of_the_model_however_they_are_read(
            text in text(), limit in 1_u64..40, step in 1_u64..30, preamble: bool,
        ) {
            let first = memchr(b'\n', &text).map_or(text.len(), |at| at + 1) as u64;
            let rows = rows(limit, if preamble { first } else { 0 });
            let expected = model(rows, &text);
            prop_assert_eq!(&ends(rows, &text, 0), &expected);
            // In chunks.
            let (mut chunks, mut read_at) = (RecordChunks::new(rows, 0, step, limit + 4), 0);
            let (mut buffer, mut got, mut all) = (ChunkBuffer::default(), Vec::new(), Vec::new());
            let mut read = |into: &mut [u8]| {
                let n = into.len().min(text.len() - read_at);
                into[..n].copy_from_slice(&text[read_at..read_at + n]);
                read_at += n;
                Ok(n)
            };
            while let Some(chunk) = chunks.next(&mut buffer, &mut read).expect("in memory") {
                prop_assert_eq!(chunk.offset as usize, all.len());
                all.extend_from_slice(chunk.bytes);
                got.extend(ends(rows, chunk.bytes, chunk.offset).iter().map(|end| chunk.offset as usize + end));
                if let Some(line) = chunk.oversize {
                    all.resize(all.len() + line.length as usize + usize::from(line.terminated), 0);
                    got.push(all.len());
                }
            }
            prop_assert_eq!(all.len(), text.len());
            prop_assert_eq!(&got, &expected);
            // Of a file that grows, as much as is whole whatever follows.
            let mut from = 0;
            for end in 0..=text.len() {
                let whole = Records::new(rows).whole(&text[..end], 0, 0, false);
                prop_assert!(whole == 0 || expected.contains(&whole), "{} of {}: {:?}", whole, end, expected);
                prop_assert!(whole >= from);
                let more = Records::new(rows).whole(&text[from..end], from as u64, 0, false);
                prop_assert_eq!(from + more, whole);
                from = whole;
            }
        }
    }
}
