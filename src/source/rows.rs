//! Quotes that a line leaves open, as RFC 4180, 2.6, allows: the next line is not a row then, but a part of a value. A reader
//! that begins in the midst of a segment looks back for them, so that each line means the same wherever reading began.

use memchr::{memchr, memrchr};

use super::SourceError;

/// How far an open quote reaches, in bytes from the start of its line: a line that was torn must not take all those behind
/// it along. Values of so many bytes are rare.
const REACH_BYTES: u64 = 64 << 10;
/// What is read first of the bytes before a place: a quote among them nearly always tells.
const LOOK_BYTES: u64 = 4 << 10;
/// What is read at most. Only where each line may both open and close a quote it takes more than a little, and then nobody can
/// tell what is a row.
const LOOK_BYTES_MAX: u64 = 64 << 20;

/// How the rows of a segment are written, where a line may mean something else for what comes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// Around a value, and doubled within; `None`: nothing is.
    pub quote: Option<u8>,
    /// Between two values.
    pub delimiter: u8,
    /// Whether values may hold line breaks: then a row ends where no quote is open, and is read by [`super::Records`].
    pub multiline: bool,
    /// Longer lines are not taken apart, nor longer rows.
    pub line_bytes_max: u64,
    /// Bytes that the segment begins with and that are no rows: a header, and what is before it.
    pub preamble_bytes: u64,
}

/// What comes before a line, as far as its meaning depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    /// How many bytes before it the line begins that opened a quote which is still open.
    pub open: Option<u64>,
    /// Bytes from here on that are no rows.
    pub preamble: u64,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Complete, or wrong for another reason.
    Whole,
    /// A quote is open at its end.
    Opens,
    /// A quote was open at its begin, and one is at its end.
    GoesOn,
    /// A quote was open at its begin, and none is at its end.
    Closes,
}

/// How a line ends.
pub(super) enum End {
    Closed,
    Open,
    /// Something stands behind a closing quote.
    Malformed,
}

impl Rows {
    /// Whether a quote that was opened so many bytes ago, from the start of its line, is still open.
    pub fn reaches(&self, bytes: u64) -> bool {
        bytes <= self.reach()
    }

    fn reach(&self) -> u64 {
        REACH_BYTES.min(self.line_bytes_max)
    }

    /// What a line (without its end) is, given whether a quote is open where it begins. If it can't go on from there, the
    /// quote was none: the line that opened it was torn.
    pub fn part(&self, line: &[u8], is_open: bool) -> Part {
        if is_open {
            match self.end(line, true) {
                End::Open => return Part::GoesOn,
                End::Closed => return Part::Closes,
                End::Malformed => {}
            }
        }
        match self.end(line, false) {
            End::Open => Part::Opens,
            _ => Part::Whole,
        }
    }

    /// How a line (without its end) ends, given whether a quote is open where it begins.
    pub(super) fn end(&self, line: &[u8], mut in_quotes: bool) -> End {
        let Some(quote) = self.quote else { return End::Closed };
        let mut rest = line;
        loop {
            if in_quotes {
                let Some(at) = memchr(quote, rest) else { return End::Open };
                rest = &rest[at + 1..];
                match rest.first() {
                    None => return End::Closed,
                    Some(byte) if *byte == quote => rest = &rest[1..],
                    Some(byte) if *byte == self.delimiter => {
                        (rest, in_quotes) = (&rest[1..], false)
                    }
                    Some(_) => return End::Malformed,
                }
            } else if rest.first() == Some(&quote) {
                (rest, in_quotes) = (&rest[1..], true);
            } else {
                let Some(at) = memchr(self.delimiter, rest) else { return End::Closed };
                rest = &rest[at + 1..];
            }
        }
    }

    /// What comes before `at`, where a line begins. `read` gives the bytes of a range of the segment.
    pub(super) fn before(
        &self,
        at: u64,
        read: impl FnMut(u64, u64) -> Result<Vec<u8>, SourceError>,
    ) -> Result<Before, SourceError> {
        let preamble = self.preamble_bytes.saturating_sub(at);
        let open = match self.quote {
            Some(quote) if at > self.preamble_bytes => self.open_before(quote, at, read)?,
            _ => None,
        };
        Ok(Before { open, preamble })
    }

