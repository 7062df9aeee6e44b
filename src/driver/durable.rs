//! Staged files are made durable while others are still being written, some at a time.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::RunError;
use crate::engine::parquet_file::{FileError, Unsynced, make_durable};
use crate::limits::SYNCED_TOGETHER_MAX;

/// Takes files that are to be made durable.
pub(super) struct Durable {
    files: Vec<Unsynced>,
    sender: SyncSender<Vec<Unsynced>>,
}

impl Durable {
    /// Runs what makes files; when this answers, all of them are durable.
    pub(super) fn scope<T>(
        make: impl FnOnce(&mut Durable) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        // One portion waits, one is being synced, one is being filled: so many descriptors are open, and no more.
        let (sender, receiver) = sync_channel(1);
        std::thread::scope(|scope| {
            let syncing = scope.spawn(|| sync(receiver));
            let mut durable = Durable { files: Vec::new(), sender };
            let made = make(&mut durable);
            durable.hand_over();
            drop(durable);
            let synced = syncing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let made = made?;
            synced?;
            Ok(made)
        })
    }

    /// Adds files.
    pub(super) fn add(&mut self, files: Vec<Unsynced>) {
        self.files.extend(files);
        if self.files.len() >= SYNCED_TOGETHER_MAX {
            self.hand_over();
        }
    }

    /// Begins with those that were added.
    pub(super) fn hand_over(&mut self) {
        // Nobody takes them where a sync failed: that is told in the end.
        let _ = self.sender.send(std::mem::take(&mut self.files));
    }
}

fn sync(receiver: Receiver<Vec<Unsynced>>) -> Result<(), FileError> {
    receiver.into_iter().try_for_each(|files| make_durable(&files))
}
