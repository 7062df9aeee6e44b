//! The map phase: workers take splits from a shared cursor until none is left. A segment that turns out unreadable or
//! changed is left out, and the phase is run again without it: a table can't give lines back.

use std::path::PathBuf;

use super::batch::Batch;
use super::sources::Sources;
use super::worker::{Failed, Part, Pass};
use super::{RunError, spill};
use crate::catalog::SegmentChange;
use crate::deliver::events::StagedEvents;
use crate::engine::common::Common;
use crate::engine::reduce::Delta;
use crate::engine::reject::{Counters, Reject, Rejects};
use crate::engine::run_file::SpilledRun;
use crate::fault;
use crate::source::SegmentTask;

/// What the map phase made.
pub(super) struct Executed {
    /// All groups that fit into memory.
    pub(super) delta: Delta,
    /// Groups that did not.
    pub(super) spilled: Vec<SpilledRun>,
    /// What became of the lines.
    pub(super) counters: Counters,
    /// Events, in the order of segments and splits.
    pub(super) events: Vec<StagedEvents>,
    /// New states of the segments that were read.
    pub(super) states: Vec<SegmentChange>,
    rejects: Rejects,
    paths: Vec<PathBuf>,
}

impl Executed {
    /// Groups of a time partition, at most.
    pub(super) fn groups(&self, partition: crate::job::Partition, partition_us: i64) -> u64 {
        let spilled = self.spilled.iter().filter_map(|run| run.part(partition_us));
        self.delta.count(partition, partition_us) + spilled.map(|part| part.groups).sum::<u64>()
    }

    /// The rejected lines, with the path of each.
    pub(super) fn take_rejects(&mut self) -> Vec<(PathBuf, Reject)> {
        let rejects = std::mem::take(&mut self.rejects).finish();
        rejects.into_iter().map(|reject| (self.paths[reject.segment].clone(), reject)).collect()
    }
}

/// Maps all tasks; those that fail are moved to the problems of `sources`.
pub(super) fn execute(batch: &Batch<'_>, sources: &mut Sources) -> Result<Executed, RunError> {
    loop {
        match attempt(&[batch], vec![&sources.plan.tasks])? {
            Ok(mut executed) => {
                return executed.pop().ok_or_else(|| RunError::Bug("a batch is gone".to_owned()));
            }
            Err(mut failed) => {
                failed.sort_by_key(|(task, _)| std::cmp::Reverse(*task));
                failed.dedup_by_key(|(task, _)| *task);
                failed.into_iter().for_each(|(task, error)| sources.exclude(task, error));
                spill::clear(batch)?;
            }
        }
    }
}

/// Maps the tasks of several batches, which are the same, in one pass. `None`: something failed; what did is found out when
/// each is mapped alone.
pub(super) fn execute_together(
    batches: &[&Batch<'_>],
    tasks: Vec<&[SegmentTask]>,
) -> Option<Vec<Executed>> {
    fault::point("map.together");
    let done = attempt(batches, tasks).ok().and_then(Result::ok);
    if done.is_none() {
        for batch in batches {
            // What is in the way of this is in the way of the next attempt, too, and told then.
            let _ = spill::clear(batch);
        }
    }
    done
}

/// One pass: answers what it made of each batch.
fn attempt<'b>(
    batches: &'b [&'b Batch<'b>],
    tasks: Vec<&'b [SegmentTask]>,
) -> Result<Result<Vec<Executed>, Failed>, RunError> {
    let Some(pool) = batches.first().map(|batch| batch.pool) else { return Ok(Ok(Vec::new())) };
    let common = Common::new(batches.iter().map(|batch| batch.plan).collect());
    let pass = Pass::new(batches, &common, tasks.clone());
    let workers = pool.broadcast(|_| pass.worker());
    let failed = pass.failed.into_inner().unwrap_or_default();
    if batches.iter().any(|batch| batch.is_stopped()) {
        return Err(RunError::Stopped);
    }
    if !failed.is_empty() {
        return Ok(Err(failed));
    }
    let mut of_batches: Vec<Vec<Part>> = batches.iter().map(|_| Vec::new()).collect();
    for worker in workers {
        for (parts, part) in of_batches.iter_mut().zip(worker?) {
            parts.push(part);
        }
    }
    let executed = of_batches.into_iter().zip(tasks);
    Ok(Ok(pool.install(|| executed.map(|(parts, tasks)| of_parts(parts, tasks)).collect())))
}

fn of_parts(mut parts: Vec<Part>, tasks: &[SegmentTask]) -> Executed {
    let mut states: Vec<_> = parts.iter_mut().flat_map(|part| part.states.drain(..)).collect();
    states.sort_by_key(|(index, _)| *index);
    let states = states.into_iter().map(|(_, state)| state).collect();
    let paths = tasks.iter().map(|task| task.found.path.clone()).collect();
    join(parts, states, paths)
}

/// The workers' parts as one.
pub(super) fn join(parts: Vec<Part>, states: Vec<SegmentChange>, paths: Vec<PathBuf>) -> Executed {
    let mut counters = Counters::default();
    let (mut rejects, mut events, mut spilled) = (Rejects::default(), Vec::new(), Vec::new());
    let mut tables = Vec::new();
    for part in parts {
        counters.add(&part.counters);
        rejects.append(part.rejects);
        events.extend(part.events);
        spilled.extend(part.spilled);
        tables.push(part.tables);
    }
    events.sort_by_key(|e| (e.segment, e.offset, e.partition_us));
    let delta = Delta::reduce(tables);
    Executed { delta, spilled, counters, events, states, rejects, paths }
}
