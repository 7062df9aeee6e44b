//! The history of the batches.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Transaction};

use super::rebuild::REBUILT;
use super::{Catalog, CatalogError};
use crate::engine::reject::Counters;

/// Batches that are kept one by one; of older ones the sums are. A `watch` makes 86,400 a day.
const BATCHES_KEPT: u64 = 10_000;

/// One decided batch, for `history`.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchRow {
    /// Its number, from 1.
    pub batch: u64,
    /// When it was decided, microseconds since the Unix epoch.
    pub decided_us: i64,
    /// How long it took until then.
    pub seconds: f64,
    /// What became of the lines.
    pub counters: Counters,
    /// Formerly rejected lines that it merged.
    pub retried: u64,
    /// Groups that it touched.
    pub groups: u64,
    /// Bytes that nobody could read any more.
    pub lost_bytes: u64,
    /// Segments that were read.
    pub segments: u64,
    /// Logs that ended with a gap.
    pub gaps: u64,
}

/// All batches together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// What became of the lines.
    pub counters: Counters,
    /// Bytes that nobody could read any more.
    pub lost_bytes: u64,
    /// Logs of which what followed is gone, if there was anything.
    pub gaps: u64,
}

impl Catalog {
    /// The number of the last decided batch; 0 before the first.
    pub fn last_batch(&self) -> Result<u64, CatalogError> {
        self.connection
            .query_row("SELECT coalesce(max(batch), 0) FROM batches", [], |row| {
                row.get::<_, i64>(0)
            })
            .map(|batch| batch as u64)
            .map_err(self.fail("read"))
    }

    /// The random number of a batch, by which it is told from one with the same number in another life of this state;
    /// `None` for one that is not known any more.
    pub fn token(&self, batch: u64) -> Result<Option<u64>, CatalogError> {
        let sql = "SELECT token FROM batches WHERE batch = ?1";
        self.connection
            .query_row(sql, [batch as i64], |row| row.get::<_, i64>(0))
            .optional()
            .map(|token| token.map(|token| token as u64))
            .map_err(self.fail("read"))
    }

    /// The last `limit` batches, newest first.
    pub fn history(&self, limit: u64) -> Result<Vec<BatchRow>, CatalogError> {
        let sql = "SELECT batch, decided_us, seconds, mapped, filtered, rejected, bytes, groups, lost_bytes, segments,
                          late, retried, gaps
                   FROM batches ORDER BY batch DESC LIMIT ?1";
        self.rows(sql, [limit.min(i64::MAX as u64) as i64], batch_row)
    }

    /// The counters of all batches together. A line that was rejected and merged later counts as what it became.
    pub fn totals(&self) -> Result<Totals, CatalogError> {
        let sql = format!(
            "SELECT sum(mapped), sum(filtered), sum(rejected) - sum(retried), sum(bytes), sum(lost_bytes),
                    sum(late), sum(gaps)
             FROM (SELECT mapped, filtered, rejected, late, retried, bytes, lost_bytes, gaps FROM batches
                       WHERE batch >= {REBUILT} UNION ALL
                   SELECT mapped, filtered, rejected, late, retried, bytes, lost_bytes, gaps FROM former_batches)"
        );
        let read = |row: &rusqlite::Row<'_>| {
            let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
            let counters = Counters {
                mapped: number(0)?,
                filtered: number(1)?,
                rejected: number(2)?,
                bytes: number(3)?,
                late: number(5)?,
                ..Counters::default()
            };
            Ok(Totals { counters, lost_bytes: number(4)?, gaps: number(6)? })
        };
        self.connection.query_row(&sql, [], read).map_err(self.fail("read"))
    }
}

fn batch_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<BatchRow> {
    let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
    Ok(BatchRow {
        batch: number(0)?,
        decided_us: row.get(1)?,
        seconds: row.get(2)?,
        counters: Counters {
            mapped: number(3)?,
            filtered: number(4)?,
            rejected: number(5)?,
            bytes: number(6)?,
            late: number(10)?,
            ..Counters::default()
        },
        retried: number(11)?,
        groups: number(7)?,
        lost_bytes: number(8)?,
        segments: number(9)?,
        gaps: number(12)?,
    })
}

/// Adds the oldest batches up. A hundred at a time: it need not be in every transaction.
pub(super) fn prune(transaction: &Transaction<'_>, newest: u64) -> rusqlite::Result<()> {
    if newest <= BATCHES_KEPT || !newest.is_multiple_of(100) {
        return Ok(());
    }
    let last = (newest - BATCHES_KEPT) as i64;
    let sums = format!(
        "UPDATE former_batches SET
            batches = former_batches.batches + o.batches, mapped = former_batches.mapped + o.mapped,
            filtered = former_batches.filtered + o.filtered, rejected = former_batches.rejected + o.rejected,
            late = former_batches.late + o.late, retried = former_batches.retried + o.retried,
            bytes = former_batches.bytes + o.bytes, lost_bytes = former_batches.lost_bytes + o.lost_bytes,
            gaps = former_batches.gaps + o.gaps
         FROM (SELECT count(*) AS batches, coalesce(sum(mapped), 0) AS mapped, coalesce(sum(filtered), 0) AS filtered,
                      coalesce(sum(rejected), 0) AS rejected, coalesce(sum(late), 0) AS late,
                      coalesce(sum(retried), 0) AS retried, coalesce(sum(bytes), 0) AS bytes,
                      coalesce(sum(lost_bytes), 0) AS lost_bytes, coalesce(sum(gaps), 0) AS gaps
               FROM batches WHERE batch <= ?1 AND batch >= {REBUILT}) AS o"
    );
    transaction.execute(&sums, [last])?;
    transaction.execute("DELETE FROM batches WHERE batch <= ?1", [last]).map(drop)
}

/// Paths are bytes, not text.
pub(super) fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Decision, Refresh};

    #[test]
    fn old_batches_become_sums() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut catalog = Catalog::open(dir.path()).expect("a catalog");
        catalog.connection.execute_batch("PRAGMA synchronous = OFF").expect("for speed");
        let counters =
            Counters { mapped: 3, filtered: 2, rejected: 1, bytes: 100, ..Counters::default() };
        let batches = BATCHES_KEPT + 250;
        for batch in 1..=batches {
            let decision = Decision {
                batch,
                meaning: "",
                segments: &[],
                counters,
                rejects: &[],
                files: Refresh::default(),
                event_parts: &[],
                rejects_resolved: &[],
                anew: false,
                groups: 0,
                lost_bytes: 7,
                gaps: 1,
                segments_read: 0,
                seconds: 0.0,
            };
            catalog.decide(&decision).expect("decided");
        }
        let totals = catalog.totals().expect("totals");
        assert_eq!((totals.counters.mapped, totals.lost_bytes), (3 * batches, 7 * batches));
        let kept = catalog.history(u64::MAX).expect("history").len() as u64;
        assert!((BATCHES_KEPT..BATCHES_KEPT + 100).contains(&kept), "{kept}");
    }
}
