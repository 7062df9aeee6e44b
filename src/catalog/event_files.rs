//! Which files of events are visible: so that they can be replaced, merged and checked without looking into folders.

use std::path::PathBuf;

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};

/// A published file of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFile {
    /// Where it is.
    pub path: PathBuf,
    /// Start of its time partition, microseconds.
    pub partition_us: i64,
    /// The newest batch that it has records of.
    pub batch: u64,
    /// Its size.
    pub bytes: u64,
    /// xxh3-64 of its bytes.
    pub checksum: u64,
}

impl Catalog {
    /// All files of events.
    pub fn event_files(&self) -> Result<Vec<EventFile>, CatalogError> {
        self.rows(&select("ORDER BY partition_us, batch, length(path), path"), [], event_file)
    }

    /// Those of one partition, the oldest first.
    pub fn event_files_of(&self, partition_us: i64) -> Result<Vec<EventFile>, CatalogError> {
        let sql = select("WHERE partition_us = ?1 ORDER BY batch, length(path), path");
        self.rows(&sql, [partition_us], event_file)
    }

    /// The partitions with more than `count` files of less than `bytes`.
    pub fn crowded_partitions(&self, bytes: u64, count: u64) -> Result<Vec<i64>, CatalogError> {
        let sql = "SELECT partition_us FROM event_files WHERE bytes < ?1 GROUP BY partition_us
                   HAVING count(*) > ?2 ORDER BY partition_us";
        self.rows(sql, [bytes as i64, count as i64], |row| row.get(0))
    }
}

fn select(tail: &str) -> String {
    format!("SELECT path, partition_us, batch, bytes, checksum FROM event_files {tail}")
}

fn event_file(row: &rusqlite::Row<'_>) -> rusqlite::Result<EventFile> {
    let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
    Ok(EventFile {
        path: path_of(&row.get::<_, Vec<u8>>(0)?),
        partition_us: row.get(1)?,
        batch: number(2)?,
        bytes: number(3)?,
        checksum: number(4)?,
    })
}

/// Takes files away, and adds others.
pub(super) fn replace(
    transaction: &Transaction<'_>,
    removed: &[PathBuf],
    added: &[EventFile],
) -> rusqlite::Result<()> {
    let mut remove = transaction.prepare("DELETE FROM event_files WHERE path = ?1")?;
    for path in removed {
        remove.execute([bytes_of(path)])?;
    }
    let mut add =
        transaction.prepare("INSERT OR REPLACE INTO event_files VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for file in added {
        let (batch, bytes) = (file.batch as i64, file.bytes as i64);
        let checksum = file.checksum as i64;
        add.execute(params![bytes_of(&file.path), file.partition_us, batch, bytes, checksum])?;
    }
    Ok(())
}
