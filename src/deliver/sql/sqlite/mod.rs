//! SQLite: the embedded default. The file is opened for each delivery and closed after it, so that it is whole for whoever
//! copies it; its journal mode stays as found (a rollback journal for a new one, which any reader can read, from a read-only
//! folder too).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arrow_array::RecordBatch;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};

use super::position::{Verdict, judge};
use super::value::{ColumnDef, DEFECT, columns};
use super::{
    BATCHES_KEPT, BlockIter, BoxError, DeliverError, Delivered, Delivery, Position, SqlOutput,
    SqlTable, rows,
};

mod ddl;
mod read;
mod write;

/// How long another writer, or a reader while we commit, may hold the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Changed pages that are kept in memory, in bytes: a sixteenth of the limit, between these. Up to there a reader is held up
/// by the COMMIT only.
const CACHE_BYTES: std::ops::RangeInclusive<usize> = 2 << 20..=64 << 20;

/// The files that this process has written to, or is about to.
static FILES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Every SQLite file that an output of this process is in. Nobody else in this process may open one, or a file that SQLite keeps
/// beside it: closing it takes away the locks that SQLite has on it (sqlite.org/howtocorrupt.html, section 2.2).
pub fn files_in_use() -> Vec<PathBuf> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// A table in an SQLite file.
pub(super) struct SqliteOutput {
    path: PathBuf,
    place: String,
    table: SqlTable,
    columns: Vec<ColumnDef>,
}

impl SqliteOutput {
    pub(super) fn new(path: &Path, table: SqlTable) -> Self {
        FILES.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
        let place = format!("{} (SQLite, table {})", path.display(), table.table);
        let columns = columns(&table.schema);
        SqliteOutput { path: path.into(), place, table, columns }
    }

    fn open(&self) -> Result<Connection, DeliverError> {
        if self.path.is_dir() {
            return Err(self.refused("is a folder", "give the path of a file"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            // EXTRA syncs the folder behind the removal of the journal too: else a power cut can bring the journal back, which
            // undoes a delivery that the catalog has noted as done.
            connection.pragma_update(None, "synchronous", "EXTRA")?;
            Ok(connection)
        };
        open().map_err(|error| self.fault(error))
    }

    /// Opens the file for a delivery, with as many changed pages in memory as the job's limit leaves.
    fn open_for_writing(&self, memory_bytes: usize) -> Result<Connection, DeliverError> {
        let connection = self.open()?;
        let bytes = (memory_bytes / 16).clamp(*CACHE_BYTES.start(), *CACHE_BYTES.end());
        // Negative: in KiB, not in pages.
        let set = connection.pragma_update(None, "cache_size", -(bytes as i64 / 1024));
        set.map_err(|error| self.fault(error))?;
        Ok(connection)
    }

    fn create_folder(&self) -> Result<(), DeliverError> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let Some(folder) = folder else { return Ok(()) };
        std::fs::create_dir_all(folder).map_err(|error| {
            let problem = format!("cannot create the folder {}: {error}", folder.display());
            self.refused(problem, "check the path and its permissions")
        })
    }

    fn refused(&self, problem: impl Into<String>, help: impl Into<String>) -> DeliverError {
        DeliverError::refused(&self.place, problem, help)
    }

    fn fault(&self, error: rusqlite::Error) -> DeliverError {
        let code = error.sqlite_error_code();
        let (passes, help) = match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                (true, "another program holds the file; the delivery is tried again")
            }
            Some(ErrorCode::DiskFull) => (true, "make room on the disk"),
            Some(ErrorCode::SystemIoFailure) => (true, "check the disk"),
            Some(ErrorCode::NotADatabase) => {
                (false, "the file is not an SQLite database: move it away, or give another path")
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                (false, "make the file and its folder writable for this user")
            }
            Some(ErrorCode::CannotOpen) => (false, "check the path and its permissions"),
            Some(ErrorCode::DatabaseCorrupt) => {
                (false, "move the file away: the next run writes the whole table anew")
            }
            _ => (false, "if another program made or changed the table, drop or rename it"),
        };
        let problem = error.to_string();
        match passes {
            true => DeliverError::unavailable(&self.place, problem, help),
            false => self.refused(problem, help),
        }
    }

    /// The newest batch; `None` too if one of the tables is missing.
    fn known(&self, connection: &Connection) -> Result<Option<Position>, DeliverError> {
        let names = (&self.table.table, ddl::batches_name(&self.table));
        let read = || {
            let count =
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN (?1, ?2)";
            let tables: i64 = connection.query_row(count, names, |row| row.get(0))?;
            if tables < 2 {
                return Ok(None);
            }
            connection.query_row(&ddl::newest_batch(&self.table), (), position_of).optional()
        };
        read().map_err(|error| self.fault(error))
    }

    fn transact<'a>(
        &self,
        connection: &mut Connection,
        delivery: &Delivery,
        blocks: &mut dyn FnMut() -> BlockIter<'a>,
    ) -> Result<Delivered, DeliverError> {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| self.fault(error))?;
        let known = self.known(&transaction)?;
        let verdict = judge(known.as_ref(), delivery);
        match verdict {
            Verdict::Refuse { problem, help } => return Err(self.refused(problem, help)),
            Verdict::Done => return Ok(Delivered { rows: 0 }),
            Verdict::Deliver | Verdict::TakeOver => {}
        }
        let reshape = delivery.reshape && delivery.replace_all && known.is_some();
        self.prepare(&transaction, reshape)?;
        if known.is_none() || verdict == Verdict::TakeOver {
            self.run(&transaction, &ddl::forget_batches(&self.table))?;
        }
        if delivery.replace_all {
            self.run(&transaction, &ddl::empty_table(&self.table))?;
        }
        let rows = self.write(&transaction, blocks())?;
        self.note_batch(&transaction, delivery, rows)?;
        transaction.commit().map_err(|error| self.fault(error))?;
        Ok(Delivered { rows })
    }

    /// Creates what is missing, and refuses what does not fit, or makes it anew.
    fn prepare(&self, connection: &Connection, reshape: bool) -> Result<(), DeliverError> {
        let create = ddl::create_table(&self.table, &self.columns);
        self.run(connection, &create)?;
        self.run(connection, &ddl::create_batches(&self.table))?;
        let fits = ddl::check(connection, &self.table, &self.columns)
            .map_err(|error| self.fault(error))?;
        match fits {
            Ok(()) => {}
            Err(_) if reshape => {
                self.run(connection, &ddl::drop_table(&self.table))?;
                self.run(connection, &create)?;
            }
            Err(problem) => {
                let help = "drop or rename that table, or give the job another one";
                return Err(self.refused(problem, help));
            }
        }
        match ddl::create_key(&self.table, &self.columns) {
            Some(create) => self.run(connection, &create),
            None => Ok(()),
        }
    }

    fn run(&self, connection: &Connection, statement: &str) -> Result<(), DeliverError> {
        connection.execute(statement, ()).map(drop).map_err(|error| self.fault(error))
    }

    fn note_batch(
        &self,
        connection: &Connection,
        delivery: &Delivery,
        rows: u64,
    ) -> Result<(), DeliverError> {
        let note = || {
            let oldest = delivery.batch.saturating_sub(BATCHES_KEPT);
            connection.execute(&ddl::prune_batches(&self.table), [number(oldest)])?;
            let (job, state_id) = (&delivery.job, &delivery.state_id);
            let now = super::value::TimestampText::now();
            let (batch, fence) = (number(delivery.batch), number(delivery.fence));
            let token = delivery.token.cast_signed();
            let row = (batch, fence, token, state_id, job, number(rows), now);
            connection.execute(&ddl::insert_batch(&self.table), row)
        };
        note().map(drop).map_err(|error: rusqlite::Error| self.fault(error))
    }
}

