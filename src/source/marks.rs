//! Marks: what is kept of a segment's content, so that a copy of its beginning is known for one when the original is gone.
//!
//! A mark is a place in the consumed content and a hash of the (up to 4096) bytes before it. Every line end of the first and
//! of the last 4 KiB has one, and between them marks stand at most 1/32 of their distance from the nearer end apart: some
//! two thousand for a log of any size. Together they cover the beginning and the end of a segment byte by byte, which is
//! where copies end (what copytruncate missed, a compressor that was early), and sample the rest.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use memchr::memrchr;
use xxhash_rust::xxh3::xxh3_64;

use super::SourceError;
use super::fingerprint::{FINGERPRINT_BYTES_MAX, covered};
use super::positioned::read_exact;

/// How many bytes at either end have a mark at each line end.
const DENSE_BYTES: u64 = 4096;
/// Between the ends: the distance of marks as a part of that from the nearer end.
const SPACING: u64 = 32;
/// What is kept of a stream's end: enough for a mark at each line end of its last 4 KiB.
const TAIL_BYTES: usize = 2 * FINGERPRINT_BYTES_MAX;
/// What is read at a time where marks stand close to each other.
const WINDOW_BYTES: u64 = 128 * 1024;
/// Marks of a first line that is longer than any line should be: at this power of two and those that follow.
const FIRST_LINE_BYTES_MIN: u64 = 64;

/// A place in a segment's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Decompressed bytes before it.
    pub(crate) at: u64,
    /// A hash of the last of these, at most 4096.
    hash: u32,
}

impl Mark {
    /// `before`: the bytes before `at`, as many as a mark covers, or more.
    pub(crate) fn new(at: u64, before: &[u8]) -> Self {
        let covered = &before[before.len() - covered(at)..];
        // Which half of the hash does not matter.
        Mark { at, hash: xxh3_64(covered) as u32 }
    }
}

/// Marks of one segment, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(Vec<Mark>);

impl Marks {
    /// Those at or before a place.
    pub(crate) fn up_to(&self, place: u64) -> &[Mark] {
        &self.0[..self.0.partition_point(|mark| mark.at <= place)]
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds those of what was read since. Both together are thinned out to what a segment of that length keeps.
    pub fn append(&mut self, newer: &Marks) {
        let Some(first) = newer.0.first() else { return };
        self.0.truncate(self.0.partition_point(|mark| mark.at < first.at));
        self.0.extend_from_slice(&newer.0);
        self.thin();
    }

    fn thin(&mut self) {
        let Some(end) = self.0.last().map(|mark| mark.at) else { return };
        let mut kept = 0;
        self.0.retain(|mark| {
            let stays = mark.at == end || mark.at - kept >= spacing(mark.at, end);
            kept = if stays { mark.at } else { kept };
            stays
        });
    }

    /// For the catalog: the distances as LEB128, each with its hash behind it in four bytes, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 6);
        let mut last = 0;
        for mark in &self.0 {
            let mut distance = mark.at - last;
            while distance >= 0x80 {
                bytes.push(distance as u8 | 0x80);
                distance >>= 7;
            }
            bytes.push(distance as u8);
            bytes.extend_from_slice(&mark.hash.to_le_bytes());
            last = mark.at;
        }
        bytes
    }

    /// What [`Marks::to_bytes`] wrote; what follows damage is left out.
    pub fn from_bytes(mut bytes: &[u8]) -> Self {
        let (mut marks, mut at) = (Vec::new(), 0u64);
        while let Some(distance) = leb128(&mut bytes) {
            let Some((hash, rest)) = bytes.split_first_chunk::<4>() else { break };
            at = at.saturating_add(distance);
            marks.push(Mark { at, hash: u32::from_le_bytes(*hash) });
            bytes = rest;
        }
        Marks(marks)
    }

    /// Those of a stretch of a plain file, reading only what they cover.
    pub(crate) fn of_file(
        file: &File,
        path: &Path,
        stretch: Range<u64>,
    ) -> Result<Self, SourceError> {
        let mut marks = Marks::default();
        let mut buffer = Vec::new();
        let mut dense = |from: u64, to: u64, marks: &mut Marks| {
            let start = from - covered(from) as u64;
            buffer.resize((to - start) as usize, 0);
            read_exact(file, path, &mut buffer, start)?;
            marks.at_line_ends(&buffer, start, from..to);
            Ok(())
        };
        let Range { start, end } = stretch;
        let head = start.max(end.min(DENSE_BYTES));
        dense(start, head, &mut marks)?;
        let tail = head.max(end.saturating_sub(DENSE_BYTES));
        let mut at = head;
        let mut window = Window::default();
        while at + spacing(at, end) < tail {
            at += spacing(at, end).max(1);
            let sample = at.saturating_sub(2 * DENSE_BYTES)..at;
            // Where the next samples are near, they are read with this one.
            let ahead = if spacing(at, end) < DENSE_BYTES { WINDOW_BYTES } else { 0 };
            let bytes = window.read(file, path, sample.clone(), end.min(sample.start + ahead))?;
            marks.at_last_line_end(bytes, sample.start);
        }
        dense(tail, end, &mut marks)?;
        Ok(marks)
    }

