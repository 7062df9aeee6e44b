//! How the content of a file relates to that of a known segment, or to that of another file.

use memchr::memchr;

use super::decoder::Decoder;
use super::fingerprint::{Fingerprint, Trace, covered};
use super::marks::{Mark, Marks, is_dense};
use super::probe::{Place, Probe};
use super::{Compression, SegmentState, SourceError};

/// Bytes that are compared or decoded at a time.
const STEP_BYTES: usize = 64 * 1024;
/// Of two plain files the ends of the shorter one are compared, so many bytes each, and so many samples between.
const SAMPLES: u64 = 64;
const SAMPLE_BYTES: u64 = 4096;

/// A file beside a known segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It has all that was consumed; reading goes on there.
    Continues(Place),
    /// It has the beginning of that, and nothing else: so many decompressed bytes.
    Begins(u64),
    /// It is something else.
    Differs,
}

/// Two files beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// Both have the same content.
    Same,
    /// The first one has the beginning of the second one's content.
    FirstBegins,
    /// The second one has the beginning of the first one's.
    SecondBegins,
    /// Neither.
    None,
}

impl Probe {
    /// Compares with what was consumed of a segment.
    pub(crate) fn relation(
        &self,
        known: &SegmentState,
        marks: &Marks,
    ) -> Result<Relation, SourceError> {
        let has_head = self.head.len() < known.head.len as usize || known.head.begins(&self.head);
        if !has_head {
            return Ok(Relation::Differs);
        }
        match self.compression {
            Compression::Plain if self.found.size < known.offset => self.begins(known, marks),
            Compression::Plain => {
                let place = self.plain_place(known.offset)?;
                Ok(continues(place, known))
            }
            _ => self.decoded_relation(known, marks),
        }
    }

    fn begins(&self, known: &SegmentState, marks: &Marks) -> Result<Relation, SourceError> {
        let size = self.found.size;
        let marks = marks.up_to(size);
        let Some(last) = marks.last() else { return Ok(Relation::Differs) };
        // Files that differ do so near their ends, mostly.
        for mark in marks.iter().rev() {
            if *mark != Mark::new(mark.at, &self.before(mark.at)?) {
                return Ok(Relation::Differs);
            }
        }
        let tail = self.before(size)?;
        Ok(begins(size, last.at, &tail, known))
    }

    fn decoded_relation(
        &self,
        known: &SegmentState,
        marks: &Marks,
    ) -> Result<Relation, SourceError> {
        let mut decoder = self.decoder()?;
        let mut trace = Trace::default();
        let mut last = 0;
        for mark in marks.up_to(known.offset) {
            decode_to(&mut decoder, mark.at, &mut trace)?;
            if trace.length() < mark.at {
                break;
            }
            if *mark != Mark::new(mark.at, trace.tail()) {
                return Ok(Relation::Differs);
            }
            last = mark.at;
        }
        decode_to(&mut decoder, known.offset, &mut trace)?;
        if trace.length() == known.offset {
            let at_end = decoder.fill(&mut [0])? == 0;
            return Ok(continues(trace.place(at_end), known));
        }
        Ok(match last {
            0 => Relation::Differs,
            _ => begins(trace.length(), last, trace.tail(), known),
        })
    }

    /// Whether the bytes of a stretch are those of the other file.
    pub(crate) fn has_bytes_of(
        &self,
        other: &Probe,
        stretch: std::ops::Range<u64>,
    ) -> Result<bool, SourceError> {
        let (mut ours, mut theirs) =
            (Content::at(self, stretch.start)?, Content::at(other, stretch.start)?);
        let mut left = stretch.end - stretch.start;
        let (mut a, mut b) = (vec![0; STEP_BYTES], vec![0; STEP_BYTES]);
        while left > 0 {
            let wanted = left.min(STEP_BYTES as u64) as usize;
            let (n, m) = (ours.fill(&mut a[..wanted])?, theirs.fill(&mut b[..wanted])?);
            if n != wanted || m != wanted || a[..n] != b[..m] {
                return Ok(false);
            }
            left -= wanted as u64;
        }
        Ok(true)
    }

    /// Compares the contents of two files, as far as the shorter one goes: bytes of compressed ones, samples of plain ones.
    pub(crate) fn overlap(&self, other: &Probe) -> Result<Overlap, SourceError> {
        let heads = self.head.len().min(other.head.len());
        if heads == 0 || self.head[..heads] != other.head[..heads] {
            return Ok(Overlap::None);
        }
        if self.compression.is_compressed() || other.compression.is_compressed() {
            return self.decoded_overlap(other);
        }
        let (ours, theirs) = (self.found.size, other.found.size);
        let common = ours.min(theirs);
        let end = common.saturating_sub(STEP_BYTES as u64)..common;
        let sample = |n: u64| {
            let at = common / SAMPLES * n;
            at..(at + SAMPLE_BYTES).min(common)
        };
        for stretch in std::iter::once(end).chain((0..SAMPLES).map(sample)) {
            if !self.has_bytes_of(other, stretch)? {
                return Ok(Overlap::None);
            }
        }
        Ok(match ours.cmp(&theirs) {
            std::cmp::Ordering::Less => Overlap::FirstBegins,
            std::cmp::Ordering::Equal => Overlap::Same,
            std::cmp::Ordering::Greater => Overlap::SecondBegins,
        })
    }

