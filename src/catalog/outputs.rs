//! The outbox: which batch each SQL output has. What an output lacks is read from the store, so that several waiting
//! batches collapse into one delivery.

use rusqlite::{OptionalExtension, params};

use super::{Catalog, CatalogError};

/// What is known of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRow {
    /// Such as `mysql:http_traffic`.
    pub name: String,
    /// Where it was when it got that: another place has nothing yet.
    pub place: String,
    /// The last batch that it has; 0 for none.
    pub delivered: u64,
    /// When it was tried last, microseconds since the Unix epoch.
    pub tried_us: i64,
    /// Why it has not more.
    pub error: Option<String>,
}

impl Catalog {
    /// An output's row; a new output has nothing.
    pub fn output(&self, name: &str) -> Result<OutputRow, CatalogError> {
        let sql = "SELECT name, place, delivered, tried_us, error FROM outputs WHERE name = ?1";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(OutputRow {
                name: row.get(0)?,
                place: row.get(1)?,
                delivered: row.get::<_, i64>(2)? as u64,
                tried_us: row.get(3)?,
                error: row.get(4)?,
            })
        };
        let found =
            self.connection.query_row(sql, [name], read).optional().map_err(self.fail("read"))?;
        let fresh = || OutputRow {
            name: name.to_owned(),
            place: String::new(),
            delivered: 0,
            tried_us: 0,
            error: None,
        };
        Ok(found.unwrap_or_else(fresh))
    }

    /// Notes how deliveries went. The tables themselves tell what they have.
    pub fn set_outputs(&mut self, rows: &[OutputRow]) -> Result<(), CatalogError> {
        self.note(|transaction, _| {
            let sql = "INSERT OR REPLACE INTO outputs VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut statement = transaction.prepare(sql)?;
            for row in rows {
                let delivered = row.delivered as i64;
                statement.execute(params![
                    row.name,
                    row.place,
                    delivered,
                    row.tried_us,
                    row.error
                ])?;
            }
            Ok(())
        })
    }
}
