//! `run`: one batch, and every output brought up to it (docs/ARCHITECTURE.md, "One decision, then roll-forward").

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::batch::Depth;
use super::inputs::Inputs;
use super::outbox::Outbox;
use super::pins::Pins;
use super::progress::Progress;
use super::session::{Opened, Session, Work, Workers};
use super::{Options, Outcome, RunError, bug};
use crate::plan::Plan;

/// Reads all that is new, once.
pub fn run(plan: &Plan, options: &Options, progress: &dyn Progress) -> Result<Outcome, RunError> {
    bug::caught(|| once(plan, options, progress))
}

fn once(plan: &Plan, options: &Options, progress: &dyn Progress) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let mut outcome = Outcome { notices: plan.notices.clone(), ..Outcome::default() };
    let (workers, stop) = (Workers::new(options.threads), AtomicBool::new(false));
    let work = Work { plan, options, workers: &workers, progress, stop: &stop };
    let mut session = match Session::open(work, Pins::default(), &mut outcome.notices)? {
        Opened::Session(session) => session,
        Opened::Busy(holder) => return Ok(Outcome { busy: Some(holder), ..outcome }),
    };
    session.batch(Depth::Whole, &mut Inputs::default(), &mut outcome)?;

    progress.stage("deliver");
    let mut outbox = Outbox::open(plan, options, &session.catalog)?;
    if outbox.has_work(outcome.batch) {
        let snapshot = session.snapshot()?;
        outbox.deliver(&snapshot, &|batch| session.catalog.token(batch));
        session.note_outputs(&outbox.news())?;
    }
    outcome.outputs = outbox.reports();
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}
