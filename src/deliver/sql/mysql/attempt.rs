//! One whole attempt at a delivery: a look at the tables, and one transaction.

use super::super::position::{Verdict, judge};
use super::super::value::TimestampText;
use super::super::{BATCHES_KEPT, BlockIter, Delivery, Position};
use super::connect::Session;
use super::ddl::{self, Found};
use super::errors::Fault;
use super::{MysqlOutput, upsert};

/// Rows that one DELETE removes when a table is emptied, so that none outlasts the statement's time. By ranges of the key,
/// since a DELETE with LIMIT would pass over all rows that those before it removed.
const DELETE_ROWS: u32 = 20_000;

/// How an attempt ended well.
pub(super) enum Outcome {
    /// So many rows were written.
    Written(u64),
    /// The table had the batch.
    Known,
}

/// The table as it was found.
enum Shape {
    /// As the job has it.
    Fits,
    /// It was missing: nothing that the table of batches says is true.
    Created,
    /// In what it differs.
    Differs(String),
}

impl MysqlOutput {
    pub(super) fn attempt<'a>(
        &mut self,
        delivery: &Delivery,
        blocks: &mut dyn FnMut() -> BlockIter<'a>,
    ) -> Result<Outcome, Fault> {
        let mut session = self.begin()?;
        let shape = match session.prepared {
            true => Shape::Fits,
            false => self.prepare(&mut session)?,
        };
        let outcome = match shape {
            Shape::Differs(problem) => self.reshape(&mut session, &problem, delivery, blocks)?,
            Shape::Fits => {
                let known = lock_newest(&mut session, &self.table.table)?;
                self.transact(&mut session, known.as_ref(), delivery, blocks)?
            }
            Shape::Created => {
                session.run(ddl::forget_batches(&self.table.table))?;
                self.transact(&mut session, None, delivery, blocks)?
            }
        };
        if self.drop_leftovers(&mut session) {
            session.prepared = true;
            self.kept = Some(session);
        }
        Ok(outcome)
    }

    /// The transaction, from the look at the newest batch to COMMIT.
    fn transact<'a>(
        &self,
        session: &mut Session,
        known: Option<&Position>,
        delivery: &Delivery,
        blocks: &mut dyn FnMut() -> BlockIter<'a>,
    ) -> Result<Outcome, Fault> {
        let verdict = judge(known, delivery);
        match verdict {
            Verdict::Refuse { problem, help } => return Err(self.refused(problem, help)),
            Verdict::Done => {
                session.run("ROLLBACK")?;
                return Ok(Outcome::Known);
            }
            Verdict::Deliver | Verdict::TakeOver => {}
        }
        if verdict == Verdict::TakeOver {
            session.run(ddl::forget_batches(&self.table.table))?;
        }
        if delivery.replace_all {
            self.empty(session)?;
        }
        let rows = upsert::write(session, &self.table, &self.columns, blocks(), &delivery.sort)?;
        self.note_batch(session, delivery, rows)?;
        session.commit(rows)?;
        Ok(Outcome::Written(rows))
    }

    /// Compares the tables with the job's, and creates what is missing. DDL ends a transaction, so another one begins.
    fn prepare(&self, session: &mut Session) -> Result<Shape, Fault> {
        let table = &self.table.table;
        let found = Found::read(session, table)?;
        let mut shape = Shape::Fits;
        if found.table.is_empty() {
            session.run(ddl::create_new_table(table, &self.columns))?;
            shape = Shape::Created;
        } else if let Err(problem) = ddl::compare(&self.columns, &found.table) {
            shape = Shape::Differs(problem);
        }
        // Not IF NOT EXISTS alone: that takes the right to create tables, which an account need not have.
        if found.batches.is_empty() && !matches!(shape, Shape::Differs(_)) {
            session.run(ddl::create_batches(table))?;
        }
        if let Some(missing) = found.missing_in_batches() {
            let problem = format!("the table {table}_batches has no column {missing}");
            return Err(self.refused(problem, "drop it: then all is delivered anew"));
        }
        session.leftovers = found.leftovers;
        session.begin()?;
        Ok(shape)
    }

    fn empty(&self, session: &mut Session) -> Result<(), Fault> {
        let table = &self.table.table;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let step = ddl::key_after(table, after.as_deref(), DELETE_ROWS);
            let upto = session.row::<(Vec<u8>,)>(&step)?.map(|(key,)| key);
            session.run(ddl::delete_range(table, after.as_deref(), upto.as_deref()))?;
            if upto.is_none() {
                return Ok(());
            }
            after = upto;
        }
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
}

/// The newest batch, under lock: waits for a transaction whose end its client did not see. An error if one of the two
/// tables is missing.
pub(super) fn lock_newest(session: &mut Session, table: &str) -> Result<Option<Position>, Fault> {
    let row = session.row::<(String, u64, u64, u64, u64)>(&ddl::lock_newest(table))?;
    Ok(row.map(|(state_id, batch, fence, token, _)| Position { state_id, batch, fence, token }))
}
