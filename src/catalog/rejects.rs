//! Rejected lines.

use std::path::PathBuf;

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};
use crate::engine::reject::Reject;

/// A rejected line, as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectRow {
    /// The batch that met it.
    pub batch: u64,
    /// The file.
    pub path: PathBuf,
    /// Byte offset of the line in the (decompressed) file.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Why.
    pub reason: String,
    /// Its first bytes, as they stand.
    pub sample: Vec<u8>,
}

impl Catalog {
    /// Rejected lines, newest batch first, in the order of the files within a batch.
    pub fn rejects(&self, limit: u64) -> Result<Vec<RejectRow>, CatalogError> {
        let sql = "SELECT batch, path, offset, length, reason, sample FROM rejects
                       ORDER BY batch DESC, id LIMIT ?1";
        self.rows(sql, [limit.min(i64::MAX as u64) as i64], |row| {
            Ok(RejectRow {
                batch: row.get::<_, i64>(0)? as u64,
                path: path_of(&row.get::<_, Vec<u8>>(1)?),
                offset: row.get::<_, i64>(2)? as u64,
                length: row.get::<_, i64>(3)? as u64,
                reason: row.get(4)?,
                sample: row.get(5)?,
            })
        })
    }

    /// How many rejected lines are kept, by reason, the most frequent first.
    pub fn reject_reasons(&self) -> Result<Vec<(String, u64)>, CatalogError> {
        let sql =
            "SELECT reason, count(*) FROM rejects GROUP BY reason ORDER BY count(*) DESC, reason";
        self.rows(sql, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))
    }
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    batch: u64,
    rejects: &[(PathBuf, Reject)],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO rejects (batch, path, offset, length, reason, sample) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut statement = transaction.prepare(sql)?;
    for (path, r) in rejects {
        let (offset, length) = (r.offset as i64, r.length as i64);
        statement.execute(params![
            batch as i64,
            bytes_of(path),
            offset,
            length,
            r.reason,
            r.sample
        ])?;
    }
    Ok(())
}
