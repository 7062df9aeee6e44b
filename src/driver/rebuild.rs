//! `run --rebuild`: everything is computed anew from the logs that still exist, with the job as it is now, and takes the
//! place of what was there in one decision.
//!
//! It is a batch like others, planned as though nothing were known. What readers see is replaced after the decision: the
//! summary's files by renames, the folders of events by exchange, what is no more by removal; all of it repeatable.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use super::batch::Depth;
use super::commit::map_and_commit;
use super::inputs::Inputs;
use super::progress::Progress;
use super::recover::Differing;
use super::run::once;
use super::session::Session;
use super::sources::{Sources, discover};
use super::{Options, Outcome, RunError};
use crate::plan::Plan;

/// What to do where logs that were read before are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing is changed.
    Refuse,
    /// Their groups and events vanish from the outputs.
    Accept,
}

/// Computes everything anew.
pub fn rebuild(
    plan: &Plan,
    options: &Options,
    loss: Loss,
    progress: &dyn Progress,
) -> Result<Outcome, RunError> {
    once(plan, options, progress, Differing::Anything, |session, outcome| {
        let started = Instant::now();
        outcome.batch = session.catalog.last_batch()?;
        let gone = gone(session)?;
        if gone.segments > 0 && loss == Loss::Refuse {
            return Err(refused(plan, &gone));
        }
        let mut sources = sources(session)?;
        sources.given_up_bytes = gone.bytes;
        session.with_batch((Depth::Anew, outcome.batch), started, |batch, catalog, pins| {
            map_and_commit(batch, catalog, pins, (&mut sources, None), outcome)
        })?;
        sources.report(outcome);
        if gone.segments > 0 {
            outcome.notices.push(gone.in_words());
        }
        Ok(())
    })
}

/// Logs that were read and that no file has any more.
struct Gone {
    segments: u64,
    bytes: u64,
    example: PathBuf,
}

impl Gone {
    fn in_words(&self) -> String {
        format!(
            "{} files that were read before are gone (such as {}), {} bytes of log: what was counted of them is not in the \
             outputs any more",
            self.segments,
            self.example.display(),
            self.bytes
        )
    }
}

fn gone(session: &Session<'_>) -> Result<Gone, RunError> {
    let work = session.work;
    let known = session.catalog.segments()?;
    let mut gone = Gone { segments: 0, bytes: 0, example: PathBuf::new() };
    if known.is_empty() {
        return Ok(gone);
    }
    let sources = discover(work.plan, work.options, &session.catalog, &mut Inputs::default())?;
    let absent: BTreeSet<u64> = sources.plan.absent.iter().copied().collect();
    for segment in known.iter().filter(|s| s.offset > 0 && absent.contains(&s.id)) {
        gone.segments += 1;
        gone.bytes += segment.offset;
        gone.example.clone_from(&segment.path);
    }
    Ok(gone)
}

fn refused(plan: &Plan, gone: &Gone) -> RunError {
    RunError::Other(format!(
        "{}: {} of the files that were read before are gone (such as {}), {} bytes of log, and what was counted of them can't \
         be computed anew. Nothing was changed. Bring them back where `paths` finds them, or give up what they brought with \
         --rebuild --accept-loss",
        plan.path.display(),
        gone.segments,
        gone.example.display(),
        gone.bytes
    ))
}

/// All files, from their first byte. One that can't be read stops it: its lines would vanish.
fn sources(session: &Session<'_>) -> Result<Sources, RunError> {
    let work = session.work;
    let sources = discover(work.plan, work.options, &session.catalog, &mut Inputs::of_nothing())?;
    sources.check_complete()?;
    Ok(sources)
}