    fn decoded_overlap(&self, other: &Probe) -> Result<Overlap, SourceError> {
        let (mut ours, mut theirs) = (Content::at(self, 0)?, Content::at(other, 0)?);
        let (mut a, mut b) = (vec![0; STEP_BYTES], vec![0; STEP_BYTES]);
        loop {
            let (n, m) = (ours.fill(&mut a)?, theirs.fill(&mut b)?);
            let common = n.min(m);
            if a[..common] != b[..common] {
                return Ok(Overlap::None);
            }
            match n.cmp(&m) {
                std::cmp::Ordering::Less => return Ok(Overlap::FirstBegins),
                std::cmp::Ordering::Greater => return Ok(Overlap::SecondBegins),
                std::cmp::Ordering::Equal if n < STEP_BYTES => return Ok(Overlap::Same),
                std::cmp::Ordering::Equal => {}
            }
        }
    }

    /// Decompressed bytes.
    pub(crate) fn length(&self) -> Result<u64, SourceError> {
        if self.compression == Compression::Plain {
            return Ok(self.found.size);
        }
        let mut trace = Trace::default();
        decode_to(&mut self.decoder()?, u64::MAX, &mut trace)?;
        Ok(trace.length())
    }
}

fn continues(place: Place, known: &SegmentState) -> Relation {
    if place.anchor == known.anchor { Relation::Continues(place) } else { Relation::Differs }
}

/// A file that has all marks up to `last`, and ends in `tail`. Near the ends of a segment each of its lines has a mark, so that
/// a file with a line behind the last of them has another one.
fn begins(length: u64, last: u64, tail: &[u8], known: &SegmentState) -> Relation {
    let rest = usize::try_from(length - last).unwrap_or(usize::MAX).min(tail.len());
    let has_line = memchr(b'\n', &tail[tail.len() - rest..]).is_some();
    let is_dense = is_dense(last, known.offset) && is_dense(length, known.offset);
    if has_line && is_dense { Relation::Differs } else { Relation::Begins(length) }
}

/// Decodes up to a place, or to the end.
pub(crate) fn decode_to(
    decoder: &mut Decoder,
    place: u64,
    trace: &mut Trace,
) -> Result<(), SourceError> {
    let mut scratch = vec![0; STEP_BYTES.min(usize::try_from(place).unwrap_or(STEP_BYTES))];
    while trace.length() < place {
        let wanted = (place - trace.length()).min(scratch.len() as u64) as usize;
        let n = decoder.fill(&mut scratch[..wanted])?;
        trace.feed(&scratch[..n]);
        if n < wanted {
            break;
        }
    }
    Ok(())
}

/// A file's decompressed bytes, from a place on.
struct Content<'p> {
    probe: &'p Probe,
    decoder: Option<Decoder>,
    at: u64,
}

impl<'p> Content<'p> {
    fn at(probe: &'p Probe, place: u64) -> Result<Self, SourceError> {
        let mut decoder = match probe.compression {
            Compression::Plain => None,
            _ => Some(probe.decoder()?),
        };
        if let Some(decoder) = &mut decoder {
            decode_to(decoder, place, &mut Trace::default())?;
        }
        Ok(Content { probe, decoder, at: place })
    }

    /// As many bytes as there are.
    fn fill(&mut self, into: &mut [u8]) -> Result<usize, SourceError> {
        if let Some(decoder) = &mut self.decoder {
            return decoder.fill(into);
        }
        let left = self.probe.found.size.saturating_sub(self.at);
        let len = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.probe.read(&mut into[..len], self.at)?;
        self.at += len as u64;
        Ok(len)
    }
}

impl Trace {
    /// Where reading goes on behind what was fed.
    fn place(&mut self, at_end: bool) -> Place {
        Place {
            offset: self.length(),
            anchor: self.anchor(),
            mid_line: self.last_byte().is_some_and(|byte| byte != b'\n'),
            at_end,
        }
    }
}

impl Probe {
    fn plain_place(&self, offset: u64) -> Result<Place, SourceError> {
        let tail = self.before(offset)?;
        Ok(Place {
            offset,
            anchor: Fingerprint::of(&tail[tail.len() - covered(offset)..]),
            mid_line: tail.last().is_some_and(|byte| *byte != b'\n'),
            at_end: offset == self.found.size,
        })
    }
}
