//! Planning: which bytes of the files found are new. The rules are in DESIGN.md, "Segments".
//!
//! 1. A file whose hints (device, inode, size, time) say that nothing changed is not even opened.
//! 2. A file whose device and inode are known, and whose content bears it out, continues.
//! 3. A file that has the content of a segment which no other file is, is that segment: renamed, copied, compressed.
//! 4. A copy of a live segment is left alone.
//! 5. Anything else is a new segment.
//! 6. A held file, which no path leads to any more, is looked at last: any other file with its bytes stands for it. What
//!    is read of it is read first.
//! 7. What then is left of the known segments is gone, and its unread bytes are lost.

mod held;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::known::{Known, is_plausible};
use super::probe::{Place, Probe};
use super::rotation::RotatedName;
use super::segment::{Lost, Problem, Waiting};
use super::siblings::Siblings;
use super::{
    Compression, Fingerprint, Found, SealRules, SegmentState, SegmentTask, SourceError, SourcePlan,
};

/// How long a file must have been quiet before its size and time are proof that it did not change: as coarse as the
/// clocks of file systems are.
const SETTLED: Duration = Duration::from_secs(2);

/// Says what is to be read of the files found, given what is known. Opens files one at a time, and none whose hints
/// say that nothing changed. Compressed files that are known by content are decoded to their offset.
pub fn plan(found: Vec<Found>, known: &[SegmentState], rules: &SealRules) -> SourcePlan {
    let (held, found): (Vec<Found>, Vec<Found>) =
        found.into_iter().partition(|file| file.held.is_some());
    let mut planner = Planner {
        known: Known::new(known),
        rules,
        held: &held,
        found: &found,
        siblings: OnceCell::new(),
        order: OnceCell::new(),
        outcome: SourcePlan::default(),
    };
    let files = found.iter().filter(|file| file.size > 0);
    let unhinted: Vec<&Found> = files.filter(|file| !planner.by_hint(file)).collect();
    let unclaimed: Vec<&Found> = unhinted.into_iter().filter(|f| !planner.by_content(f)).collect();
    unclaimed.into_iter().for_each(|file| planner.as_new(file));
    held.iter().for_each(|file| planner.held(file));
    planner.finish()
}

struct Planner<'p> {
    known: Known<'p>,
    rules: &'p SealRules,
    held: &'p [Found],
    found: &'p [Found],
    /// Made when it is asked for: where nothing is new it never is.
    siblings: OnceCell<Siblings<'p>>,
    /// Where each file stands among those found; made likewise.
    order: OnceCell<HashMap<(u64, u64), usize>>,
    outcome: SourcePlan,
}

