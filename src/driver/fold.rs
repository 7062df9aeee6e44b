//! The fold: the delta into the store and the visible summary, one time partition at a time, in parallel.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use rayon::prelude::*;

use super::RunError;
use super::batch::{Batch, Depth};
use super::execute::Executed;
use super::layout::events_path;
use super::partition::{Made, Partition};
use crate::catalog::{EventFile, EventPart, Rename, Run, Swap, VisibleFile};
use crate::deliver::events::StagedEvents;
use crate::engine::cursor::Cursor;
use crate::engine::parquet_file::sync_folder;
use crate::engine::store::StoreCursor;
use crate::engine::summary_reader::SummaryReader;
use crate::engine::timepart::check_partitions;
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
        partitions.extend(executed.spilled.iter().map(|run| run.partition_us));
        let stored = known.iter().map(|run| run.partition_us);
        check_partitions(
            reduce.partition,
            stored.chain(partitions.iter().copied()),
            batch.plan.limits.partitions_max,
        )
        .map_err(|error| RunError::Other(error.to_string()))?;
        let made: Vec<_> = partitions
            .into_par_iter()
            .map(|partition_us| {
                let known = of_partition(known, partition_us);
                partition(batch, reduce, executed, partition_us, known)
            })
            .collect::<Result<_, RunError>>()?;
        for (removed, made) in made {
            folded.groups += made.changed;
            folded.runs_removed.extend(removed);
            folded.runs.extend(made.run);
            if let Some((rename, visible)) = made.visible {
                folded.renames.push(rename);
                folded.visible.push(visible);
            }
        }
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

/// Merges one time partition: the delta, what was spilled, and those of its runs that become part of the new one.
fn partition(
    batch: &Batch<'_>,
    reduce: &ReducePlan,
    executed: &Executed,
    partition_us: i64,
    known: &[Run],
) -> Result<(Vec<String>, Made), RunError> {
    let mut cursors = executed.delta.cursors(reduce.partition, partition_us, batch.number);
    for run in executed.spilled.iter().filter(|run| run.partition_us == partition_us) {
        cursors.push(Box::new(StoreCursor::open(&run.path)?) as Box<dyn Cursor>);
    }
    let (kept, merged) = match batch.depth {
        Depth::Whole | Depth::Anew => known.split_at(0),
        Depth::Changed => {
            let groups = executed.groups(reduce.partition, partition_us);
            known.split_at(kept(known, groups))
        }
    };
    let partition = Partition {
        plan: batch.plan,
        reduce,
        folder: batch.layout.stores(),
        names: batch.names,
        partition_us,
    };
    let whole = batch.depth != Depth::Changed;
    let mut made = partition.merge(merged, cursors, batch.number, "batch", whole)?;
    if batch.depth == Depth::Changed {
        made.changed = check_measures(&partition, kept, &made, batch.number)?;
    }
    Ok((merged.iter().map(|run| run.file.clone()).collect(), made))
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
