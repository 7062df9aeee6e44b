//! The files of a job from batch to batch: what the catalog knows of them, and, under `watch`, descriptors of those that
//! may be deleted before they are read.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::RunError;
use super::watchlist::{Hints, Watchlist, hints_of};
use crate::catalog::Catalog;
use crate::deliver::sql::sqlite_files_in_use;
use crate::limits::{HELD_FILES_MAX, HELD_QUIET_NS};
use crate::plan::Plan;
use crate::source::{self, Aside, Copy, Discovery, Found, Held, SegmentState, SourceError};

/// The files of jobs with the same source, at one moment: so that they have the same bytes to read of a log that grows.
#[derive(Debug, Clone)]
pub(super) struct FoundNow {
    files: Vec<Found>,
    asides: Vec<Aside>,
    unmatched: Vec<String>,
    at: SystemTime,
}

impl FoundNow {
    /// Finds them. `None` where something is wrong, which each job finds out and tells by itself.
    pub(super) fn look(plan: &Plan) -> Option<Self> {
        let at = SystemTime::now();
        let found = source::discover(&plan.source.globs, &plan.source.base).ok()?;
        let Discovery { files, problems, asides, unmatched } = found;
        problems.is_empty().then_some(FoundNow { files, asides, unmatched, at })
    }
}

/// The catalog's segments and copies of them, for as long as nothing is written there.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The last batch when they were read; none where they were not.
    batch: Option<u64>,
    pub(super) segments: Vec<SegmentState>,
    pub(super) copies: Vec<Copy>,
}

/// What a process keeps in memory of a job's files.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    known: Option<Known>,
    held: Option<Held>,
    /// How many held files no path leads to any more, as of the last look.
    deleted: Arc<AtomicUsize>,
    /// The process ends after the next look.
    pub(super) leaving: bool,
    /// Of the last look: the sum of the sizes.
    bytes: u64,
    /// What was found just now, for the first look.
    found: Option<FoundNow>,
    /// Of the last look of a process that stays: where files are, and what they were like.
    folders: Vec<PathBuf>,
    seen: HashSet<Hints>,
}

impl Inputs {
    /// For a process that stays: files are held.
    pub(super) fn holding() -> Self {
        Inputs { held: Some(Held::new(held_max())), ..Inputs::default() }
    }

    /// Nothing is known: everything is read.
    pub(super) fn of_nothing() -> Self {
        Inputs { known: Some(Known::default()), ..Inputs::default() }
    }

    /// For a job whose files were found just now, with those of others.
    pub(super) fn of_found(found: FoundNow) -> Self {
        Inputs { found: Some(found), ..Inputs::default() }
    }

    /// The moment for which the next look holds.
    pub(super) fn now(&self) -> SystemTime {
        self.found.as_ref().map_or_else(SystemTime::now, |found| found.at)
    }

    /// Whether it is for a process that stays, which may wait for files that do not exist yet.
    pub(super) fn is_patient(&self) -> bool {
        self.held.is_some()
    }

    /// The catalog has changed.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// What the catalog knows: as of its last batch, though another process may have made that.
    pub(super) fn known(&mut self, catalog: &Catalog) -> Result<&Known, RunError> {
        // Before the segments: a batch that comes between makes them newer than they are said to be, and so of no use.
        let last = catalog.last_batch()?;
        let is_old = |known: &Known| known.batch.is_some_and(|batch| batch != last);
        if self.known.as_ref().is_none_or(is_old) {
            self.known = None;
        }
        let known = match self.known.take() {
            Some(known) => known,
            None => {
                let (segments, copies) = (catalog.segments()?, catalog.copies()?);
                Known { batch: Some(last), segments, copies }
            }
        };
        Ok(self.known.insert(known))
    }

    /// The last batch when [`Inputs::known`] was read: only behind that one may a batch stand that was planned by it.
    pub(super) fn batch(&self) -> Option<u64> {
        self.known.as_ref()?.batch
    }

    /// Finds the files, and holds them; held ones that nobody finds any more are found all the same. What a catalog knows, if
    /// it is given, is known afterwards.
    pub(super) fn look(
        &mut self,
        plan: &Plan,
        catalog: Option<&Catalog>,
    ) -> Result<Discovery, RunError> {
        let mut found = self.find(plan, catalog)?;
        leave_out_own(plan, &mut found);
        if let Some(held) = &mut self.held {
            let complete: HashSet<_> = self
                .known
                .iter()
                .flat_map(|known| &known.segments)
                .filter(|one| one.complete)
                .map(hints)
                .collect();
            let now = jiff::Timestamp::now().as_nanosecond() as i64;
            // What may still be written to, and deleted right afterwards, is held on.
            let is_read = |file: &Found| {
                now.saturating_sub(file.mtime_ns) > HELD_QUIET_NS
                    && complete.contains(&hints_of(file))
            };
            let (read, unread): (Vec<Found>, Vec<Found>) =
                found.files.iter().cloned().partition(is_read);
            held.let_go(&read);
            held.hold(&unread);
            let missing = held.missing(&found.files);
            self.deleted.store(missing.len(), Ordering::Relaxed);
            found.files.extend(missing);
        }
        self.bytes = found.files.iter().map(|file| file.size).sum();
        if self.is_patient() {
            self.note_folders(&found.files);
            self.seen = found.files.iter().map(hints_of).collect();
        }
        Ok(found)
    }

