//! Which files hold the groups.

use rusqlite::{Transaction, params};

use super::{Catalog, CatalogError};

/// The groups of one time partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFile {
    /// Start of the partition, microseconds; 0 where there is one only.
    pub partition_us: i64,
    /// Name in the job's state folder.
    pub file: String,
    /// The batch that wrote it.
    pub batch: u64,
    /// Groups in it.
    pub groups: u64,
    /// Its size.
    pub bytes: u64,
    /// xxh3-64 of its bytes.
    pub checksum: u64,
}

impl Catalog {
    /// The files of the store, by partition.
    pub fn stores(&self) -> Result<Vec<StoreFile>, CatalogError> {
        let sql = "SELECT partition_us, file, batch, groups, bytes, checksum FROM stores ORDER BY partition_us";
        self.rows(sql, [], |row| {
            Ok(StoreFile {
                partition_us: row.get(0)?,
                file: row.get(1)?,
                batch: row.get::<_, i64>(2)? as u64,
                groups: row.get::<_, i64>(3)? as u64,
                bytes: row.get::<_, i64>(4)? as u64,
                checksum: row.get::<_, i64>(5)? as u64,
            })
        })
    }
}

pub(super) fn write(transaction: &Transaction<'_>, stores: &[StoreFile]) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare("INSERT OR REPLACE INTO stores VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for s in stores {
        let (groups, bytes, checksum) = (s.groups as i64, s.bytes as i64, s.checksum as i64);
        statement.execute(params![
            s.partition_us,
            s.file,
            s.batch as i64,
            groups,
            bytes,
            checksum
        ])?;
    }
    Ok(())
}
