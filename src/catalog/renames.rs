//! Renames of decided batches that may not have happened yet.

use std::path::PathBuf;

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};

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

impl Catalog {
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

    /// All renames, removals and swaps have happened, durably. That they have is only noted: each can be done again.
    pub fn mark_published(&mut self) -> Result<(), CatalogError> {
        self.note(|transaction, _| {
            transaction.execute_batch(
                "DELETE FROM renames; DELETE FROM removals; DELETE FROM vanishing; UPDATE swaps SET done = 1 WHERE NOT done;",
            )
        })
    }
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    batch: u64,
    renames: &[Rename],
) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare("INSERT INTO renames VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for file in renames {
        let (staged, published) = (bytes_of(&file.staged), bytes_of(&file.published));
        let (bytes, checksum) = (file.bytes as i64, file.checksum as i64);
        statement.execute(params![batch as i64, staged, published, bytes, checksum])?;
    }
    Ok(())
}
