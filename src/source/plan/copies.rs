//! Rule 4: files that hold nothing but the beginning of a segment.
//!
//! copytruncate copies a log and then empties it, a compressor writes the file that takes the place of another, `copy` and
//! backups leave a log beside its original. All of what such a file has was read, or is read from the original: it counts
//! nothing, under whatever name, compressed or not, whether the original is there, was emptied, or is gone. While the original
//! is there the bytes are compared with it, else with the marks that are kept of it.
//!
//! Content can't tell a copy from a log that begins with the same lines as another one. What is done then loses nothing without
//! a word:
//!
//! - A file that is a copy by its content is told, once, and looked at again when it changes. As soon as it goes on otherwise
//!   than the segment does, it is a log of its own, and counts from its first byte.
//! - A file with the name of the log itself and few bytes is a new one if that log was rotated to another name, or was found
//!   to be gone or empty before. If it took the log's place between two looks, it is a copy (a backup was restored) until it grows.
//! - Of a rotated file and the log beside it that have the same few bytes, the one that was created first is no copy.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::SystemTime;

use super::Planner;
use crate::source::fingerprint::FINGERPRINT_BYTES_MAX;
use crate::source::known::{Rest, STRONG_BYTES, has_live_name, is_younger};
use crate::source::probe::Probe;
use crate::source::relation::{Overlap, Relation};
use crate::source::rotation::RotatedName;
use crate::source::{Copy, Found, SegmentState, SourceError};

