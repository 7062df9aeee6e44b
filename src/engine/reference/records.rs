//! Lines to records of several lines, byte by byte: `source/records.rs` once more, and nothing of it.

use std::ops::Range;

use crate::source::Rows;

/// What a byte of a row belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It begins a value.
    Begin,
    /// To a value without quotes.
    Plain,
    /// To one in quotes.
    Quoted,
    /// It is behind a quote within quotes, which closes or is doubled.
    Behind,
}

/// What begins the text.
enum Begins {
    /// A record, or a line that is none, with its end.
    Bytes(usize),
    /// Something of which the end is not there yet.
    Part,
}

/// Cuts the lines of a segment, as they come, into records.
pub struct RecordCutter {
    rows: Rows,
    /// Lines that are no whole record yet.
    text: Vec<u8>,
    /// Where they begin.
    offset: u64,
    /// A line that begins here, within quotes, leads to the end of the range with the quotes still open.
    within: Range<u64>,
}

impl RecordCutter {
    /// For the lines from a place on.
    pub fn new(rows: Rows, offset: u64) -> Self {
        RecordCutter { rows, text: Vec::new(), offset, within: 0..0 }
    }

    /// Takes the next lines, and calls with each record and where it begins.
    pub fn lines<E>(
        &mut self,
        lines: &[u8],
        each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.text.extend_from_slice(lines);
        self.cut(false, each)
    }

    /// The same at the end, or before a line that is too long for any record, of so many bytes.
    pub fn end<E>(
        &mut self,
        too_long: u64,
        each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.cut(true, each)?;
        self.offset += too_long;
        Ok(())
    }

    fn cut<E>(
        &mut self,
        is_end: bool,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (text, mut at) = (std::mem::take(&mut self.text), 0);
        while at < text.len() {
            let Begins::Bytes(bytes) = self.begins(&text[at..], is_end) else { break };
            each(self.offset, &text[at..at + bytes])?;
            at += bytes;
            self.offset += bytes as u64;
        }
        self.text = text[at..].to_vec();
        Ok(())
    }

    fn begins(&mut self, text: &[u8], is_end: bool) -> Begins {
        let first_line = text.iter().position(|&byte| byte == b'\n').map(|newline| newline + 1);
        let Some(first_line) = first_line.or(is_end.then_some(text.len())) else {
            return Begins::Part;
        };
        let mark = self.offset == 0 && text.starts_with(b"\xEF\xBB\xBF");
        let begin = if mark { 3 } else { 0 };
        let is_long = |end: usize| (end - begin) as u64 > self.rows.line_bytes_max;
        if self.offset < self.rows.preamble_bytes || is_long(content(&text[..first_line])) {
            return Begins::Bytes(first_line);
        }
        let (mut state, mut at, mut seen) = (State::Begin, begin, first_line);
        let found = loop {
            let Some(&byte) = text.get(at) else {
                let is_whole = state != State::Quoted && is_end;
                break if is_whole { Some(at) } else { None };
            };
            let is_end_of_line = ends_line(&text[at..], is_end);
            at += 1;
            state = match state {
                State::Quoted if Some(byte) == self.rows.quote => State::Behind,
                State::Quoted if byte == b'\n' => {
                    at = self.jump(at);
                    seen = at;
                    if is_long(content(&text[..at])) {
                        break None;
                    }
                    state
                }
                State::Quoted => state,
                _ if is_end_of_line => {
                    let newline = text[at - 1..].iter().position(|&byte| byte == b'\n');
                    break Some(newline.map_or(text.len(), |newline| at + newline));
                }
                _ if byte == self.rows.delimiter => State::Begin,
                State::Begin | State::Behind if Some(byte) == self.rows.quote => State::Quoted,
                State::Behind if at <= first_line => break Some(first_line),
                State::Behind => break None,
                State::Begin | State::Plain => State::Plain,
            };
        };
        match found {
            Some(end) if end == first_line || !is_long(content(&text[..end])) => Begins::Bytes(end),
            None if at >= text.len() && !is_end && !is_long(content(text)) => Begins::Part,
            // Nothing closes the quote: the first line counts alone.
            _ => {
                self.within = self.offset + first_line as u64..self.offset + seen as u64;
                Begins::Bytes(first_line)
            }
        }
    }

    /// How far it is known that the quotes stay open.
    fn jump(&self, at: usize) -> usize {
        match self.within.contains(&(self.offset + at as u64)) {
            true => (self.within.end - self.offset) as usize,
            false => at,
        }
    }
}

/// Whether the rest of a text begins with the end of a line.
fn ends_line(rest: &[u8], is_end: bool) -> bool {
    matches!(rest, [b'\n', ..] | [b'\r', b'\n', ..]) || (is_end && rest == b"\r")
}

/// Bytes without a line end.
fn content(text: &[u8]) -> usize {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text).len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source;

    /// Where each record ends, by the way of the runs.
    fn ends(rows: Rows, text: &[u8]) -> Vec<u64> {
        let (mut records, mut at, mut ends) = (source::Records::new(rows), 0, Vec::new());
        while at < text.len() {
            at = match records.at(text, 0, at, true) {
                source::Record::Whole(end) | source::Record::Torn(end) => end,
                source::Record::Open => {
                    let newline = text[at..].iter().position(|&byte| byte == b'\n');
                    newline.map_or(text.len(), |newline| at + newline + 1)
                }
            };
            ends.push(at as u64);
        }
        ends
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]
        #[test]
        fn records_are_those_of_the_runs(
            words in prop::collection::vec(prop::sample::select(vec![
                "a", "\"", "\"", ",", "\n", "\r\n", "\r", "bcdefgh", "\",", ",\"", "\"\"", "x\",\"y\n", "\"\n",
            ]), 0..60),
            limit in 1_u64..40, step in 1_usize..6,
        ) {
            let text = words.concat().into_bytes();
            let rows = Rows { quote: Some(b'"'), delimiter: b',', multiline: true, line_bytes_max: limit, preamble_bytes: 0 };
            let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
            let (mut cutter, mut got, mut seen) = (RecordCutter::new(rows, 0), Vec::new(), Vec::new());
            let mut each = |at: u64, record: &[u8]| {
                seen.extend_from_slice(record);
                got.push(at + record.len() as u64);
                Ok::<(), ()>(())
            };
            for lines in lines.chunks(step) {
                cutter.lines(&lines.concat(), &mut each).expect("no error");
            }
            cutter.end(0, &mut each).expect("no error");
            prop_assert_eq!(&seen, &text);
            prop_assert_eq!(got, ends(rows, &text));
        }
    }
}
