//! The marks of each segment, by which copies are known. Read for the segments that a new file begins like.

use rusqlite::{OptionalExtension, Transaction};

use super::{Catalog, CatalogError};
use crate::source::Marks;

const READ: &str = "SELECT marks FROM marks WHERE segment = ?1";

impl Catalog {
    /// The marks of a segment.
    pub fn marks(&self, segment: u64) -> Result<Marks, CatalogError> {
        let read = || {
            let mut statement = self.connection.prepare(READ)?;
            let read = |row: &rusqlite::Row<'_>| Ok(Marks::from_bytes(row.get_ref(0)?.as_blob()?));
            statement.query_row([segment as i64], read).optional()
        };
        Ok(read().map_err(self.fail("read"))?.unwrap_or_default())
    }
}

/// Adds what a batch read of a segment.
pub(super) fn append(
    transaction: &Transaction<'_>,
    segment: i64,
    newer: &Marks,
) -> rusqlite::Result<()> {
    if newer.is_empty() {
        return Ok(());
    }
    let read = |row: &rusqlite::Row<'_>| Ok(Marks::from_bytes(row.get_ref(0)?.as_blob()?));
    let known = transaction.prepare(READ)?.query_row([segment], read).optional()?;
    let mut marks = known.unwrap_or_default();
    marks.append(newer);
    let write = "INSERT OR REPLACE INTO marks VALUES (?1, ?2)";
    let values = rusqlite::params![segment, marks.to_bytes()];
    transaction.prepare(write)?.execute(values).map(drop)
}