    fn open_before(
        &self,
        quote: u8,
        at: u64,
        mut read: impl FnMut(u64, u64) -> Result<Vec<u8>, SourceError>,
    ) -> Result<Option<u64>, SourceError> {
        // Without a quote in sight, it takes all that one reaches over, from the start of a line.
        let mut look = LOOK_BYTES.min(self.reach() + 1);
        loop {
            let from = at.saturating_sub(look).max(self.preamble_bytes);
            let is_begin = from == self.preamble_bytes;
            if let Some(open) = self.open_behind(quote, &read(from, at)?, is_begin) {
                return Ok(open);
            }
            if look >= LOOK_BYTES_MAX {
                return Ok(None);
            }
            look = (look * 4).max(self.reach() + look);
        }
    }

    /// The same behind a text; `None` where it takes more of what comes before. `is_begin`: its first byte begins a row.
    fn open_behind(&self, quote: u8, text: &[u8], is_begin: bool) -> Option<Option<u64>> {
        let first = match is_begin {
            true => 0,
            false => memchr(b'\n', text)? + 1,
        };
        let mut look = Look { rows: self, first, states: vec![State::Closed] };
        if !is_begin {
            look.states.push(State::Before);
        }
        let mut at = first;
        while let Some(found) = memchr(quote, &text[at..]) {
            let quote = at + found;
            let start = memrchr(b'\n', &text[at..quote]).map_or(at, |newline| at + newline + 1);
            let end = memchr(b'\n', &text[quote..]).map_or(text.len(), |found| quote + found);
            let line = &text[start..end];
            look.line(start, line.strip_suffix(b"\r").unwrap_or(line));
            at = (end + 1).min(text.len());
        }
        look.expire(text.len());
        match look.states[..] {
            [State::Closed] => Some(None),
            [State::Open(start)] => Some(Some((text.len() - start) as u64)),
            _ => None,
        }
    }
}

/// What may be before a line, for all that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Closed,
    /// Opened by the line that begins here.
    Open(usize),
    /// Opened before the text.
    Before,
}

/// A look at a text, line by line.
struct Look<'q> {
    rows: &'q Rows,
    /// Where its first line begins.
    first: usize,
    states: Vec<State>,
}

impl Look<'_> {
    fn line(&mut self, start: usize, line: &[u8]) {
        self.expire(start);
        if line.len() as u64 > self.rows.line_bytes_max {
            self.states = vec![State::Closed];
            return;
        }
        for state in &mut self.states {
            *state = match self.rows.part(line, *state != State::Closed) {
                Part::Whole | Part::Closes => State::Closed,
                Part::Opens => State::Open(start),
                Part::GoesOn => *state,
            };
        }
        self.unite();
    }

    /// Drops what reaches no further than here.
    fn expire(&mut self, at: usize) {
        let reaches = |from: usize| self.rows.reaches((at - from) as u64);
        let mut may_be_over = false;
        for state in &mut self.states {
            match *state {
                State::Open(start) if !reaches(start) => *state = State::Closed,
                State::Before if !reaches(self.first) => *state = State::Closed,
                // By how much it began before the text, nobody knows.
                State::Before => may_be_over = true,
                _ => {}
            }
        }
        if may_be_over {
            self.states.push(State::Closed);
        }
        self.unite();
    }

    fn unite(&mut self) {
        self.states.sort_unstable();
        self.states.dedup();
    }
}

/// Follows the lines of a stream.
#[derive(Debug)]
pub(super) struct Follower {
    rows: Rows,
    /// Bytes seen.
    at: u64,
    /// Where the line begins that opened the quote.
    open: Option<u64>,
    /// A line that is not complete yet, as far as it may be taken apart.
    line: Vec<u8>,
    /// Where it begins.
    start: u64,
}

impl Follower {
    pub(super) fn new(rows: Rows) -> Self {
        Follower { rows, at: 0, open: None, line: Vec::new(), start: 0 }
    }

