//! MySQL and MariaDB: each call opens a connection of its own and closes it, so that nothing that a broken or slow call left
//! behind is ever used again.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use super::position::{Verdict, judge};
use super::value::{ColumnDef, TimestampText, columns};
use super::{
    BATCHES_KEPT, BlockIter, DeliverError, Delivered, Delivery, Position, SqlOutput, SqlTable,
};

mod connect;
mod ddl;
mod errors;
mod literal;
mod upsert;
mod url;

use connect::Session;
use errors::Fault;

/// How often a transaction starts again that lost against another one, or whose COMMIT was not answered.
const ATTEMPTS_MAX: u32 = 6;
/// The longest pause before the second attempt; it doubles with each one.
const FIRST_PAUSE_MAX: Duration = Duration::from_millis(100);
/// Rows that one DELETE removes when a table is emptied, so that none outlasts the statement's time.
const DELETE_ROWS: u32 = 20_000;

/// A table in MySQL or MariaDB.
pub(super) struct MysqlOutput {
    target: url::Target,
    table: SqlTable,
    columns: Vec<ColumnDef>,
}

impl MysqlOutput {
    pub(super) fn new(url: &str, table: SqlTable) -> Result<Self, DeliverError> {
        let target = url::Target::parse(url, &table.table)?;
        let columns = columns(&table.schema);
        ddl::check_columns(&columns)
            .map_err(|(problem, help)| DeliverError::refused(&target.place, problem, help))?;
        Ok(MysqlOutput { target, table, columns })
    }

    /// One whole attempt at a delivery.
    fn attempt<'a>(
        &self,
        delivery: &Delivery,
        blocks: &mut dyn FnMut() -> BlockIter<'a>,
    ) -> Result<Outcome, Fault> {
        let mut session = Session::open(&self.target)?;
        let created = self.prepare(&mut session)?;
        session.run("START TRANSACTION")?;
        let known = if created { None } else { self.lock_newest(&mut session)? };
        let verdict = judge(known.as_ref(), delivery);
        match verdict {
            Verdict::Refuse { problem, help } => return Err(self.refused(problem, help)),
            Verdict::Done => {
                session.close();
                return Ok(Outcome::Known);
            }
            Verdict::Deliver | Verdict::TakeOver => {}
        }
        if created || verdict == Verdict::TakeOver {
            session.run(ddl::forget_batches(&self.table.table))?;
        }
        if delivery.replace_all {
            self.empty(&mut session)?;
        }
        let rows = upsert::write(&mut session, &self.table, &self.columns, blocks())?;
        self.note_batch(&mut session, delivery, rows)?;
        session.commit(rows)?;
        session.close();
        Ok(Outcome::Written(rows))
    }

    /// Creates what is missing, before the transaction, which DDL would commit. Says whether the table itself was
    /// missing: then nothing that the table of batches says is true.
    fn prepare(&self, session: &mut Session) -> Result<bool, Fault> {
        let found = ddl::columns_found(session, &self.table.table)?;
        if found.is_empty() {
            session.run(ddl::create_new_table(&self.table.table, &self.columns))?;
        } else {
            ddl::compare(&self.columns, &found).map_err(|problem| {
                self.refused(problem, "drop or rename that table, or give the job another one")
            })?;
        }
        session.run(ddl::create_batches(&self.table.table))?;
        Ok(found.is_empty())
    }

    /// The newest batch, under lock: waits for a transaction whose end its client did not see.
    fn lock_newest(&self, session: &mut Session) -> Result<Option<Position>, Fault> {
        let row = session.row::<(String, u64, u64, u64)>(&ddl::lock_newest(&self.table.table))?;
        Ok(row.map(|(state_id, batch, fence, token)| Position { state_id, batch, fence, token }))
    }

    fn empty(&self, session: &mut Session) -> Result<(), Fault> {
        let delete = ddl::delete_some(&self.table.table, DELETE_ROWS);
        while session.run(&delete)? > 0 {}
        Ok(())
    }

    /// Writes the batch's row, and looks whether another state did so too: an empty table has no row that the first look
    /// could have locked. Of two first writers one waits here or falls to the deadlock check, and starts again.
    fn note_batch(
        &self,
        session: &mut Session,
        delivery: &Delivery,
        rows: u64,
    ) -> Result<(), Fault> {
        let now = TimestampText::now();
        let table = &self.table.table;
        session.run(ddl::prune_batches(table, delivery.batch.saturating_sub(BATCHES_KEPT)))?;
        session.run(ddl::insert_batch(table, delivery, rows, &now))?;
        let foreign = ddl::lock_foreign(table, &delivery.state_id);
        match session.row::<(String,)>(&foreign)? {
            None => Ok(()),
            Some((state_id,)) => Err(self.refused(
                format!("the state {state_id} has just begun to write to the table too"),
                "give each job a table of its own",
            )),
        }
    }

    fn refused(&self, problem: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault::Final(DeliverError::refused(&self.target.place, problem, help))
    }
}

/// How an attempt ended well.
enum Outcome {
    /// So many rows were written.
    Written(u64),
    /// The table had the batch.
    Known,
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
        retry(|| {
            let mut session = Session::open(&self.target)?;
            let tables = session.row::<(u64,)>(&ddl::count_tables(&self.table.table))?;
            let known = match tables {
                Some((2,)) => self.lock_newest(&mut session)?,
                _ => None,
            };
            session.close();
            Ok(known)
        })
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
}

/// Calls again after a lost race or an unanswered COMMIT, a bounded number of times, with pauses of full jitter.
fn retry<T>(mut attempt: impl FnMut() -> Result<T, Fault>) -> Result<T, DeliverError> {
    let mut pause_max = FIRST_PAUSE_MAX;
    for _ in 1..ATTEMPTS_MAX {
        match attempt() {
            Err(fault) if fault.is_worth_another_try() => {
                tracing::debug!("trying again: {fault}");
                std::thread::sleep(pause_max.mul_f64(random_fraction()));
                pause_max *= 2;
            }
            other => return other.map_err(Fault::into_error),
        }
    }
    attempt().map_err(Fault::into_error)
}

/// A number from 0 to 1. `RandomState` is the standard library's only source of randomness.
fn random_fraction() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}
