//! Files that are kept open, so that one that is deleted, or renamed out of the globs, before it was read to its end is
//! read all the same. For a process that stays: `watch`.
//!
//! The rule is short, and bounds the descriptors:
//!
//! - Of the files that discovery finds, those written last are held, as many as fit.
//! - One that discovery no longer finds, and that is not where it was seen, is held until planning says that nothing is
//!   left to be read of it ([`SourcePlan::spent`](super::SourcePlan::spent): read to its end and quiet for
//!   [`QUIET_SECONDS`](crate::limits::QUIET_SECONDS), or another file has all its bytes) and nobody has it open for
//!   writing, as far as the kernel tells. So a deleted log to which a process still writes is followed, and keeps a
//!   descriptor; its disk space is taken by that process anyway.
//!
//! What fits no more is not held: its loss would be told as without any of this.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::map::has_writer;
use super::segment::Found;

/// Open files by device and inode. A round of `watch`:
///
/// 1. discover;
/// 2. [`Held::hold`] what was found;
/// 3. add [`Held::missing`] to it, and plan;
/// 4. [`Held::release`] the plan's `spent` files, once what was planned is durable: of a file that is neither held nor known
///    as gone a loss would be told.
#[derive(Debug)]
pub struct Held {
    files: HashMap<(u64, u64), HeldFile>,
    files_max: usize,
}

#[derive(Debug)]
struct HeldFile {
    path: PathBuf,
    file: Arc<File>,
    mtime_ns: i64,
    /// Discovery does not find it any more.
    is_gone: bool,
}

impl Held {
    /// Holds nothing yet, and never more than `files_max` descriptors.
    pub fn new(files_max: usize) -> Self {
        Held { files: HashMap::new(), files_max }
    }

    /// How many descriptors are held.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Holds the files found, those written last if not all fit. What cannot be opened is not held: reading it will
    /// say why.
    pub fn hold(&mut self, found: &[Found]) {
        let mut newest: Vec<&Found> = found.iter().filter(|file| file.held.is_none()).collect();
        newest.sort_by_key(|file| std::cmp::Reverse(file.mtime_ns));
        let keys: HashSet<_> = newest.iter().map(|file| file.key()).collect();
        let others = self.files.keys().filter(|key| !keys.contains(key)).count();
        let fitting = self.files_max.saturating_sub(others).min(newest.len());
        for surplus in &newest[fitting..] {
            self.files.remove(&surplus.key());
        }
        newest[..fitting].iter().for_each(|file| self.hold_found(file));
    }

    /// Lets go of files that are in their place and read to their end: whatever is written to them from now on, the next
    /// discovery holds them again.
    pub fn let_go(&mut self, read: &[Found]) {
        for found in read {
            self.files.remove(&found.key());
        }
    }

    fn hold_found(&mut self, found: &Found) {
        if let Some(held) = self.files.get_mut(&found.key()) {
            held.path.clone_from(&found.path);
            (held.mtime_ns, held.is_gone) = (found.mtime_ns, false);
        } else if let Some(now) = opened(&found.path)
            && now.key() == found.key()
        {
            self.take(now);
        }
    }

    /// Holds a file that was [`opened`], whether or not it is in its place by now. Where there is no room, one that is in its
    /// place makes it.
    pub fn take(&mut self, opened: Found) {
        let key = opened.key();
        let Found { path, mtime_ns, held: Some(file), .. } = opened else { return };
        if self.files.len() >= self.files_max && !self.files.contains_key(&key) {
            let in_place = self.files.iter().filter(|(_, held)| !held.is_gone);
            let oldest = in_place.min_by_key(|(_, held)| held.mtime_ns).map(|(key, _)| *key);
            let Some(oldest) = oldest else { return };
            self.files.remove(&oldest);
        }
        let held = HeldFile { path, file, mtime_ns, is_gone: false };
        self.files.entry(key).or_insert(held);
    }

    /// Where each was seen last, by device and inode.
    pub fn paths(&self) -> impl Iterator<Item = ((u64, u64), &Path)> {
        self.files.iter().map(|(key, held)| (*key, held.path.as_path()))
    }

    /// How many are deleted, or renamed out of the globs.
    pub fn gone(&self) -> usize {
        self.files.values().filter(|held| held.is_gone).count()
    }

    /// How many more files it could hold.
    pub fn room(&self) -> usize {
        self.files_max.saturating_sub(self.files.len())
    }

    /// Held files that discovery does not find and that are not where they were seen, as they are now; oldest first.
    /// For [`plan`](super::plan), beside the files found.
    pub fn missing(&mut self, found: &[Found]) -> Vec<Found> {
        let keys: HashSet<_> = found.iter().map(Found::key).collect();
        let mut missing = Vec::new();
        for (_, held) in self.files.iter_mut().filter(|(key, _)| !keys.contains(key)) {
            // Of a file that `fstat` fails for nothing can be read either.
            let Some(now) = held.now().filter(|now| !is_at(&held.path, now.key())) else {
                continue;
            };
            (held.mtime_ns, held.is_gone) = (now.mtime_ns, true);
            missing.push(now);
        }
        missing.sort_by(|a, b| (a.mtime_ns, &a.path).cmp(&(b.mtime_ns, &b.path)));
        missing
    }

    /// Lets go of a plan's [`spent`](super::SourcePlan::spent) files, unless they were written to since or may be.
    pub fn release(&mut self, spent: &[Found]) {
        for found in spent {
            let Some(held) = self.files.get(&found.key()) else { continue };
            if held.now().as_ref() == Some(found) && !has_writer(&held.file) {
                self.files.remove(&found.key());
            }
        }
    }
}

impl HeldFile {
    /// As the handle describes it.
    fn now(&self) -> Option<Found> {
        let meta = self.file.metadata().ok()?;
        Some(Found { held: Some(self.file.clone()), ..Found::new(&self.path, &meta) })
    }
}

/// Whether the path still leads to the file with this device and inode, or cannot be looked at.
pub fn is_at(path: &Path, key: (u64, u64)) -> bool {
    match std::fs::metadata(path) {
        Ok(meta) => Found::new(path, &meta).key() == key,
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// A file as it is now, open; `None` if it can't be opened.
pub fn opened(path: &Path) -> Option<Found> {
    let file = File::open(path).ok()?;
    let meta = file.metadata().ok()?;
    Some(Found { held: Some(Arc::new(file)), ..Found::new(path, &meta) })
}
