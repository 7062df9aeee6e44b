//! A pattern's steps over a batch of lines, column by column. Good for lines that have just the pattern's quotes and no
//! backslash: in these, the value of a step must end where [`super::Step::find_end`] would find it. Why:
//!
//! - An end with a quote in it must begin at the next quote, less what stands before the quote within it: it can't begin
//!   earlier, and if it does not begin there, a quote is left over and the line is no match or irregular.
//! - An end without a quote is searched for up to the next quote or the line's end; where it is not found before, the line
//!   is left to the careful way.

use super::super::marks::{BATCH_LINES, Batch, Shape};
use super::super::scan::{Index, Needles};
use super::Step;
use crate::format::literal::Literal;

/// Bytes of a literal that are compared as one word.
const WORD: usize = 8;

/// The steps, compiled for batches.
#[derive(Clone)]
pub(in crate::format) struct Fast {
    pub(in crate::format) shape: Shape,
    prefix: Word,
    steps: Vec<FastStep>,
}

#[derive(Clone)]
struct FastStep {
    end: End,
    literal: Word,
}

/// Where a value ends.
#[derive(Clone, Copy)]
enum End {
    /// So many bytes before the quote of this number.
    Quote { number: usize, back: u32 },
    /// Where the literal stands for the `inner + 1`st time, before the quote of this number (or before the line's end).
    Literal { inner: usize, quote: usize },
    /// So many bytes before the line's end.
    Line { back: u32 },
}

/// The values of a batch: from where to where, by step and line.
#[derive(Debug, Default)]
pub(in crate::format) struct Ranges(Vec<([u32; BATCH_LINES], [u32; BATCH_LINES])>);

impl Ranges {
    /// The value of a step in a line.
    #[inline(always)]
    pub(in crate::format) fn value<'a>(
        &self,
        text: &'a [u8],
        step: usize,
        line: usize,
    ) -> &'a [u8] {
        let (from, to) = &self.0[step];
        text.get(from[line] as usize..to[line] as usize).unwrap_or_default()
    }

    /// Where the value begins and ends.
    #[inline(always)]
    pub(in crate::format) fn range(&self, step: usize, line: usize) -> (u32, u32) {
        (self.0[step].0[line], self.0[step].1[line])
    }
}

impl Fast {
    /// `None` where the pattern has something that only the careful way knows.
    pub(super) fn compile(prefix: &Literal, steps: &[Step]) -> Option<Fast> {
        let ends: Vec<&[u8]> = steps.iter().map(|step| step.end.bytes()).collect();
        let quotes = |text: &[u8]| text.iter().filter(|&&byte| byte == b'"').count();
        let per_line = quotes(prefix.bytes()) + ends.iter().map(|end| quotes(end)).sum::<usize>();
        let last = steps.len().checked_sub(1)?;
        let searched = ends[..last].iter().filter(|end| !end.contains(&b'"'));
        let mut anchors = searched.filter_map(|end| end.first().copied());
        let anchor = anchors.next().unwrap_or(b' ');
        let listed = steps.iter().any(|step| step.variable.list && !step.quoted);
        let newline = std::iter::once(prefix.bytes()).chain(ends.iter().copied());
        if listed || anchors.any(|other| other != anchor) || newline.flatten().any(|b| *b == b'\n')
        {
            return None;
        }
        // Without quotes in the pattern, quotes and backslashes are bytes as others.
        let marks = if per_line > 0 { *b"\n\"\\" } else { *b"\n\n\n" };
        let shape = Shape { needles: Needles { marks, anchor }, per_line };
        let mut seen = quotes(prefix.bytes());
        let compiled = steps.iter().enumerate().map(|(at, step)| {
            let text = step.end.bytes();
            let back = text.iter().position(|&byte| byte == b'"');
            let end = match back {
                _ if at == last => End::Line { back: text.len() as u32 },
                Some(back) => End::Quote { number: seen, back: back as u32 },
                None => End::Literal { inner: step.inner, quote: seen },
            };
            seen += quotes(text);
            FastStep { end, literal: Word::new(text) }
        });
        let steps = compiled.collect();
        Some(Fast { shape, prefix: Word::new(prefix.bytes()), steps })
    }

