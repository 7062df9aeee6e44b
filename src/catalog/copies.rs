//! Files that are copies of what was read: so that they are told once, and not looked into again.

use rusqlite::params;

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};
use crate::source::Copy;

impl Catalog {
    /// The copies that the last look found.
    pub fn copies(&self) -> Result<Vec<Copy>, CatalogError> {
        let sql = "SELECT device, inode, path, size, mtime_ns, settled, segment, original, bytes, told FROM copies";
        self.rows(sql, [], |row| {
            let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
            Ok(Copy {
                device: number(0)?,
                inode: number(1)?,
                path: path_of(row.get_ref(2)?.as_blob()?),
                size: number(3)?,
                mtime_ns: row.get(4)?,
                settled: row.get(5)?,
                segment: number(6)?,
                original: path_of(row.get_ref(7)?.as_blob()?),
                bytes: number(8)?,
                told: row.get(9)?,
            })
        })
    }

    /// Stores the copies that a look found, in place of those of the last one.
    pub fn set_copies(&mut self, copies: &[Copy]) -> Result<(), CatalogError> {
        self.note(|transaction, _| {
            transaction.execute("DELETE FROM copies", [])?;
            let sql =
                "INSERT OR REPLACE INTO copies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
            let mut statement = transaction.prepare(sql)?;
            for copy in copies {
                statement.execute(params![
                    copy.device as i64,
                    copy.inode as i64,
                    bytes_of(&copy.path),
                    copy.size as i64,
                    copy.mtime_ns,
                    copy.settled,
                    copy.segment as i64,
                    bytes_of(&copy.original),
                    copy.bytes as i64,
                    copy.told,
                ])?;
            }
            Ok(())
        })
    }
}
