//! A file of the store, read as rows of the summary.

use std::path::PathBuf;

use super::cursor::Cursor;
use super::groups::{GroupBlock, GroupError, Merge};
use super::store::StoreCursor;
use super::summary::{Summarizer, SummaryRows};
use crate::plan::ReducePlan;

/// Reads a block of groups at a time: the blocks, and so the rows, in which the fold writes them.
pub struct SummaryReader<'p> {
    merge: Merge<'static>,
    block: GroupBlock,
    summarizer: Summarizer<'p>,
    since: u64,
}

impl<'p> SummaryReader<'p> {
    /// Opens the runs of a partition.
    pub fn open(reduce: &'p ReducePlan, runs: &[PathBuf], since: u64) -> Result<Self, GroupError> {
        let mut cursors = Vec::new();
        for run in runs {
            cursors.push(Box::new(StoreCursor::open(run)?) as Box<dyn Cursor>);
        }
        Ok(SummaryReader {
            merge: Merge::new(cursors),
            block: GroupBlock::new(reduce),
            summarizer: Summarizer::new(reduce),
            since,
        })
    }

    /// The next rows that a later batch than `since` changed; never an empty block.
    pub fn next(&mut self) -> Result<Option<SummaryRows>, GroupError> {
        while self.merge.next(&mut self.block)? {
            let found = self.summarizer.rows(&self.block, self.since)?;
            if found.rows.num_rows() > 0 {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