impl SqlOutput for SqliteOutput {
    fn describe(&self) -> String {
        self.place.clone()
    }

    fn ddl(&self) -> String {
        let mut statements = vec![ddl::create_table(&self.table, &self.columns)];
        statements.extend(ddl::create_key(&self.table, &self.columns));
        statements.push(ddl::create_batches(&self.table));
        statements.join(";\n\n") + ";\n"
    }

    fn position(&mut self) -> Result<Option<Position>, DeliverError> {
        if !self.path.exists() {
            return Ok(None);
        }
        self.known(&self.open()?)
    }

    fn deliver<'a>(
        &mut self,
        delivery: &Delivery,
        blocks: &mut dyn FnMut() -> BlockIter<'a>,
    ) -> Result<Delivered, DeliverError> {
        self.create_folder()?;
        let mut connection = self.open_for_writing(delivery.sort.memory_bytes)?;
        self.transact(&mut connection, delivery, blocks)
    }

    fn read(
        &mut self,
        window: Option<(i64, i64)>,
        each: &mut dyn FnMut(RecordBatch) -> Result<(), BoxError>,
    ) -> Result<(), DeliverError> {
        if !self.path.exists() {
            return Err(self.refused("the file does not exist", "run the job to write it"));
        }
        self.read_rows(&self.open()?, window, each)
    }

    fn stored(&self, rows: &RecordBatch) -> Result<RecordBatch, DeliverError> {
        let keys = self.table.key_columns;
        rows::stored(rows, &self.table.schema, &self.columns, |column, cell| {
            read::stored_cell(cell, column < keys)
        })
        .map_err(|problem| self.refused(problem, DEFECT))
    }
}

fn position_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Position> {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Position {
        state_id: row.get(0)?,
        batch: unsigned(row.get(1)?),
        fence: unsigned(row.get(2)?),
        token: row.get::<_, i64>(3)?.cast_unsigned(),
    })
}

/// SQLite's integers are signed; no batch or run gets that far.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
