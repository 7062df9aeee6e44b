//! One batch, step by step (docs/ARCHITECTURE.md, "One decision, then roll-forward").

use std::path::PathBuf;
use std::time::Instant;

use super::execute::{Executed, execute};
use super::fold::{Folded, fold};
use super::layout::Layout;
use super::progress::Progress;
use super::sources::{Sources, discover};
use super::{Options, Outcome, RunError, outbox, publish, recover, visible};
use crate::catalog::{Catalog, Decision, JobLock, LockError};
use crate::engine::reject::Reject;
use crate::plan::Plan;

/// A batch that is being made.
pub(super) struct Batch<'r> {
    pub(super) plan: &'r Plan,
    pub(super) options: &'r Options,
    pub(super) layout: &'r Layout,
    pub(super) progress: &'r dyn Progress,
    /// The workers.
    pub(super) pool: rayon::ThreadPool,
    /// Its number.
    pub(super) number: u64,
    fence: u64,
    started: Instant,
}

/// Reads all that is new, once.
pub fn run(plan: &Plan, options: &Options, progress: &dyn Progress) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let layout = Layout::new(&options.state_dir, plan);
    let mut outcome = Outcome { notices: plan.notices.clone(), ..Outcome::default() };
    let _lock = match JobLock::acquire(&layout.state) {
        Ok(lock) => lock,
        Err(LockError::Busy(holder)) => return Ok(Outcome { busy: Some(holder), ..outcome }),
        Err(LockError::Catalog(error)) => return Err(error.into()),
    };
    let mut catalog = Catalog::open(&layout.state)?;
    let layout = layout.of_state(&catalog.state_id()?);
    // What is decided is finished first, whatever the job file says by now.
    recover::roll_forward(&layout, &catalog)?;
    recover::check_job(plan, &catalog)?;
    outcome.notices.extend(visible::restore(plan, &layout, &mut catalog)?);
    outcome.batch = catalog.last_batch()?;

    let mut sources = discover(plan, options, &catalog)?;
    if sources.has_work() {
        let fence = catalog.take_fence()?;
        let number = outcome.batch + 1;
        let pool = workers(options.threads)?;
        let batch =
            Batch { plan, options, layout: &layout, progress, pool, number, fence, started };
        batch.run(&mut catalog, &mut sources, &mut outcome)?;
    }
    if !outcome.decided && !sources.plan.updates.is_empty() {
        catalog.update_segments(&sources.plan.updates)?;
    }
    sources.report(&mut outcome);

    progress.stage("deliver");
    outcome.outputs = outbox::deliver(plan, options, &layout, &catalog, outcome.batch)?;
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}

fn workers(threads: usize) -> Result<rayon::ThreadPool, RunError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|e| RunError::Other(format!("can't start {threads} threads: {e}")))
}

impl Batch<'_> {
    /// Maps, reduces, stages, decides, publishes. Before the decision an error leaves nothing behind.
    fn run(
        &self,
        catalog: &mut Catalog,
        sources: &mut Sources,
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        self.layout.create()?;
        let decided = self.decide(catalog, sources, outcome);
        if !matches!(decided, Ok(true)) {
            // The error that led here is the one to tell; what can't be removed now is removed by the next run.
            let _ = recover::remove_leftovers(self.layout, catalog);
            return decided.map(drop);
        }
        publish::publish(catalog)?;
        recover::remove_leftovers(self.layout, catalog)
    }

    /// Everything up to the decision; false where nothing could be read after all.
    fn decide(
        &self,
        catalog: &mut Catalog,
        sources: &mut Sources,
        outcome: &mut Outcome,
    ) -> Result<bool, RunError> {
        let mut executed = execute(self, sources)?;
        // A loss is decided like anything else: it is told once, and history keeps it.
        if executed.states.is_empty() && sources.plan.lost.is_empty() {
            return Ok(false);
        }
        self.progress.stage("write");
        let known = catalog.stores()?;
        let folded = self.pool.install(|| fold(self, &known, &executed))?;
        publish::prepare(&folded.renames)?;
        let rejects = executed.take_rejects();
        let counters = executed.counters;
        catalog.decide(&self.decision(sources, &executed, &folded, &rejects))?;
        outcome.batch = self.number;
        outcome.decided = true;
        outcome.counters = counters;
        outcome.groups = folded.groups;
        outcome.segments = executed.states.len() as u64;
        Ok(true)
    }

    fn decision<'d>(
        &'d self,
        sources: &'d Sources,
        executed: &'d Executed,
        folded: &'d Folded,
        rejects: &'d [(PathBuf, Reject)],
    ) -> Decision<'d> {
        Decision {
            batch: self.number,
            fence: self.fence,
            fingerprint: &self.plan.fingerprint,
            segments: &executed.all_states,
            counters: executed.counters,
            rejects,
            renames: &folded.renames,
            stores: &folded.stores,
            visible: &folded.visible,
            groups: folded.groups,
            lost_bytes: sources.plan.lost.iter().map(|lost| lost.bytes).sum(),
            segments_read: executed.states.len() as u64,
            seconds: self.started.elapsed().as_secs_f64(),
        }
    }
}
