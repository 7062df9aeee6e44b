//! Files that come while a batch is made: which of those found are news, and are to be opened before they are gone.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::source::{self, Found};

/// Device, inode, size and time, by which an untouched file is known.
pub(super) type Hints = (u64, u64, u64, i64);

pub(super) fn hints_of(file: &Found) -> Hints {
    (file.device, file.inode, file.size, file.mtime_ns)
}

/// What is held and was seen of a job's files at one moment.
#[derive(Debug)]
pub(super) struct Watchlist {
    /// Where each file that is held was seen last.
    pub(super) held: HashMap<(u64, u64), PathBuf>,
    /// Those of the last look.
    pub(super) seen: HashSet<Hints>,
    /// So many files may be opened.
    pub(super) room: usize,
    /// How many of those that are held are deleted.
    pub(super) deleted: Arc<AtomicUsize>,
}

impl Watchlist {
    /// Opens the files that came since, or that were written to and are not held, and counts those that are deleted by now.
    /// A rename between list and opening is told by `false`: then it is to be done again.
    pub(super) fn open_new(&mut self, files: &[Found], new: &mut Vec<Found>) -> bool {
        let mut is_whole = true;
        for file in files {
            let is_known =
                self.held.contains_key(&file.key()) || self.seen.contains(&hints_of(file));
            if is_known || self.room == 0 {
                continue;
            }
            match source::opened(&file.path).filter(|now| now.key() == file.key()) {
                Some(opened) => {
                    self.held.insert(opened.key(), opened.path.clone());
                    self.room -= 1;
                    new.push(opened);
                }
                None => is_whole = false,
            }
        }
        let keys: HashSet<_> = files.iter().map(Found::key).collect();
        let is_deleted = |(key, path): &(&(u64, u64), &PathBuf)| {
            !keys.contains(*key) && !source::is_at(path, **key)
        };
        self.deleted.store(self.held.iter().filter(is_deleted).count(), Ordering::Relaxed);
        is_whole
    }
}