    /// Goes on over some bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(newline) = memchr(b'\n', bytes) {
            self.add(&bytes[..newline]);
            self.at += 1;
            self.end_line();
            bytes = &bytes[newline + 1..];
        }
        self.add(bytes);
    }

    /// What comes before the line that begins here.
    pub(super) fn before(&mut self) -> Before {
        if self.at > self.start {
            self.end_line();
        }
        let open = self.open.map(|open| self.at - open).filter(|bytes| self.rows.reaches(*bytes));
        Before { open, preamble: self.rows.preamble_bytes.saturating_sub(self.at) }
    }

    fn add(&mut self, bytes: &[u8]) {
        // A line end of two bytes, and one more to see that a line is too long.
        let room =
            (self.rows.line_bytes_max as usize).saturating_add(3).saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.at += bytes.len() as u64;
    }

    fn end_line(&mut self) {
        let Follower { rows, line, start, .. } = self;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_open = self.open.is_some_and(|open| rows.reaches(*start - open));
        if *start >= rows.preamble_bytes && line.len() as u64 <= rows.line_bytes_max {
            match rows.part(line, is_open) {
                Part::Whole | Part::Closes => self.open = None,
                Part::Opens => self.open = Some(*start),
                Part::GoesOn => {}
            }
        }
        self.line.clear();
        self.start = self.at;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(line_bytes_max: u64, preamble_bytes: u64) -> Rows {
        let (quote, multiline) = (Some(b'"'), false);
        Rows { quote, delimiter: b',', multiline, line_bytes_max, preamble_bytes }
    }

    #[test]
    fn a_line_opens_quotes_goes_on_in_them_or_closes_them() {
        let part = |line: &str, is_open| rows(99, 0).part(line.as_bytes(), is_open);
        for (line, alone, behind) in [
            ("1,\"two", Part::Opens, Part::Opens),
            ("33,more,31", Part::Whole, Part::GoesOn),
            ("lines\",20", Part::Whole, Part::Closes),
            ("\",40", Part::Opens, Part::Closes),
            ("x\",\"y", Part::Opens, Part::GoesOn),
            ("5,\"a \"\"b\"\"\",50", Part::Whole, Part::Whole),
            ("say \"\"hi\"\"", Part::Whole, Part::GoesOn),
            ("\"", Part::Opens, Part::Closes),
            ("a\"b", Part::Whole, Part::Whole),
            ("", Part::Whole, Part::GoesOn),
        ] {
            assert_eq!((part(line, false), part(line, true)), (alone, behind), "{line}");
        }
    }

    /// What is open where each line begins, by going through all of them.
    fn model(rows: &Rows, text: &[u8]) -> Vec<(usize, Option<u64>)> {
        let (mut open, mut at, mut all) = (None, 0, Vec::new());
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let before = open.map(|from: usize| (at - from) as u64).filter(|&b| rows.reaches(b));
            all.push((at, before));
            let bare = line.strip_suffix(b"\n").unwrap_or(line);
            let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
            if (at as u64) < rows.preamble_bytes || bare.len() as u64 > rows.line_bytes_max {
                open = None;
            } else {
                match rows.part(bare, before.is_some()) {
                    Part::Whole | Part::Closes => open = None,
                    Part::Opens => open = Some(at),
                    Part::GoesOn => {}
                }
            }
            at += line.len();
        }
        all
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let words = vec!["a", "\"", "\"", ",", "\n", "\n", "\r\n", "bcdefgh", "\",", ",\"", "\"\""];
        prop::collection::vec(prop::sample::select(words), 0..80)
            .prop_map(|words| words.concat().into_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn looking_back_finds_what_reading_from_the_begin_finds(text in text(), reach in 1_u64..40, header: bool) {
            let first = memchr(b'\n', &text).map_or(text.len(), |at| at + 1) as u64;
            let rows = rows(reach, if header { first } else { 0 });
            let read = |from: u64, to: u64| Ok(text[from as usize..to as usize].to_vec());
            for (at, open) in model(&rows, &text) {
                prop_assert_eq!(rows.before(at as u64, read).expect("in memory").open, open, "at {}", at);
                let mut follower = Follower::new(rows);
                let (early, late) = text[..at].split_at(at / 2);
                follower.feed(early);
                follower.feed(late);
                prop_assert_eq!(follower.before().open, open);
            }
        }
    }
}
