//! The two decisions: a batch, and a refresh of what is visible. Each is one transaction, durable or void.

use std::path::PathBuf;

use rusqlite::{Transaction, params};

use super::event_files::{self, EventFile};
use super::event_parts::{self, EventPart};
use super::renames::{self, Rename};
use super::runs::{self, Run};
use super::segments::{self, SegmentChange};
use super::swaps::{self, Swap};
use super::visible::{self, VisibleFile};
use super::{Catalog, CatalogError};
use crate::engine::reject::{Counters, Reject};

/// Everything that one batch changes, decided as a whole.
#[derive(Debug)]
pub struct Decision<'d> {
    /// The batch's number: one more than the last decided one.
    pub batch: u64,
    /// What its groups mean.
    pub meaning: &'d str,
    /// What happened to segments.
    pub segments: &'d [SegmentChange],
    /// What became of the lines.
    pub counters: Counters,
    /// Rejected lines that are kept, with the path of each; those of a segment by its index in `segments`.
    pub rejects: &'d [(PathBuf, Reject)],
    /// Formerly rejected lines ([`super::RejectRow::id`]) that it merged.
    pub rejects_resolved: &'d [i64],
    /// Whether it takes the place of all batches before.
    pub anew: bool,
    /// What of the store and of the outputs it changes.
    pub files: Refresh<'d>,
    /// Events for later publication.
    pub event_parts: &'d [EventPart],
    /// Groups that the batch touched.
    pub groups: u64,
    /// Bytes that nobody can read any more.
    pub lost_bytes: u64,
    /// Logs of which what followed is gone, if there was anything.
    pub gaps: u64,
    /// Segments that were read.
    pub segments_read: u64,
    /// Wall time until the decision.
    pub seconds: f64,
}

/// Files of the store and of the Parquet outputs that take the place of others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refresh<'d> {
    /// Runs that are merged into others.
    pub runs_removed: &'d [String],
    /// New runs.
    pub runs: &'d [Run],
    /// Files to publish.
    pub renames: &'d [Rename],
    /// What of `renames` shows which state of the summary.
    pub visible: &'d [VisibleFile],
    /// Files of events that are not visible any more.
    pub event_files_removed: &'d [PathBuf],
    /// New visible files of events.
    pub event_files: &'d [EventFile],
    /// Files to remove.
    pub removals: &'d [PathBuf],
    /// Folders to exchange.
    pub swaps: &'d [Swap],
    /// Files that vanish with the former folders of `swaps`; others in them are moved into the new ones.
    pub vanishing: &'d [PathBuf],
    /// Whether all parts of events that waited are among `renames` now.
    pub event_parts_done: bool,
}

impl Catalog {
    /// Decides a batch: all of it, durably, or nothing of it.
    pub fn decide(&mut self, decision: &Decision<'_>) -> Result<(), CatalogError> {
        self.write_if(|transaction, fence| {
            if last_batch(transaction)? + 1 != decision.batch {
                return Ok(None);
            }
            batch(transaction, fence, decision)?;
            files(transaction, decision.batch, &decision.files)?;
            event_parts::write(transaction, decision.event_parts).map(Some)
        })
    }

    /// Decides that files show anew, or are merged, what was decided before.
    pub fn refresh(&mut self, refresh: &Refresh<'_>) -> Result<(), CatalogError> {
        self.write(|transaction, _| files(transaction, last_batch(transaction)?, refresh))
    }
}

fn last_batch(transaction: &Transaction<'_>) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(max(batch), 0) FROM batches";
    transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|batch| batch as u64)
}

fn files(transaction: &Transaction<'_>, batch: u64, files: &Refresh<'_>) -> rusqlite::Result<()> {
    runs::replace(transaction, files.runs_removed, files.runs)?;
    visible::write(transaction, files.visible)?;
    if files.event_parts_done {
        transaction.execute("DELETE FROM event_parts", [])?;
    }
    event_files::replace(transaction, files.event_files_removed, files.event_files)?;
    swaps::write(transaction, files.removals, files.swaps, files.vanishing)?;
    renames::write(transaction, batch, files.renames)
}

fn batch(
    transaction: &Transaction<'_>,
    fence: u64,
    decision: &Decision<'_>,
) -> rusqlite::Result<()> {
    if decision.anew {
        super::rebuild::forget(transaction, decision.batch, decision.lost_bytes)?;
    }
    let segments = segments::write(transaction, decision.segments)?;
    super::rejects::write(transaction, decision.batch, &segments, decision.rejects)?;
    super::rejects::remove(transaction, decision.rejects_resolved)?;
    let meta = "INSERT OR REPLACE INTO meta VALUES (?1, ?2)";
    transaction.execute(meta, ["meaning", decision.meaning])?;
    let counters = decision.counters;
    if let Some(newest) = counters.newest_us {
        let watermark = "INSERT INTO meta VALUES ('watermark_us', ?1)
                         ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)";
        transaction.execute(watermark, [newest])?;
    }
    transaction.execute(
        "INSERT INTO batches VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            decision.batch as i64,
            fence as i64,
            super::random() as i64,
            jiff::Timestamp::now().as_microsecond(),
            decision.seconds,
            counters.mapped as i64,
            counters.filtered as i64,
            counters.rejected as i64,
            counters.late as i64,
            decision.rejects_resolved.len() as i64,
            counters.bytes as i64,
            decision.groups as i64,
            decision.lost_bytes as i64,
            decision.segments_read as i64,
            decision.gaps as i64,
        ],
    )?;
    segments::prune(transaction, decision.batch)?;
    super::batches::prune(transaction, decision.batch)
}