    /// Finds where each value begins and ends; lines that do not fit are not good any more.
    pub(in crate::format) fn cut(
        &self,
        text: &[u8],
        index: &Index,
        batch: &mut Batch,
        ranges: &mut Ranges,
    ) {
        ranges.0.resize(self.steps.len(), ([0; BATCH_LINES], [0; BATCH_LINES]));
        let mut places = batch.starts;
        if self.prefix.len > 0 {
            for line in 0..batch.len {
                batch.good[line] &= self.prefix.stands_at(text, places[line]);
                places[line] += self.prefix.len;
            }
        }
        for (step, (from, to)) in self.steps.iter().zip(&mut ranges.0) {
            *from = places;
            match step.end {
                End::Quote { number, back } => at_quotes((number, back), index, batch, to),
                End::Literal { inner, quote } => {
                    let finder = Finder { text, index, literal: &step.literal, inner };
                    finder.all(batch, quote, from, to);
                }
                End::Line { back } => {
                    let ends = to.iter_mut().zip(&batch.ends);
                    ends.for_each(|(to, &end)| *to = end.wrapping_sub(back));
                }
            }
            step.close(text, batch, from, to, &mut places);
        }
        // Only where the last value ends within its line has the line matched.
        let lines = batch.good.iter_mut().zip(places.iter().zip(&batch.ends)).take(batch.len);
        lines.for_each(|(good, (place, end))| *good &= place == end);
    }
}

impl FastStep {
    /// Checks that the literal stands behind each value, and passes over it.
    #[inline(always)]
    fn close(
        &self,
        text: &[u8],
        batch: &mut Batch,
        from: &[u32; BATCH_LINES],
        to: &[u32; BATCH_LINES],
        places: &mut [u32; BATCH_LINES],
    ) {
        // A searched literal has been compared.
        let known = matches!(self.end, End::Literal { .. }) || self.literal.len == 0;
        let known = known || (self.literal.len == 1 && matches!(self.end, End::Quote { .. }));
        for line in 0..batch.len {
            let end = to[line];
            batch.good[line] &= end >= from[line] && (known || self.literal.stands_at(text, end));
            places[line] = end.wrapping_add(self.literal.len);
        }
    }
}

#[inline(always)]
fn at_quotes(
    (number, back): (usize, u32),
    index: &Index,
    batch: &Batch,
    to: &mut [u32; BATCH_LINES],
) {
    let marks = index.marks();
    for line in 0..batch.len {
        let mark = marks.get(batch.first[line] as usize + number).copied().unwrap_or(0);
        to[line] = mark.wrapping_sub(back);
    }
}

struct Finder<'f> {
    text: &'f [u8],
    index: &'f Index,
    literal: &'f Word,
    inner: usize,
}

impl Finder<'_> {
    #[inline(always)]
    fn all(
        &self,
        batch: &mut Batch,
        quote: usize,
        from: &[u32; BATCH_LINES],
        to: &mut [u32; BATCH_LINES],
    ) {
        let marks = self.index.marks();
        for line in 0..batch.len {
            // The mark behind the last quote is the newline.
            let limit = marks.get(batch.first[line] as usize + quote).copied().unwrap_or(0);
            to[line] = self.find(from[line], limit);
            batch.good[line] &= to[line] < limit;
        }
    }

    /// Where the value from `from` on ends; something at or beyond `limit` where the literal is not found before it.
    #[inline(always)]
    fn find(&self, from: u32, limit: u32) -> u32 {
        let mut at = self.index.next(from);
        if self.inner == 0 && (self.literal.len == 1 || self.literal.stands_at(self.text, at)) {
            return at;
        }
        let mut inner = self.inner;
        while at < limit {
            let here = self.literal.stands_at(self.text, at);
            if here && inner == 0 {
                break;
            }
            inner -= usize::from(here);
            at = self.index.next(at + if here { self.literal.len } else { 1 });
        }
        at
    }
}

/// A literal that is compared as a word, where it is short.
#[derive(Debug, Clone)]
struct Word {
    bytes: Vec<u8>,
    word: u64,
    mask: u64,
    len: u32,
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
        match text.get(at..).and_then(|rest| rest.first_chunk::<WORD>()) {
            Some(head) => {
                let same = (u64::from_le_bytes(*head) ^ self.word) & self.mask == 0;
                same && (self.bytes.len() <= WORD || self.stands_far(text, at))
            }
            None => self.stands_far(text, at),
        }
    }

    #[cold]
    fn stands_far(&self, text: &[u8], at: usize) -> bool {
        text.get(at..).is_some_and(|rest| rest.starts_with(&self.bytes))
    }
}