impl<'p> Planner<'p> {
    /// What is known of the file as a copy: by device and inode, or, on another disk, by name, size and time.
    pub(super) fn known_copy(&self, file: &Found) -> Option<&'p Copy> {
        let KnownCopies { by_file, by_path } =
            self.copies.get_or_init(|| KnownCopies::of(self.knowledge.copies));
        let is_same = |copy: &&&Copy| (copy.size, copy.mtime_ns) == (file.size, file.mtime_ns);
        let moved = || by_path.get(file.path.as_path()).filter(is_same);
        by_file.get(&file.key()).or_else(moved).copied()
    }

    /// Takes note of a log that is empty by now: what comes next is new, even if it is what it began with before; and by it
    /// a log is known whose other files were removed.
    pub(super) fn emptied(&mut self, file: &'p Found) {
        let empty = |segment: u64, original: &Path| Copy {
            original: original.to_owned(),
            ..copy_of(file, segment, 0)
        };
        if let Some(at) = self.known.hinted(file).next() {
            let segment = &self.known.segments[at];
            self.outcome.copies.push(empty(segment.id, &segment.path));
        } else {
            let known = self.known_copy(file).filter(|copy| copy.bytes == 0);
            let (segment, original) =
                known.map_or((0, &file.path), |known| (known.segment, &known.original));
            self.outcome.copies.push(empty(segment, original));
        }
    }

    /// Whether the file was a segment and was seen empty since: the few bytes that it has now were written anew, be they the
    /// same as those of that one or of an elder one.
    pub(super) fn was_emptied(&self, file: &Found, at: usize) -> bool {
        let segment = &self.known.segments[at];
        segment.offset < STRONG_BYTES
            && self.known_empty(file).is_some_and(|known| segment.id <= known.segment)
    }

    /// What is known of the file, if it was seen empty under its log's name, and is not a younger one in that one's inode.
    fn known_empty(&self, file: &Found) -> Option<&'p Copy> {
        let known = self.known_copy(file).filter(|known| known.size == 0)?;
        let is_same_log =
            || known.path == file.path || self.siblings().log_of(&file.path) == known.path;
        (is_same_log() && is_file_of(known, file)).then_some(known)
    }

    /// A file that was seen empty is remembered as such until something of it is read.
    pub(super) fn stays_emptied(&mut self, file: &Found) {
        let is_read = self.outcome.tasks.iter().any(|task| task.found.key() == file.key());
        if let Some(known) = self.known_empty(file).filter(|_| !is_read) {
            self.outcome.copies.push(known.clone());
        }
    }

    /// Whether the file was found to be a copy before, and did not change since. One that the segment's own file no longer
    /// surpasses is looked at again: it may have to stand for it.
    pub(super) fn is_copy_still(&mut self, file: &Found) -> bool {
        let known = self.known_copy(file).filter(|known| known.key() == file.key());
        let Some(known) = known else { return false };
        let is_unchanged =
            known.settled && (known.size, known.mtime_ns) == (file.size, file.mtime_ns);
        let at = self.known.segments.binary_search_by_key(&known.segment, |segment| segment.id);
        let is_needless = at.is_ok_and(|at| {
            known.bytes < self.known.segments[at].offset || self.known.claim_of(at).is_some()
        });
        if is_unchanged && is_needless {
            self.outcome.copies.push(Copy { path: file.path.clone(), ..known.clone() });
        }
        is_unchanged && is_needless
    }

    /// Whether the file is a copy of what is known.
    pub(super) fn is_copy(&mut self, file: &Found) -> bool {
        if self.known.segments.is_empty() {
            return false;
        }
        let copy = Probe::open(file).and_then(|probe| self.copy_of_known(file, &probe));
        self.note_copy(file, copy)
    }

    /// Notes what was found out of a file; whether it is dealt with.
    fn note_copy(&mut self, file: &Found, copy: Result<Option<Copy>, SourceError>) -> bool {
        match copy {
            Ok(None) => false,
            Ok(Some(copy)) => {
                self.outcome.copies.push(copy);
                true
            }
            Err(error) => {
                self.problem(file, error);
                true
            }
        }
    }

    pub(super) fn copy_of_known(
        &self,
        file: &Found,
        probe: &Probe,
    ) -> Result<Option<Copy>, SourceError> {
        for at in self.known.beginning_like(probe) {
            let segment = &self.known.segments[at];
            let bytes = match self.relation(probe, segment)? {
                Relation::Begins(bytes) if self.is_begun(probe, at, bytes)? => bytes,
                Relation::Continues(place) if self.known.claim_of(at).is_some() => {
                    match self.goes_on_as(probe, at, place.at_end)? {
                        Some(bytes) => bytes,
                        None => continue,
                    }
                }
                _ => continue,
            };
            if !self.is_none_of_known(probe, at, bytes)? {
                return Ok(Some(self.noted(file, segment.id, &segment.path, bytes)));
            }
        }
        Ok(None)
    }

    /// Whether the file is the beginning of another one's first line, and no more: what a copy has that was cut there. Neither
    /// the first line nor the head tells. A line that may still grow waits.
    pub(super) fn is_cut_in_first_line(&mut self, file: &'p Found) -> bool {
        // Longer ones have a head, compressed or not: they need not be opened.
        if file.size > 2 * FINGERPRINT_BYTES_MAX as u64 {
            return false;
        }
        let copy = Probe::open(file).and_then(|probe| {
            let is_part = probe.head.len() < FINGERPRINT_BYTES_MAX && !probe.head.contains(&b'\n');
            let is_whole = probe.compression.is_compressed()
                || self.siblings().is_sealed(&probe.found, self.rules);
            match is_part && is_whole && !probe.head.is_empty() {
                true => self.copy_of_first_line(file, &probe),
                false => Ok(None),
            }
        });
        self.note_copy(file, copy)
    }

    fn copy_of_first_line(&self, file: &Found, part: &Probe) -> Result<Option<Copy>, SourceError> {
        let bytes = part.head.len() as u64;
        for other in self.beginnings().with(&part.head).filter(|other| other.key() != file.key()) {
            // What can't be read is said of itself.
            let Ok(whole) = Probe::open(other) else { continue };
            if whole.no_log().is_some() {
                continue;
            }
            if whole.head.len() <= part.head.len() || !whole.head.starts_with(&part.head) {
                continue;
            }
            let known = self.known.claimed_by(other);
            let is_none = match known {
                Some(at) => self.is_none_of_known(part, at, bytes)?,
                None => is_none_by_names(part, &whole),
            };
            if !is_none {
                let segment = known.map_or(0, |at| self.known.segments[at].id);
                return Ok(Some(self.noted(file, segment, &other.path, bytes)));
            }
        }
        for segment in self.known.absent().filter(|segment| segment.offset > bytes) {
            // Where many files are such, marks of many are asked for: in the end a line is a line.
            match self.marks_left.get().checked_sub(1) {
                Some(left) => self.marks_left.set(left),
                None => break,
            }
            if let Relation::Begins(bytes) = self.relation(part, segment)?
                && !has_live_name(segment, file)
            {
                return Ok(Some(self.noted(file, segment.id, &segment.path, bytes)));
            }
        }
        Ok(None)
    }

    /// Notes a file that has just what was consumed of a segment, which the original is.
    pub(super) fn copy_of_all(&mut self, file: &Found, segment: &SegmentState, original: &Found) {
        self.outcome.copies.push(self.noted(file, segment.id, &original.path, segment.offset));
    }

    /// What is noted of a copy.
    fn noted(&self, file: &Found, segment: u64, original: &Path, bytes: u64) -> Copy {
        let told = self.known_copy(file).is_some_and(|known| known.told);
        let (settled, original) = (self.is_settled(file), original.to_owned());
        Copy { settled, original, told, ..copy_of(file, segment, bytes) }
    }

    /// Compares what lies behind the last mark with the original, if that is there.
    fn is_begun(&self, probe: &Probe, at: usize, bytes: u64) -> Result<bool, SourceError> {
        let Some(original) = self.original(at)? else { return Ok(true) };
        let marks = (self.knowledge.marks)(self.known.segments[at].id);
        let last = marks.up_to(bytes).last().map_or(0, |mark| mark.at);
        probe.has_bytes_of(&original, last..bytes)
    }

    /// The length of a file that has all that was consumed of a segment, if what follows is that of the segment's own file.
    pub(super) fn goes_on_as(
        &self,
        probe: &Probe,
        at: usize,
        at_end: bool,
    ) -> Result<Option<u64>, SourceError> {
        if at_end {
            return Ok(Some(self.known.segments[at].offset));
        }
        let Some(original) = self.original(at)? else { return Ok(None) };
        Ok(match probe.overlap(&original)? {
            Overlap::Same | Overlap::FirstBegins => Some(probe.length()?),
            Overlap::SecondBegins | Overlap::None => None,
        })
    }

    /// Whether a file with all of a segment goes on where the segment's own file ends, which then is a copy of it.
    pub(super) fn surpasses(&self, probe: &Probe, at: usize) -> Result<bool, SourceError> {
        let segment = &self.known.segments[at];
        // Half a line may wait in it.
        let is_read = self.outcome.tasks.iter().any(|task| task.known == Some(segment.id));
        let Some(original) = self.original(at)?.filter(|_| !is_read) else { return Ok(false) };
        let is_log_again =
            has_live_name(segment, &probe.found) && original.found.path != probe.found.path;
        let is_weak = segment.offset < STRONG_BYTES;
        if is_weak && (is_log_again || is_none_by_names(&original, probe)) {
            return Ok(false);
        }
        if probe.overlap(&original)? != Overlap::SecondBegins
            || self.is_copy_of_log(probe, segment)?
        {
            return Ok(false);
        }
        // What it has more may be known from the log that it is a copy of.
        Ok(self.copy_of_known(&probe.found, probe)?.is_none())
    }

    /// Whether the log of a segment of few bytes is there, under its name, with all that the file has.
    pub(super) fn is_copy_of_log(
        &self,
        probe: &Probe,
        segment: &SegmentState,
    ) -> Result<bool, SourceError> {
        if segment.offset >= STRONG_BYTES || has_live_name(segment, &probe.found) {
            return Ok(false);
        }
        let others = self.beginnings().with(&probe.head);
        for log in others.filter(|other| has_live_name(segment, other)) {
            // What can't be read is said of itself.
            let Ok(log) = Probe::open(log) else { continue };
            if matches!(probe.overlap(&log)?, Overlap::Same | Overlap::FirstBegins) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The segment's own file.
    fn original(&self, at: usize) -> Result<Option<Probe>, SourceError> {
        let Some(claim) = self.known.claim_of(at) else { return Ok(None) };
        match Probe::open(claim.file) {
            Ok(probe) => Ok(Some(probe)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a file that begins as a segment does is no copy of it all the same.
    fn is_none_of_known(&self, probe: &Probe, at: usize, bytes: u64) -> Result<bool, SourceError> {
        Ok(self.is_new_log(probe, at, bytes) || self.is_elder(probe, at, bytes)?)
    }

    /// Whether it is the log itself, begun again.
    fn is_new_log(&self, probe: &Probe, at: usize, bytes: u64) -> bool {
        let segment = &self.known.segments[at];
        let file = &probe.found;
        let is_in_place =
            (segment.device, segment.inode) == file.key() && !is_younger(segment, file, probe.born);
        if !is_in_place && !has_live_name(segment, file) {
            return false;
        }
        let was_rotated = self.known.claim_of(at).is_some_and(|claim| claim.file.path != file.path);
        let known = self.known_copy(file).map(|known| known.bytes);
        if known == Some(bytes) {
            return false;
        }
        let grew = known.is_some_and(|known| known < bytes);
        let is_begun_again = was_rotated || segment.gone_us.is_some();
        grew || (is_begun_again && bytes < STRONG_BYTES)
    }

    /// Whether a file with few bytes was created before the segment's own file, which its name says it was rotated from. What
    /// was compressed, copied or put in the log's place says nothing of when the log was created.
    fn is_elder(&self, probe: &Probe, at: usize, bytes: u64) -> Result<bool, SourceError> {
        let segment = &self.known.segments[at];
        let is_the_log = self.known.claim_of(at).is_some_and(|claim| {
            claim.file.path == segment.first_path
                && claim.file.key() == (segment.device, segment.inode)
                && !segment.compression.is_compressed()
        });
        // What was a copy is one: its original may be younger by now, put in the place of another file.
        let was_copy = self.known_copy(&probe.found).is_some_and(|known| known.bytes > 0);
        if bytes >= STRONG_BYTES || !is_the_log || was_copy {
            return Ok(false);
        }
        let original = self.original(at)?;
        Ok(original.is_some_and(|original| is_elder_sibling(probe, &original)))
    }

    /// Files that are read for the first time, and no copies of another that is.
    pub(super) fn without_copies_of_each_other(&mut self, files: Vec<&'p Found>) -> Vec<&'p Found> {
        if files.len() < 2 {
            return files;
        }
        let mut by_first_line: HashMap<u64, Vec<Alike<'p>>> = HashMap::new();
        for file in &files {
            match Probe::open(file) {
                Ok(probe) => {
                    let is_compressed = probe.compression.is_compressed();
                    let alike = Alike { file, is_compressed, born: probe.born };
                    by_first_line.entry(probe.rank()).or_default().push(alike);
                }
                Err(error) => self.problem(file, error),
            }
        }
        let mut originals = HashSet::new();
        for alike in by_first_line.into_values() {
            match alike.as_slice() {
                [alone] => originals.extend([alone.file.key()]),
                _ => originals.extend(self.originals(alike)),
            }
        }
        files.into_iter().filter(|file| originals.contains(&file.key())).collect()
    }

    /// Of files with the same first line, those that are the beginning of no other.
    fn originals(&mut self, mut alike: Vec<Alike<'p>>) -> Vec<(u64, u64)> {
        let mut originals: Vec<New<'p>> = Vec::new();
        // Of equal ones the first is the original: one that is not compressed, and was created before its copies. Where the
        // file system does not tell, it is the youngest by name, which is written to.
        alike.reverse();
        alike.sort_by_key(|alike| (alike.is_compressed, alike.born, alike.file.mtime_ns));
        for Alike { file, .. } in alike {
            let new = Probe::open(file).map(|probe| New { file, head: probe.head });
            match new.and_then(|new| Ok((self.compare_with(&new, &originals)?, new))) {
                Ok((Standing::Original { instead_of }, new)) => {
                    let is_replaced =
                        |one: &New<'_>| instead_of.iter().any(|c| c.key() == one.file.key());
                    originals.retain(|one| !is_replaced(one));
                    originals.push(new);
                    self.outcome.copies.extend(instead_of);
                }
                Ok((Standing::Copy(copy), _)) => self.outcome.copies.push(copy),
                Err(error) => self.problem(file, error),
            }
        }
        originals.into_iter().map(|new| new.file.key()).collect()
    }

    fn compare_with(&self, new: &New<'_>, originals: &[New<'_>]) -> Result<Standing, SourceError> {
        let mut instead_of = Vec::new();
        for other in originals {
            let heads = new.head.len().min(other.head.len());
            if new.head[..heads] != other.head[..heads] {
                continue;
            }
            let (probe, other) = (Probe::open(new.file)?, Probe::open(other.file)?);
            let overlap = probe.overlap(&other)?;
            let (copy, original) = match overlap {
                Overlap::None => continue,
                Overlap::Same | Overlap::FirstBegins => (&probe, &other),
                Overlap::SecondBegins => (&other, &probe),
            };
            let bytes = copy.length()?;
            if bytes < STRONG_BYTES && is_none_by_names(copy, original) {
                continue;
            }
            let of_new = self.noted(&copy.found, 0, &original.found.path, bytes);
            match overlap {
                Overlap::SecondBegins => instead_of.push(of_new),
                _ => return Ok(Standing::Copy(of_new)),
            }
        }
        Ok(Standing::Original { instead_of })
    }

    /// Whether the copies are others than those that were known.
    pub(super) fn note_copies(&mut self) {
        self.outcome.copies.sort_by(|a, b| a.path.cmp(&b.path));
        let mut known: Vec<&Copy> = self.knowledge.copies.iter().collect();
        known.sort_by(|a, b| a.path.cmp(&b.path));
        self.outcome.copies_changed = !self.outcome.copies.iter().eq(known);
    }

    /// Whether nothing follows what was consumed of a segment, and its file does not change.
    pub(super) fn is_idle(&self, at: usize) -> bool {
        self.known.claim_of(at).is_some_and(|claim| match claim.rest {
            Rest::Idle => true,
            Rest::None => self.rules.leaving,
            Rest::Some => false,
        })
    }
}

/// Bytes of each file by which the files are found that begin alike.
const BEGINNING_BYTES: usize = 256;

/// The files found by their first bytes, in order.
pub(super) struct Beginnings<'p>(Vec<(Vec<u8>, &'p Found)>);

impl<'p> Beginnings<'p> {
    /// Of those that can be read.
    pub(super) fn of(files: &'p [Found]) -> Self {
        let beginning = |file: &'p Found| {
            let mut head = Probe::open(file).ok()?.head;
            head.truncate(BEGINNING_BYTES);
            Some((head, file))
        };
        let mut all: Vec<_> =
            files.iter().filter(|file| file.size > 0).filter_map(beginning).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Beginnings(all)
    }

    /// Those that may begin with these bytes.
    fn with(&self, bytes: &[u8]) -> impl Iterator<Item = &'p Found> {
        let bytes = bytes[..bytes.len().min(BEGINNING_BYTES)].to_vec();
        let first = self.0.partition_point(|(head, _)| *head < bytes);
        self.0[first..]
            .iter()
            .take_while(move |(head, _)| head.starts_with(&bytes))
            .map(|(_, file)| *file)
    }
}

