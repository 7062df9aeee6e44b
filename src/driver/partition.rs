//! One time partition of the summary: runs merged into one, and its visible file.

use std::path::PathBuf;

use super::RunError;
use super::layout::{Names, summary_path};
use crate::catalog::{Rename, Run, VisibleFile};
use crate::engine::cursor::Cursor;
use crate::engine::groups::{GroupBlock, Merge};
use crate::engine::parquet_file::{Content, ParquetFile};
use crate::engine::store::{StoreCursor, StoreWriter};
use crate::engine::summary::Summarizer;
use crate::plan::{Plan, ReducePlan};

/// A partition that files are made of.
pub(super) struct Partition<'p> {
    pub(super) plan: &'p Plan,
    pub(super) reduce: &'p ReducePlan,
    /// Of the store.
    pub(super) folder: PathBuf,
    pub(super) names: Names<'p>,
    pub(super) partition_us: i64,
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
}

impl Partition<'_> {
    /// Merges runs and further sequences into one run and, if they are the whole partition, its visible file. A run on its
    /// own stays.
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
            cursors.push(Box::new(StoreCursor::open(&self.folder.join(&run.file))?));
        }
        let file = self.names.run(self.reduce.partition, self.partition_us, what);
        let mut store = match alone {
            true => None,
            false => Some(StoreWriter::create(&self.folder.join(&file))?),
        };
        let summarizer = Summarizer::new(self.reduce);
        let mut visible = if whole { self.create_visible(&summarizer)? } else { None };
        let mut made = Made::default();
        let (mut merge, mut block) = (Merge::new(cursors), GroupBlock::new(self.reduce));
        while merge.next(&mut block)? {
            if let Some(store) = &mut store {
                store.write(&block)?;
            }
            made.changed += block.batches().iter().filter(|&&last| last == batch).count() as u64;
            if whole {
                // Also where only tables want them: what can't be computed must end the run before the decision.
                let rows = summarizer.rows(&block)?.rows;
                if let Some(visible) = &mut visible {
                    visible.write(&rows)?;
                }
            }
        }
        if let Some(store) = store {
            let written = store.finish()?;
            made.run = Some(Run {
                file,
                partition_us: self.partition_us,
                batch,
                groups: written.rows,
                bytes: written.bytes,
                checksum: written.checksum,
            });
        }
        if let Some(visible) = visible {
            made.visible = self.publishable(visible, batch)?;
        }
        Ok(made)
    }

    fn create_visible(&self, summarizer: &Summarizer<'_>) -> Result<Option<ParquetFile>, RunError> {
        let Some(output) = &self.plan.outputs.summary else { return Ok(None) };
        let path = self.names.staged(&output.path, &format!("summary-{}", self.partition_us));
        let sorted = Content::Summary(self.reduce.key_types().len());
        Ok(Some(ParquetFile::create(&path, summarizer.schema(), sorted)?))
    }

    fn publishable(
        &self,
        file: ParquetFile,
        batch: u64,
    ) -> Result<Option<(Rename, VisibleFile)>, RunError> {
        let Some(output) = &self.plan.outputs.summary else { return Ok(None) };
        let written = file.finish()?;
        let path = summary_path(&output.path, self.reduce.partition, self.partition_us);
        let visible = VisibleFile { path: path.clone(), batch, bytes: written.bytes };
        let (bytes, checksum) = (written.bytes, written.checksum);
        let rename = Rename { staged: written.path, published: path, bytes, checksum };
        Ok(Some((rename, visible)))
    }
}
