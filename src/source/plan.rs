//! Planning: which bytes of the files found are new.
//!
//! 1. A file whose hints (device, inode, size, time) say that nothing changed is not even opened. The same of a copy.
//! 2. A file whose device and inode are known, and whose content bears it out, continues.
//! 3. A file that has all that was consumed of a segment which no other file is, is that segment: renamed, copied,
//!    compressed. Of several the longest is it, and of equal ones the one with its name. So is one that goes on where the
//!    segment's own file ends: that is a copy then.
//! 4. A file whose whole content is the beginning of a segment, as far as that was consumed or is there, is a copy, and
//!    counts nothing ([`copies`]).
//! 5. Anything else is a new segment, unless it is no log: an archive, a database ([`Probe::no_log`]).
//! 6. A held file, which no path leads to any more, is looked at last: any other file with its bytes stands for it. What
//!    is read of it is read first ([`held`]).
//! 7. What then is left of the known segments is gone, and what may have followed is a gap ([`gone`]).

mod copies;
mod gone;
mod held;
mod matched;

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use memchr::memrchr;

use self::copies::{Beginnings, KnownCopies};
use super::known::{Known, Rest, is_plausible, is_younger};
use super::probe::{Place, Probe};
use super::relation::Relation;
use super::segment::{Problem, Waiting};
use super::siblings::Siblings;
use super::{
    Compression, Fingerprint, Found, Knowledge, PEEK_BYTES_MAX, RowsOf, SealRules, SegmentState,
    SegmentTask, SourceError, SourcePlan,
};

/// How long a file must have been quiet before its size and time are proof that it did not change: as coarse as the
/// clocks of file systems are.
const SETTLED: Duration = Duration::from_secs(2);

/// How many segments are looked into on suspicion in one look.
const MARKS_ASKED_MAX: usize = 10_000;

/// Says what is to be read of the files found, given what is known. Opens files one at a time, and none whose hints
/// say that nothing changed. Compressed files that are known by content are decoded to their offset.
pub fn plan(found: Vec<Found>, knowledge: Knowledge<'_>, rules: &SealRules) -> SourcePlan {
    let (held, found): (Vec<Found>, Vec<Found>) =
        found.into_iter().partition(|file| file.held.is_some());
    let mut planner = Planner {
        known: Known::new(knowledge.segments),
        knowledge,
        rules,
        held: &held,
        found: &found,
        siblings: OnceCell::new(),
        order: OnceCell::new(),
        copies: OnceCell::new(),
        beginnings: OnceCell::new(),
        marks_left: Cell::new(MARKS_ASKED_MAX),
        outcome: SourcePlan::default(),
    };
    let (empty, files): (Vec<&Found>, Vec<&Found>) = found.iter().partition(|file| file.size == 0);
    empty.into_iter().for_each(|file| planner.emptied(file));
    let unhinted: Vec<&Found> = files.into_iter().filter(|file| !planner.by_hint(file)).collect();
    let unhinted = planner.taken_back(unhinted);
    let changed: Vec<&Found> =
        unhinted.into_iter().filter(|file| !planner.is_copy_still(file)).collect();
    let unclaimed = planner.by_content(changed);
    let new: Vec<&Found> = unclaimed.into_iter().filter(|file| !planner.is_copy(file)).collect();
    let new: Vec<&Found> =
        new.into_iter().filter(|file| !planner.is_cut_in_first_line(file)).collect();
    planner.as_new(new);
    held.iter().for_each(|file| planner.held(file));
    planner.finish()
}

struct Planner<'p> {
    known: Known<'p>,
    knowledge: Knowledge<'p>,
    rules: &'p SealRules,
    held: &'p [Found],
    found: &'p [Found],
    /// Made when it is asked for: where nothing is new it never is.
    siblings: OnceCell<Siblings<'p>>,
    /// Where each file stands among those found; made likewise.
    order: OnceCell<HashMap<(u64, u64), usize>>,
    /// Made likewise.
    copies: OnceCell<KnownCopies<'p>>,
    /// Made likewise.
    beginnings: OnceCell<Beginnings<'p>>,
    /// Of how many segments the marks may still be asked for on suspicion.
    marks_left: Cell<usize>,
    outcome: SourcePlan,
}

