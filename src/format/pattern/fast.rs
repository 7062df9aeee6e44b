//! A pattern's values in a line whose marks are known. Good for lines that have just the pattern's quotes and no
//! backslash: in these, the value of a step must end where [`super::Step::find_end`] would find it. Why:
//!
//! - An end with a quote in it must begin at the next quote, less what stands before the quote within it: it can't begin
//!   earlier, and if it does not begin there, a quote is left over and the line is no match or irregular.
//! - An end without a quote is searched for up to the next quote or the line's end; where it is not found before, the line
//!   is left to the careful way.
//! - Each quote of the pattern is compared at its place, so none of the marks before the newline is anything else.
//!
//! So every value begins and ends at a fixed distance from a place: the line's start or end, a quote, a literal that was
//! searched for. Only the literals are looked at, and only the wanted values are worked out.

use super::super::marks::{Regular, Shape};
use super::super::scan::{Index, Needles};
use super::Step;
use crate::format::literal::Literal;

/// Bytes of a literal that are compared as one word.
const WORD: usize = 8;
/// Places of a line, at most: its start and end, its quotes, the literals searched for. A power of two.
const PLACES_MAX: usize = 64;
const START: usize = 0;
const END: usize = 1;
/// Of the first quote.
const QUOTES: usize = 2;

/// A pattern, compiled for marks.
#[derive(Clone)]
pub(in crate::format) struct Fast {
    pub(in crate::format) shape: Shape,
    /// Literals at fixed distances.
    checks: Vec<(Distance, Word)>,
    searches: Vec<Search>,
    /// Values that may begin behind their end, in a line that does not fit.
    doubtful: Vec<Value>,
    values: Vec<Value>,
}

/// A distance from one of a line's places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Distance {
    place: usize,
    bytes: i32,
}

/// Where a value begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) struct Value {
    from: Distance,
    to: Distance,
}

/// A literal that is searched for: it stands there for the `inner + 1`st time, before another place.
#[derive(Clone)]
struct Search {
    from: Distance,
    literal: Word,
    inner: usize,
    limit: usize,
    place: usize,
}

/// The places of a line.
pub(in crate::format) struct Places([u32; PLACES_MAX]);

impl Default for Places {
    fn default() -> Self {
        Places([0; PLACES_MAX])
    }
}

impl Places {
    #[inline(always)]
    fn at(&self, distance: Distance) -> u32 {
        self.0[distance.place % PLACES_MAX].wrapping_add_signed(distance.bytes)
    }

    /// Where a value begins and ends.
    #[inline(always)]
    pub(in crate::format) fn range(&self, value: Value) -> (u32, u32) {
        (self.at(value.from), self.at(value.to))
    }
}

impl Value {
    /// Whether it ends behind its beginning in any line whose literals stand where they should.
    fn is_sound(self, quotes: usize) -> bool {
        let Value { from, to } = self;
        // One place comes at least one byte behind the one before it.
        let next = to.place == from.place + 1 || (to.place == END && from.place >= QUOTES);
        let quote = (QUOTES..QUOTES + quotes).contains(&from.place);
        quote && next && from.bytes - to.bytes <= 1
    }
}

impl Fast {
    /// For a pattern; `None` where it has something that only the careful way knows.
    pub(super) fn compile(prefix: &Literal, steps: &[Step]) -> Option<Fast> {
        let ends: Vec<_> = steps.iter().map(|step| (step.end.bytes(), step.inner)).collect();
        let listed = steps.iter().any(|step| step.variable.list && !step.quoted);
        if listed { None } else { Fast::new(prefix.bytes(), &ends, true) }
    }

    /// From the text in front, and the end of each value with how often it stands within the value. `whole`: the last value
    /// ends where its end is the line's end, else where it stands first.
    pub(in crate::format) fn new(
        prefix: &[u8],
        ends: &[(&[u8], usize)],
        whole: bool,
    ) -> Option<Fast> {
        let last = ends.len().checked_sub(1)?;
        let searched = |at: usize| !(ends[at].0.contains(&b'"') || (whole && at == last));
        let mut anchors = (0..ends.len()).filter(|&at| searched(at));
        let anchor = match anchors.next() {
            Some(first) => *ends[first].0.first()?,
            None => b' ',
        };
        let literals = || std::iter::once(prefix).chain(ends.iter().map(|(end, _)| *end));
        // Cut at what is no text, a value of a text would be none either.
        let odd =
            literals().any(|text| text.contains(&b'\n') || std::str::from_utf8(text).is_err());
        let per_line = literals().map(quotes).sum();
        if odd
            || QUOTES + per_line + 1 + ends.len() > PLACES_MAX
            || anchors.any(|other| ends[other].0.first() != Some(&anchor))
        {
            return None;
        }
        // Without quotes in the pattern, quotes and backslashes are bytes as others.
        let marks = if per_line > 0 { *b"\n\"\\" } else { *b"\n\n\n" };
        let shape = Shape { needles: Needles { marks, anchor }, per_line };
        let (checks, searches, values) = (Vec::new(), Vec::new(), Vec::new());
        let mut fast = Fast { shape, checks, searches, doubtful: Vec::new(), values };
        let mut at = fast.pass(Distance { place: START, bytes: 0 }, prefix, 0);
        let mut seen = quotes(prefix);
        for (step, &(text, inner)) in ends.iter().enumerate() {
            let to = match text.iter().position(|&byte| byte == b'"') {
                _ if whole && step == last => Distance { place: END, bytes: -(text.len() as i32) },
                Some(back) => Distance { place: QUOTES + seen, bytes: -(back as i32) },
                None => fast.search(at, Word::new(text), inner, QUOTES + seen),
            };
            fast.values.push(Value { from: at, to });
            at = if searched(step) {
                Distance { bytes: text.len() as i32, ..to }
            } else {
                fast.pass(to, text, seen)
            };
            seen += quotes(text);
        }
        // What was searched for lies behind where the search began.
        let searched = |value: &Value| value.to.place >= QUOTES + per_line;
        let doubtful = |value: &&Value| !searched(value) && !value.is_sound(per_line);
        fast.doubtful = fast.values.iter().filter(doubtful).copied().collect();
        Some(fast)
    }

