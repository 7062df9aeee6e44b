//! Parts of events files: staged files of decided batches that readers don't see yet. `watch` publishes those of a minute
//! together, so that its batches don't become a small file each.

use std::path::PathBuf;

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};

/// A staged file of events that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPart {
    /// Where it is.
    pub staged: PathBuf,
    /// Start of its time partition, microseconds.
    pub partition_us: i64,
    /// Its size.
    pub bytes: u64,
    /// xxh3-64 of its bytes.
    pub checksum: u64,
}

impl Catalog {
    /// All parts that wait, by partition, the oldest first.
    pub fn event_parts(&self) -> Result<Vec<EventPart>, CatalogError> {
        let sql = "SELECT staged, partition_us, bytes, checksum FROM event_parts ORDER BY partition_us, sequence";
        self.rows(sql, [], |row| {
            Ok(EventPart {
                staged: path_of(&row.get::<_, Vec<u8>>(0)?),
                partition_us: row.get(1)?,
                bytes: row.get::<_, i64>(2)? as u64,
                checksum: row.get::<_, i64>(3)? as u64,
            })
        })
    }
}

pub(super) fn write(transaction: &Transaction<'_>, parts: &[EventPart]) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "INSERT INTO event_parts VALUES (?1, ?2, (SELECT coalesce(max(sequence), 0) + 1 FROM event_parts), ?3, ?4)",
    )?;
    for part in parts {
        let (bytes, checksum) = (part.bytes as i64, part.checksum as i64);
        statement.execute(params![bytes_of(&part.staged), part.partition_us, bytes, checksum])?;
    }
    Ok(())
}
