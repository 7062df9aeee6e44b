//! Rule 7: known segments that no file is any more, and what is told of them.
//!
//! A log that was written to until it vanished may have had more than was read, and that is gone if no file carries it on. It
//! is a gap, told once: with the bytes that were seen and not read, or without a number. None is told of a file that had a
//! rotated name when it was read to its end, nor of a compressed one. Where a log vanishes and no other file takes its
//! place, nothing is told before one does: it may have been put away after it was read.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Planner;
use super::copies::{is_file_of, unix_ns};
use crate::source::rotation::{RotatedName, inner_number, is_higher_number};
use crate::source::segment::Lost;
use crate::source::{Copy, Found, SegmentState, SegmentTask, SourcePlan};

const TRUNCATED: &str = "the file was truncated, or its inode became another file's";
const UNLINKED: &str = "all files of the log that were known are gone";
const GONE: &str = "the file was deleted or moved away before it was read to its end";

impl Planner<'_> {
    /// Looks at the known segments that no file is any more, and puts the tasks in the order of the files.
    pub(super) fn finish(mut self) -> SourcePlan {
        let moved = self.moved_families();
        self.put_off(&moved);
        let broken = self.broken_logs();
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
            let mut is_gap = self.is_gap(segment);
            let why = if !is_gap && broken.contains(&segment.id) { UNLINKED } else { why };
            is_gap |= why == UNLINKED;
            if is_gap {
                let (path, bytes) = (segment.path.clone(), segment.unread());
                self.outcome.lost.push(Lost { segment: segment.id, path, bytes, why });
            }
            if is_gap || self.is_anothers_file(segment) {
                // Without a file it is found by its content only, and its loss is not told again.
                (gone.device, gone.inode) = (0, 0);
            }
            if gone != *segment {
                self.outcome.updates.push(gone);
            }
        }
        self.note_spent();
        self.note_copies();
        let mut tasks = std::mem::take(&mut self.outcome.tasks);
        if tasks.len() > 1 {
            tasks.sort_by_key(|task| self.order().get(&task.found.key()).copied());
        }
        SourcePlan { tasks, ..self.outcome }
    }

    /// Held files that were read to their end, and that nobody else finds: nothing of them is missed when they are let go.
    fn note_spent(&mut self) {
        for (at, segment) in self.known.segments.iter().enumerate() {
            let Some(claim) = self.known.claim_of(at).filter(|claim| claim.file.held.is_some())
            else {
                continue;
            };
            if self.outcome.spent.iter().any(|file| file.key() == claim.file.key()) {
                let gone_us = segment.gone_us.or(Some(unix_us(self.rules.now)));
                let gone = SegmentState { gone_us, device: 0, inode: 0, ..segment.clone() };
                self.outcome.updates.retain(|update| update.id != segment.id);
                if gone != *segment {
                    self.outcome.updates.push(gone);
                }
            }
        }
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
        self.outcome.put_off.extend(unsure.into_iter().map(|task| task.found.path));
    }

    /// The last known segment of each log that is written to and of which no known file is left, not even one that was
    /// seen empty: a file may have come and gone since. Of names with a number; those with a date tell by themselves.
    fn broken_logs(&self) -> HashSet<u64> {
        let new = self.outcome.tasks.iter().filter(|task| task.known.is_none());
        let log_of = |task: &SegmentTask| self.siblings().log_of(&task.found.path);
        let logs = new.map(log_of).filter(|log| self.siblings().has(log));
        let mut logs: HashSet<PathBuf> = logs.collect();
        if logs.is_empty() {
            return HashSet::new();
        }
        let siblings = self.siblings();
        for empty in self.knowledge.copies.iter().filter(|copy| copy.bytes == 0) {
            let log = siblings.log_of(&empty.original);
            if logs.contains(&log) && self.is_still_there(empty) {
                logs.remove(&log);
            }
        }
        let mut last: HashMap<PathBuf, (u64, bool)> = HashMap::new();
        for (at, segment) in self.known.segments.iter().enumerate() {
            let log = siblings.log_of(&segment.first_path);
            if segment.offset > 0 && logs.contains(&log) {
                let (id, is_linked) = last.entry(log).or_default();
                *is_linked |= self.known.claim_of(at).is_some();
                *id = (*id).max(segment.id);
            }
        }
        last.into_values().filter(|(_, is_linked)| !is_linked).map(|(id, _)| id).collect()
    }

    /// Whether a file that was empty is there, under any name, and is not a younger one in its inode.
    fn is_still_there(&self, empty: &Copy) -> bool {
        let Some(at) = self.order().get(&empty.key()) else { return false };
        let Some(file) = self.held.iter().chain(self.found).nth(*at) else { return false };
        is_file_of(empty, file)
    }

    /// What became of a segment's file, if that is news.
    fn fate(&self, segment: &SegmentState) -> Option<&'static str> {
        let why = if self.is_anothers_file(segment) {
            TRUNCATED
        } else if segment.gone_us.is_some() && !self.is_back(segment) {
            return None;
        } else if !is_still_at(&segment.path, segment) {
            GONE
        } else {
            return None;
        };
        (!self.is_in_doubt(segment)).then_some(why)
    }

    /// Whether something may have followed what was consumed of a segment that no file is any more.
    fn is_gap(&self, segment: &SegmentState) -> bool {
        // With no file beside it, it is as when a folder of logs was cleared: that is told in other words.
        let is_fresh = || {
            !segment.complete && segment.gone_us.is_none() && self.found.iter().any(|f| f.size > 0)
        };
        segment.unread() > 0 || self.goes_on(segment) || (self.was_written(segment) && is_fresh())
    }

    /// Whether a log that was put away goes on. Asked of each segment that is gone, of which there may be many: most were
    /// rotated before, which their names tell.
    fn is_back(&self, segment: &SegmentState) -> bool {
        segment.path.as_os_str() == segment.first_path.as_os_str() && self.goes_on(segment)
    }

    /// Whether the log that a segment was is written to under its name, without what was read of it.
    fn goes_on(&self, segment: &SegmentState) -> bool {
        self.was_written(segment) && self.siblings().has_successor(segment)
    }

    /// Whether the segment was the file that its log is written to, when it was seen last. Of names with a date the youngest
    /// is; of those that are gone for longer nobody asks.
    fn was_written(&self, segment: &SegmentState) -> bool {
        let name = RotatedName::of(&segment.path);
        let is_older = |other: &SegmentState| {
            other.path != segment.path && name.is_older_than(&RotatedName::of(&other.path))
        };
        if self.siblings().was_numbered(segment) || self.was_shifted(segment) {
            return false;
        }
        let is_live = name.live_path().is_none()
            || (name.is_dated()
                && segment.gone_us.is_none()
                && !self.known.segments.iter().any(is_older));
        is_live && !segment.compression.is_compressed()
    }

    /// Whether a file took the segment's place that had a lower number, or none, in the same name: the oldest one is removed
    /// when all rotated ones move on.
    fn was_shifted(&self, segment: &SegmentState) -> bool {
        let took_it = |at: usize| {
            self.known.claim_of(at).is_some_and(|claim| {
                let from = &self.known.segments[at].path;
                claim.file.path == segment.path && is_higher_number(from, &segment.path)
            })
        };
        segment.complete
            && inner_number(&segment.path).is_some()
            && (0..self.known.segments.len()).any(took_it)
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

fn unix_us(time: SystemTime) -> i64 {
    unix_ns(time) / 1_000
}

/// Whether the segment's file still lies where it was seen, outside the globs of today or in a folder that cannot be
/// looked into.
fn is_still_at(path: &Path, segment: &SegmentState) -> bool {
    match std::fs::metadata(path) {
        Ok(meta) => Found::new(path, &meta).key() == (segment.device, segment.inode),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}
