//! The runs of the store: each time partition is a list of sorted files, whose merge is its groups.

use rusqlite::{Transaction, params};

use super::{Catalog, CatalogError};

/// A sorted file of groups of one time partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Name in the job's state folder.
    pub file: String,
    /// Start of the partition, microseconds; 0 where there is one only.
    pub partition_us: i64,
    /// The last batch that changed a group of it.
    pub batch: u64,
    /// Groups in it.
    pub groups: u64,
    /// Its size.
    pub bytes: u64,
    /// xxh3-64 of its bytes.
    pub checksum: u64,
}

impl Catalog {
    /// The runs of the store: by partition, the oldest first.
    pub fn runs(&self) -> Result<Vec<Run>, CatalogError> {
        let sql = "SELECT file, partition_us, batch, groups, bytes, checksum FROM runs
                   ORDER BY partition_us, sequence";
        self.rows(sql, [], |row| {
            let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
            Ok(Run {
                file: row.get(0)?,
                partition_us: row.get(1)?,
                batch: number(2)?,
                groups: number(3)?,
                bytes: number(4)?,
                checksum: number(5)?,
            })
        })
    }
}

/// Takes runs away, and puts others behind those that are left.
pub(super) fn replace(
    transaction: &Transaction<'_>,
    removed: &[String],
    added: &[Run],
) -> rusqlite::Result<()> {
    let mut remove = transaction.prepare("DELETE FROM runs WHERE file = ?1")?;
    for file in removed {
        remove.execute([file])?;
    }
    let mut add = transaction.prepare(
        "INSERT INTO runs (file, partition_us, batch, groups, bytes, checksum, sequence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(sequence), 0) + 1 FROM runs WHERE partition_us = ?2))",
    )?;
    for run in added {
        let (groups, bytes, checksum) = (run.groups as i64, run.bytes as i64, run.checksum as i64);
        add.execute(params![
            run.file,
            run.partition_us,
            run.batch as i64,
            groups,
            bytes,
            checksum
        ])?;
    }
    Ok(())
}