impl<'p> Planner<'p> {
    fn siblings(&self) -> &Siblings<'p> {
        self.siblings.get_or_init(|| Siblings::new(self.found))
    }

    fn order(&self) -> &HashMap<(u64, u64), usize> {
        let all = || self.held.iter().chain(self.found).enumerate();
        self.order.get_or_init(|| all().map(|(at, file)| (file.key(), at)).collect())
    }

    /// Rules 1 and 2. Whether the file is dealt with.
    fn by_hint(&mut self, file: &Found) -> bool {
        let segments = self.known.segments;
        let untouched = self.known.hinted(file).find(|at| is_untouched(&segments[*at], file));
        if let Some(at) = untouched {
            self.untouched(at, file);
            return true;
        }
        let hinted: Vec<usize> = self.known.hinted(file).collect();
        let Some(&first) = hinted.first() else {
            return false;
        };
        let planned =
            Probe::open(file).and_then(|probe| self.continue_one_of(&hinted, &probe, |_, _| true));
        planned.unwrap_or_else(|error| {
            // Most likely still the same segment: nobody else may take it, and nothing is lost yet.
            self.known.claim(first);
            self.problem(file, error);
            true
        })
    }

    fn untouched(&mut self, at: usize, file: &Found) {
        let segment = &self.known.segments[at];
        self.known.claim_idle(at);
        self.nothing_left(file);
        if !is_same_path(&segment.path, &file.path) || segment.gone_us.is_some() {
            self.outcome.updates.push(segment.seen_as(file, segment.compression, true));
        }
    }

    /// Rule 3.
    fn by_content(&mut self, file: &Found) -> bool {
        if self.known.segments.is_empty() {
            return false;
        }
        let planned = Probe::open(file).and_then(|probe| {
            let mut candidates = self.known.with_head_of(&probe);
            candidates.retain(|at| !self.known.is_claimed(*at));
            self.continue_one_of(&candidates, &probe, is_plausible)
        });
        planned.unwrap_or_else(|error| {
            self.problem(file, error);
            true
        })
    }

    /// Lets the file be the first of these segments that its content bears out.
    fn continue_one_of(
        &mut self,
        candidates: &[usize],
        probe: &Probe,
        accept: fn(&SegmentState, &Probe) -> bool,
    ) -> Result<bool, SourceError> {
        for &at in candidates {
            let segment = &self.known.segments[at];
            if !accept(segment, probe) {
                continue;
            }
            if let Some(place) = probe.continues(segment)? {
                self.go_on(probe, Some(segment), place)?;
                self.known.claim(at);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Rules 4 and 5.
    fn as_new(&mut self, file: &Found) {
        let planned = Probe::open(file).and_then(|probe| {
            if probe.found.size == 0 {
                return Ok(());
            }
            if self.siblings().is_copy(&probe)? {
                self.outcome.copies.push(file.path.clone());
                return Ok(());
            }
            self.go_on(&probe, None, Place::start())
        });
        if let Err(error) = planned {
            self.problem(file, error);
        }
    }

    /// Plans what follows `place`.
    fn go_on(
        &mut self,
        probe: &Probe,
        known: Option<&SegmentState>,
        place: Place,
    ) -> Result<(), SourceError> {
        if place.at_end {
            self.nothing_left(&probe.found);
            self.update(probe, known, self.is_settled(&probe.found));
            return Ok(());
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
            self.outcome.waiting.push(Waiting { path, bytes });
        }
        match task.end == Some(place.offset) {
            true => self.update(probe, known, false),
            false => self.outcome.tasks.push(task),
        }
        Ok(())
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
        let scanned = known.map_or(start, |segment| scanned(segment, &probe.found));
        let lines_end = probe.lines_end(scanned)?;
        let lines_end = if lines_end == scanned { start } else { lines_end };
        let unfinished = lines_end < probe.found.size;
        Ok(if unfinished && self.siblings().is_sealed(&probe.found, self.rules) {
            probe.found.size
        } else {
            lines_end
        })
    }

    fn problem(&mut self, file: &Found, error: SourceError) {
        self.outcome.problems.push(Problem { path: file.path.clone(), error });
    }

    /// Looks at the known segments that no file is any more, and puts the tasks in the order of the files.
    fn finish(mut self) -> SourcePlan {
        let moved = self.moved_families();
        self.put_off(&moved);
        self.outcome.absent = self.known.absent().map(|segment| segment.id).collect();
        for segment in self.known.orphans() {
            if moved.contains(&RotatedName::of(&segment.path).family_path()) {
                self.outcome.unsettled = true;
                continue;
            }
            let Some(why) = self.fate(segment) else {
                continue;
            };
            let gone_us = segment.gone_us.or(Some(unix_us(self.rules.now)));
            let mut gone = SegmentState { gone_us, ..segment.clone() };
            if segment.unread() > 0 {
                let (path, bytes) = (segment.path.clone(), segment.unread());
                self.outcome.lost.push(Lost { segment: segment.id, path, bytes, why });
            }
            if segment.unread() > 0 || self.is_anothers_file(segment) {
                // Without a file it is found by its content only, and its loss is not told again.
                (gone.device, gone.inode) = (0, 0);
            }
            self.outcome.updates.push(gone);
        }
        let mut tasks = std::mem::take(&mut self.outcome.tasks);
        if tasks.len() > 1 {
            tasks.sort_by_key(|task| self.order().get(&task.found.key()).copied());
        }
        SourcePlan { tasks, ..self.outcome }
    }

    /// Logs of which a file was renamed, removed or truncated since it was found: a rotation is under way, and what the
    /// others are can't be told from a picture of two moments. Only of logs that have something new, or a segment that no
    /// file is.
    fn moved_families(&self) -> HashSet<PathBuf> {
        let family = |path: &Path| RotatedName::of(path).family_path();
        let new = self.outcome.tasks.iter().filter(|task| task.known.is_none());
        let mut asked: HashSet<PathBuf> = new.map(|task| family(&task.found.path)).collect();
        let is_news =
            |segment: &&SegmentState| segment.gone_us.is_none() || self.is_anothers_file(segment);
        asked.extend(self.known.orphans().filter(is_news).map(|segment| family(&segment.path)));
        if asked.is_empty() {
            return asked;
        }
        let moved = self.siblings().files().filter(|file| {
            let meta = std::fs::metadata(&file.path);
            meta.map_or(true, |meta| {
                let now = Found::new(&file.path, &meta);
                now.key() != file.key() || now.size < file.size
            })
        });
        moved.map(|file| family(&file.path)).filter(|family| asked.contains(family)).collect()
    }

    /// Leaves new files of logs that are being rotated for another look: one of them may be a copy of what is gone.
    fn put_off(&mut self, moved: &HashSet<PathBuf>) {
        let is_sure = |task: &SegmentTask| {
            task.known.is_some()
                || !moved.contains(&RotatedName::of(&task.found.path).family_path())
        };
        let (sure, unsure): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.outcome.tasks).into_iter().partition(is_sure);
        self.outcome.tasks = sure;
        self.outcome.unsettled |= !unsure.is_empty();
        self.outcome.copies.extend(unsure.into_iter().map(|task| task.found.path));
    }

    /// What became of a segment's file, if that is news.
    fn fate(&self, segment: &SegmentState) -> Option<&'static str> {
        let why = if self.is_anothers_file(segment) {
            "the file was truncated, or its inode became another file's"
        } else if segment.gone_us.is_none() && !is_still_at(&segment.path, segment) {
            "the file was deleted or moved away before it was read to its end"
        } else {
            return None;
        };
        (!self.is_in_doubt(segment)).then_some(why)
    }

    /// Whether the segment's device and inode are those of a file that was found, and that is not the segment.
    fn is_anothers_file(&self, segment: &SegmentState) -> bool {
        self.order().contains_key(&(segment.device, segment.inode))
    }

    /// Whether a sibling could not be read that may be the segment: a compressed file that is still being written.
    fn is_in_doubt(&self, segment: &SegmentState) -> bool {
        let name = RotatedName::of(&segment.path);
        let is_sibling = |path: &Path| RotatedName::of(path).family() == name.family();
        self.outcome.problems.iter().any(|p| is_sibling(&p.path))
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

fn unix_us(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Whether the segment's file still lies where it was seen, outside the globs of today or in a folder that cannot be
/// looked into.
fn is_still_at(path: &Path, segment: &SegmentState) -> bool {
    match std::fs::metadata(path) {
        Ok(meta) => Found::new(path, &meta).key() == (segment.device, segment.inode),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}