/// The copies that were seen before.
pub(super) struct KnownCopies<'p> {
    by_file: HashMap<(u64, u64), &'p Copy>,
    by_path: HashMap<&'p Path, &'p Copy>,
}

impl<'p> KnownCopies<'p> {
    fn of(copies: &'p [Copy]) -> Self {
        KnownCopies {
            by_file: copies.iter().map(|copy| (copy.key(), copy)).collect(),
            by_path: copies.iter().map(|copy| (copy.path.as_path(), copy)).collect(),
        }
    }
}

/// A file that is read for the first time, among others with the same first line.
struct Alike<'p> {
    file: &'p Found,
    is_compressed: bool,
    born: Option<SystemTime>,
}

/// A file that is read for the first time, and its first bytes.
struct New<'p> {
    file: &'p Found,
    head: Vec<u8>,
}

/// What a new file is beside others.
enum Standing {
    /// It is the beginning of none; these are its beginning.
    Original {
        instead_of: Vec<Copy>,
    },
    Copy(Copy),
}

/// Whether a file was created before another one was seen empty in its inode: it is that one.
pub(super) fn is_file_of(empty: &Copy, file: &Found) -> bool {
    let born = std::fs::metadata(&file.path).and_then(|meta| meta.created());
    born.map_or(true, |born| unix_ns(born) <= empty.mtime_ns)
}

pub(super) fn unix_ns(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn copy_of(file: &Found, segment: u64, bytes: u64) -> Copy {
    Copy {
        path: file.path.clone(),
        device: file.device,
        inode: file.inode,
        size: file.size,
        mtime_ns: file.mtime_ns,
        settled: false,
        segment,
        original: file.path.clone(),
        bytes,
        told: false,
    }
}

/// Whether names and birth say that a file with the other's few bytes is no copy of it.
fn is_none_by_names(file: &Probe, other: &Probe) -> bool {
    is_elder_sibling(file, other) || is_begun_again(file, other)
}

/// Whether the file has a rotated name of the other's log and was created first.
fn is_elder_sibling(file: &Probe, other: &Probe) -> bool {
    let (name, others) = (RotatedName::of(&file.found.path), RotatedName::of(&other.found.path));
    let is_sibling = name.is_older_than(&others) || name.is_compressed_name_of(&others);
    is_sibling && file.born.zip(other.born).is_some_and(|(file, other)| file < other)
}

/// Whether the file has the name of the log that the other was rotated from: nobody copies that way.
fn is_begun_again(file: &Probe, other: &Probe) -> bool {
    RotatedName::of(&other.found.path).live_path().is_some_and(|live| live == file.found.path)
}
