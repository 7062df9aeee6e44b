//! Cuts lines by the places of their marks, found for a window of text at once. Formats in which each line has the same
//! number of marks (quotes, or delimiters) take whole batches of lines here, column by column; a line that is not of that
//! shape goes the format's careful way, so that the result is the same.

use super::scan::{Index, Needles};
use super::walk::{TOO_LONG, Walk, line_at};
use super::{RawBlock, RawReject};

/// Text that is looked through at once: its planes and places stay in the first-level cache.
const WINDOW_BYTES: usize = 32 << 10;
/// Lines of a batch.
pub(super) const BATCH_LINES: usize = 128;

/// The shape of regular lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// What to look for. The first mark is the newline, the second the mark proper; the third makes a line irregular.
    pub(super) needles: Needles,
    /// Marks proper in a regular line.
    pub(super) per_line: usize,
}

/// Some lines of a window, of which the irregular ones hold nothing of use. Places are those in `text`.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) len: usize,
    pub(super) starts: [u32; BATCH_LINES],
    /// Ends without the line's end.
    pub(super) ends: [u32; BATCH_LINES],
    /// Index of each line's first mark.
    pub(super) first: [u32; BATCH_LINES],
    /// Whether the line is regular, so far.
    pub(super) good: [bool; BATCH_LINES],
}

impl Default for Batch {
    fn default() -> Self {
        let none = [0; BATCH_LINES];
        Batch { len: 0, starts: none, ends: none, first: none, good: [false; BATCH_LINES] }
    }
}

/// Buffers for cutting, reused from window to window.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) index: Index,
    pub(super) batch: Batch,
}

/// A format that can cut batches.
pub(super) trait Cutter<'a> {
    /// Cuts the good lines of a batch, and marks as not good those that it leaves to [`Cutter::line`]. Pushes nothing.
    fn batch(&mut self, text: &'a [u8], index: &Index, batch: &mut Batch);
    /// Pushes the values of all lines of the batch, one a column; all are good.
    fn push_all(&mut self, text: &'a [u8], batch: &Batch, columns: &mut [Vec<&'a [u8]>]);
    /// Pushes the values of one good line of the batch.
    fn push(&mut self, text: &'a [u8], batch: &Batch, line: usize, columns: &mut [Vec<&'a [u8]>]);
    /// Cuts any line, with care: pushes one value a column, or says why the line is none.
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
    let mut scratch = std::mem::take(&mut block.scratch);
    block.ascii |= block.lines.is_empty();
    let mut run = Run { walk, shape, cutter, block, records_max, seen: 0 };
    while at < input.len() && run.seen < records_max {
        let used = run.window(&input[at..], at, &mut scratch);
        at += if used > 0 { used } else { run.one_line(&input[at..]) };
    }
    block.scratch = scratch;
    at
}

impl<'a, C: Cutter<'a>> Run<'_, 'a, C> {
    /// Takes the lines that end within the first window of `text`; answers its bytes.
    fn window(&mut self, text: &'a [u8], before: usize, scratch: &mut Scratch) -> usize {
        let len = text.len().min(self.window_bytes(before));
        let window = &text[..len];
        scratch.index.fill(window, &self.shape.needles);
        self.block.ascii &= scratch.index.is_ascii();
        let (mut mark, mut start) = (0, 0);
        while self.seen < self.records_max {
            self.collect(text, &scratch.index, &mut scratch.batch, (&mut mark, &mut start));
            if scratch.batch.len == 0 {
                break;
            }
            self.take(text, &scratch.index, &mut scratch.batch);
        }
        start as usize
    }

    /// No more than about what the block still has room for.
    fn window_bytes(&self, before: usize) -> usize {
        let left = self.records_max - self.seen;
        let average = before.checked_div(self.seen).unwrap_or(WINDOW_BYTES);
        left.saturating_mul(average + 1).clamp(256, WINDOW_BYTES)
    }

    /// The next lines of the window: as many as fit into a batch and into the block.
    #[inline]
    fn collect(
        &self,
        text: &[u8],
        index: &Index,
        batch: &mut Batch,
        (mark, start): (&mut usize, &mut u32),
    ) {
        let (marks, stride) = (index.marks(), self.shape.per_line + 1);
        let room = BATCH_LINES.min(self.records_max - self.seen);
        let mut len = 0;
        while len < room {
            let regular = marks.get(*mark..*mark + stride).filter(|group| self.fits(text, group));
            let (end, next) = match regular {
                Some(group) => (group[stride - 1], *mark + stride),
                None => match newline(text, &marks[*mark..]) {
                    Some((at, end)) => (end, *mark + at + 1),
                    None => break,
                },
            };
            let crlf = end > *start && text[end as usize - 1] == b'\r';
            let stop = end - u32::from(crlf);
            batch.starts[len] = *start;
            batch.ends[len] = stop;
            batch.first[len] = *mark as u32;
            let sized = stop > *start && (stop - *start) as usize <= self.walk.line_bytes_max;
            batch.good[len] = regular.is_some() && sized;
            len += 1;
            *mark = next;
            *start = end + 1;
        }
        batch.len = len;
    }

    /// Whether these are the marks of a regular line.
    #[inline(always)]
    fn fits(&self, text: &[u8], group: &[u32]) -> bool {
        let [newline, proper, _] = self.shape.needles.marks;
        let Some((&last, marks)) = group.split_last() else { return false };
        let is = |place: u32, byte: u8| text.get(place as usize) == Some(&byte);
        is(last, newline) && marks.iter().all(|&place| is(place, proper))
    }

    fn take(&mut self, text: &'a [u8], index: &Index, batch: &mut Batch) {
        self.cutter.batch(text, index, batch);
        if !batch.good[..batch.len].iter().all(|&good| good) {
            return self.take_mixed(text, batch);
        }
        self.seen += batch.len;
        self.cutter.push_all(text, batch, &mut self.block.fields);
        let lines = batch.starts.iter().zip(&batch.ends).take(batch.len);
        self.block.lines.extend(lines.map(|(&start, &end)| &text[start as usize..end as usize]));
        let ends = batch.ends[..batch.len].iter();
        self.block.crlf |= ends.fold(false, |crlf, &end| crlf | (text[end as usize] == b'\r'));
    }

    #[cold]
    fn take_mixed(&mut self, text: &'a [u8], batch: &Batch) {
        for line in 0..batch.len {
            let (start, end) = (batch.starts[line] as usize, batch.ends[line] as usize);
            if batch.good[line] {
                self.seen += 1;
                self.block.crlf |= text[end] == b'\r';
                self.block.lines.push(&text[start..end]);
                self.cutter.push(text, batch, line, &mut self.block.fields);
            } else {
                self.one_line(&text[start..]);
            }
        }
    }

    /// Takes the first line of `text` with care; answers its bytes, its end included.
    fn one_line(&mut self, text: &'a [u8]) -> usize {
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

/// The first newline among the marks: its index there, and its place.
fn newline(text: &[u8], marks: &[u32]) -> Option<(usize, u32)> {
    let newline = |&(_, &place): &(usize, &u32)| text[place as usize] == b'\n';
    marks.iter().enumerate().find(newline).map(|(at, &place)| (at, place))
}
