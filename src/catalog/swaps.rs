//! What is to be done to visible files after a decision, beside renames: files to be removed, and folders that take the
//! place of others.

use std::path::PathBuf;

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};

/// A folder that takes the place of one that readers see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// Where it was built; the former folder comes to lie there.
    pub staged: PathBuf,
    /// Where readers look.
    pub published: PathBuf,
    /// A path in the new folder that the former one does not have: it tells which of the two is where.
    pub marker: PathBuf,
}

impl Catalog {
    /// Files that are to be removed and may not be yet.
    pub fn pending_removals(&self) -> Result<Vec<PathBuf>, CatalogError> {
        self.paths("removals")
    }

    /// Files, by the names that readers know them by, that are to vanish with the folders of pending swaps.
    pub fn vanishing(&self) -> Result<Vec<PathBuf>, CatalogError> {
        self.paths("vanishing")
    }

    fn paths(&self, table: &str) -> Result<Vec<PathBuf>, CatalogError> {
        self.rows(&format!("SELECT path FROM {table} ORDER BY path"), [], |row| {
            Ok(path_of(&row.get::<_, Vec<u8>>(0)?))
        })
    }

    /// Swaps that may not have happened yet.
    pub fn pending_swaps(&self) -> Result<Vec<Swap>, CatalogError> {
        self.swaps("WHERE NOT done")
    }

    /// Swaps that have happened; the former folders are still there, for readers who are just looking into them.
    pub fn done_swaps(&self) -> Result<Vec<Swap>, CatalogError> {
        self.swaps("WHERE done")
    }

    fn swaps(&self, which: &str) -> Result<Vec<Swap>, CatalogError> {
        let sql = format!("SELECT staged, published, marker FROM swaps {which} ORDER BY staged");
        self.rows(&sql, [], |row| {
            let path = |at| row.get::<_, Vec<u8>>(at).map(|bytes| path_of(&bytes));
            Ok(Swap { staged: path(0)?, published: path(1)?, marker: path(2)? })
        })
    }

    /// The former folders of all swaps that have happened may go.
    pub fn forget_swaps(&mut self) -> Result<(), CatalogError> {
        self.write(|transaction, _| {
            transaction.execute("DELETE FROM swaps WHERE done", []).map(drop)
        })
    }
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    removals: &[PathBuf],
    swaps: &[Swap],
    vanishing: &[PathBuf],
) -> rusqlite::Result<()> {
    for (table, paths) in [("removals", removals), ("vanishing", vanishing)] {
        let sql = format!("INSERT OR REPLACE INTO {table} VALUES (?1)");
        let mut statement = transaction.prepare(&sql)?;
        for path in paths {
            statement.execute([bytes_of(path)])?;
        }
    }
    let mut statement = transaction.prepare("INSERT INTO swaps VALUES (?1, ?2, ?3, 0)")?;
    for swap in swaps {
        let published = bytes_of(&swap.published);
        statement.execute(params![bytes_of(&swap.staged), published, bytes_of(&swap.marker)])?;
    }
    Ok(())
}
