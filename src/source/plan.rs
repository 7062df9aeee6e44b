//! Planning: which bytes of the files found are new. The rules are in DESIGN.md, "Segments".
//!
//! 1. A file whose hints (device, inode, size, time) say that nothing changed is not even opened.
//! 2. A file whose device and inode are known, and whose content bears it out, continues.
//! 3. A file that has the content of a segment which no other file is, is that segment: renamed, copied, compressed.
//! 4. A copy of a live segment is left alone.
//! 5. Anything else is a new segment. What then is left of the known ones is gone, and its unread bytes are lost.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use super::known::{Known, is_copy_name, is_plausible};
use super::probe::{Place, Probe};
use super::rotation::RotatedName;
use super::segment::{Lost, Problem, Waiting};
use super::{
    Compression, Fingerprint, Found, SealRules, SegmentState, SegmentTask, SourceError, SourcePlan,
};

/// How long a rotated file must be quiet before its last line counts as it is.
const ROTATED_QUIET: Duration = Duration::from_secs(10);

/// Says what is to be read of the files found, given what is known. Opens files one at a time, and none whose hints
/// say that nothing changed. Compressed files that are known by content are decoded to their offset.
pub fn plan(found: Vec<Found>, known: &[SegmentState], rules: &SealRules) -> SourcePlan {
    let names = found.iter().map(|f| RotatedName::of(&f.path)).collect();
    let mut planner = Planner {
        known: Known::new(known),
        rules,
        youngest: youngest(names),
        live: found.iter().map(Found::key).collect(),
        outcome: SourcePlan::default(),
        order: HashMap::new(),
    };
    for (at, file) in found.iter().enumerate() {
        planner.order.insert(file.key(), at);
    }
    let files = found.into_iter().filter(|file| file.size > 0);
    let unhinted: Vec<Found> = files.filter(|file| !planner.by_hint(file)).collect();
    let unclaimed: Vec<Found> = unhinted
        .into_iter()
        .filter(|f| !planner.by_content(f))
        .collect();
    unclaimed.iter().for_each(|file| planner.as_new(file));
    planner.finish()
}

/// The youngest file of each log.
fn youngest(names: Vec<RotatedName>) -> HashMap<String, RotatedName> {
    let mut youngest: HashMap<String, RotatedName> = HashMap::new();
    for name in names {
        let entry = youngest
            .entry(family(&name))
            .or_insert_with(|| name.clone());
        if entry.is_older_than(&name) {
            *entry = name;
        }
    }
    youngest
}

fn family(name: &RotatedName) -> String {
    let (folder, stem) = name.family();
    folder.join(stem).display().to_string()
}

struct Planner<'p> {
    known: Known<'p>,
    rules: &'p SealRules,
    youngest: HashMap<String, RotatedName>,
    live: HashSet<(u64, u64)>,
    outcome: SourcePlan,
    order: HashMap<(u64, u64), usize>,
}

