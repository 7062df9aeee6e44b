//! The fold: the delta into the store and the visible summary, one time partition at a time, in parallel.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use rayon::prelude::*;

use super::batch::{Batch, Depth};
use super::durable::Durable;
use super::execute::Executed;
use super::layout::events_path;
use super::partition::{Made, New, Partition};
use super::{RunError, spill};
use crate::catalog::{EventFile, EventPart, Rename, Run, Swap, VisibleFile};
use crate::deliver::events::StagedEvents;
use crate::engine::cursor::Cursor;
use crate::engine::groups::rows_max;
use crate::engine::parquet_file::sync_folder;
use crate::engine::run_cursor::OpenRun;
use crate::engine::summary_reader::SummaryReader;
use crate::engine::timepart::check_partitions;
use crate::limits::{LARGE_BLOCKS_MIN, PARALLEL_BLOCKS_MIN, SYNCED_TOGETHER_MAX};
use crate::plan::ReducePlan;

/// Staged files of a batch.
#[derive(Default)]
pub(super) struct Folded {
    /// Runs that are part of new ones.
    pub(super) runs_removed: Vec<String>,
    /// New runs of the store.
    pub(super) runs: Vec<Run>,
    /// Files to publish.
    pub(super) renames: Vec<Rename>,
    /// Those of them that show the store.
    pub(super) visible: Vec<VisibleFile>,
    /// Files of events among `renames` and `swaps`.
    pub(super) event_files: Vec<EventFile>,
    /// Visible files to remove.
    pub(super) removals: Vec<PathBuf>,
    /// Folders to exchange.
    pub(super) swaps: Vec<Swap>,
    /// Visible files that vanish with the former folders.
    pub(super) vanishing: Vec<PathBuf>,
    /// Events that are published later.
    pub(super) event_parts: Vec<EventPart>,
    /// Groups that the batch changed.
    pub(super) groups: u64,
}

/// Stages everything that the batch changes. `known`: the runs of the store, by partition.
pub(super) fn fold(
    batch: &Batch<'_>,
    known: &[Run],
    executed: &Executed,
) -> Result<Folded, RunError> {
    let mut folded = Folded::default();
    match batch.depth {
        Depth::Whole | Depth::Anew => event_files(batch, &executed.events, &mut folded),
        Depth::Changed => folded.event_parts = executed.events.iter().map(event_part).collect(),
    }
    if let Some(reduce) = &batch.plan.reduce {
        let mut partitions: BTreeSet<i64> =
            executed.delta.partitions(reduce.partition).into_iter().collect();
        partitions.extend(
            executed.spilled.iter().flat_map(|run| &run.parts).map(|part| part.partition_us),
        );
        let stored = known.iter().map(|run| run.partition_us);
        check_partitions(
            reduce.partition,
            stored.chain(partitions.iter().copied()),
            batch.plan.limits.partitions_max,
        )
        .map_err(|error| RunError::Other(error.to_string()))?;
        let spilled = spill::open(batch, reduce, executed.spilled.clone())?;
        let fold = Fold { batch, reduce, executed, known, spilled };
        Durable::scope(|durable| fold.partitions(&partitions, durable, &mut folded))?;
    }
    for folder in batch.layout.staging_folders() {
        sync_folder(&folder)?;
    }
    Ok(folded)
}

/// The runs of one partition.
pub(super) fn of_partition(runs: &[Run], partition_us: i64) -> &[Run] {
    let from = runs.partition_point(|run| run.partition_us < partition_us);
    let to = runs.partition_point(|run| run.partition_us <= partition_us);
    &runs[from..to]
}

/// What the partitions are made of.
struct Fold<'f> {
    batch: &'f Batch<'f>,
    reduce: &'f ReducePlan,
    executed: &'f Executed,
    /// The runs of the store.
    known: &'f [Run],
    spilled: Vec<OpenRun>,
}

/// One partition's part of the fold: runs that it takes in, and new files.
type Part = (Vec<String>, Made);

impl Fold<'_> {
    /// Large partitions one after another, each on all threads; small ones side by side. So memory holds a few blocks of
    /// groups for each thread, whatever the partitions.
    fn partitions(
        &self,
        partitions: &BTreeSet<i64>,
        durable: &mut Durable,
        folded: &mut Folded,
    ) -> Result<(), RunError> {
        let threads = self.batch.options.threads;
        let alone = partitions.len() < threads;
        let rows = rows_max(self.reduce) as u64;
        let blocks_max = if alone { PARALLEL_BLOCKS_MIN } else { LARGE_BLOCKS_MIN };
        let (large, small): (Vec<i64>, Vec<i64>) = partitions
            .iter()
            .partition(|&&partition_us| self.groups(partition_us) > rows * blocks_max);
        for partition_us in large {
            take(self.partition(partition_us, threads)?, durable, folded);
        }
        // Not more at once than can be made durable at once: their files are open.
        for small in small.chunks(SYNCED_TOGETHER_MAX / 2) {
            let made = small.par_iter().map(|&partition_us| self.partition(partition_us, 1));
            let made = made.collect::<Result<Vec<Part>, _>>()?;
            made.into_iter().for_each(|part| take(part, durable, folded));
        }
        folded.runs.sort_by(|a, b| (a.partition_us, &a.file).cmp(&(b.partition_us, &b.file)));
        Ok(())
    }

    /// How many groups are merged in a partition, at most.
    fn groups(&self, partition_us: i64) -> u64 {
        let new = self.executed.groups(self.reduce.partition, partition_us);
        let (_, merged) = self.split(partition_us, new);
        new + merged.iter().map(|run| run.groups).sum::<u64>()
    }

    /// The partition's runs: those that stay, and those that become part of the new one.
    fn split(&self, partition_us: i64, groups: u64) -> (&[Run], &[Run]) {
        let known = of_partition(self.known, partition_us);
        match self.batch.depth {
            Depth::Whole | Depth::Anew => known.split_at(0),
            Depth::Changed => known.split_at(kept(known, groups)),
        }
    }

    /// Merges one time partition: the delta, what was spilled, and some of its runs.
    fn partition(&self, partition_us: i64, threads: usize) -> Result<Part, RunError> {
        let Fold { batch, reduce, executed, .. } = self;
        let tables = executed.delta.slices(reduce.partition, partition_us);
        let mut new = New { tables, spilled: Vec::new() };
        for run in &self.spilled {
            let cursor = run.cursor(partition_us, batch.number)?;
            new.spilled.extend(cursor.map(|cursor| Box::new(cursor) as Box<dyn Cursor>));
        }
        let groups = executed.groups(reduce.partition, partition_us);
        let (kept, merged) = self.split(partition_us, groups);
        let partition = Partition {
            plan: batch.plan,
            reduce,
            folder: batch.layout.stores(),
            names: batch.names,
            partition_us,
            threads,
        };
        let whole = batch.depth != Depth::Changed;
        let mut made = partition.merge(merged, new, batch.number, "batch", whole)?;
        if batch.depth == Depth::Changed {
            made.changed = check_measures(&partition, kept, &made, batch.number)?;
        }
        Ok((merged.iter().map(|run| run.file.clone()).collect(), made))
    }
}

