//! Groups that memory can't hold: sorted runs in the state directory, merged in the fold.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::RunError;
use super::batch::Batch;
use crate::engine::cursor::Cursor;
use crate::engine::groups::rows_max;
use crate::engine::merge::{Folder, Merge};
use crate::engine::merged::Merged;
use crate::engine::parquet_file::FileError;
use crate::engine::reduce::{Delta, PartitionOf};
use crate::engine::run_cursor::OpenRun;
use crate::engine::run_file::{RunWriter, SpilledRun};
use crate::engine::table::GroupTable;
use crate::limits::{RUN_BLOCK_BYTES, RUNS_MERGED_MAX, RUNS_MERGED_MIN};
use crate::plan::ReducePlan;

/// Names runs; unique within the process, and the folder is empty before a batch.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Writes the groups of a worker's tables to a file.
pub(super) fn spill(
    batch: &Batch<'_>,
    tables: Vec<GroupTable>,
) -> Result<Option<SpilledRun>, RunError> {
    let Some(reduce) = &batch.plan.reduce else { return Ok(None) };
    let delta = Delta::reduce(vec![tables]);
    if delta.groups() == 0 {
        return Ok(None);
    }
    let folder = batch.names.spill();
    std::fs::create_dir_all(&folder).map_err(FileError::io("create", &folder))?;
    let cursors = delta.cursors(crate::job::Partition::None, 0, batch.number);
    write(batch, reduce, Merge::new(cursors).folding(reduce)).map(Some)
}

/// Opens the runs; merges some of them first, where they are too many to be read at once.
pub(super) fn open(
    batch: &Batch<'_>,
    reduce: &ReducePlan,
    mut runs: Vec<SpilledRun>,
) -> Result<Vec<OpenRun>, RunError> {
    let together = merged_together(batch);
    while runs.len() > together {
        // Each merge makes one run of `together`; no more of them than it takes.
        let merges = (runs.len() - together).div_ceil(together - 1).min(runs.len() / together);
        runs.sort_by_key(SpilledRun::groups);
        let few: Vec<SpilledRun> = runs.drain(..merges * together).collect();
        let merged = few.par_chunks(together).map(|runs| join(batch, reduce, runs));
        runs.extend(merged.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(runs.into_iter().map(OpenRun::open).collect::<Result<_, _>>()?)
}

/// Removes the runs of this batch.
pub(super) fn clear(batch: &Batch<'_>) -> Result<(), RunError> {
    let folder = batch.names.spill();
    match std::fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::io("remove", &folder)(e).into())
        }
        _ => Ok(()),
    }
}

/// How many runs are merged at once: each thread may read a block of every one.
fn merged_together(batch: &Batch<'_>) -> usize {
    let blocks = batch.plan.limits.memory_bytes / 8 / RUN_BLOCK_BYTES as u64;
    let together = blocks as usize / batch.options.threads.max(1);
    together.clamp(RUNS_MERGED_MIN, RUNS_MERGED_MAX)
}

/// One run of some, which are removed: a disk need not hold groups more than twice.
fn join(
    batch: &Batch<'_>,
    reduce: &ReducePlan,
    runs: &[SpilledRun],
) -> Result<SpilledRun, RunError> {
    let mut cursors: Vec<Box<dyn Cursor>> = Vec::new();
    for run in runs {
        cursors.push(Box::new(OpenRun::open(run.clone())?.whole(batch.number)?));
    }
    let joined = write(batch, reduce, Merge::new(cursors).folding(reduce))?;
    for run in runs {
        std::fs::remove_file(&run.path).map_err(FileError::io("remove", &run.path))?;
    }
    Ok(joined)
}

fn write(
    batch: &Batch<'_>,
    reduce: &ReducePlan,
    mut merge: Merge<'_>,
) -> Result<SpilledRun, RunError> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path: PathBuf = batch.names.spill().join(format!("{number}.run"));
    let mut writer = RunWriter::create(&path)?;
    let mut partition_of = PartitionOf::new(reduce.partition);
    let (mut merged, mut folder) = (Merged::default(), Folder::new(reduce));
    loop {
        merge.next_merged(rows_max(reduce), &mut merged)?;
        if merged.is_empty() {
            return Ok(writer.finish()?);
        }
        for group in 0..merged.len() {
            let key = merged.key(group);
            let partition_us = partition_of.key(key);
            if writer.begins(partition_us) {
                writer.begin(partition_us)?;
            }
            match merged.only_state(group) {
                Some(state) => writer.write(key, state)?,
                None => writer.write(key, folder.fold(&merged, group)?)?,
            }
        }
    }
}
