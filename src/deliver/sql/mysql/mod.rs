//! MySQL and MariaDB. A connection is kept between calls, but only one on which all went well: after any error it is
//! dropped, so that nothing that a broken or slow call left behind is ever used again.

use super::value::{self, ColumnDef, columns};
use super::{
    BlockIter, BoxError, DeliverError, Delivered, Delivery, Position, SqlOutput, SqlTable, rows,
};
use arrow_array::RecordBatch;

mod attempt;
mod connect;
mod ddl;
mod errors;
mod literal;
mod pairs;
mod read;
mod reshape;
mod retry;
mod run;
mod spill;
mod upsert;
mod url;

use attempt::Outcome;
pub use connect::Patience;
use connect::Session;
use errors::Fault;
use retry::retry;

/// A table in MySQL or MariaDB.
pub(super) struct MysqlOutput {
    target: url::Target,
    patience: Patience,
    table: SqlTable,
    columns: Vec<ColumnDef>,
    /// A connection without a transaction, whose last call went well.
    kept: Option<Session>,
}

impl MysqlOutput {
    pub(super) fn new(
        url: &str,
        patience: Patience,
        table: SqlTable,
    ) -> Result<Self, DeliverError> {
        let target = url::Target::parse(url, &table.table)?;
        let columns = columns(&table.schema);
        ddl::check_columns(&columns)
            .map_err(|(problem, help)| DeliverError::refused(&target.place, problem, help))?;
        Ok(MysqlOutput { target, patience, table, columns, kept: None })
    }

    /// A connection with a transaction that has just begun: the one that was kept, if it still answers, else a new one.
    fn begin(&mut self) -> Result<Session, Fault> {
        if let Some(mut kept) = self.kept.take() {
            if !kept.is_young() {
                kept.close();
            } else if kept.begins_again() {
                return Ok(kept);
            }
        }
        let mut session = Session::open(&self.target, self.patience)?;
        session.begin()?;
        Ok(session)
    }

    /// Ends a transaction that only looked, and keeps the connection.
    fn end(&mut self, mut session: Session) -> Result<(), Fault> {
        session.run("ROLLBACK")?;
        self.kept = Some(session);
        Ok(())
    }

    fn look(&mut self) -> Result<Option<Position>, Fault> {
        let mut session = self.begin()?;
        let tables = match session.prepared {
            true => Some((2,)),
            false => session.row::<(u64,)>(&ddl::count_tables(&self.table.table))?,
        };
        let known = match tables {
            Some((2,)) => attempt::lock_newest(&mut session, &self.table.table)?,
            _ => None,
        };
        self.end(session)?;
        Ok(known)
    }

    fn race(&self, problem: &str) -> Fault {
        let help = "the delivery is tried again";
        Fault::Race(DeliverError::unavailable(&self.target.place, problem, help))
    }

    fn refused(&self, problem: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault::Final(DeliverError::refused(&self.target.place, problem, help))
    }
}

impl SqlOutput for MysqlOutput {
    fn describe(&self) -> String {
        self.target.place.clone()
    }

    fn ddl(&self) -> String {
        let table = ddl::create_table(&self.table.table, &self.columns);
        format!("{table};\n\n{};\n", ddl::create_batches(&self.table.table))
    }

    fn position(&mut self) -> Result<Option<Position>, DeliverError> {
        retry(|| self.look())
    }

    fn deliver<'a>(
        &mut self,
        delivery: &Delivery,
        blocks: &mut dyn FnMut() -> BlockIter<'a>,
    ) -> Result<Delivered, DeliverError> {
        let mut rows_in_doubt = 0;
        retry(|| {
            let outcome = self.attempt(delivery, blocks);
            if let Err(Fault::CommitLost { rows, .. }) = outcome {
                rows_in_doubt = rows;
            }
            Ok(match outcome? {
                Outcome::Written(rows) => Delivered { rows },
                Outcome::Known => Delivered { rows: rows_in_doubt },
            })
        })
    }

    fn read(
        &mut self,
        window: Option<(i64, i64)>,
        each: &mut dyn FnMut(RecordBatch) -> Result<(), BoxError>,
    ) -> Result<(), DeliverError> {
        self.read_rows(window, each).map_err(Fault::into_error)
    }

    fn stored(&self, rows: &RecordBatch) -> Result<RecordBatch, DeliverError> {
        rows::stored(rows, &self.table.schema, &self.columns, |_, cell| read::stored_cell(cell))
            .map_err(|problem| DeliverError::refused(&self.target.place, problem, value::DEFECT))
    }
}

impl Drop for MysqlOutput {
    fn drop(&mut self) {
        if let Some(session) = self.kept.take() {
            session.close();
        }
    }
}
