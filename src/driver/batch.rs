//! One batch: map, reduce, stage, decide, publish.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::execute::{Executed, execute};
use super::fold::{Folded, fold};
use super::layout::{Layout, Names};
use super::pins::Pins;
use super::progress::Progress;
use super::sources::Sources;
use super::{Options, Outcome, RunError, publish, recover};
use crate::catalog::{Catalog, Decision, Refresh, SegmentChange};
use crate::engine::reject::Reject;
use crate::fault;
use crate::plan::Plan;

/// How much of what a batch touches is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The touched partitions: one run each, and their visible files.
    Whole,
    /// What changed: a run of it, merged with the smaller ones before. What is visible follows in a refresh.
    Changed,
}

/// A batch that is being made.
pub(super) struct Batch<'r> {
    pub(super) plan: &'r Plan,
    pub(super) options: &'r Options,
    pub(super) layout: &'r Layout,
    pub(super) names: Names<'r>,
    pub(super) progress: &'r dyn Progress,
    pub(super) stop: &'r AtomicBool,
    /// The workers.
    pub(super) pool: &'r rayon::ThreadPool,
    /// Its number.
    pub(super) number: u64,
    pub(super) depth: Depth,
    /// The newest event time of the batches before.
    pub(super) watermark_us: Option<i64>,
    pub(super) started: Instant,
}

impl Batch<'_> {
    /// Before the decision an error leaves nothing behind.
    pub(super) fn run(
        &self,
        catalog: &mut Catalog,
        pins: &Pins,
        sources: &mut Sources,
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        self.layout.create()?;
        match self.decide(catalog, sources, outcome) {
            Ok(true) => {}
            Ok(false) => return recover::remove_leftovers(self.layout, catalog, pins),
            // Whether an unanswered decision was made is found out by whoever opens the catalog next.
            Err(error @ RunError::Catalog(_)) => return Err(error),
            Err(error) => {
                // The error that led here is the one to tell; what can't be removed now is removed by the next run.
                let _ = recover::remove_leftovers(self.layout, catalog, pins);
                return Err(error);
            }
        }
        publish::publish(catalog)?;
        recover::remove_leftovers(self.layout, catalog, pins)
    }

    /// Whether the batch is to be given up.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
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
        fault::point("batch.mapped");
        let known = catalog.runs()?;
        let folded = self.pool.install(|| fold(self, &known, &executed))?;
        publish::prepare(&folded.renames)?;
        fault::point("batch.staged");
        if self.is_stopped() {
            return Err(RunError::Stopped);
        }
        let rejects = executed.take_rejects();
        let mut segments = executed.states.clone();
        segments.extend(sources.changes());
        catalog.decide(&self.decision(sources, &executed, &folded, &rejects, &segments))?;
        fault::point("batch.decided");
        outcome.batch = self.number;
        outcome.decided = true;
        outcome.counters = executed.counters;
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
        segments: &'d [SegmentChange],
    ) -> Decision<'d> {
        Decision {
            batch: self.number,
            meaning: &self.plan.meaning,
            segments,
            counters: executed.counters,
            rejects,
            files: Refresh {
                runs_removed: &folded.runs_removed,
                runs: &folded.runs,
                renames: &folded.renames,
                visible: &folded.visible,
                event_parts_done: false,
            },
            event_parts: &folded.event_parts,
            groups: folded.groups,
            lost_bytes: sources.plan.lost.iter().map(|lost| lost.bytes).sum(),
            segments_read: executed.states.len() as u64,
            seconds: self.started.elapsed().as_secs_f64(),
        }
    }
}
