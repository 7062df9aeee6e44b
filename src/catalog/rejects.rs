//! Rejected lines.

use std::path::PathBuf;

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};
use crate::engine::reject::Reject;
use crate::limits::{REJECT_SAMPLES_TOTAL_MAX, REJECTS_TOTAL_MAX};

/// A rejected line, as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectRow {
    /// Its number; later ones have higher numbers.
    pub id: i64,
    /// The batch that met it.
    pub batch: u64,
    /// The catalog's number of its segment.
    pub segment: u64,
    /// The file.
    pub path: PathBuf,
    /// The rank of the segment in the order of lines, as that batch saw it.
    pub rank: (i64, u64),
    /// Byte offset of the line in the (decompressed) file.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Why.
    pub reason: String,
    /// Its first bytes, as they stand.
    pub sample: Vec<u8>,
}

/// How many rejected lines the catalog keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RejectsKept {
    /// All that are kept.
    pub lines: u64,
    /// Those with their first bytes.
    pub samples: u64,
}

const COLUMNS: &str = "id, batch, segment, path, rank_time, rank, offset, length, reason, sample";

impl Catalog {
    /// Rejected lines, newest batch first, in the order of the files within a batch.
    pub fn rejects(&self, limit: u64) -> Result<Vec<RejectRow>, CatalogError> {
        let sql = format!("SELECT {COLUMNS} FROM rejects ORDER BY batch DESC, id LIMIT ?1");
        self.rows(&sql, [limit.min(i64::MAX as u64) as i64], reject_row)
    }

    /// The next rejected lines that are kept with their first bytes, behind the one with the number `after`.
    pub fn rejects_after(&self, after: i64, limit: u64) -> Result<Vec<RejectRow>, CatalogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM rejects WHERE sample <> x'' AND id > ?1 ORDER BY id LIMIT ?2"
        );
        self.rows(&sql, [after, limit.min(i64::MAX as u64) as i64], reject_row)
    }

    /// How many rejected lines are kept.
    pub fn rejects_kept(&self) -> Result<RejectsKept, CatalogError> {
        let sql = "SELECT (SELECT count(*) FROM rejects), (SELECT count(*) FROM rejects WHERE sample <> x'')";
        let read = |row: &rusqlite::Row<'_>| {
            let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
            Ok(RejectsKept { lines: number(0)?, samples: number(1)? })
        };
        self.connection.query_row(sql, [], read).map_err(self.fail("read"))
    }

    /// How many rejected lines are kept, by reason, the most frequent first.
    pub fn reject_reasons(&self) -> Result<Vec<(String, u64)>, CatalogError> {
        let sql =
            "SELECT reason, count(*) FROM rejects GROUP BY reason ORDER BY count(*) DESC, reason";
        self.rows(sql, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))
    }
}

fn reject_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<RejectRow> {
    let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
    Ok(RejectRow {
        id: row.get(0)?,
        batch: number(1)?,
        segment: number(2)?,
        path: path_of(&row.get::<_, Vec<u8>>(3)?),
        rank: (row.get(4)?, number(5)?),
        offset: number(6)?,
        length: number(7)?,
        reason: row.get(8)?,
        sample: row.get(9)?,
    })
}

/// `segments`: the numbers of the segments that the rejects name by index.
pub(super) fn write(
    transaction: &Transaction<'_>,
    batch: u64,
    segments: &[i64],
    rejects: &[(PathBuf, Reject)],
) -> rusqlite::Result<()> {
    if rejects.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO rejects (batch, segment, path, rank_time, rank, offset, length, reason, sample)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut statement = transaction.prepare(sql)?;
    for (path, r) in rejects {
        statement.execute(params![
            batch as i64,
            segments.get(r.segment).copied().unwrap_or_default(),
            bytes_of(path),
            r.rank.0,
            r.rank.1 as i64,
            r.offset as i64,
            r.length as i64,
            r.reason,
            r.sample
        ])?;
    }
    prune(transaction, REJECTS_TOTAL_MAX, REJECT_SAMPLES_TOTAL_MAX)
}

/// Bounds what is kept of all batches together: the oldest go first. Their number stays in the counters.
fn prune(transaction: &Transaction<'_>, lines: u64, samples: u64) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM rejects WHERE id <= (SELECT max(id) FROM rejects) - ?1",
        [lines as i64],
    )?;
    let sql = "SELECT count(*) FROM rejects WHERE sample <> x''";
    let kept = transaction.query_row(sql, [], |row| row.get::<_, i64>(0))?;
    let surplus = kept - samples as i64;
    if surplus > 0 {
        transaction.execute(
            "UPDATE rejects SET sample = x'' WHERE id IN
                 (SELECT id FROM rejects WHERE sample <> x'' ORDER BY id LIMIT ?1)",
            [surplus],
        )?;
    }
    Ok(())
}

/// They are no rejects any more.
pub(super) fn remove(transaction: &Transaction<'_>, ids: &[i64]) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare("DELETE FROM rejects WHERE id = ?1")?;
    for id in ids {
        statement.execute([id])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_rejects_go_first_and_before_them_their_samples() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut catalog = Catalog::open(dir.path()).expect("a catalog");
        let reject = |offset: u64| Reject {
            segment: 0,
            rank: (0, 0),
            offset,
            length: 1,
            reason: "x".into(),
            sample: vec![1],
        };
        let rejects: Vec<_> = (0..100).map(|at| (PathBuf::from("a.log"), reject(at))).collect();
        catalog
            .write(|transaction, _| {
                write(transaction, 1, &[7], &rejects)?;
                prune(transaction, 60, 25)
            })
            .expect("written");
        let kept = catalog.rejects_kept().expect("numbers");
        assert_eq!(kept, RejectsKept { lines: 60, samples: 25 });
        let first = &catalog.rejects(1).expect("rows")[0];
        assert_eq!((first.offset, first.segment, first.sample.len()), (40, 7, 0));
        let sampled = catalog.rejects_after(0, 1000).expect("rows");
        assert_eq!((sampled.len(), sampled[0].offset), (25, 75));
    }
}