impl Planner<'_> {
    /// Rules 1 and 2. Whether the file is dealt with.
    fn by_hint(&mut self, file: &Found) -> bool {
        let hinted = self.known.hinted(file);
        let untouched = hinted
            .iter()
            .copied()
            .find(|at| is_untouched(&self.known.segments[*at], file));
        if let Some(at) = untouched {
            self.untouched(at, file);
            return true;
        }
        let Some(&first) = hinted.first() else {
            return false;
        };
        match self.continue_one_of(&hinted, file, |_, _| true) {
            Ok(done) => done,
            Err(error) => {
                // Most likely still the same segment: nobody else may take it, and nothing is lost yet.
                self.known.claim(first, file);
                self.problem(file, error);
                true
            }
        }
    }

    fn untouched(&mut self, at: usize, file: &Found) {
        let segment = &self.known.segments[at];
        self.known.claim(at, file);
        if segment.path != file.path {
            self.outcome
                .updates
                .push(segment.seen_as(file, segment.compression, true));
        }
    }

    /// Rule 3.
    fn by_content(&mut self, file: &Found) -> bool {
        let planned = Probe::open(file).and_then(|probe| {
            let mut free = self.known.with_head_of(&probe);
            free.retain(|at| self.known.claimant(*at).is_none());
            drop(probe);
            self.continue_one_of(&free, file, is_plausible)
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
        file: &Found,
        accept: fn(&SegmentState, &Probe) -> bool,
    ) -> Result<bool, SourceError> {
        if candidates.is_empty() {
            return Ok(false);
        }
        let probe = Probe::open(file)?;
        for &at in candidates {
            let segment = &self.known.segments[at];
            if !accept(segment, &probe) {
                continue;
            }
            if let Some(place) = probe.continues(segment)? {
                self.go_on(&probe, Some(segment), place)?;
                self.known.claim(at, &probe.found);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Rules 4 and 5.
    fn as_new(&mut self, file: &Found) {
        let start = Place {
            offset: 0,
            anchor: Fingerprint::of(b""),
            mid_line: false,
            at_end: false,
        };
        let planned = Probe::open(file).and_then(|probe| {
            if probe.found.size == 0 {
                return Ok(());
            }
            if self.is_copy(&probe)? {
                self.outcome.copies.push(file.path.clone());
                return Ok(());
            }
            self.go_on(&probe, None, start)
        });
        if let Err(error) = planned {
            self.problem(file, error);
        }
    }

    /// Whether the file is a copy of one that is dealt with under its own name.
    fn is_copy(&self, probe: &Probe) -> Result<bool, SourceError> {
        for at in self.known.with_head_of(probe) {
            let Some(original) = self.known.claimant(at) else {
                continue;
            };
            if is_copy_name(&probe.found, original)
                && probe.continues(&self.known.segments[at])?.is_some()
            {
                return Ok(true);
            }
        }
        self.is_compressed_from_a_new_file(probe)
    }

    /// `x.gz` beside an `x` that is new too and begins alike: when `x` has been read, its anchor tells whether `x.gz`
    /// is the same.
    fn is_compressed_from_a_new_file(&self, probe: &Probe) -> Result<bool, SourceError> {
        let path = &probe.found.path;
        let Some(original) = path.file_stem().map(|stem| path.with_file_name(stem)) else {
            return Ok(false);
        };
        let names = (RotatedName::of(path), RotatedName::of(&original));
        if probe.compression == Compression::Plain || !names.0.is_compressed_name_of(&names.1) {
            return Ok(false);
        }
        let Ok(meta) = std::fs::metadata(&original) else {
            return Ok(false);
        };
        let found = Found::new(&original, &meta);
        let is_new = self
            .outcome
            .tasks
            .iter()
            .any(|t| t.known.is_none() && t.found.key() == found.key());
        let head = |other: &Probe| other.head == probe.head;
        Ok(is_new && Probe::open(&found).is_ok_and(|other| head(&other)))
    }

    /// Plans what follows `place`.
    fn go_on(
        &mut self,
        probe: &Probe,
        known: Option<&SegmentState>,
        place: Place,
    ) -> Result<(), SourceError> {
        if place.at_end {
            self.update(probe, known, true);
            return Ok(());
        }
        let range_end = match probe.compression {
            Compression::Plain => Some(self.range_end(probe, place.offset)?),
            _ => None,
        };
        let waiting_bytes = range_end.map_or(0, |end| probe.found.size - end);
        if waiting_bytes > 0 {
            let path = probe.found.path.clone();
            self.outcome.waiting.push(Waiting {
                path,
                bytes: waiting_bytes,
            });
        }
        if range_end == Some(place.offset) {
            self.update(probe, known, false);
            return Ok(());
        }
        let end_anchor = match range_end {
            Some(end) => Some(Fingerprint::of(&probe.before(end)?)),
            None => None,
        };
        self.outcome.tasks.push(SegmentTask {
            known: known.map(|segment| segment.id),
            found: probe.found.clone(),
            compression: probe.compression,
            head: Fingerprint::of(&probe.head),
            anchor: place.anchor,
            rank: probe.rank(),
            start: place.offset,
            end: range_end,
            end_anchor,
            waiting_bytes,
            resumes_mid_line: place.mid_line,
        });
        Ok(())
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
    fn range_end(&self, probe: &Probe, start: u64) -> Result<u64, SourceError> {
        let lines_end = probe.lines_end(start)?;
        let unfinished = lines_end < probe.found.size;
        Ok(if unfinished && self.is_sealed(&probe.found) {
            probe.found.size
        } else {
            lines_end
        })
    }

    fn is_sealed(&self, file: &Found) -> bool {
        let Some(quiet) = file.quiet(self.rules.now) else {
            return self.rules.final_;
        };
        self.rules.final_
            || self.rules.seal_after.is_some_and(|after| quiet >= after)
            || (quiet >= ROTATED_QUIET && self.has_successor(file))
    }

    fn has_successor(&self, file: &Found) -> bool {
        let name = RotatedName::of(&file.path);
        let younger = self
            .youngest
            .get(&family(&name))
            .is_some_and(|other| name.is_older_than(other));
        younger || name.live_path().is_some_and(|live| live.exists())
    }

    fn problem(&mut self, file: &Found, error: SourceError) {
        self.outcome.problems.push(Problem {
            path: file.path.clone(),
            error,
        });
    }

    /// Looks at the known segments that no file is any more, and puts everything in the order of the files.
    fn finish(mut self) -> SourcePlan {
        for segment in self.known.orphans() {
            let reused = self.live.contains(&(segment.device, segment.inode));
            let why = match reused {
                true => "the file was truncated, or its inode became another file's",
                false if segment.unread() > 0 && !is_still_at(&segment.path, segment) => {
                    "the file was deleted or moved away before it was read to its end"
                }
                false => continue,
            };
            if segment.unread() > 0 {
                let (path, bytes) = (segment.path.clone(), segment.unread());
                self.outcome.lost.push(Lost { path, bytes, why });
            }
            self.outcome.updates.push(SegmentState {
                device: 0,
                inode: 0,
                ..segment.clone()
            });
        }
        let order = self.order;
        self.outcome
            .tasks
            .sort_by_key(|task| order.get(&task.found.key()).copied());
        self.outcome
    }
}

fn is_untouched(segment: &SegmentState, file: &Found) -> bool {
    segment.complete && segment.size == file.size && segment.mtime_ns == file.mtime_ns
}

/// Whether the segment's file still lies where it was seen, outside the globs of today.
fn is_still_at(path: &Path, segment: &SegmentState) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|meta| Found::new(path, &meta).key() == (segment.device, segment.inode))
}
