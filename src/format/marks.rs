//! Cuts lines by the places of their marks, found for a window of text at once. Formats in which each line has the same
//! number of marks (quotes, or delimiters) cut their lines here; a line that is not of that shape goes the format's careful
//! way, so that the result is the same.

#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use super::RawBlock;
use super::scan::{Index, Needles};
use super::view::{View, every};
use super::walk::{Unfit, Walk};

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
pub(super) const LINES_MAX: usize = 128;

/// A number a line.
pub(super) type Column = [u32; LINES_MAX];

/// Lines with the right number of marks, or that look so: those before the last of a line may be any of the marks.
#[derive(Clone, Copy)]
pub(super) struct Batch<'b, 'a> {
    /// The text that the places are in: goes on for a word behind the lines.
    pub(super) text: View<'a>,
    pub(super) index: &'b Index,
    pub(super) starts: &'b [u32],
    /// Without the lines' ends.
    pub(super) ends: &'b [u32],
    /// So many a line as the shape says, and the newline.
    pub(super) marks: &'b [u32],
    /// How many that is.
    pub(super) stride: usize,
}

impl Batch<'_, '_> {
    /// How many lines.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The places of a mark, a line each. `number` is below `stride`.
    #[inline(always)]
    pub(super) fn marks(&self, number: usize, places: &mut Column) {
        every(self.marks, (number, self.stride), &mut places[..self.len()]);
    }
}

/// A format that cuts regular lines by their marks.
pub(super) trait Cutter<'a> {
    /// Looks at lines: notes where they are not regular in all respects, and the values of those that are for
    /// [`Cutter::push`]. `faults` has one entry a line.
    fn check(&mut self, batch: Batch<'_, 'a>, faults: &mut [u64]);
    /// Pushes the values of some lines of the batch that was looked at last, one a line and column.
    fn push(&mut self, batch: Batch<'_, 'a>, lines: Range<usize>, columns: &mut [Vec<&'a [u8]>]);
    /// Cuts any line: pushes one value a column, or says why the line is none.
    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), Unfit>;
    /// Whether the next line may be a part of what is before it, and is not regular whatever it looks like.
    fn is_open(&self) -> bool {
        false
    }
}

/// One walk over an input.
struct Run<'r, 'a, C> {
    walk: Walk,
    shape: Shape,
    cutter: C,
    block: &'r mut RawBlock<'a>,
    records_max: usize,
    seen: usize,
    /// Lines to look at next: where irregular ones come often, looking far ahead is in vain.
    ahead: usize,
    starts: Column,
    ends: Column,
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
    let at = walk.begin(input, at_start, (columns, records_max), block);
    block.utf8 |= block.lines.is_empty() && !block.careful;
    let (starts, ends, ahead) = ([0; LINES_MAX], [0; LINES_MAX], LINES_MAX);
    let mut run = Run { walk, shape, cutter, block, records_max, seen: 0, ahead, starts, ends };
    if run.block.careful {
        return run.one_by_one(input, at);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(used) = x86::windows(&mut run, input, at) {
        return used;
    }
    run.windows(input, at)
}

impl<'a, C: Cutter<'a>> Run<'_, 'a, C> {
    /// Takes the lines from a place on: answers where it stopped.
    #[inline(always)]
    fn windows(&mut self, input: &'a [u8], mut at: usize) -> usize {
        let mut index = std::mem::take(&mut self.block.index);
        while at < input.len() && self.seen < self.records_max {
            let used = self.window(&input[at..], at, &mut index);
            at += if used > 0 { used } else { self.careful(&input[at..]) };
        }
        self.block.index = index;
        at
    }

    /// The same without a look at marks.
    fn one_by_one(&mut self, input: &'a [u8], mut at: usize) -> usize {
        while at < input.len() && self.seen < self.records_max {
            at += self.careful(&input[at..]);
        }
        at
    }

    /// Takes the lines that end within the first window of `text`; answers its bytes.
    #[inline(always)]
    fn window(&mut self, text: &'a [u8], before: usize, index: &mut Index) -> usize {
        let Some(view) = View::new(text) else { return 0 };
        let window = &text[..text.len().min(window_bytes(self.records_max, self.seen, before))];
        index.fill(window, &self.shape.needles);
        let (mut at, mut start) = (0, 0);
        while self.seen < self.records_max {
            let asked = self.ahead.min(self.records_max - self.seen);
            let lines = match self.cutter.is_open() {
                false => self.find(view, &index.marks()[at..], (start, asked)),
                true => 0,
            };
            let taken = if lines > 0 { self.batch(view, index, (at, lines)) } else { 0 };
            if taken > 0 {
                at += taken * (self.shape.per_line + 1);
                start = index.marks()[at - 1] + 1;
            }
            if taken == asked {
                self.ahead = LINES_MAX.min(4 * self.ahead);
                continue;
            }
            self.ahead = LINES_MAX.min(2 * taken.max(1));
            let newline = |&place: &u32| text[place as usize] == b'\n';
            let Some(skip) = index.marks()[at..].iter().position(newline) else { break };
            self.careful(&text[start as usize..]);
            at += skip + 1;
            start = index.marks()[at - 1] + 1;
        }
        let taken = &text[..start as usize];
        self.block.utf8 &= index.is_ascii() || simdutf8::basic::from_utf8(taken).is_ok();
        start as usize
    }

