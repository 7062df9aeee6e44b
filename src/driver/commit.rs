//! The procedure of a batch: map, fold, stage, commit, publish.

use std::path::PathBuf;

use super::batch::{Batch, Change, Depth};
use super::execute::{Executed, execute};
use super::fold::{Folded, fold};
use super::leftovers::remove_leftovers;
use super::pins::Pins;
use super::replace::replace_visible;
use super::sources::Sources;
use super::{Outcome, RunError, publish, spill};
use crate::catalog::{Catalog, Decision, Refresh};
use crate::engine::reject::Reject;
use crate::fault;

/// Before the decision an error leaves nothing behind. `mapped`: what the tasks became, if somebody has mapped them.
pub(super) fn map_and_commit(
    batch: &Batch<'_>,
    catalog: &mut Catalog,
    pins: &Pins,
    (sources, mapped): (&mut Sources, Option<Executed>),
    outcome: &mut Outcome,
) -> Result<(), RunError> {
    commit_and_publish(batch, catalog, pins, |catalog| {
        let executed = mapped.map_or_else(|| execute(batch, sources), Ok)?;
        commit_mapped(batch, catalog, sources, executed, outcome)
    })
}

/// Runs `commit`, which says whether anything was decided, and publishes it.
pub(super) fn commit_and_publish(
    batch: &Batch<'_>,
    catalog: &mut Catalog,
    pins: &Pins,
    commit: impl FnOnce(&mut Catalog) -> Result<bool, RunError>,
) -> Result<(), RunError> {
    batch.layout.create()?;
    match commit(catalog) {
        Ok(true) => {}
        Ok(false) => return remove_leftovers(batch.layout, catalog, pins),
        // Whether an unanswered decision was made is found out by whoever opens the catalog next.
        Err(error @ RunError::Catalog(_)) => return Err(error),
        Err(error) => {
            // The error that led here is the one to tell; what can't be removed now is removed by the next run. Spilled
            // runs first: where they filled the disk, the catalog can't be written to before they are gone.
            let _ = spill::clear(batch);
            let _ = remove_leftovers(batch.layout, catalog, pins);
            return Err(error);
        }
    }
    publish::publish(catalog)?;
    remove_leftovers(batch.layout, catalog, pins)
}

/// Everything from the map to the decision; false where nothing could be read after all.
fn commit_mapped(
    batch: &Batch<'_>,
    catalog: &mut Catalog,
    sources: &Sources,
    mut executed: Executed,
    outcome: &mut Outcome,
) -> Result<bool, RunError> {
    if batch.depth == Depth::Anew {
        sources.check_complete()?;
    }
    // A loss is decided like anything else: it is told once, and history keeps it.
    if executed.states.is_empty() && sources.plan.lost.is_empty() && batch.depth != Depth::Anew {
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
    commit(batch, catalog, &mut executed, change, outcome)?;
    Ok(true)
}

/// Stages what was mapped, and decides it.
pub(super) fn commit(
    batch: &Batch<'_>,
    catalog: &mut Catalog,
    executed: &mut Executed,
    change: Change,
    outcome: &mut Outcome,
) -> Result<(), RunError> {
    batch.progress.stage("write");
    fault::point("batch.mapped");
    let known = if batch.depth == Depth::Anew { Vec::new() } else { catalog.runs()? };
    let mut folded = batch.pool.install(|| fold(batch, &known, executed))?;
    if batch.depth == Depth::Anew {
        replace_visible(batch, catalog, &mut folded)?;
    }
    publish::prepare(&folded.renames)?;
    fault::point("batch.staged");
    if batch.is_stopped() {
        return Err(RunError::Stopped);
    }
    let rejects = executed.take_rejects();
    catalog.decide(&decision(batch, executed, &folded, &rejects, &change))?;
    fault::point("batch.decided");
    outcome.batch = batch.number;
    outcome.decided = true;
    outcome.counters = executed.counters;
    outcome.groups = folded.groups;
    outcome.segments = executed.states.len() as u64;
    Ok(())
}

fn decision<'d>(
    batch: &'d Batch<'_>,
    executed: &'d Executed,
    folded: &'d Folded,
    rejects: &'d [(PathBuf, Reject)],
    change: &'d Change,
) -> Decision<'d> {
    Decision {
        batch: batch.number,
        meaning: &batch.plan.meaning,
        segments: &change.segments,
        counters: executed.counters,
        rejects,
        rejects_resolved: &change.rejects_resolved,
        anew: batch.depth == Depth::Anew,
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
        seconds: batch.started.elapsed().as_secs_f64(),
    }
}
