//! SQL outputs: one table a job in SQLite, MySQL or MariaDB, and a table of batches beside it.
//!
//! A delivery brings the full merged values of the groups that a batch changed: they replace, they never add. It is one
//! transaction, with a row in the table of batches (`<table>_batches`), so that a delivery can be repeated, and a lost
//! answer to COMMIT is settled by looking there. The rules for that row stand in `position.rs`.

use std::path::{Path, PathBuf};

use arrow_array::{BinaryArray, RecordBatch};
use arrow_schema::SchemaRef;

mod error;
mod mysql;
mod parse;
mod position;
mod rows;
mod sqlite;
mod value;

pub use error::{BoxError, DeliverError};
pub use mysql::Patience;
pub use position::Position;

/// The table that a job writes.
#[derive(Debug, Clone)]
pub struct SqlTable {
    /// Name of the job, for the table of batches.
    pub job: String,
    /// Name of the table; the table of batches is named `<table>_batches`.
    pub table: String,
    /// The summary's columns: `Int64`, `Decimal128(38, s)`, `Float64`, `Utf8` or `Utf8View`, `Boolean`,
    /// `Timestamp(Microsecond, UTC)`.
    pub schema: SchemaRef,
    /// The first so many columns are the group's key. 0: the table has one row.
    pub key_columns: usize,
}

/// Changed groups, with their full values.
#[derive(Debug, Clone)]
pub struct SummaryBlock {
    /// Rows with the table's schema.
    pub rows: RecordBatch,
    /// The canonical bytes of each row's group key: the same for the same group in every batch, and unique.
    pub keys: BinaryArray,
}

/// The blocks of one delivery. An `Err` rolls the delivery back.
pub type BlockIter<'a> = Box<dyn Iterator<Item = Result<SummaryBlock, BoxError>> + 'a>;

/// What a delivery is, apart from its rows.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Name of the job.
    pub job: String,
    /// Names the state directory that decides what the table holds.
    pub state_id: String,
    /// Number of the newest batch in it, from 1 on.
    pub batch: u64,
    /// Number of the run that delivers; each run has a greater one than those before it.
    pub fence: u64,
    /// A random number that the catalog drew for this batch. It tells apart the batches of two histories that bear the
    /// same number, when a state directory was restored from a copy.
    pub token: u64,
    /// Takes over a table that belongs to another state, or that knows a later batch.
    pub adopt: bool,
    /// The blocks are the whole summary: the table is emptied first, in the same transaction. Such a delivery is
    /// carried out even if the table knows its batch already.
    pub replace_all: bool,
    /// With `replace_all`, a table of this state (or one that is taken over) with other columns is made anew with the job's;
    /// else such a table is refused.
    pub reshape: bool,
    /// Where its rows may be sorted.
    pub sort: SortSpace,
}

/// What a delivery may take for sorting its rows. The rows that a table gets are the same, whatever there is.
#[derive(Debug, Clone)]
pub struct SortSpace {
    /// Memory of the job; a part of it is taken.
    pub memory_bytes: usize,
    /// A file that is made where that is too little. It has a name for a moment only.
    pub file: PathBuf,
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Rows that were inserted or replaced; 0 if the table knew the batch already.
    pub rows: u64,
}

/// A table in a database.
pub trait SqlOutput: Send {
    /// Where it is, for messages: never holds a password.
    fn describe(&self) -> String;

    /// The statements that create the tables when they are missing.
    fn ddl(&self) -> String;

    /// The newest batch that the table knows. `None` if it knows none, or if one of its two tables is missing: then
    /// everything is to be delivered. Waits for another session's transaction on the table. Creates nothing.
    ///
    /// # Errors
    /// [`DeliverError::Unavailable`] and [`DeliverError::Refused`].
    fn position(&mut self) -> Result<Option<Position>, DeliverError>;

    /// Writes the rows in one transaction. `blocks` is called once an attempt, and not at all if
    /// there is nothing to do: a transaction that lost against another
    /// one starts again. After any error the table is as it was, or (COMMIT's answer lost for good) the next
    /// call finds the batch in it.
    ///
    /// # Errors
    /// Every kind of [`DeliverError`].
    fn deliver<'a>(
        &mut self,
        delivery: &Delivery,
        blocks: &mut dyn FnMut() -> BlockIter<'a>,
    ) -> Result<Delivered, DeliverError>;

    /// Reads the table's rows, in batches with the table's schema and in no certain order. `window`: only those with
    /// `window_start` from the first microsecond to before the second, if that is the first column. Floats come back with
    /// their bits, decimals with their digits.
    ///
    /// # Errors
    /// Every kind of [`DeliverError`]; an error of `each` is [`DeliverError::Source`]. A missing table is an error too.
    fn read(
        &mut self,
        window: Option<(i64, i64)>,
        each: &mut dyn FnMut(RecordBatch) -> Result<(), BoxError>,
    ) -> Result<(), DeliverError>;

    /// The rows as [`SqlOutput::read`] gives them back: values that the database does not have are NULL in it (NaN, but in
    /// SQLite not in a key; with a server the infinities, and timestamps outside of the years 1 to 9999), and -0 is 0.
    ///
    /// # Errors
    /// [`DeliverError::Refused`] for rows of another schema.
    fn stored(&self, rows: &RecordBatch) -> Result<RecordBatch, DeliverError>;
}

pub use sqlite::files_in_use as sqlite_files_in_use;

/// A table in an SQLite file, which is opened, and created with its folder, when it is first written.
pub fn sqlite(path: &Path, table: SqlTable) -> Box<dyn SqlOutput> {
    Box::new(sqlite::SqliteOutput::new(path, table))
}

/// A table in MySQL or MariaDB. The URL is `mysql://user:password@host:port/database?option=value`, with the options of
/// `mysql_async` (`require_ssl=true`, …) and `ssl_ca=FILE`, a PEM file of certificate authorities, which implies TLS.
/// Does not connect yet.
///
/// # Errors
/// [`DeliverError::Refused`] for a URL that can't be read, and a table that the server can't hold.
pub fn mysql(url: &str, table: SqlTable) -> Result<Box<dyn SqlOutput>, DeliverError> {
    mysql_with_patience(url, Patience::default(), table)
}

/// As [`mysql`], with other limits for its waits.
///
/// # Errors
/// As those of [`mysql`].
pub fn mysql_with_patience(
    url: &str,
    patience: Patience,
    table: SqlTable,
) -> Result<Box<dyn SqlOutput>, DeliverError> {
    Ok(Box::new(mysql::MysqlOutput::new(url, patience, table)?))
}

/// Name of the table of batches.
fn batches_name(table: &str) -> String {
    format!("{table}_batches")
}

/// Rows of the table of batches that are kept; older ones are of no use to anybody.
const BATCHES_KEPT: u64 = 1_000;
