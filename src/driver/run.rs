//! What is done under a job's lock, once: some work, and every output brought up to it (docs/ARCHITECTURE.md, "One
//! decision, then roll-forward").

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::compact::compact;
use super::open::Opened;
use super::outbox::Outbox;
use super::pins::Pins;
use super::progress::Progress;
use super::recover::Differing;
use super::session::{Session, Work, Workers};
use super::{Options, Outcome, RunError, bug, open};
use crate::plan::Plan;

/// One piece of work under the job's lock, and the deliveries that follow from it.
pub(super) fn once(
    plan: &Plan,
    options: &Options,
    progress: &dyn Progress,
    differing: Differing,
    make: impl FnOnce(&mut Session<'_>, &mut Outcome) -> Result<(), RunError>,
) -> Result<Outcome, RunError> {
    bug::caught(|| {
        let started = Instant::now();
        let (workers, stop) = (Workers::new(options.threads), AtomicBool::new(false));
        let work = Work { plan, options, workers: &workers, progress, stop: &stop };
        let mut outcome = Outcome::default();
        if let Some(mut session) = open(work, differing, &mut outcome)? {
            make(&mut session, &mut outcome)?;
            finish(&mut session, &mut outcome)?;
            outcome.seconds = started.elapsed().as_secs_f64();
        }
        Ok(outcome)
    })
}

/// Takes the job's lock; `None` where another run holds it.
pub(super) fn open<'w>(
    work: Work<'w>,
    differing: Differing,
    outcome: &mut Outcome,
) -> Result<Option<Box<Session<'w>>>, RunError> {
    outcome.notices.clone_from(&work.plan.notices);
    match open::open(work, Pins::default(), differing, &mut outcome.notices)? {
        Opened::Session(session) => Ok(Some(session)),
        Opened::Busy(holder) => {
            outcome.busy = Some(holder);
            Ok(None)
        }
    }
}

/// What follows from the batches of a job: deliveries, and larger files of events.
pub(super) fn finish(session: &mut Session<'_>, outcome: &mut Outcome) -> Result<(), RunError> {
    let Work { plan, options, progress, .. } = session.work;
    progress.stage("deliver");
    let mut outbox = Outbox::open(plan, options, &session.catalog)?;
    if outbox.has_work(outcome.batch) {
        let snapshot = session.snapshot()?;
        outbox.deliver(&snapshot, &|batch| session.catalog.token(batch));
        session.note_outputs(&outbox.news())?;
    }
    outcome.outputs = outbox.reports();

    match compact(session) {
        Ok(_) => {}
        Err(error @ RunError::Catalog(_)) => return Err(error),
        // The batch is decided and delivered all the same.
        Err(error) => outcome.problems.push(error.to_string()),
    }
    Ok(())
}