fn take((removed, made): Part, durable: &mut Durable, folded: &mut Folded) {
    durable.add(made.unsynced);
    folded.groups += made.changed;
    folded.runs_removed.extend(removed);
    folded.runs.extend(made.run);
    if let Some((rename, visible)) = made.visible {
        folded.renames.push(rename);
        folded.visible.push(visible);
    }
}

/// How many of the runs stay as they are: those before the first that is not much larger than all that is merged behind it.
/// So each group is written a logarithmic number of times, and a logarithmic number of runs is left.
fn kept(runs: &[Run], groups: u64) -> usize {
    let (mut kept, mut merged) = (runs.len(), groups);
    while kept > 0 && runs[kept - 1].groups <= 2 * merged {
        kept -= 1;
        merged += runs[kept].groups;
    }
    kept
}

/// Computes the full rows of the changed groups: what can't be computed must end the run before the decision. Answers how
/// many there are.
fn check_measures(
    partition: &Partition<'_>,
    kept: &[Run],
    made: &Made,
    batch: u64,
) -> Result<u64, RunError> {
    let files = kept.iter().chain(&made.run).map(|run| partition.folder.join(&run.file));
    let files: Vec<PathBuf> = files.collect();
    let mut reader = SummaryReader::open(partition.reduce, &files, batch - 1)?;
    let mut changed = 0;
    while let Some(found) = reader.next_rows()? {
        changed += found.rows.num_rows() as u64;
    }
    Ok(changed)
}

/// Numbers the events' files of each partition, in the order of segments and splits.
fn event_files(batch: &Batch<'_>, events: &[StagedEvents], folded: &mut Folded) {
    let Some(output) = &batch.plan.outputs.events else { return };
    let mut numbers = HashMap::new();
    for staged in events {
        let number = numbers.entry(staged.partition_us).or_insert(0usize);
        *number += 1;
        let path =
            events_path(&output.path, output.partition, staged.partition_us, batch.number, *number);
        let rename = Rename {
            staged: staged.written.path.clone(),
            published: path,
            bytes: staged.written.bytes,
            checksum: staged.written.checksum,
        };
        folded.event_files.push(event_file(&rename, staged.partition_us, batch.number));
        folded.renames.push(rename);
    }
}

/// A file of events as the catalog knows it once it is published.
pub(super) fn event_file(rename: &Rename, partition_us: i64, batch: u64) -> EventFile {
    let (path, bytes, checksum) = (rename.published.clone(), rename.bytes, rename.checksum);
    EventFile { path, partition_us, batch, bytes, checksum }
}

fn event_part(staged: &StagedEvents) -> EventPart {
    EventPart {
        staged: staged.written.path.clone(),
        partition_us: staged.partition_us,
        bytes: staged.written.bytes,
        checksum: staged.written.checksum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(groups: &[u64]) -> Vec<Run> {
        let run = |&groups: &u64| Run {
            file: String::new(),
            partition_us: 0,
            batch: 0,
            groups,
            bytes: 0,
            checksum: 0,
        };
        groups.iter().map(run).collect()
    }

    #[test]
    fn small_runs_are_merged_and_large_ones_kept() {
        assert_eq!(kept(&runs(&[]), 10), 0);
        assert_eq!(kept(&runs(&[1_000_000, 100]), 10), 2);
        assert_eq!(kept(&runs(&[1_000_000, 100, 20]), 10), 2);
        assert_eq!(kept(&runs(&[1_000_000, 50, 20]), 10), 1);
        assert_eq!(kept(&runs(&[50, 20]), 100), 0);
    }

    #[test]
    fn the_number_of_runs_stays_small_however_many_batches_there_are() {
        let (mut all, mut written) = (runs(&[1_000_000]), 0);
        for _ in 0..10_000 {
            let at = kept(&all, 100);
            let groups = 100 + all[at..].iter().map(|run| run.groups).sum::<u64>();
            all.truncate(at);
            all.extend(runs(&[groups]));
            written += groups;
            assert!(all.len() <= 16, "{}", all.len());
        }
        assert!(written < 20 * 100 * 10_000, "{written}");
    }
}