    /// Adds the check of a literal, `seen` quotes before it: answers what is behind it, as near to its last quote as can be.
    fn pass(&mut self, at: Distance, text: &[u8], seen: usize) -> Distance {
        if !text.is_empty() {
            self.checks.push((at, Word::new(text)));
        }
        match text.iter().rposition(|&byte| byte == b'"') {
            Some(quote) => {
                let place = QUOTES + seen + quotes(text) - 1;
                Distance { place, bytes: (text.len() - quote) as i32 }
            }
            None => Distance { bytes: at.bytes + text.len() as i32, ..at },
        }
    }

    /// Adds a search: answers where the literal will be.
    fn search(&mut self, from: Distance, literal: Word, inner: usize, limit: usize) -> Distance {
        let place = QUOTES + self.shape.per_line + 1 + self.searches.len();
        self.searches.push(Search { from, literal, inner, limit, place });
        Distance { place, bytes: 0 }
    }

    /// The value of a step.
    pub(in crate::format) fn value(&self, step: usize) -> Option<Value> {
        self.values.get(step).copied()
    }

    /// Finds the places of a line; `None` where it does not fit.
    #[inline(always)]
    pub(in crate::format) fn cut(&self, line: &Regular<'_, '_>, places: &mut Places) -> Option<()> {
        places.0[START] = line.start;
        places.0[END] = line.end;
        // The newline too: it limits the searches behind the last quote.
        let marks = places.0[QUOTES..].iter_mut().zip(line.marks);
        marks.for_each(|(place, mark)| *place = *mark);
        for (at, literal) in &self.checks {
            if !literal.stands_at(line.text, places.at(*at)) {
                return None;
            }
        }
        for search in &self.searches {
            let limit = places.0[search.limit % PLACES_MAX];
            let found = search.run((line.text, line.index), places.at(search.from), limit);
            if found >= limit {
                return None;
            }
            places.0[search.place % PLACES_MAX] = found;
        }
        let ends_before = |value: &Value| places.at(value.to) < places.at(value.from);
        if self.doubtful.iter().any(ends_before) { None } else { Some(()) }
    }
}

impl Search {
    /// Where the literal stands; at or beyond `limit` where it does not before that.
    #[inline(always)]
    fn run(&self, (text, index): (&[u8], &Index), from: u32, limit: u32) -> u32 {
        let at = index.next(from);
        let literal = &self.literal;
        if self.inner == 0 && (literal.len == 1 || at >= limit || literal.stands_at(text, at)) {
            return at;
        }
        self.run_on((text, index), at, limit)
    }

    /// The same from an anchor on.
    fn run_on(&self, (text, index): (&[u8], &Index), mut at: u32, limit: u32) -> u32 {
        let mut inner = self.inner;
        while at < limit {
            let here = self.literal.stands_at(text, at);
            if here && inner == 0 {
                break;
            }
            inner -= usize::from(here);
            at = index.next(at + if here { self.literal.len } else { 1 });
        }
        at
    }
}

fn quotes(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'"').count()
}

/// A literal that is compared as a word, where it is short.
#[derive(Debug, Clone)]
struct Word {
    word: u64,
    mask: u64,
    len: u32,
    bytes: Vec<u8>,
}

impl Word {
    fn new(bytes: &[u8]) -> Word {
        let mut word = [0; WORD];
        let head = bytes.len().min(WORD);
        word[..head].copy_from_slice(&bytes[..head]);
        let mask = if head == WORD { u64::MAX } else { (1 << (8 * head)) - 1 };
        Word {
            bytes: bytes.to_vec(),
            word: u64::from_le_bytes(word),
            mask,
            len: bytes.len() as u32,
        }
    }

    #[inline(always)]
    fn stands_at(&self, text: &[u8], at: u32) -> bool {
        let at = at as usize;
        match text.get(at..at + WORD).and_then(|head| head.first_chunk::<WORD>()) {
            Some(head) => {
                let same = (u64::from_le_bytes(*head) ^ self.word) & self.mask == 0;
                same && (self.len <= WORD as u32 || self.stands_far(text, at))
            }
            None => self.stands_far(text, at),
        }
    }

    #[cold]
    fn stands_far(&self, text: &[u8], at: usize) -> bool {
        text.get(at..).is_some_and(|rest| rest.starts_with(&self.bytes))
    }
}
