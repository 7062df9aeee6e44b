//! The decision: `STATE/JOB/catalog.db` is the only place where it is decided what was read and what is visible.
//!
//! SQLite in WAL mode. A decision is committed with synchronous=FULL: it survives a power cut. Notes about what was done
//! since (a fence taken, files published, tables delivered) are not waited for: they become durable with the next decision
//! or the end of the run, in their order, and what a power cut takes of them is done again to the same end. Everything else
//! in the state directory and in the outputs is either named here or may be deleted.

mod batches;
mod copies;
mod create;
mod decision;
mod event_files;
mod event_parts;
mod fence;
mod lock;
mod marks;
mod open;
mod outputs;
mod rebuild;
mod rejects;
mod renames;
mod runs;
mod segments;
mod swaps;
mod told;
mod visible;

pub use batches::{BatchRow, Totals};
pub use decision::{Decision, Refresh};
pub use event_files::EventFile;
pub use event_parts::EventPart;
pub use lock::{JobLock, LockError};
pub use open::Catalog;
pub use outputs::OutputRow;
pub use rejects::{RejectRow, RejectsKept};
pub use renames::Rename;
pub use runs::Run;
pub use segments::{FormerSegments, SegmentChange, SegmentLedger};
pub use swaps::Swap;
pub use visible::VisibleFile;

use std::path::PathBuf;

/// A catalog that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The folder of the state.
    #[error("can't {action} {path}: {source}")]
    Io {
        /// Such as `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite's word.
    #[error("can't {action} {path}: {source}{}", sql_hint(.source))]
    Sql {
        /// Such as `write`.
        action: &'static str,
        /// The catalog.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The state was made by another version, or is no catalog.
    #[error(
        "{path} is a catalog of version {found}, this program writes version {expected}; use the program that made it, or another --state-dir"
    )]
    Version {
        /// The catalog.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        expected: i64,
    },
    /// Another process decided a batch between the plan and the turn of this one.
    #[error(
        "another process took over this job and made batch {batch}; nothing of this batch was kept, and the next run goes on from there"
    )]
    Overtaken {
        /// The other one's.
        batch: u64,
    },
    /// Another process decided a batch meanwhile.
    #[error(
        "another process took over this job (fence {ours} is old); nothing of this batch was kept"
    )]
    Fenced {
        /// Our fence.
        ours: u64,
    },
}

fn sql_hint(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => "; nothing was changed: make room and run again",
        Some(rusqlite::ErrorCode::SystemIoFailure) => {
            "; nothing was changed: look whether the disk is full or failing, and run again"
        }
        Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen) => {
            "; let the user that runs logmill write to the state directory, or give another --state-dir"
        }
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            "; restore it from a backup, or remove the job's state directory and outputs to compute them anew"
        }
        _ => "",
    }
}

/// 64 random bits: the standard library's seeds of hash maps come from the operating system.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
