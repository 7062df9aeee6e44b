//! A pattern's steps over a line whose marks are known. Good for lines that have just the pattern's quotes and no
//! backslash: in these, the value of a step must end where [`super::Step::find_end`] would find it. Why:
//!
//! - An end with a quote in it must begin at the next quote, less what stands before the quote within it: it can't begin
//!   earlier, and if it does not begin there, a quote is left over and the line is no match or irregular.
//! - An end without a quote is searched for up to the next quote or the line's end; where it is not found before, the line
//!   is left to the careful way.
//! - Each quote of the pattern is compared at its place, so none of the marks before the newline is anything else.

use super::super::marks::{Regular, Shape};
use super::super::scan::{Index, Needles};
use super::Step;
use crate::format::literal::Literal;

/// Bytes of a literal that are compared as one word.
const WORD: usize = 8;
/// Steps of a pattern, at most; longer ones go the careful way.
pub(in crate::format) const STEPS_MAX: usize = 32;

/// The steps, compiled for marks.
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
    /// Where the literal stands for the `inner + 1`st time, before the mark of this number.
    Literal { inner: usize, mark: usize },
    /// So many bytes before the line's end.
    Line { back: u32 },
}

/// The values of a line: from where to where, by step.
pub(in crate::format) type Ranges = [(u32, u32); STEPS_MAX];

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
        let searched = ends
            .iter()
            .enumerate()
            .filter(|(at, (end, _))| !(end.contains(&b'"') || (whole && *at == last)));
        let mut anchors = searched.filter_map(|(_, (end, _))| end.first().copied());
        let anchor = anchors.next().unwrap_or(b' ');
        let mut literals = std::iter::once(prefix).chain(ends.iter().map(|(end, _)| *end));
        // Cut at what is no text, a value of a text would be none either.
        let odd = literals.any(|text| text.contains(&b'\n') || std::str::from_utf8(text).is_err());
        if odd || ends.len() > STEPS_MAX || anchors.any(|other| other != anchor) {
            return None;
        }
        let mut seen = quotes(prefix);
        let compiled = ends.iter().enumerate().map(|(at, &(text, inner))| {
            let end = match text.iter().position(|&byte| byte == b'"') {
                _ if whole && at == last => End::Line { back: text.len() as u32 },
                Some(back) => End::Quote { number: seen, back: back as u32 },
                None => End::Literal { inner, mark: seen },
            };
            seen += quotes(text);
            FastStep { end, literal: Word::new(text) }
        });
        let steps = compiled.collect();
        // Without quotes in the pattern, quotes and backslashes are bytes as others.
        let marks = if seen > 0 { *b"\n\"\\" } else { *b"\n\n\n" };
        let shape = Shape { needles: Needles { marks, anchor }, per_line: seen };
        Some(Fast { shape, prefix: Word::new(prefix), steps })
    }

    /// Finds where each value begins and ends; `None` where the line does not fit.
    #[inline(always)]
    pub(in crate::format) fn cut(&self, line: &Regular<'_, '_>, ranges: &mut Ranges) -> Option<()> {
        let mut at = line.start;
        if self.prefix.len > 0 {
            if !self.prefix.stands_at(line.text, at) {
                return None;
            }
            at += self.prefix.len;
        }
        for (step, range) in self.steps.iter().zip(ranges) {
            let end = match step.end {
                End::Quote { number, back } => line.marks.get(number)?.wrapping_sub(back),
                End::Line { back } => line.end.wrapping_sub(back),
                End::Literal { inner, mark } => {
                    let limit = *line.marks.get(mark)?;
                    let found = step.literal.find((line.text, line.index), at, limit, inner);
                    if found >= limit {
                        return None;
                    }
                    *range = (at, found);
                    at = found + step.literal.len;
                    continue;
                }
            };
            // Beyond the line's end only for one that does not fit.
            if end < at || end > line.end || !step.literal.stands_at(line.text, end) {
                return None;
            }
            *range = (at, end);
            at = end + step.literal.len;
        }
        Some(())
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

    /// Where it stands for the `inner + 1`st time from `from` on; at or beyond `limit` where it does not before that.
    #[inline(always)]
    fn find(&self, (text, index): (&[u8], &Index), from: u32, limit: u32, inner: usize) -> u32 {
        let at = index.next(from);
        if inner == 0 && (self.len == 1 || at >= limit || self.stands_at(text, at)) {
            return at;
        }
        self.find_on((text, index), at, limit, inner)
    }

    /// The same from an anchor on.
    fn find_on(
        &self,
        (text, index): (&[u8], &Index),
        mut at: u32,
        limit: u32,
        mut inner: usize,
    ) -> u32 {
        while at < limit {
            let here = self.stands_at(text, at);
            if here && inner == 0 {
                break;
            }
            inner -= usize::from(here);
            at = index.next(at + if here { self.len } else { 1 });
        }
        at
    }
}