impl<'p> Planner<'p> {
    fn siblings(&self) -> &Siblings<'p> {
        self.siblings.get_or_init(|| Siblings::new(self.found))
    }

    fn beginnings(&self) -> &Beginnings<'p> {
        self.beginnings.get_or_init(|| Beginnings::of(self.found))
    }

    fn order(&self) -> &HashMap<(u64, u64), usize> {
        let all = || self.held.iter().chain(self.found).enumerate();
        self.order.get_or_init(|| all().map(|(at, file)| (file.key(), at)).collect())
    }

    fn relation(&self, probe: &Probe, segment: &SegmentState) -> Result<Relation, SourceError> {
        probe.relation(segment, &(self.knowledge.marks)(segment.id))
    }

    /// Rules 1 and 2. Whether the file is dealt with.
    fn by_hint(&mut self, file: &'p Found) -> bool {
        let segments = self.known.segments;
        let untouched = self.known.hinted(file).find(|at| is_untouched(&segments[*at], file));
        if let Some(at) = untouched {
            self.untouched(at, file);
            return true;
        }
        let was_nothing = |at: &usize| {
            let segment = &self.known.segments[*at];
            segment.is_empty_compressed()
                && (segment.size, segment.mtime_ns) != (file.size, file.mtime_ns)
        };
        let hinted = self.known.hinted(file);
        let hinted = hinted.filter(|at| !self.was_emptied(file, *at) && !was_nothing(at));
        let hinted: Vec<usize> = hinted.collect();
        let Some(&first) = hinted.first() else {
            return false;
        };
        let planned = Probe::open(file).and_then(|probe| {
            let born = probe.born;
            let is_it = |at: &usize| !is_younger(&self.known.segments[*at], file, born);
            let likely: Vec<usize> = hinted.iter().copied().filter(is_it).collect();
            self.continue_one_of(&likely, file, &probe)
        });
        planned.unwrap_or_else(|error| {
            // Most likely still the same segment: nobody else may take it, and nothing is lost yet.
            let born = std::fs::metadata(&file.path).and_then(|meta| meta.created()).ok();
            if !is_younger(&self.known.segments[first], file, born) {
                self.known.claim(first, file, Rest::Some);
            }
            self.problem(file, error);
            true
        })
    }

    fn untouched(&mut self, at: usize, file: &'p Found) {
        let segment = &self.known.segments[at];
        self.known.claim(at, file, Rest::Idle);
        self.nothing_left(file);
        if !is_same_path(&segment.path, &file.path) || segment.gone_us.is_some() {
            self.outcome.updates.push(segment.seen_as(file, segment.compression, true));
        }
    }

    /// Lets the file be the first of these segments that its content bears out.
    fn continue_one_of(
        &mut self,
        candidates: &[usize],
        file: &'p Found,
        probe: &Probe,
    ) -> Result<bool, SourceError> {
        for &at in candidates {
            let segment = &self.known.segments[at];
            if !is_plausible(segment, probe) {
                continue;
            }
            if let Relation::Continues(place) = self.relation(probe, segment)? {
                let rest = self.go_on(probe, Some(segment), place)?;
                self.known.claim(at, file, rest);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Rule 5, of files that are no copies of what is known. They may be copies of each other.
    fn as_new(&mut self, files: Vec<&'p Found>) {
        for file in self.without_copies_of_each_other(files) {
            let planned = Probe::open(file).and_then(|probe| {
                if probe.found.size == 0 || self.is_destroyed(file, &probe) {
                    return Ok(Rest::None);
                }
                if let Some(aside) = probe.no_log() {
                    self.outcome.asides.push(aside);
                    self.outcome.spent.push(probe.found);
                    return Ok(Rest::None);
                }
                let rest = self.go_on(&probe, None, Place::start())?;
                self.stays_emptied(file);
                Ok(rest)
            });
            if let Err(error) = planned {
                self.problem(file, error);
            }
        }
    }

    /// Whether a rotated file that is known was overwritten in place by what is no text, as shred(1) does before it removes a
    /// file. A log that is written to may be truncated and go on with anything.
    fn is_destroyed(&mut self, file: &'p Found, probe: &Probe) -> bool {
        let is_text = |head: &[u8]| {
            let is_cut = |error: std::str::Utf8Error| error.error_len().is_none();
            !head.contains(&0) && std::str::from_utf8(head).err().is_none_or(is_cut)
        };
        let is_whole = |at: &usize| file.size >= self.known.segments[*at].size;
        let Some(at) = self.known.seen_in(file).find(is_whole) else { return false };
        if file.held.is_none() && !self.siblings().is_rotated_name(&file.path) {
            return false;
        }
        if probe.compression.is_compressed() || is_text(&probe.head) {
            return false;
        }
        // Its content may be another file's by now: a compressor's.
        if self.known.claim_of(at).is_none() {
            self.known.claim(at, file, Rest::None);
        }
        true
    }

    /// Plans what follows `place`.
    fn go_on(
        &mut self,
        probe: &Probe,
        known: Option<&SegmentState>,
        place: Place,
    ) -> Result<Rest, SourceError> {
        if place.at_end {
            self.nothing_left(&probe.found);
            self.update(probe, known, self.is_settled(&probe.found));
            return Ok(Rest::None);
        }
        let mut task = self.task(probe, known, place);
        if probe.compression == Compression::Plain {
            let end = self.range_end(probe, known, place.offset)?;
            task.end = Some(end);
            task.end_anchor = Some(Fingerprint::of(&probe.before(end)?));
            task.waiting_bytes = probe.found.size - end;
        }
        if task.waiting_bytes > 0 {
            let (path, bytes) = (task.found.path.clone(), task.waiting_bytes);
            let is_news = known.is_none_or(|segment| segment.unread() == 0);
            let is_open = probe.before(probe.found.size)?.last() == Some(&b'\n');
            self.outcome.waiting.push(Waiting { path, bytes, is_open, is_news });
        }
        match task.end == Some(place.offset) {
            true => self.update(probe, known, false),
            false => self.outcome.tasks.push(task),
        }
        Ok(Rest::Some)
    }

    /// Everything from `place` to the end of a compressed file; a plain one's end is filled in later.
    fn task(&self, probe: &Probe, known: Option<&SegmentState>, place: Place) -> SegmentTask {
        SegmentTask {
            known: known.map(|segment| segment.id),
            found: probe.found.clone(),
            compression: probe.compression,
            head: Fingerprint::of(&probe.head),
            anchor: place.anchor,
            rank: probe.rank(),
            first_path: known.map_or(&probe.found.path, |segment| &segment.first_path).clone(),
            origin: known.map_or(place.offset, |segment| segment.origin),
            start: place.offset,
            end: None,
            end_anchor: None,
            waiting_bytes: 0,
            resumes_mid_line: place.mid_line,
            settled: self.is_settled(&probe.found),
        }
    }

    /// Whether whoever writes to the file from now on changes its time.
    fn is_settled(&self, found: &Found) -> bool {
        found.quiet(self.rules.now).is_some_and(|quiet| quiet >= SETTLED)
    }

    /// Notes a known segment's new hints, if they are new.
    fn update(&mut self, probe: &Probe, known: Option<&SegmentState>, complete: bool) {
        let Some(segment) = known else { return };
        let seen = segment.seen_as(&probe.found, probe.compression, complete);
        if seen != *segment {
            self.outcome.updates.push(seen);
        }
    }

    /// Behind the last newline, or the file's end if its last line counts as it is.
    fn range_end(
        &self,
        probe: &Probe,
        known: Option<&SegmentState>,
        start: u64,
    ) -> Result<u64, SourceError> {
        let lines_end = match self.knowledge.rows {
            Some(rows) => self.records_end(probe, start, rows)?,
            None => {
                let scanned = known.map_or(start, |segment| scanned(segment, &probe.found));
                let lines_end = probe.lines_end(scanned)?;
                if lines_end == scanned { start } else { lines_end }
            }
        };
        let unfinished = lines_end < probe.found.size;
        Ok(if unfinished && self.siblings().is_sealed(&probe.found, self.rules) {
            probe.found.size
        } else {
            lines_end
        })
    }

    /// Behind the last whole record. What is not whole yet, a record at most, is looked through again each time.
    fn records_end(&self, probe: &Probe, start: u64, rows: RowsOf<'_>) -> Result<u64, SourceError> {
        let mut head = probe.first_bytes(PEEK_BYTES_MAX)?;
        if head.len() < PEEK_BYTES_MAX {
            head.truncate(memrchr(b'\n', &head).map_or(0, |newline| newline + 1));
        }
        match rows(&head) {
            Some(rows) => probe.records_end(rows, start),
            None => probe.lines_end(start),
        }
    }

    fn problem(&mut self, file: &Found, error: SourceError) {
        let (path, mtime_ns) = (file.path.clone(), Some(file.mtime_ns));
        self.outcome.problems.push(Problem { path, mtime_ns, error });
    }
}

/// Paths compare by their parts, which takes longer than to see that they are written alike.
fn is_same_path(a: &Path, b: &Path) -> bool {
    a.as_os_str() == b.as_os_str() || a == b
}

fn is_untouched(segment: &SegmentState, file: &Found) -> bool {
    segment.complete && segment.size == file.size && segment.mtime_ns == file.mtime_ns
}

/// How far a segment's file was looked through for a newline: its offset lies behind the last one that was there. So an
/// unfinished line is not read again and again while it grows. A newline that comes to stand before that place, by
/// somebody who overwrites the line, is found with the next one behind it.
fn scanned(segment: &SegmentState, file: &Found) -> u64 {
    let grew = (segment.device, segment.inode) == file.key() && segment.size <= file.size;
    let is_plain = !segment.compression.is_compressed();
    if grew && is_plain { segment.offset.max(segment.size) } else { segment.offset }
}
