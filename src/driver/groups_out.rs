//! Merged groups into a run of the store and a visible file, at once: each block is decoded once, on any thread.

use std::path::Path;

use rayon::prelude::*;

use super::RunError;
use crate::engine::groups::{GroupBlock, GroupError};
use crate::engine::parquet_file::{Content, Unsynced};
use crate::engine::row_group_file::{Encoder, Leaves, RowGroup, RowGroupEncoder, RowGroupFile};
use crate::engine::store_writer::{StoreEncoder, StoreWriter};
use crate::engine::summary::Summarizer;
use crate::engine::waves::RawBlock;
use crate::limits::SUMMARY_GROUP_ROWS;
use crate::plan::ReducePlan;

/// The files that groups are written to.
pub(super) struct GroupsOut<'p> {
    reduce: &'p ReducePlan,
    summarizer: Summarizer<'p>,
    store: Option<StoreWriter>,
    visible: Option<Visible>,
    evaluates: bool,
    batch: u64,
    changed: u64,
}

struct Visible {
    file: RowGroupFile,
    encoder: RowGroupEncoder,
}

/// What was written.
pub(super) struct GroupsDone {
    pub(super) store: Option<Unsynced>,
    pub(super) visible: Option<Unsynced>,
    /// Groups that the batch changed.
    pub(super) changed: u64,
}

/// What is made of one block.
#[derive(Default)]
struct Encoded {
    store: Vec<RowGroup>,
    visible: Option<Leaves>,
    changed: u64,
}

impl<'p> GroupsOut<'p> {
    /// To new files.
    pub(super) fn create(
        reduce: &'p ReducePlan,
        store: Option<&Path>,
        visible: Option<&Path>,
    ) -> Result<Self, RunError> {
        let summarizer = Summarizer::new(reduce);
        let store = store.map(StoreWriter::create).transpose()?;
        let visible = visible.map(|path| Visible::create(path, reduce, &summarizer)).transpose()?;
        let (evaluates, batch, changed) = (visible.is_some(), 0, 0);
        Ok(GroupsOut { reduce, summarizer, store, visible, evaluates, batch, changed })
    }

    /// Whether measures are computed also where only tables want them: what can't be computed must end the run before the
    /// decision.
    pub(super) fn evaluating(mut self, evaluates: bool) -> Self {
        self.evaluates = evaluates;
        self
    }

    /// Counts the groups that this batch changed.
    pub(super) fn counting(mut self, batch: u64) -> Self {
        self.batch = batch;
        self
    }

    /// Appends blocks. `parallel`: on all threads of the pool.
    pub(super) fn write(&mut self, wave: &[RawBlock<'_>], parallel: bool) -> Result<(), RunError> {
        let encoded = self.encode(wave, parallel)?;
        let mut leaves = Vec::with_capacity(encoded.len());
        for block in encoded {
            self.changed += block.changed;
            leaves.extend(block.visible);
            if let Some(store) = &mut self.store {
                store.append(block.store)?;
            }
        }
        if let Some(visible) = &mut self.visible {
            visible.append(leaves, parallel)?;
        }
        Ok(())
    }

    /// Writes the footers.
    pub(super) fn finish(self) -> Result<GroupsDone, RunError> {
        let store = self.store.map(StoreWriter::finish).transpose()?;
        let visible = self.visible.map(Visible::finish).transpose()?;
        Ok(GroupsDone { store, visible, changed: self.changed })
    }

    fn encode(&self, wave: &[RawBlock<'_>], parallel: bool) -> Result<Vec<Encoded>, GroupError> {
        let block = BlockEncoder {
            summarizer: &self.summarizer,
            store: self.store.as_ref().map(StoreWriter::encoder),
            visible: self.visible.as_ref().map(|visible| visible.file.encoder()),
            evaluates: self.evaluates,
            batch: self.batch,
            parallel,
        };
        let new = || GroupBlock::new(self.reduce);
        if parallel {
            return wave
                .par_iter()
                .map_init(new, |groups, raw| block.encode(groups, raw))
                .collect();
        }
        let mut groups = new();
        wave.iter().map(|raw| block.encode(&mut groups, raw)).collect()
    }
}

impl Visible {
    fn create(path: &Path, reduce: &ReducePlan, rows: &Summarizer<'_>) -> Result<Self, RunError> {
        let sorted = Content::Summary(reduce.key_types().len());
        let file = RowGroupFile::create(path, rows.schema(), sorted)?;
        let encoder = RowGroupEncoder::new(file.encoder(), SUMMARY_GROUP_ROWS);
        Ok(Visible { file, encoder })
    }

    fn append(&mut self, blocks: Vec<Leaves>, parallel: bool) -> Result<(), RunError> {
        for group in self.encoder.push(blocks, parallel)? {
            self.file.append(group)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Unsynced, RunError> {
        if let Some(last) = self.encoder.finish()? {
            self.file.append(last)?;
        }
        Ok(self.file.finish()?)
    }
}

/// What all threads need to encode blocks.
struct BlockEncoder<'e, 'p> {
    summarizer: &'e Summarizer<'p>,
    store: Option<StoreEncoder>,
    visible: Option<Encoder>,
    evaluates: bool,
    batch: u64,
    parallel: bool,
}

impl BlockEncoder<'_, '_> {
    fn encode(&self, groups: &mut GroupBlock, raw: &RawBlock<'_>) -> Result<Encoded, GroupError> {
        raw.fill(groups)?;
        let mut encoded = Encoded::default();
        let is_changed = |last: &&u64| **last == self.batch;
        encoded.changed = groups.batches().iter().filter(is_changed).count() as u64;
        if let Some(store) = &self.store {
            encoded.store = store.encode(groups, raw.merged(), self.parallel)?;
        }
        if self.evaluates {
            let rows = self.summarizer.rows(groups)?.rows;
            let leaves = self.visible.as_ref().map(|visible| visible.leaves(&rows));
            encoded.visible = leaves.transpose()?;
        }
        Ok(encoded)
    }
}
