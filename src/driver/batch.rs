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
use super::{Options, Outcome, RunError, publish, rebuild, recover, spill};
use crate::catalog::{Catalog, Decision, Refresh, SegmentChange};
use crate::engine::reject::Reject;
use crate::fault;
use crate::plan::Plan;

/// How much of what a batch touches is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The touched partitions: one run each, and their visible files.
    Whole,
    /// All there is: nothing of what was known before is kept.
    Anew,
    /// What changed: a run of it, merged with the smaller ones before. What is visible follows in a refresh.
    Changed,
}

/// What a batch changes beside its groups and events.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// What happened to segments: first those of the mapped tasks.
    pub(super) segments: Vec<SegmentChange>,
    /// Formerly rejected lines that are merged.
    pub(super) rejects_resolved: Vec<i64>,
    /// Bytes that nobody can read any more.
    pub(super) lost_bytes: u64,
    /// Logs that ended with a gap.
    pub(super) gaps: u64,
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
    /// Before the decision an error leaves nothing behind. `mapped`: what the tasks became, if somebody has mapped them.
    pub(super) fn run(
        &self,
        catalog: &mut Catalog,
        pins: &Pins,
        (sources, mapped): (&mut Sources, Option<Executed>),
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        self.decide_and_publish(catalog, pins, |catalog| {
            let executed = mapped.map_or_else(|| execute(self, sources), Ok)?;
            self.decide(catalog, sources, executed, outcome)
        })
    }

    /// Makes a decision, which answers whether there was one, and publishes it.
    pub(super) fn decide_and_publish(
        &self,
        catalog: &mut Catalog,
        pins: &Pins,
        decide: impl FnOnce(&mut Catalog) -> Result<bool, RunError>,
    ) -> Result<(), RunError> {
        self.layout.create()?;
        match decide(catalog) {
            Ok(true) => {}
            Ok(false) => return recover::remove_leftovers(self.layout, catalog, pins),
            // Whether an unanswered decision was made is found out by whoever opens the catalog next.
            Err(error @ RunError::Catalog(_)) => return Err(error),
            Err(error) => {
                // The error that led here is the one to tell; what can't be removed now is removed by the next run. Spilled
                // runs first: where they filled the disk, the catalog can't be written to before they are gone.
                let _ = spill::clear(self);
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

    /// Everything from the map to the decision; false where nothing could be read after all.
    fn decide(
        &self,
        catalog: &mut Catalog,
        sources: &Sources,
        mut executed: Executed,
        outcome: &mut Outcome,
    ) -> Result<bool, RunError> {
        if self.depth == Depth::Anew {
            rebuild::check_complete(sources)?;
        }
        // A loss is decided like anything else: it is told once, and history keeps it.
        if executed.states.is_empty() && sources.plan.lost.is_empty() && self.depth != Depth::Anew {
            return Ok(false);
        }
        let mut segments = executed.states.clone();
        segments.extend(sources.changes());
        let change = Change {
            segments,
            lost_bytes: sources.lost_bytes(),
            gaps: sources.gaps(),
            ..Change::default()
        };
        self.commit(catalog, &mut executed, change, outcome)?;
        Ok(true)
    }

    /// Stages what was mapped, and decides it.
    pub(super) fn commit(
        &self,
        catalog: &mut Catalog,
        executed: &mut Executed,
        change: Change,
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        self.progress.stage("write");
        fault::point("batch.mapped");
        let known = if self.depth == Depth::Anew { Vec::new() } else { catalog.runs()? };
        let mut folded = self.pool.install(|| fold(self, &known, executed))?;
        if self.depth == Depth::Anew {
            rebuild::replace_visible(self, catalog, &mut folded)?;
        }
        publish::prepare(&folded.renames)?;
        fault::point("batch.staged");
        if self.is_stopped() {
            return Err(RunError::Stopped);
        }
        let rejects = executed.take_rejects();
        catalog.decide(&self.decision(executed, &folded, &rejects, &change))?;
        fault::point("batch.decided");
        outcome.batch = self.number;
        outcome.decided = true;
        outcome.counters = executed.counters;
        outcome.groups = folded.groups;
        outcome.segments = executed.states.len() as u64;
        Ok(())
    }

    fn decision<'d>(
        &'d self,
        executed: &'d Executed,
        folded: &'d Folded,
        rejects: &'d [(PathBuf, Reject)],
        change: &'d Change,
    ) -> Decision<'d> {
        Decision {
            batch: self.number,
            meaning: &self.plan.meaning,
            segments: &change.segments,
            counters: executed.counters,
            rejects,
            rejects_resolved: &change.rejects_resolved,
            anew: self.depth == Depth::Anew,
            files: Refresh {
                runs_removed: &folded.runs_removed,
                runs: &folded.runs,
                renames: &folded.renames,
                visible: &folded.visible,
                event_files_removed: &[],
                event_files: &folded.event_files,
                removals: &folded.removals,
                swaps: &folded.swaps,
                vanishing: &folded.vanishing,
                // What waits is forgotten with everything else where a batch makes all anew.
                event_parts_done: false,
            },
            event_parts: &folded.event_parts,
            groups: folded.groups,
            lost_bytes: change.lost_bytes,
            gaps: change.gaps,
            segments_read: executed.states.len() as u64,
            seconds: self.started.elapsed().as_secs_f64(),
        }
    }
}
