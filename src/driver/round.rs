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
        // Only now: of a file that is neither held nor known as gone a loss would be told.
        inputs.release(&sources.plan.spent);
        sources.report(outcome);
        outcome.notices.extend(self.catalog.tell_once(sources.asides())?);
        Ok(())
    }

    /// The turn of what was planned.
    pub(super) fn turn_of(&mut self, round: &Round) -> Result<Turn, RunError> {
        self.turn(round.depth, round.behind)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::driver::open::{Opened, open};
    use crate::driver::pins::Pins;
    use crate::driver::recover::Differing;
    use crate::driver::session::{Work, Workers};
    use crate::driver::testing::plan_in;
    use crate::driver::{NoProgress, Options};
    use crate::limits::QUIET_SECONDS;
    use crate::source::IoMode;

    /// Quiet for long enough to be let go when it is deleted, and not to be let go before.
    fn write_quiet(path: &Path, text: &str) {
        fs::write(path, text).expect("a log");
        let time = SystemTime::now() - Duration::from_secs(QUIET_SECONDS + 2);
        let set = File::options().write(true).open(path).and_then(|file| file.set_modified(time));
        set.expect("its time is set");
    }

    #[test]
    fn a_round_that_is_given_up_lets_go_of_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = plan_in(folder.path());
        let options = Options {
            state_dir: folder.path().join("state"),
            final_: false,
            threads: 1,
            io: IoMode::default(),
            split_bytes: None,
            adopt: false,
        };
        let (workers, stop) = (Workers::new(1), AtomicBool::new(false));
        let work = Work {
            plan: &plan,
            options: &options,
            workers: &workers,
            progress: &NoProgress,
            stop: &stop,
        };
        let mut notices = Vec::new();
        let opened = open(work, Pins::default(), Differing::Nothing, &mut notices);
        let Ok(Opened::Session(mut session)) = opened else { panic!("the job opens") };
        let (mut inputs, mut outcome) = (Inputs::holding(), Outcome::default());
        let log = folder.path().join("a.log");
        write_quiet(&log, "one\ntwo\n");
        session.batch(Depth::Changed, &mut inputs, &mut outcome).expect("a batch");
        fs::remove_file(&log).expect("removed");
        write_quiet(&log, "three\n");

        let round = session.look(Depth::Changed, &mut inputs, &mut outcome).expect("a look");
        assert_eq!(round.sources.plan.spent.len(), 1, "the deleted log is read to its end");
        drop(round);
        let mut outcome = Outcome::default();
        session.batch(Depth::Changed, &mut inputs, &mut outcome).expect("a batch");
        assert_eq!((outcome.counters.mapped, outcome.gaps), (1, 0), "{:?}", outcome.problems);
        let mut outcome = Outcome::default();
        session.batch(Depth::Changed, &mut inputs, &mut outcome).expect("nothing new");
        assert_eq!((outcome.decided, outcome.gaps), (false, 0), "{:?}", outcome.problems);
    }
}
