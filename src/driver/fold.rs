//! The fold: the delta into the store and the visible summary, one time partition at a time, in parallel.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::RunError;
use super::execute::Executed;
use super::layout::{events_path, summary_path};
use super::run::Batch;
use crate::catalog::{Rename, StoreFile, VisibleFile};
use crate::engine::cursor::Cursor;
use crate::engine::groups::{GroupBlock, Merge};
use crate::engine::parquet_file::{Content, ParquetFile, Written, sync_folder};
use crate::engine::store::{StoreCursor, StoreWriter};
use crate::engine::summary::Summarizer;
use crate::plan::ReducePlan;

/// Staged files of a batch.
#[derive(Default)]
pub(super) struct Folded {
    /// New files of the store.
    pub(super) stores: Vec<StoreFile>,
    /// Files to publish.
    pub(super) renames: Vec<Rename>,
    /// Those of them that show the new files of the store.
    pub(super) visible: Vec<VisibleFile>,
    /// Groups that the batch changed.
    pub(super) groups: u64,
}

/// Stages everything that the batch changes. `known`: the files of the store, by partition.
pub(super) fn fold(
    batch: &Batch<'_>,
    known: &[StoreFile],
    executed: &Executed,
) -> Result<Folded, RunError> {
    let mut folded = Folded { renames: events(batch, executed), ..Folded::default() };
    if let Some(reduce) = &batch.plan.reduce {
        let mut partitions: BTreeSet<i64> =
            executed.delta.partitions(reduce.partition).into_iter().collect();
        partitions.extend(executed.spilled.iter().map(|run| run.partition_us));
        let parts: Vec<_> = partitions
            .into_par_iter()
            .map(|partition_us| {
                let base = known.binary_search_by_key(&partition_us, |store| store.partition_us);
                let base = base.ok().map(|at| &known[at]);
                partition(batch, reduce, executed, partition_us, base)
            })
            .collect::<Result<_, RunError>>()?;
        for part in parts {
            folded.groups += part.changed;
            folded.visible.extend(part.rename.iter().map(|rename| VisibleFile {
                path: rename.published.clone(),
                batch: batch.number,
                bytes: rename.bytes,
            }));
            folded.stores.push(part.store);
            folded.renames.extend(part.rename);
        }
    }
    for folder in batch.layout.staging_folders() {
        sync_folder(&folder)?;
    }
    Ok(folded)
}

/// One time partition, folded.
struct Part {
    store: StoreFile,
    rename: Option<Rename>,
    changed: u64,
}

/// Merges one time partition: its base, the delta, and what was spilled.
fn partition(
    batch: &Batch<'_>,
    reduce: &ReducePlan,
    executed: &Executed,
    partition_us: i64,
    base: Option<&StoreFile>,
) -> Result<Part, RunError> {
    let mut cursors = executed.delta.cursors(reduce.partition, partition_us, batch.number);
    let folder = batch.layout.stores();
    let runs = executed.spilled.iter().filter(|run| run.partition_us == partition_us);
    let files = base
        .map(|store| folder.join(&store.file))
        .into_iter()
        .chain(runs.map(|run| run.path.clone()));
    for path in files {
        cursors.push(Box::new(StoreCursor::open(&path)?) as Box<dyn Cursor>);
    }
    let file = batch.layout.store_name(reduce.partition, partition_us, batch.number);
    let mut store = StoreWriter::create(&folder.join(&file))?;
    let summarizer = Summarizer::new(reduce);
    let mut visible = create_summary(batch, reduce, &summarizer, partition_us)?;
    let mut changed = 0;
    let (mut merge, mut block) = (Merge::new(cursors), GroupBlock::new(reduce));
    while merge.next(&mut block)? {
        store.write(&block)?;
        changed += block.batches().iter().filter(|&&last| last == batch.number).count() as u64;
        // Also where only tables want them: what can't be computed must end the run before the decision.
        let rows = summarizer.rows(&block)?.rows;
        if let Some(visible) = &mut visible {
            visible.write(&rows)?;
        }
    }
    let written = store.finish()?;
    let store = StoreFile {
        partition_us,
        file,
        batch: batch.number,
        groups: written.rows,
        bytes: written.bytes,
        checksum: written.checksum,
    };
    let visible = visible.map(|file| file.finish()).transpose()?;
    let rename = visible.and_then(|written| publish_summary(batch, reduce, partition_us, written));
    Ok(Part { store, rename, changed })
}

fn create_summary(
    batch: &Batch<'_>,
    reduce: &ReducePlan,
    summarizer: &Summarizer<'_>,
    partition_us: i64,
) -> Result<Option<ParquetFile>, RunError> {
    let Some(output) = &batch.plan.outputs.summary else { return Ok(None) };
    let path = batch.layout.staged(&output.path, batch.number, &format!("summary-{partition_us}"));
    let sorted = Content::Summary(reduce.key_types().len());
    Ok(Some(ParquetFile::create(&path, summarizer.schema(), sorted)?))
}

fn publish_summary(
    batch: &Batch<'_>,
    reduce: &ReducePlan,
    partition_us: i64,
    written: Written,
) -> Option<Rename> {
    let output = batch.plan.outputs.summary.as_ref()?;
    let published = summary_path(&output.path, reduce.partition, partition_us);
    Some(rename(written, published))
}

/// Numbers the events' files of each partition, in the order of segments and splits.
fn events(batch: &Batch<'_>, executed: &Executed) -> Vec<Rename> {
    let Some(output) = &batch.plan.outputs.events else { return Vec::new() };
    let mut numbers = std::collections::HashMap::new();
    let number = |staged: &crate::deliver::events::StagedEvents| {
        let number = numbers.entry(staged.partition_us).or_insert(0usize);
        *number += 1;
        let path =
            events_path(&output.path, output.partition, staged.partition_us, batch.number, *number);
        rename(staged.written.clone(), path)
    };
    executed.events.iter().map(number).collect()
}

fn rename(written: Written, published: std::path::PathBuf) -> Rename {
    Rename { staged: written.path, published, bytes: written.bytes, checksum: written.checksum }
}