    /// Looks for the files, and meanwhile reads what the catalog knows of them: of a thousand files, either takes as long.
    fn find(&mut self, plan: &Plan, catalog: Option<&Catalog>) -> Result<Discovery, RunError> {
        if let (Some(found), Some(catalog)) = (self.found.take(), catalog) {
            self.known(catalog)?;
            let FoundNow { files, asides, unmatched, .. } = found;
            return Ok(Discovery { files, asides, unmatched, problems: Vec::new() });
        }
        let find = || source::discover(&plan.source.globs, &plan.source.base);
        let Some(catalog) = catalog.filter(|_| self.known.is_none()) else {
            return Ok(find()?);
        };
        std::thread::scope(|scope| {
            let finding = std::thread::Builder::new().spawn_scoped(scope, find);
            self.known(catalog)?;
            match finding {
                Ok(finding) => Ok(finding.join().unwrap_or_else(|bug| resume_unwind(bug))?),
                // No thread is to be had: one after the other.
                Err(_) => Ok(find()?),
            }
        })
    }

    fn note_folders(&mut self, files: &[Found]) {
        self.folders.clear();
        for folder in files.iter().filter_map(|file| file.path.parent()) {
            if self.folders.last().is_none_or(|last| last.as_os_str() != folder.as_os_str()) {
                self.folders.push(folder.to_owned());
            }
        }
    }

    /// Holds files that were opened while nobody looked, and that may be gone by now.
    pub(super) fn take(&mut self, opened: Vec<Found>) {
        if let Some(held) = &mut self.held {
            opened.into_iter().for_each(|file| held.take(file));
        }
    }

    /// What somebody has to know who looks for files that come meanwhile.
    pub(super) fn watchlist(&self) -> Watchlist {
        let held = self.held.iter().flat_map(Held::paths);
        Watchlist {
            held: held.map(|(key, path)| (key, path.to_owned())).collect(),
            seen: self.seen.clone(),
            room: self.held.as_ref().map_or(0, Held::room) / 2,
            deleted: self.deleted.clone(),
        }
    }

    /// Lets go of held files that are read to their end.
    pub(super) fn release(&mut self, spent: &[Found]) {
        if let Some(held) = &mut self.held {
            held.release(spent);
            self.deleted.store(held.gone(), Ordering::Relaxed);
        }
    }

    /// How many files are held that no path leads to any more, as it changes.
    pub(super) fn deleted(&self) -> Arc<AtomicUsize> {
        self.deleted.clone()
    }

    /// Whether files are held that no path leads to any more.
    pub(super) fn holds_missing(&mut self, plan: &Plan) -> bool {
        let Some(held) = &mut self.held else { return false };
        let found = find_logs(plan);
        found.is_ok_and(|found| !held.missing(&found.files).is_empty())
    }

    /// Bytes of all files of the last look.
    pub(super) fn bytes_found(&self) -> u64 {
        self.bytes
    }

    /// The folders of the files of the last look.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(|folder| folder.as_path())
    }
}

/// Databases that jobs of this process write, where a glob finds them: they may not even be looked into.
fn leave_out_own(plan: &Plan, found: &mut Discovery) {
    let key = |path: &Path| Some(Found::new(path, &path.metadata().ok()?).key());
    let beside = |path: &Path, ending: &str| {
        let mut path = path.to_owned().into_os_string();
        path.push(ending);
        key(Path::new(&path))
    };
    let mut paths = sqlite_files_in_use();
    paths.extend(plan.outputs.sqlite.iter().map(|output| output.path.clone()));
    let databases: HashSet<_> = paths.iter().filter_map(|path| key(path)).collect();
    let sides = |path| ["-journal", "-wal", "-shm"].map(|ending| beside(path, ending));
    let sides: HashSet<_> = paths.iter().flat_map(|path| sides(path)).flatten().collect();
    let own = plan.outputs.sqlite.as_ref().and_then(|output| key(&output.path));
    let aside = |file: &Found| {
        let whose =
            if Some(file.key()) == own { "the job's own output" } else { "another job's output" };
        Aside { path: file.path.clone(), what: format!("{whose}; leave it out of the globs") }
    };
    let outputs = found.files.iter().filter(|file| databases.contains(&file.key()));
    found.asides.extend(outputs.map(aside));
    found.files.retain(|file| !databases.contains(&file.key()) && !sides.contains(&file.key()));
}

/// Finds the files of a job, without those that jobs of this process write.
pub(super) fn find_logs(plan: &Plan) -> Result<Discovery, SourceError> {
    let mut found = source::discover(&plan.source.globs, &plan.source.base)?;
    leave_out_own(plan, &mut found);
    Ok(found)
}

/// By which an untouched file is known.
fn hints(segment: &SegmentState) -> Hints {
    (segment.device, segment.inode, segment.size, segment.mtime_ns)
}

/// A third of the descriptors that the process may have: half as many are for files that come meanwhile, the others for outputs
/// and for reading.
fn held_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse::<usize>().ok());
    (soft.unwrap_or(256) / 3).min(HELD_FILES_MAX)
}
