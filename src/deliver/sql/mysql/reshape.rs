//! A table of another shape, made anew: the job has other columns since it was rebuilt.
//!
//! DDL has no transaction here. So a new pair of tables is made and loaded beside the old pair, and one RENAME TABLE swaps the
//! pairs: readers see the old table or the new one. A crash on the way leaves tables that the next delivery drops.

use super::super::position::{Verdict, judge};
use super::super::value::TimestampText;
use super::super::{BlockIter, Delivery, SqlTable};
use super::attempt::{Outcome, lock_newest};
use super::connect::Session;
use super::errors::Fault;
use super::pairs::NewAndOld;
use super::{MysqlOutput, ddl, upsert};

impl MysqlOutput {
    /// `problem`: in what the table differs. Refuses unless the delivery may reshape it, and the table is this state's.
    pub(super) fn reshape<'a>(
        &self,
        session: &mut Session,
        problem: &str,
        delivery: &Delivery,
        blocks: &mut dyn FnMut() -> BlockIter<'a>,
    ) -> Result<Outcome, Fault> {
        let table = &self.table.table;
        let names = NewAndOld::of(table);
        let differs = || {
            let help = "drop or rename that table, or give the job another one";
            self.refused(problem, help)
        };
        if !(delivery.reshape && delivery.replace_all && names.fit()) {
            return Err(differs());
        }
        let tables = session.row::<(u64,)>(&ddl::count_tables(table))?;
        let known = match tables {
            Some((2,)) => lock_newest(session, table)?,
            _ => None,
        };
        if known.is_none() {
            return Err(differs());
        }
        if let Verdict::Refuse { problem, help } = judge(known.as_ref(), delivery) {
            return Err(self.refused(problem, help));
        }

        session.run(names.drop_leftovers())?;
        let rows = self.load(session, &names.new, delivery, blocks)?;
        session.run(names.swap(table))?;
        session.leftovers = true;
        // The swap waited for nobody but open transactions: one that came between the look and the swap was overwritten.
        session.begin()?;
        if lock_newest(session, &names.old)? != known {
            session.run(names.swap_back(table))?;
            return Err(self.race("another delivery wrote to the table while its columns changed"));
        }
        session.run("ROLLBACK")?;
        Ok(Outcome::Written(rows))
    }

    /// Makes the new pair of tables, and fills it.
    fn load<'a>(
        &self,
        session: &mut Session,
        new: &str,
        delivery: &Delivery,
        blocks: &mut dyn FnMut() -> BlockIter<'a>,
    ) -> Result<u64, Fault> {
        session.run(ddl::create_new_table(new, &self.columns))?;
        session.run(ddl::create_batches(new))?;
        session.begin()?;
        let target = SqlTable { table: new.into(), ..self.table.clone() };
        let rows = upsert::write(session, &target, &self.columns, blocks(), &delivery.sort)?;
        session.run(ddl::insert_batch(new, delivery, rows, &TimestampText::now()))?;
        // An unanswered COMMIT is in no doubt here: the next attempt makes the pair anew.
        session.run("COMMIT")?;
        Ok(rows)
    }

    /// Drops the tables of a change of shape, whether it was finished or broken off. Says whether the connection may be kept;
    /// what could not be dropped is tried again by a later delivery.
    pub(super) fn drop_leftovers(&self, session: &mut Session) -> bool {
        if !session.leftovers {
            return true;
        }
        match session.run(NewAndOld::of(&self.table.table).drop_leftovers()) {
            Ok(_) => {
                session.leftovers = false;
                true
            }
            Err(fault) => {
                tracing::warn!("could not drop the table of the former shape: {fault}");
                false
            }
        }
    }
}
