//! `run`: one batch, and every output brought up to it (docs/ARCHITECTURE.md, "One decision, then roll-forward").

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::batch::Depth;
use super::compact::compact;
use super::inputs::Inputs;
use super::outbox::Outbox;
use super::pins::Pins;
use super::progress::Progress;
use super::session::{Differing, Opened, Session, Work, Workers};
use super::{Options, Outcome, RunError, bug};
use crate::plan::Plan;

/// Reads all that is new, once.
pub fn run(plan: &Plan, options: &Options, progress: &dyn Progress) -> Result<Outcome, RunError> {
    once(plan, options, progress, Differing::Nothing, |session, outcome| {
        session.batch(Depth::Whole, &mut Inputs::default(), outcome)
    })
}

/// One piece of work under the job's lock, and the deliveries that follow from it.
pub(super) fn once(
    plan: &Plan,
    options: &Options,
    progress: &dyn Progress,
    differing: Differing,
    make: impl FnOnce(&mut Session<'_>, &mut Outcome) -> Result<(), RunError>,
) -> Result<Outcome, RunError> {
    bug::caught(|| under_lock(plan, options, progress, differing, make))
}

fn under_lock(
    plan: &Plan,
    options: &Options,
    progress: &dyn Progress,
    differing: Differing,
    make: impl FnOnce(&mut Session<'_>, &mut Outcome) -> Result<(), RunError>,
) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let mut outcome = Outcome { notices: plan.notices.clone(), ..Outcome::default() };
    let (workers, stop) = (Workers::new(options.threads), AtomicBool::new(false));
    let work = Work { plan, options, workers: &workers, progress, stop: &stop };
    let opened = Session::open_with(work, Pins::default(), differing, &mut outcome.notices)?;
    let mut session = match opened {
        Opened::Session(session) => session,
        Opened::Busy(holder) => return Ok(Outcome { busy: Some(holder), ..outcome }),
    };
    make(&mut session, &mut outcome)?;

    progress.stage("deliver");
    let mut outbox = Outbox::open(plan, options, &session.catalog)?;
    if outbox.has_work(outcome.batch) {
        let snapshot = session.snapshot()?;
        outbox.deliver(&snapshot, &|batch| session.catalog.token(batch));
        session.note_outputs(&outbox.news())?;
    }
    outcome.outputs = outbox.reports();

    match compact(&mut session) {
        Ok(_) => {}
        Err(error @ RunError::Catalog(_)) => return Err(error),
        // The batch is decided and delivered all the same.
        Err(error) => outcome.problems.push(error.to_string()),
    }
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}
