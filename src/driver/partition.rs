//! One time partition of the summary: runs merged into one, and its visible file.

use std::path::PathBuf;

use super::RunError;
use super::groups_out::GroupsOut;
use super::layout::{Names, summary_path};
use crate::catalog::{Rename, Run, VisibleFile};
use crate::engine::cursor::Cursor;
use crate::engine::groups::rows_max;
use crate::engine::parquet_file::{Unsynced, verify_file};
use crate::engine::store::StoreCursor;
use crate::engine::waves::{WaveSize, Waves};
use crate::plan::{Plan, ReducePlan};

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
        mut cursors: Vec<Box<dyn Cursor + '_>>,
        batch: u64,
        what: &str,
        whole: bool,
    ) -> Result<Made, RunError> {
        let alone = runs.len() == 1 && cursors.is_empty();
        for run in runs {
            let path = self.folder.join(&run.file);
            // What is damaged must not become part of a file with a checksum of its own.
            verify_file(&path, run.bytes, run.checksum)?;
            cursors.push(Box::new(StoreCursor::open(&path)?));
        }
        let file = self.names.run(self.reduce.partition, self.partition_us, what);
        let mut out = GroupsOut::create(
            self.reduce,
            (!alone).then(|| self.folder.join(&file)).as_deref(),
            self.staged().filter(|_| whole).as_deref(),
        )?
        .evaluating(whole)
        .counting(batch);
        self.write(Waves::new(cursors, self.wave_size()), &mut out)?;
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
        let blocks = if self.threads > 1 { 16 * self.threads } else { 1 };
        let bytes = (self.plan.limits.memory_bytes / 16) as usize;
        WaveSize { block_rows: rows_max(self.reduce), blocks, bytes }
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
