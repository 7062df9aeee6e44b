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

use std::ops::Range;

use super::super::marks::{Batch, Column, LINES_MAX, Shape};
use super::super::scan::{Anchors, Needles};
use super::super::view::{View, WORD};
use super::Step;
use crate::format::literal::Literal;

/// Places of a line, at most: its start and end, its quotes, the literals searched for.
const PLACES_MAX: usize = 64;
const START: usize = 0;
const END: usize = 1;
/// Of the first quote.
const QUOTES: usize = 2;

/// A pattern, compiled for marks.
#[derive(Clone)]
pub(in crate::format) struct Fast {
    pub(in crate::format) shape: Shape,
    /// Literals at fixed distances: their first eight bytes.
    checks: Vec<(Distance, Word)>,
    /// Those of them that are longer, whole.
    long: Vec<(Distance, Vec<u8>)>,
    /// A line that begins so near to the beginning of the text may not have the places that are compared.
    reach: u32,
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
#[derive(Clone, Copy)]
struct Search {
    from: Distance,
    literal: Word,
    inner: usize,
    limit: usize,
    place: usize,
}

/// The places of the lines of a batch, a column each.
pub(in crate::format) struct Places(Vec<Column>);

impl Places {
    /// For a pattern.
    pub(in crate::format) fn new(fast: &Fast) -> Self {
        Places(vec![[0; LINES_MAX]; fast.places()])
    }

    /// Where a line's value begins and ends.
    #[inline(always)]
    pub(in crate::format) fn range(&self, value: Value, line: usize) -> (u32, u32) {
        (self.at(value.from, line), self.at(value.to, line))
    }

    /// Appends the values of some lines.
    #[inline(always)]
    pub(in crate::format) fn push<'a>(
        &self,
        value: Value,
        (text, lines): (View<'a>, Range<usize>),
        out: &mut Vec<&'a [u8]>,
    ) {
        let column = |at: Distance| (&self.0[at.place][lines.clone()], at.bytes);
        text.slices(column(value.from), column(value.to), out);
    }

    #[inline(always)]
    fn at(&self, distance: Distance, line: usize) -> u32 {
        self.0[distance.place][line].wrapping_add_signed(distance.bytes)
    }

    /// A distance from the place of each line.
    #[inline(always)]
    fn all(&self, distance: Distance, lines: usize) -> impl Iterator<Item = u32> {
        let places = self.0[distance.place][..lines].iter();
        places.map(move |place| place.wrapping_add_signed(distance.bytes))
    }

