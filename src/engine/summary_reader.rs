//! A file of the store, read as rows of the summary.

use std::path::Path;

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
}

impl<'p> SummaryReader<'p> {
    /// Opens a file.
    pub fn open(reduce: &'p ReducePlan, path: &Path) -> Result<Self, GroupError> {
        let cursor = Box::new(StoreCursor::open(path)?) as Box<dyn Cursor>;
        Ok(SummaryReader {
            merge: Merge::new(vec![cursor]),
            block: GroupBlock::new(reduce),
            summarizer: Summarizer::new(reduce),
        })
    }

    /// The next rows that a later batch than `since` changed; never an empty block.
    pub fn next(&mut self, since: u64) -> Result<Option<SummaryRows>, GroupError> {
        while self.merge.next(&mut self.block)? {
            let found = self.summarizer.rows(&self.block, since)?;
            if found.rows.num_rows() > 0 {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
