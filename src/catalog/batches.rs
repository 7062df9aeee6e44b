//! Batches: the decision, its renames, its history.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{Transaction, params};

use super::stores::StoreFile;
use super::visible::VisibleFile;
use super::{Catalog, CatalogError};
use crate::engine::reject::{Counters, Reject};
use crate::source::SegmentState;

/// A staged file and the name that it gets once the batch is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Where it was written.
    pub staged: PathBuf,
    /// Where readers look.
    pub published: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// xxh3-64 of its bytes.
    pub checksum: u64,
}

/// Everything that one batch changes, decided as a whole.
#[derive(Debug)]
pub struct Decision<'d> {
    /// The batch's number: one more than the last decided one.
    pub batch: u64,
    /// The fence it was made under.
    pub fence: u64,
    /// Of the job that made it.
    pub fingerprint: &'d str,
    /// New states of the segments that were read or seen elsewhere; id 0 is a new one.
    pub segments: &'d [SegmentState],
    /// What became of the lines.
    pub counters: Counters,
    /// Rejected lines that are kept, with the path of each.
    pub rejects: &'d [(PathBuf, Reject)],
    /// Files to publish.
    pub renames: &'d [Rename],
    /// New files of the store.
    pub stores: &'d [StoreFile],
    /// What of `renames` shows them.
    pub visible: &'d [VisibleFile],
    /// Groups that the batch touched.
    pub groups: u64,
    /// Bytes that nobody can read any more.
    pub lost_bytes: u64,
    /// Segments that were read.
    pub segments_read: u64,
    /// Wall time until the decision.
    pub seconds: f64,
}

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
    /// Groups that it touched.
    pub groups: u64,
    /// Bytes that nobody could read any more.
    pub lost_bytes: u64,
    /// Segments that were read.
    pub segments: u64,
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

    /// Decides a batch: all of it, durably, or nothing of it.
    pub fn decide(&mut self, decision: &Decision<'_>) -> Result<(), CatalogError> {
        let path = self.path.clone();
        let fail = |source| CatalogError::Sql { action: "write", path: path.clone(), source };
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(fail)?;
        if !is_ours(&transaction, decision).map_err(fail)? {
            return Err(CatalogError::Fenced { ours: decision.fence });
        }
        write(&transaction, decision).map_err(fail)?;
        transaction.commit().map_err(fail)
    }

    /// Renames of decided batches that may not have happened yet.
    pub fn pending_renames(&self) -> Result<Vec<Rename>, CatalogError> {
        let sql = "SELECT staged, final, bytes, checksum FROM renames ORDER BY batch, staged";
        self.rows(sql, [], |row| {
            Ok(Rename {
                staged: path_of(&row.get::<_, Vec<u8>>(0)?),
                published: path_of(&row.get::<_, Vec<u8>>(1)?),
                bytes: row.get::<_, i64>(2)? as u64,
                checksum: row.get::<_, i64>(3)? as u64,
            })
        })
    }

    /// All renames have happened, durably.
    pub fn mark_published(&self) -> Result<(), CatalogError> {
        self.connection.execute("DELETE FROM renames", []).map(drop).map_err(self.fail("write"))
    }

    /// The last `limit` batches, newest first.
    pub fn history(&self, limit: u64) -> Result<Vec<BatchRow>, CatalogError> {
        let sql = "SELECT batch, decided_us, seconds, mapped, filtered, rejected, bytes, groups, lost_bytes, segments
                       FROM batches ORDER BY batch DESC LIMIT ?1";
        self.rows(sql, [limit.min(i64::MAX as u64) as i64], batch_row)
    }

    /// The counters of all batches together.
    pub fn totals(&self) -> Result<Counters, CatalogError> {
        let sql = "SELECT coalesce(sum(mapped), 0), coalesce(sum(filtered), 0), coalesce(sum(rejected), 0),
                   coalesce(sum(bytes), 0) FROM batches";
        let read = |row: &rusqlite::Row<'_>| {
            let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
            Ok(Counters {
                mapped: number(0)?,
                filtered: number(1)?,
                rejected: number(2)?,
                bytes: number(3)?,
                ..Counters::default()
            })
        };
        self.connection.query_row(sql, [], read).map_err(self.fail("read"))
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
            ..Counters::default()
        },
        groups: number(7)?,
        lost_bytes: number(8)?,
        segments: number(9)?,
    })
}

/// Whether nobody decided anything since this batch was planned.
fn is_ours(transaction: &Transaction<'_>, decision: &Decision<'_>) -> rusqlite::Result<bool> {
    let sql = "SELECT (SELECT value FROM meta WHERE key = 'fence'), (SELECT coalesce(max(batch), 0) FROM batches)";
    let (fence, batch): (i64, i64) =
        transaction.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(fence as u64 == decision.fence && batch as u64 + 1 == decision.batch)
}

fn write(transaction: &Transaction<'_>, decision: &Decision<'_>) -> rusqlite::Result<()> {
    super::segments::write(transaction, decision.segments)?;
    super::stores::write(transaction, decision.stores)?;
    super::visible::write(transaction, decision.visible)?;
    super::rejects::write(transaction, decision.batch, decision.rejects)?;
    let batch = decision.batch as i64;
    let mut rename = transaction.prepare("INSERT INTO renames VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for file in decision.renames {
        let (staged, published) = (bytes_of(&file.staged), bytes_of(&file.published));
        rename.execute(params![
            batch,
            staged,
            published,
            file.bytes as i64,
            file.checksum as i64
        ])?;
    }
    transaction.execute(
        "INSERT OR REPLACE INTO meta VALUES ('fingerprint', ?1)",
        [decision.fingerprint],
    )?;
    let counters = decision.counters;
    transaction.execute(
        "INSERT INTO batches VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            batch,
            decision.fence as i64,
            jiff::Timestamp::now().as_microsecond(),
            decision.seconds,
            counters.mapped as i64,
            counters.filtered as i64,
            counters.rejected as i64,
            counters.bytes as i64,
            decision.groups as i64,
            decision.lost_bytes as i64,
            decision.segments_read as i64,
        ],
    )?;
    Ok(())
}

/// Paths are bytes, not text.
pub(super) fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}
