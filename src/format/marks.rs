//! Cuts lines by the places of their marks, found for a window of text at once. Formats in which each line has the same
//! number of marks (quotes, or delimiters) cut their lines here; a line that is not of that shape goes the format's careful
//! way, so that the result is the same.

use super::scan::{Index, Needles};
use super::walk::{TOO_LONG, Walk, line_at};
use super::{RawBlock, RawReject};

/// Text that is looked through at once: its planes and places stay in the first-level cache.
const WINDOW_BYTES: usize = 32 << 10;

/// The shape of regular lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// What to look for. The first mark is the newline.
    pub(super) needles: Needles,
    /// Marks in a regular line, besides the newline.
    pub(super) per_line: usize,
}

/// A line that has the right number of marks, or looks so: those before the last may be any of the marks.
#[derive(Clone, Copy)]
pub(super) struct Regular<'i, 'a> {
    /// The text that the places are in.
    pub(super) text: &'a [u8],
    pub(super) index: &'i Index,
    pub(super) start: u32,
    /// Without the line's end.
    pub(super) end: u32,
    /// So many as the shape says, and the newline.
    pub(super) marks: &'i [u32],
}

/// A format that cuts regular lines by their marks.
pub(super) trait Cutter<'a> {
    /// Pushes one value a column, or nothing: then the line takes more care.
    fn regular(&mut self, line: Regular<'_, 'a>, columns: &mut [Vec<&'a [u8]>]) -> bool;
    /// Cuts any line: pushes one value a column, or says why the line is none.
    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), &'static str>;
}

/// One walk over an input.
struct Run<'r, 'a, C> {
    walk: Walk,
    shape: Shape,
    cutter: C,
    block: &'r mut RawBlock<'a>,
    records_max: usize,
    seen: usize,
}

/// Cuts up to `records_max` records, as [`Walk::run`] does: with the same result as if the cutter cut each line with care.
pub(super) fn run<'a>(
    walk: Walk,
    shape: Shape,
    cutter: impl Cutter<'a>,
    (input, at_start): (&'a [u8], bool),
    (columns, records_max): (usize, usize),
    block: &mut RawBlock<'a>,
) -> usize {
    let mut at = walk.begin(input, at_start, (columns, records_max), block);
    let mut index = std::mem::take(&mut block.index);
    block.ascii |= block.lines.is_empty();
    let mut run = Run { walk, shape, cutter, block, records_max, seen: 0 };
    while at < input.len() && run.seen < records_max {
        let used = run.window(&input[at..], at, &mut index);
        at += if used > 0 { used } else { run.careful(&input[at..]) };
    }
    block.index = index;
    at
}

impl<'a, C: Cutter<'a>> Run<'_, 'a, C> {
    /// Takes the lines that end within the first window of `text`; answers its bytes.
    fn window(&mut self, text: &'a [u8], before: usize, index: &mut Index) -> usize {
        let window = &text[..text.len().min(self.window_bytes(before))];
        index.fill(window, &self.shape.needles);
        self.block.ascii &= index.is_ascii();
        let (mut marks, mut start) = (index.marks(), 0);
        while self.seen < self.records_max {
            let regular = marks.get(..=self.shape.per_line);
            if let Some(group) = regular
                && self.regular(text, index, start, group)
            {
                start = group[self.shape.per_line] + 1;
                marks = &marks[group.len()..];
                continue;
            }
            let newline = |&place: &u32| text[place as usize] == b'\n';
            let Some(at) = marks.iter().position(newline) else { break };
            self.careful(&text[start as usize..]);
            start = marks[at] + 1;
            marks = &marks[at + 1..];
        }
        start as usize
    }

    /// No more than about what the block still has room for.
    fn window_bytes(&self, before: usize) -> usize {
        let left = self.records_max - self.seen;
        let average = before.checked_div(self.seen).unwrap_or(WINDOW_BYTES);
        left.saturating_mul(average + 1).clamp(256, WINDOW_BYTES)
    }

    /// Takes a line that ends with the last of these marks; whether it could.
    #[inline(always)]
    fn regular(&mut self, text: &'a [u8], index: &Index, start: u32, marks: &[u32]) -> bool {
        let Some(&newline) = marks.last() else { return false };
        if text[newline as usize] != b'\n' || newline == start {
            return false;
        }
        let crlf = text[newline as usize - 1] == b'\r';
        let end = newline - u32::from(crlf);
        let len = (end - start) as usize;
        if len == 0 || len > self.walk.line_bytes_max {
            return false;
        }
        let line = Regular { text, index, start, end, marks };
        if !self.cutter.regular(line, &mut self.block.fields) {
            return false;
        }
        self.seen += 1;
        self.block.crlf |= crlf;
        self.block.lines.push(&text[start as usize..end as usize]);
        true
    }

    /// Takes the first line of `text` with care; answers its bytes, its end included.
    fn careful(&mut self, text: &'a [u8]) -> usize {
        let (line, next) = line_at(text, 0);
        if line.is_empty() {
            self.block.skipped += 1;
            self.block.skipped_bytes += next as u64;
            return next;
        }
        self.seen += 1;
        self.block.ascii &= line.is_ascii();
        self.block.crlf |= next > line.len() + 1;
        let result = match line.len() > self.walk.line_bytes_max {
            true => Err(TOO_LONG),
            false => self.cutter.line(line, &mut self.block.fields),
        };
        match result {
            Ok(()) => self.block.lines.push(line),
            Err(reason) => self.block.rejects.push(RawReject { line, reason }),
        }
        next
    }
}
