//! The order that the promises rest on, read off a trace: bytes, then their sync, then the decision, then the names, then
//! their sync, then the word that all is published.

use std::path::{Path, PathBuf};

use crate::strace::Call;

/// A run's calls with its decision.
pub struct Order<'c> {
    calls: &'c [Call],
    /// The sync of the catalog's log that made the decision durable.
    decision: &'c Call,
}

impl<'c> Order<'c> {
    /// # Panics
    /// Where the run decided nothing durably.
    pub fn new(calls: &'c [Call], passed: &Path) -> Order<'c> {
        let mark = |name: &str| {
            let text = format!("{name}\n").into_bytes();
            let writes = calls.iter().filter(|call| call.name == "write");
            let mut marks = writes.filter(|call| call.path(0).as_deref() == Some(passed));
            let found = marks.find(|call| call.bytes(1) == text);
            found.unwrap_or_else(|| panic!("the run did not pass {name}"))
        };
        let (before, after) = (mark("batch.staged"), mark("batch.decided"));
        let decision = calls.iter().rfind(|call| {
            is_sync(call) && is_log(call) && call.began > before.ended && call.ended < after.began
        });
        Order { calls, decision: decision.expect("the decision's COMMIT syncs the catalog's log") }
    }

    /// What is wrong with each published file, and with each file of the store.
    pub fn faults(&self) -> Vec<String> {
        let published = |call: &&Call| call.name == "rename" && call.result == 0;
        let renames: Vec<&Call> = self.calls.iter().filter(published).collect();
        let mut faults: Vec<String> = Vec::new();
        for rename in &renames {
            let (staged, last) = (path(rename, 0), path(rename, 1));
            faults.extend(self.before_the_decision(&staged));
            if rename.began < self.decision.ended {
                faults.push(format!("{} was renamed before the decision", staged.display()));
            }
            faults.extend(self.named_for_good(rename, &renames, &last));
        }
        let made = self.calls.iter().filter(|call| call.name == "openat" && call.result >= 0);
        let made = made.filter(|call| call.args[2].contains("O_CREAT")).map(|call| path(call, 1));
        let stores = made.filter(|path| path.parent().is_some_and(|p| p.ends_with("groups")));
        faults.extend(stores.flat_map(|store| self.before_the_decision(&store)));
        assert!(!renames.is_empty(), "nothing was published");
        faults
    }

    /// Its bytes and its name are durable before the decision names it.
    fn before_the_decision(&self, file: &Path) -> Vec<String> {
        let (name, mut faults) = (file.display(), Vec::new());
        let mut writes =
            self.calls.iter().filter(|call| call.name.contains("write") && is_on(call, file));
        let Some(last) = writes.next_back() else {
            return vec![format!("{name} was never written")];
        };
        if last.ended > self.decision.began {
            faults.push(format!("{name} was written after the decision"));
        }
        if !self.synced(file, last.ended, self.decision.began) {
            faults.push(format!("{name} was not synced between its last write and the decision"));
        }
        let folder = file.parent().expect("a folder");
        let made = self.calls.iter().find(|call| call.name == "openat" && path(call, 1) == file);
        let made = made.map_or(0, |call| call.ended);
        if !self.synced(folder, made, self.decision.began) {
            faults.push(format!("the folder of {name} was not synced before the decision"));
        }
        faults
    }

    /// The new name is durable before the catalog notes that all is published.
    fn named_for_good(&self, rename: &Call, renames: &[&Call], last: &Path) -> Option<String> {
        let first = renames.iter().map(|call| call.began).min().unwrap_or_default();
        let mut notes = self.calls.iter().filter(|call| call.name == "pwrite64" && is_log(call));
        let note = notes.find(|call| call.began > first);
        let noted =
            note.unwrap_or_else(|| panic!("the catalog does not say that all is published"));
        let folder = last.parent().expect("a folder");
        (!self.synced(folder, rename.ended, noted.began)).then(|| {
            format!(
                "the folder of {} was not synced before it was noted as published",
                last.display()
            )
        })
    }

    fn synced(&self, path: &Path, after: usize, before: usize) -> bool {
        let mut syncs = self.calls.iter().filter(|call| is_sync(call) && is_on(call, path));
        syncs.any(|call| call.result == 0 && call.began > after && call.ended < before)
    }
}

fn path(call: &Call, at: usize) -> PathBuf {
    call.path(at).unwrap_or_else(|| panic!("no path: {call:?}"))
}

fn is_sync(call: &Call) -> bool {
    ["fsync", "fdatasync"].contains(&call.name.as_str())
}

fn is_on(call: &Call, file: &Path) -> bool {
    call.path(0).as_deref() == Some(file)
}

fn is_log(call: &Call) -> bool {
    call.path(0).is_some_and(|path| path.ends_with("catalog.db-wal"))
}
