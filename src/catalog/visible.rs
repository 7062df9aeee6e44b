//! Which visible file of the summary shows what: readers' files may be removed, and job files may name other folders.

use std::path::{Path, PathBuf};

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};

/// A published file of the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleFile {
    /// Where it is.
    pub path: PathBuf,
    /// The newest batch that it shows.
    pub batch: u64,
    /// Its size.
    pub bytes: u64,
}

impl Catalog {
    /// All files of the summary that were ever published and not forgotten.
    pub fn visible(&self) -> Result<Vec<VisibleFile>, CatalogError> {
        self.rows("SELECT path, batch, bytes FROM visible ORDER BY path", [], |row| {
            Ok(VisibleFile {
                path: path_of(&row.get::<_, Vec<u8>>(0)?),
                batch: row.get::<_, i64>(1)? as u64,
                bytes: row.get::<_, i64>(2)? as u64,
            })
        })
    }

    /// A file is not there, whatever was noted. Whether it is one of the summary.
    pub fn forget_visible(&mut self, file: &Path) -> Result<bool, CatalogError> {
        self.write(|transaction, _| {
            transaction
                .execute("DELETE FROM visible WHERE path = ?1", [bytes_of(file)])
                .map(|rows| rows > 0)
        })
    }
}

pub(super) fn write(transaction: &Transaction<'_>, files: &[VisibleFile]) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare("INSERT OR REPLACE INTO visible VALUES (?1, ?2, ?3)")?;
    for file in files {
        statement.execute(params![bytes_of(&file.path), file.batch as i64, file.bytes as i64])?;
    }
    Ok(())
}
