//! One time partition of the summary: runs merged into one, and its visible file.

use std::path::PathBuf;

use super::RunError;
use super::groups_out::GroupsOut;
use super::layout::{Names, summary_path};
use crate::catalog::{Rename, Run, VisibleFile};
use crate::engine::cursor::{Cursor, TableCursor, TableSlice};
use crate::engine::groups::rows_max;
use crate::engine::parquet_file::{Unsynced, verify_file};
use crate::engine::store::StoreCursor;
use crate::engine::waves::{WaveSize, Waves};
use crate::plan::{Plan, ReducePlan};

/// Blocks of a wave for each thread: so many that threads which are done early find more to do.
const BLOCKS_A_THREAD: usize = 16;
/// What a row takes in memory, supposedly, where nobody has seen one yet.
const ROW_BYTES: usize = 64;

/// A partition that files are made of.
pub(super) struct Partition<'p> {
    pub(super) plan: &'p Plan,
    pub(super) reduce: &'p ReducePlan,
    /// Of the store.
    pub(super) folder: PathBuf,
    pub(super) names: Names<'p>,
    pub(super) partition_us: i64,
    /// Threads that may work on it: more than one only within a pool.
    pub(super) threads: usize,
}

/// What a batch adds to a partition.
#[derive(Default)]
pub(super) struct New<'c> {
    /// From memory, ascending from slice to slice.
    pub(super) tables: Vec<TableSlice<'c>>,
    /// Of spilled runs.
    pub(super) spilled: Vec<Box<dyn Cursor + 'c>>,
}

/// Staged files of a partition.
#[derive(Default)]
pub(super) struct Made {
    /// The new run; there is none where the only run stays.
    pub(super) run: Option<Run>,
    /// The visible file.
    pub(super) visible: Option<(Rename, VisibleFile)>,
    /// Groups that the batch changed.
    pub(super) changed: u64,
    /// The files, to be made durable before the decision.
    pub(super) unsynced: Vec<Unsynced>,
}

impl Partition<'_> {
    /// Merges runs and further sequences into one run and, if they are the whole partition, its visible file. A run on its
    /// own stays. The files are not durable yet.
    pub(super) fn merge(
        &self,
        runs: &[Run],
        new: New<'_>,
        batch: u64,
        what: &str,
        whole: bool,
    ) -> Result<Made, RunError> {
        let alone = runs.len() == 1 && new.tables.is_empty() && new.spilled.is_empty();
        let waves = self.waves(runs, new, batch)?;
        let file = self.names.run(self.reduce.partition, self.partition_us, what);
        let mut out = GroupsOut::create(
            self.reduce,
            (!alone).then(|| self.folder.join(&file)).as_deref(),
            self.staged().filter(|_| whole).as_deref(),
        )?
        .evaluating(whole)
        .counting(batch);
        self.write(waves, &mut out)?;
        let done = out.finish()?;
        let mut made = Made { changed: done.changed, ..Made::default() };
        if let Some(store) = done.store {
            made.run = Some(self.run(file, batch, &store));
            made.unsynced.push(store);
        }
        if let Some(visible) = done.visible {
            made.visible = self.publishable(batch, &visible);
            made.unsynced.push(visible);
        }
        Ok(made)
    }

    /// All groups, ascending: straight from the tables where there are no others.
    fn waves<'c>(&self, runs: &[Run], new: New<'c>, batch: u64) -> Result<Waves<'c>, RunError> {
        let (tables, mut cursors) = (new.tables, new.spilled);
        if runs.is_empty() && cursors.is_empty() {
            return Ok(Waves::gather(tables, batch, self.wave_size()));
        }
        for TableSlice { table, order } in tables {
            cursors.push(Box::new(TableCursor::new(table, order, batch)));
        }
        for run in runs {
            let path = self.folder.join(&run.file);
            // What is damaged must not become part of a file with a checksum of its own.
            verify_file(&path, run.bytes, run.checksum)?;
            cursors.push(Box::new(StoreCursor::open(&path)?));
        }
        Ok(Waves::merge(cursors, self.reduce, self.wave_size()))
    }

    /// While threads write one wave, another merges the next.
    fn write(&self, mut waves: Waves<'_>, out: &mut GroupsOut<'_>) -> Result<(), RunError> {
        let parallel = self.threads > 1;
        let mut wave = waves.next_wave()?;
        while !wave.is_empty() {
            wave = match parallel {
                true => {
                    let (next, written) =
                        rayon::join(|| waves.next_wave(), || out.write(&wave, true));
                    written?;
                    next?
                }
                false => {
                    out.write(&wave, false)?;
                    waves.next_wave()?
                }
            };
        }
        Ok(())
    }

    /// Two waves are in memory at once, in several forms.
    fn wave_size(&self) -> WaveSize {
        let (block_rows, bytes) =
            (rows_max(self.reduce), (self.plan.limits.memory_bytes / 16) as usize);
        let fitting = bytes / (block_rows * ROW_BYTES);
        let blocks = match self.threads {
            1 => 1,
            threads => fitting.clamp(threads, BLOCKS_A_THREAD * threads),
        };
        WaveSize { block_rows, blocks, first_blocks: self.threads, bytes }
    }

    /// The visible file's place before the decision.
    fn staged(&self) -> Option<PathBuf> {
        let output = self.plan.outputs.summary.as_ref()?;
        Some(self.names.staged(&output.path, &format!("summary-{}", self.partition_us)))
    }

    fn run(&self, file: String, batch: u64, store: &Unsynced) -> Run {
        let written = &store.written;
        Run {
            file,
            partition_us: self.partition_us,
            batch,
            groups: written.rows,
            bytes: written.bytes,
            checksum: written.checksum,
        }
    }

    fn publishable(&self, batch: u64, visible: &Unsynced) -> Option<(Rename, VisibleFile)> {
        let output = self.plan.outputs.summary.as_ref()?;
        let published = summary_path(&output.path, self.reduce.partition, self.partition_us);
        let (bytes, checksum) = (visible.written.bytes, visible.written.checksum);
        let shown = VisibleFile { path: published.clone(), batch, bytes };
        let staged = visible.written.path.clone();
        Some((Rename { staged, published, bytes, checksum }, shown))
    }
}