    /// Marks at the line ends within a stretch, and at its end. `bytes` begin at `start` and reach to the stretch's end.
    fn at_line_ends(&mut self, bytes: &[u8], start: u64, stretch: Range<u64>) {
        let from = (stretch.start - start) as usize;
        let line_ends = memchr::memchr_iter(b'\n', &bytes[from..]).map(|at| from + at + 1);
        let in_first_line = |at: &u64| *at < stretch.end && start == 0;
        let mut powers = std::iter::successors(Some(FIRST_LINE_BYTES_MIN), |at| Some(at * 2))
            .take_while(in_first_line)
            .filter(|at| *at > stretch.start)
            .map(|at| at as usize)
            .collect::<Vec<_>>()
            .into_iter()
            .peekable();
        let mut add = |at: usize| self.push(Mark::new(start + at as u64, &bytes[..at]));
        for line_end in line_ends.chain([bytes.len()]) {
            while let Some(power) = powers.next_if(|at| *at < line_end) {
                add(power);
            }
            add(line_end);
        }
    }

    /// A mark at the last line end of the second half of `bytes`, or at their end. They begin at `start`.
    fn at_last_line_end(&mut self, bytes: &[u8], start: u64) {
        let half = if start == 0 { 0 } else { FINGERPRINT_BYTES_MAX.min(bytes.len()) };
        let end = memrchr(b'\n', &bytes[half..]).map_or(bytes.len(), |at| half + at + 1);
        self.push(Mark::new(start + end as u64, &bytes[..end]));
    }

    fn push(&mut self, mark: Mark) {
        if mark.at > self.0.last().map_or(0, |last| last.at) {
            self.0.push(mark);
        }
    }
}

/// Bytes of a file that were read together.
#[derive(Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// The bytes of a stretch. If they are not there, those up to `ahead` are read with them.
    fn read(
        &mut self,
        file: &File,
        path: &Path,
        stretch: Range<u64>,
        ahead: u64,
    ) -> Result<&[u8], SourceError> {
        let is_there =
            self.start <= stretch.start && stretch.end <= self.start + self.bytes.len() as u64;
        if !is_there {
            self.start = stretch.start;
            self.bytes.resize((ahead.max(stretch.end) - stretch.start) as usize, 0);
            read_exact(file, path, &mut self.bytes, stretch.start)?;
        }
        let from = (stretch.start - self.start) as usize;
        Ok(&self.bytes[from..from + (stretch.end - stretch.start) as usize])
    }
}

/// Whether each line end behind `at` has a mark, up to the next one, in a segment of which so much was consumed.
pub(crate) fn is_dense(at: u64, consumed: u64) -> bool {
    spacing(at, consumed) == 0
}

/// How far a mark stands from the one before it, in a segment of `end` bytes; 0 where each line end has one.
fn spacing(at: u64, end: u64) -> u64 {
    match at.min(end.saturating_sub(at)) {
        near if near < DENSE_BYTES => 0,
        far => far / SPACING,
    }
}

fn leb128(bytes: &mut &[u8]) -> Option<u64> {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        shift += 7;
    }
}

/// Marks of a stream, of which each byte is seen once and few are kept.
#[derive(Debug, Default)]
pub(crate) struct MarksOfStream {
    marks: Marks,
    /// The last bytes.
    tail: Vec<u8>,
    length: u64,
}