    /// Notes where the lines begin and end, and their marks. The newline too: it limits the searches behind the last quote.
    #[inline(always)]
    fn begin(&mut self, batch: &Batch<'_, '_>) {
        let lines = batch.len();
        self.0[START][..lines].copy_from_slice(batch.starts);
        self.0[END][..lines].copy_from_slice(batch.ends);
        for number in 0..batch.stride {
            batch.marks(number, &mut self.0[QUOTES + number]);
        }
    }
}

impl Value {
    /// Whether it ends behind its beginning in any line whose literals stand where they should.
    fn is_sound(self, quotes: usize) -> bool {
        let Value { from, to } = self;
        // One place comes at least one byte behind the one before it.
        let (begin, end) = (from.place, to.place);
        let next = end == begin + 1 || (end == END && begin >= QUOTES);
        let quote = (QUOTES..QUOTES + quotes).contains(&begin);
        quote && next && from.bytes - to.bytes <= 1
    }
}

impl Fast {
    /// For a pattern; `None` where it has something that only the careful way knows.
    pub(super) fn compile(prefix: &Literal, steps: &[Step]) -> Option<Fast> {
        let ends: Vec<_> = steps.iter().map(|step| (step.end.bytes(), step.inner)).collect();
        let listed = steps.iter().any(|step| step.padded || step.variable.list && !step.quoted);
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
        let long = |at: usize| searched(at) && ends[at].0.len() > WORD;
        let per_line = literals().map(quotes).sum();
        if odd
            || (0..ends.len()).any(long)
            || QUOTES + per_line + 1 + ends.len() > PLACES_MAX
            || anchors.any(|other| ends[other].0.first() != Some(&anchor))
        {
            return None;
        }
        // Without quotes in the pattern, quotes and backslashes are bytes as others.
        let marks = if per_line > 0 { *b"\n\"\\" } else { *b"\n\n\n" };
        let shape = Shape { needles: Needles { marks, anchor }, per_line };
        let mut fast = Fast::empty(shape);
        let mut at = fast.pass(Distance::from(START, 0), prefix, 0);
        let mut seen = quotes(prefix);
        for (step, &(text, inner)) in ends.iter().enumerate() {
            let to = match text.iter().position(|&byte| byte == b'"') {
                _ if whole && step == last => Distance::from(END, -(text.len() as i32)),
                Some(back) => Distance::from(QUOTES + seen, -(back as i32)),
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
            self.reach = self.reach.max(at.bytes.min(0).unsigned_abs());
        }
        if text.len() > WORD {
            self.long.push((at, text.to_vec()));
        }
        match text.iter().rposition(|&byte| byte == b'"') {
            Some(quote) => {
                let place = QUOTES + seen + quotes(text) - 1;
                Distance::from(place, (text.len() - quote) as i32)
            }
            None => Distance { bytes: at.bytes + text.len() as i32, ..at },
        }
    }

    /// Adds a search: answers where the literal will be.
    fn search(&mut self, from: Distance, literal: Word, inner: usize, limit: usize) -> Distance {
        let place = QUOTES + self.shape.per_line + 1 + self.searches.len();
        self.searches.push(Search { from, literal, inner, limit, place });
        Distance::from(place, 0)
    }

    fn empty(shape: Shape) -> Self {
        let (checks, long, searches) = (Vec::new(), Vec::new(), Vec::new());
        let (doubtful, values) = (Vec::new(), Vec::new());
        Fast { shape, checks, long, reach: 0, searches, doubtful, values }
    }

    /// How many places a line has.
    fn places(&self) -> usize {
        QUOTES + self.shape.per_line + 1 + self.searches.len()
    }

    /// The value of a step.
    pub(in crate::format) fn value(&self, step: usize) -> Option<Value> {
        self.values.get(step).copied()
    }

    /// Finds the places of lines, and notes the lines that do not fit. No loop has a jump: nearly all lines fit.
    #[inline(always)]
    pub(in crate::format) fn cut(
        &self,
        batch: &Batch<'_, '_>,
        places: &mut Places,
        faults: &mut [u64],
    ) {
        places.begin(batch);
        let lines = batch.len();
        for (at, literal) in &self.checks {
            for (fault, place) in faults.iter_mut().zip(places.all(*at, lines)) {
                *fault |= literal.differing(batch.text, place);
            }
        }
        let near = batch.starts.iter().take_while(|&&start| start < self.reach).count();
        let looked = if self.long.is_empty() { near } else { lines };
        for (line, fault) in faults.iter_mut().enumerate().take(looked) {
            *fault |= u64::from(!self.has_all(batch, places, line));
        }
        for search in &self.searches {
            self.search_all(search, batch, places, faults);
        }
        for value in &self.doubtful {
            let ends = places.all(value.from, lines).zip(places.all(value.to, lines));
            for (fault, (from, to)) in faults.iter_mut().zip(ends) {
                *fault |= u64::from(to < from);
            }
        }
    }

    /// Finds a literal in each line.
    #[inline(always)]
    fn search_all(
        &self,
        search: &Search,
        batch: &Batch<'_, '_>,
        places: &mut Places,
        faults: &mut [u64],
    ) {
        let (before, found) = places.0.split_at_mut(search.place);
        let from = before[search.from.place].iter();
        let from = from.map(|place| place.wrapping_add_signed(search.from.bytes));
        let lines = from.zip(&before[search.limit]).zip(&mut found[0]).zip(faults);
        // Copies, which no store below can change: they stay in registers.
        let (text, anchors) = (batch.text, batch.index.anchors());
        let Search { literal, inner, .. } = *search;
        for (((from, &limit), found), fault) in lines {
            *found = anchors.next(from);
            // At first neither before its time nor beyond its limit.
            let other = (literal.differing(text, *found) != 0) | (inner > 0);
            if other & (*found < limit) {
                *found = search.run_on((text, anchors), *found, limit);
            }
            *fault |= u64::from(*found >= limit);
        }
    }

    /// Whether the places compared lie within the line, and longer literals stand there with all of their bytes.
    #[cold]
    fn has_all(&self, batch: &Batch<'_, '_>, places: &Places, line: usize) -> bool {
        let within = |at: u32| (batch.starts[line]..=batch.ends[line]).contains(&at);
        let stands = |at: u32, literal: &Vec<u8>| {
            let rest = batch.text.text().get(at as usize..);
            rest.is_some_and(|rest| rest.starts_with(literal))
        };
        self.checks.iter().all(|(at, _)| within(places.at(*at, line)))
            && self.long.iter().all(|(at, literal)| stands(places.at(*at, line), literal))
    }
}

impl Distance {
    fn from(place: usize, bytes: i32) -> Self {
        Distance { place, bytes }
    }
}

impl Search {
    /// Where the literal stands, from an anchor on; at or beyond `limit` where it does not before that.
    fn run_on(&self, (text, anchors): (View<'_>, Anchors<'_>), mut at: u32, limit: u32) -> u32 {
        let mut inner = self.inner;
        while at < limit {
            let here = self.literal.differing(text, at) == 0;
            if here && inner == 0 {
                break;
            }
            inner -= usize::from(here);
            at = anchors.next(at + if here { self.literal.len } else { 1 });
        }
        at
    }
}

fn quotes(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'"').count()
}

/// The first bytes of a literal, which are compared as a word.
#[derive(Debug, Clone, Copy)]
struct Word {
    word: u64,
    mask: u64,
    /// Of the literal.
    len: u32,
}

impl Word {
    fn new(bytes: &[u8]) -> Word {
        let mut word = [0; WORD];
        let head = bytes.len().min(WORD);
        word[..head].copy_from_slice(&bytes[..head]);
        let mask = if head == WORD { u64::MAX } else { (1 << (8 * head)) - 1 };
        Word { word: u64::from_le_bytes(word), mask, len: bytes.len() as u32 }
    }

    /// 0 where it stands at a place of the text that has a word.
    #[inline(always)]
    fn differing(&self, text: View<'_>, at: u32) -> u64 {
        (text.word(at as usize) ^ self.word) & self.mask
    }
}
