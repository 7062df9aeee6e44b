//! What may happen. A new kind of step is a variant here, its weight in [`step`], and a method in `site.rs`.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Logs of a site.
pub const LOGS: usize = 2;

/// One thing that happens. Where it can't (nothing is rotated yet), nothing happens.
#[derive(Debug, Clone)]
pub enum Step {
    /// Whole lines are written; first the rest of one that is half written.
    Append { log: usize, lines: usize },
    /// A part of a line is written.
    Partial { log: usize, percent: usize },
    /// The live file is renamed and a new one begins; its writer may write some lines before it notices.
    Rotate { log: usize, late_lines: usize },
    /// The live file is copied and emptied.
    CopyTruncate { log: usize, run_between: bool },
    /// All is read, then the live file is copied in part (what is missing was written while it was copied) and emptied.
    CopyTruncateEarly { log: usize, percent: usize },
    /// The beginning of a live or rotated file is copied to another name.
    Backup { log: usize, nth: usize, percent: usize, name: usize, pack: bool },
    /// The live file (`nth` is 0) or a rotated one is copied, and the copy takes its place.
    Replace { log: usize, nth: usize },
    /// All is read, then the live file is emptied and gets its first lines again. A run saw it empty.
    Refill { log: usize, lines: usize },
    /// Somebody puts a longer copy of a log that lies elsewhere beside the last one.
    Snapshot { lines: usize, name: usize },
    /// A rotated file is compressed.
    Pack { log: usize, nth: usize, zstd: bool, keep_time: bool },
    /// The oldest rotated file is deleted, if it was read to its end.
    DeleteOldest { log: usize },
    /// logmill runs.
    Run { threads: usize, split_bytes: u64, final_: bool },
    /// logmill runs and dies at the n-th pass of a fault point, if it comes to that.
    Kill { point: &'static str, pass: u64 },
}

/// Fault points on the way of a run.
const POINTS: [&str; 13] = [
    "catalog.commit",
    "catalog.committed",
    "batch.mapped",
    "batch.staged",
    "batch.decided",
    "publish.rename",
    "publish.renamed",
    "refresh.staged",
    "refresh.decided",
    "deliver.before",
    "deliver.after",
    "file.synced",
    "folder.sync",
];

/// Histories.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..16)
}

fn step() -> impl Strategy<Value = Step> {
    let log = || 0..LOGS;
    let sizes = vec![1, 7, 64, 255, 4_096, 1 << 20];
    prop_oneof![
        // Now and then more than a fingerprint covers.
        6 => (log(), prop_oneof![9 => 1..8usize, 1 => 100..200usize])
            .prop_map(|(log, lines)| Step::Append { log, lines }),
        2 => (log(), 0..100usize).prop_map(|(log, percent)| Step::Partial { log, percent }),
        2 => (log(), prop_oneof![2 => Just(0usize), 1 => 1..4usize])
            .prop_map(|(log, late_lines)| Step::Rotate { log, late_lines }),
        1 => (log(), any::<bool>())
            .prop_map(|(log, run_between)| Step::CopyTruncate { log, run_between }),
        1 => (log(), 0..101usize).prop_map(|(log, percent)| Step::CopyTruncateEarly { log, percent }),
        2 => (log(), 0..4usize, prop_oneof![Just(100usize), 0..100usize], 0..4usize, any::<bool>())
            .prop_map(|(log, nth, percent, name, pack)| Step::Backup { log, nth, percent, name, pack }),
        2 => (log(), 0..4usize).prop_map(|(log, nth)| Step::Replace { log, nth }),
        1 => (log(), 1..8usize).prop_map(|(log, lines)| Step::Refill { log, lines }),
        2 => (prop_oneof![9 => 1..8usize, 1 => 100..200usize], 0..4usize)
            .prop_map(|(lines, name)| Step::Snapshot { lines, name }),
        2 => (log(), 0..3usize, any::<bool>(), any::<bool>())
            .prop_map(|(log, nth, zstd, keep_time)| Step::Pack { log, nth, zstd, keep_time }),
        1 => log().prop_map(|log| Step::DeleteOldest { log }),
        4 => (1..4usize, select(sizes), prop::bool::weighted(0.15))
            .prop_map(|(threads, split_bytes, final_)| Step::Run { threads, split_bytes, final_ }),
        2 => (select(&POINTS[..]), 1..4u64).prop_map(|(point, pass)| Step::Kill { point, pass }),
    ]
}
