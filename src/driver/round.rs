//! One look at what is new, and the batch that is made of it.

use std::time::Instant;

use super::batch::Depth;
use super::commit::map_and_commit;
use super::execute::Executed;
use super::inputs::Inputs;
use super::session::{Session, Turn};
use super::sources::{Sources, discover};
use super::{Outcome, RunError};

/// What is new, and what was made of it so far.
pub(super) struct Round {
    pub(super) sources: Sources,
    pub(super) started: Instant,
    /// The last batch of which it was known when this was planned; none where it does not matter.
    behind: Option<u64>,
    pub(super) turn: Option<Turn>,
    pub(super) mapped: Option<Executed>,
    depth: Depth,
}

impl Session<'_> {
    /// Reads all that is new, as one batch; decides nothing where there is nothing.
    pub(super) fn batch(
        &mut self,
        depth: Depth,
        inputs: &mut Inputs,
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        let round = self.look(depth, inputs, outcome)?;
        self.settle(round, inputs, outcome)
    }

    /// Finds what is new.
    pub(super) fn look(
        &mut self,
        depth: Depth,
        inputs: &mut Inputs,
        outcome: &mut Outcome,
    ) -> Result<Round, RunError> {
        let started = Instant::now();
        outcome.batch = self.catalog.last_batch()?;
        let sources = discover(self.work.plan, self.work.options, &self.catalog, inputs)?;
        Ok(Round { depth, started, sources, behind: inputs.batch(), turn: None, mapped: None })
    }

    /// Reads what is new, unless somebody has, and decides it.
    pub(super) fn settle(
        &mut self,
        round: Round,
        inputs: &mut Inputs,
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        let turn = match round.turn {
            None if round.sources.has_work() => Some(self.turn_of(&round)?),
            turn => turn,
        };
        let Round { started, mut sources, mapped, .. } = round;
        if let Some(turn) = turn.filter(|_| sources.has_work()) {
            let batch = turn.batch(self.work, &self.layout, started)?;
            map_and_commit(&batch, &mut self.catalog, &self.pins, (&mut sources, mapped), outcome)?;
        }
        if !outcome.decided && !sources.plan.updates.is_empty() {
            self.catalog.update_segments(&sources.changes())?;
            inputs.forget();
        }
        outcome.notices.extend(sources.tell_copies());
        if sources.plan.copies_changed {
            self.catalog.set_copies(&sources.plan.copies)?;
        }
        if outcome.decided || sources.plan.copies_changed {
            inputs.forget();
        }
        sources.report(outcome);
        outcome.notices.extend(self.catalog.tell_once(sources.asides())?);
        Ok(())
    }

    /// The turn of what was planned.
    pub(super) fn turn_of(&mut self, round: &Round) -> Result<Turn, RunError> {
        self.turn(round.depth, round.behind)
    }
}
