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

/// Lines that are cut together, at most.
pub(super) const PENDING_MAX: usize = 256;

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

/// Regular lines whose values are not pushed yet.
pub(super) struct Pending {
    len: usize,
    starts: [u32; PENDING_MAX],
    /// Without the lines' ends.
    ends: [u32; PENDING_MAX],
    /// Index of each line's first mark.
    first: [u32; PENDING_MAX],
}

/// The same with their text.
pub(super) struct Batch<'b, 'a> {
    pub(super) text: &'a [u8],
    pub(super) marks: &'b [u32],
    pub(super) starts: &'b [u32],
    /// Without the lines' ends.
    pub(super) ends: &'b [u32],
    /// Index of each line's first mark.
    pub(super) first: &'b [u32],
}

impl<'a> Batch<'_, 'a> {
    /// How many lines.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// What lies between two places.
    #[inline(always)]
    pub(super) fn slice(&self, from: u32, to: u32) -> &'a [u8] {
        &self.text[from as usize..to as usize]
    }
}

/// A format that cuts regular lines by their marks.
pub(super) trait Cutter<'a> {
    /// Looks at a line, the `at`th of those pending: whether it is regular in all respects, so that
    /// [`Cutter::push`] can push its values.
    fn check(&mut self, line: Regular<'_, 'a>, at: usize) -> bool;
    /// Pushes one value a line and column.
    fn push(&mut self, batch: Batch<'_, 'a>, columns: &mut [Vec<&'a [u8]>]);
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
    pending: Pending,
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
    block.text = input;
    let mut index = std::mem::take(&mut block.index);
    block.utf8 |= block.lines.is_empty();
    let none = [0; PENDING_MAX];
    let pending = Pending { len: 0, starts: none, ends: none, first: none };
    let mut run = Run { walk, shape, cutter, block, records_max, seen: 0, pending };
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
        let stride = self.shape.per_line + 1;
        let (marks, mut at, mut start) = (index.marks(), 0, 0);
        while self.seen + self.pending.len < self.records_max {
            if self.pending.len == PENDING_MAX {
                self.push(text, marks);
            }
            if let Some(group) = marks.get(at..at + stride)
                && let Some(next) = self.regular(text, index, (start, at), group)
            {
                (at, start) = (at + stride, next);
                continue;
            }
            let newline = |&place: &u32| text[place as usize] == b'\n';
            let Some(skip) = marks[at..].iter().position(newline) else { break };
            self.push(text, marks);
            self.careful(&text[start as usize..]);
            at += skip + 1;
            start = marks[at - 1] + 1;
        }
        self.push(text, marks);
        let taken = &text[..start as usize];
        self.block.utf8 &= index.is_ascii() || simdutf8::basic::from_utf8(taken).is_ok();
        start as usize
    }

    /// Pushes the values of the pending lines.
    fn push(&mut self, text: &'a [u8], marks: &[u32]) {
        let len = std::mem::take(&mut self.pending.len);
        let Pending { starts, ends, first, .. } = &self.pending;
        let (starts, ends, first) = (&starts[..len], &ends[..len], &first[..len]);
        let batch = Batch { text, marks, starts, ends, first };
        let slices = starts.iter().zip(ends).map(|(&start, &end)| batch.slice(start, end));
        self.block.lines.extend(slices);
        self.block.crlf |=
            ends.iter().fold(false, |crlf, &end| crlf | (text[end as usize] == b'\r'));
        self.seen += len;
        self.cutter.push(batch, &mut self.block.fields);
    }

    /// No more than about what the block still has room for.
    fn window_bytes(&self, before: usize) -> usize {
        let left = self.records_max - self.seen;
        let average = before.checked_div(self.seen).unwrap_or(WINDOW_BYTES);
        left.saturating_mul(average + 1).clamp(256, WINDOW_BYTES)
    }

    /// Notes the line that ends with the last of these marks, if it is regular: answers where the next one begins.
    #[inline(always)]
    fn regular(
        &mut self,
        text: &'a [u8],
        index: &Index,
        (start, first): (u32, usize),
        marks: &[u32],
    ) -> Option<u32> {
        let newline = *marks.last()?;
        if newline == start || text[newline as usize] != b'\n' {
            return None;
        }
        let end = newline - u32::from(text[newline as usize - 1] == b'\r');
        // Also for an empty line.
        if (end - start).wrapping_sub(1) as usize >= self.walk.line_bytes_max {
            return None;
        }
        let (line, at) = (Regular { text, index, start, end, marks }, self.pending.len);
        if at >= PENDING_MAX || !self.cutter.check(line, at) {
            return None;
        }
        self.pending.starts[at] = start;
        self.pending.ends[at] = end;
        self.pending.first[at] = first as u32;
        self.pending.len = at + 1;
        Some(newline + 1)
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
        self.block.utf8 &= std::str::from_utf8(line).is_ok();
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

/// Whether a cutter takes a line by its marks: for the tests of formats, whose results are the same either way.
#[cfg(test)]
pub(super) fn takes<'a>(cutter: &mut impl Cutter<'a>, shape: Shape, line: &'a [u8]) -> bool {
    let mut index = Index::default();
    index.fill(line, &shape.needles);
    let (end, marks) = (line.len() as u32 - 1, index.marks());
    let line = Regular { text: line, index: &index, start: 0, end, marks };
    marks.len() == shape.per_line + 1 && cutter.check(line, 0)
}