    /// Notes the starts and ends of the lines that have as many marks as a regular one, up to the first that has not, and at
    /// most so many as asked for: answers how many.
    #[inline(always)]
    fn find(&mut self, text: View<'a>, marks: &[u32], (start, asked): (u32, usize)) -> usize {
        let stride = self.shape.per_line + 1;
        let lines = asked.min(marks.len() / stride);
        let (starts, ends) = (&mut self.starts[..lines], &mut self.ends[..lines]);
        every(marks, (stride - 1, stride), ends);
        let newlines = std::iter::once(start).chain(ends.iter().map(|newline| newline + 1));
        starts.iter_mut().zip(newlines).for_each(|(start, next)| *start = next);
        let long = self.walk.line_bytes_max as u64;
        let mut faults = [false; LINES_MAX];
        let mut any = false;
        // No jump within: nearly all lines are good.
        for ((start, end), fault) in starts.iter().zip(ends).zip(&mut faults) {
            // With a word behind it, each place of the line has one.
            let has_word = text.has_word(*end as usize);
            let [before, here] =
                (text.word((*end as usize).saturating_sub(1)) as u16).to_le_bytes();
            // An empty line may begin with the end of the one before.
            let is_empty = end == start;
            *end -= u32::from((before == b'\r') & !is_empty);
            let bytes = u64::from(end.wrapping_sub(*start));
            *fault = !has_word | (here != b'\n') | (bytes.wrapping_sub(1) >= long);
            any |= *fault;
        }
        if any { faults.iter().take_while(|fault| !**fault).count() } else { lines }
    }

    /// Takes the lines that were found, whose marks begin at a number; those that are not regular with care. Answers how
    /// many: all, or those before one that has the marks of another.
    #[inline(always)]
    fn batch(&mut self, text: View<'a>, index: &Index, (first, lines): (usize, usize)) -> usize {
        let stride = self.shape.per_line + 1;
        let (starts, ends) = (self.starts, self.ends);
        let marks = &index.marks()[first..first + lines * stride];
        let (starts, ends) = (&starts[..lines], &ends[..lines]);
        let batch = Batch { text, index, starts, ends, marks, stride };
        let mut faults = [0; LINES_MAX];
        let faults = &mut faults[..lines];
        self.cutter.check(batch, faults);
        if faults.iter().fold(0, |any, fault| any | fault) == 0 {
            self.push(batch, 0..lines);
            return lines;
        }
        let mut from = 0;
        while let Some(to) = faults[from..].iter().position(|&fault| fault != 0) {
            self.push(batch, from..from + to);
            from += to;
            let inner = &marks[from * stride..(from + 1) * stride - 1];
            if inner.iter().any(|&mark| text.text()[mark as usize] == b'\n') {
                return from;
            }
            self.careful(&text.text()[starts[from] as usize..]);
            from += 1;
            if self.cutter.is_open() {
                return from;
            }
        }
        self.push(batch, from..lines);
        lines
    }

    /// Pushes the values of regular lines.
    #[inline(always)]
    fn push(&mut self, batch: Batch<'_, 'a>, lines: Range<usize>) {
        if lines.is_empty() {
            return;
        }
        let (starts, ends) = (&batch.starts[lines.clone()], &batch.ends[lines.clone()]);
        batch.text.slices((starts, 0), (ends, 0), &mut self.block.lines);
        let ends_in_cr = |&end: &u32| batch.text.word(end as usize) as u8 == b'\r';
        self.block.crlf = self.block.crlf || ends.iter().any(ends_in_cr);
        self.seen += lines.len();
        self.cutter.push(batch, lines, &mut self.block.fields);
    }

    /// Takes the first line of `text` with care; answers its bytes, its end included.
    #[inline(never)]
    fn careful(&mut self, text: &'a [u8]) -> usize {
        let mut utf8 = true;
        let (next, is_line) = self.walk.line(text, 0, self.block, |line, columns| {
            utf8 = std::str::from_utf8(line).is_ok();
            self.cutter.line(line, columns)
        });
        self.block.utf8 &= utf8;
        self.seen += usize::from(is_line);
        next
    }
}

/// Bytes to look through at once: no more than about what a block still has room for, which has seen so many records in so
/// many bytes.
pub(super) fn window_bytes(records_max: usize, seen: usize, before: usize) -> usize {
    let average = before.checked_div(seen).unwrap_or(WINDOW_BYTES);
    (records_max - seen).saturating_mul(average + 1).clamp(256, WINDOW_BYTES)
}

/// What stands behind a line for [`takes`].
#[cfg(test)]
pub(super) const PADDING: &str = "\n        ";

/// Whether a cutter takes a line by its marks, given with [`PADDING`]: for the tests of formats, whose results are the same
/// either way.
#[cfg(test)]
pub(super) fn takes<'a>(cutter: &mut impl Cutter<'a>, shape: Shape, padded: &'a [u8]) -> bool {
    let mut index = Index::default();
    let text = View::new(padded).expect("padded");
    let end = padded.len() - PADDING.len();
    index.fill(&padded[..end + 1], &shape.needles);
    let (stride, marks) = (shape.per_line + 1, index.marks());
    let (starts, ends) = (&[0], &[end as u32]);
    let batch = Batch { text, index: &index, starts, ends, marks, stride };
    let mut fault = [0];
    if marks.len() == stride {
        cutter.check(batch, &mut fault);
    }
    marks.len() == stride && fault == [0]
}