impl MarksOfStream {
    /// Takes note of the next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let missing = usize::try_from(DENSE_BYTES.saturating_sub(self.length)).unwrap_or(0);
        let (head, rest) = bytes.split_at(missing.min(bytes.len()));
        if !head.is_empty() {
            let from = self.length;
            self.tail.extend_from_slice(head);
            self.length += head.len() as u64;
            self.marks.at_line_ends(&self.tail, 0, from..self.length);
        }
        self.sample(rest);
    }

    /// Marks behind the dense ones of the beginning.
    fn sample(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len() as u64;
        loop {
            let last = self.marks.0.last().map_or(0, |mark| mark.at);
            let next = last.max(self.length) + (last / SPACING).max(DENSE_BYTES / SPACING);
            if next > end {
                break;
            }
            let at = (next - self.length) as usize;
            let before = match at.checked_sub(FINGERPRINT_BYTES_MAX) {
                Some(from) => Mark::new(next, &bytes[from..at]),
                None => Mark::new(next, &[&self.tail, &bytes[..at]].concat()),
            };
            self.marks.push(before);
        }
        let last = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let kept = self.tail.len().min(TAIL_BYTES.saturating_sub(last.len()));
        self.tail.drain(..self.tail.len() - kept);
        self.tail.extend_from_slice(last);
        self.length = end;
    }

    /// All marks, once the stream is read.
    pub(crate) fn finish(mut self) -> Marks {
        let dense = DENSE_BYTES.min(self.length).min(self.tail.len() as u64);
        let start = self.length - self.tail.len() as u64;
        // A line end needs the bytes before it.
        let from = (self.length - dense).max(if start == 0 { 0 } else { start + DENSE_BYTES });
        let mut last = Marks::default();
        last.at_line_ends(&self.tail, start, from.min(self.length)..self.length);
        self.marks.append(&last);
        self.marks
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    fn of(text: &[u8], stretch: Range<u64>) -> Marks {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        file.as_file().write_all_at(text, 0).expect("written");
        Marks::of_file(file.as_file(), file.path(), stretch).expect("read")
    }

    fn lines(bytes: usize, line: usize) -> Vec<u8> {
        let line = |n: usize| format!("{n:0width$}\n", width = line - 1).into_bytes();
        (0..).flat_map(line).take(bytes).collect()
    }

    #[test]
    fn every_line_end_near_either_end_has_a_mark_and_the_others_lie_within_a_32nd() {
        for (bytes, line) in [(0, 8), (1, 8), (100, 8), (4096, 8), (9_000, 8), (300_000, 308)] {
            let text = lines(bytes, line);
            let marks = of(&text, 0..bytes as u64);
            let has = |at: u64| marks.0.iter().any(|mark| mark.at == at);
            for at in (line..=bytes).step_by(line) {
                let near = (at.min(bytes - at) as u64) < DENSE_BYTES;
                assert!(!near || has(at as u64), "{at} of {bytes}");
            }
            for pair in marks.0.windows(2) {
                let allowed = spacing(pair[1].at, bytes as u64).max(64).max(line as u64);
                assert!(pair[1].at - pair[0].at <= 2 * allowed + 308, "{pair:?} of {bytes}");
            }
            assert!(marks.0.len() < 3_000 && marks.0.iter().all(|mark| mark.at > 0));
            assert_eq!(marks.0.last().map_or(0, |mark| mark.at), bytes as u64);
        }
    }

    #[test]
    fn a_mark_is_of_the_bytes_before_it_however_it_came_about() {
        let text = lines(50_000, 40);
        let is_true = |mark: &Mark| *mark == Mark::new(mark.at, &text[..mark.at as usize]);
        assert!(of(&text, 0..50_000).0.iter().all(is_true));
        assert!(of(&text, 30_001..44_444).0.iter().all(is_true));
        for piece in [1, 100, 4096, 50_000] {
            let mut stream = MarksOfStream::default();
            text.chunks(piece).for_each(|piece| stream.feed(piece));
            let marks = stream.finish();
            assert!(marks.0.iter().all(is_true), "pieces of {piece}");
            assert!(marks.0.len() > 200 && marks.0.last().expect("some").at == 50_000);
        }
    }

    #[test]
    fn marks_that_were_appended_batch_by_batch_stay_few_and_true() {
        let text = lines(400_000, 20);
        let mut marks = Marks::default();
        let mut start = 0;
        while start < text.len() {
            let end = (start + 1_000).min(text.len());
            marks.append(&of(&text[..end], start as u64..end as u64));
            start = end;
        }
        assert!(marks.0.len() < 1_500, "{}", marks.0.len());
        let is_true = |mark: &Mark| *mark == Mark::new(mark.at, &text[..mark.at as usize]);
        assert!(marks.0.iter().all(is_true));
        assert!((399_000..=400_000).step_by(20).all(|at| marks.0.iter().any(|m| m.at == at)));
    }

    #[test]
    fn marks_are_stored_as_they_are_and_damage_ends_them() {
        let marks = of(&lines(200_000, 99), 0..200_000);
        let bytes = marks.to_bytes();
        assert_eq!(Marks::from_bytes(&bytes), marks);
        assert!(bytes.len() < 7 * marks.0.len());
        assert!(Marks::from_bytes(&bytes[..bytes.len() - 1]).0.len() == marks.0.len() - 1);
        assert_eq!(Marks::from_bytes(&[0xff; 20]), Marks::default());
    }

    #[test]
    fn a_first_line_without_an_end_has_marks_at_powers_of_two() {
        let places: Vec<u64> = of(&[b'x'; 3_000], 0..3_000).0.iter().map(|mark| mark.at).collect();
        assert_eq!(places, [64, 128, 256, 512, 1024, 2048, 3000]);
    }
}
