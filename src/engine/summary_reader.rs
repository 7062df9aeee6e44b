//! The runs of a time partition, read as rows of the summary.

use std::path::PathBuf;

use super::cursor::Cursor;
use super::groups::{GroupBlock, GroupError};
use super::lookup::Lookup;
use super::merge::Merge;
use super::store::StoreCursor;
use super::summary::{Summarizer, SummaryRows};
use crate::plan::ReducePlan;

/// Reads a block of groups at a time. All of them come in the blocks in which the fold writes them, however many runs they
/// stand in.
pub struct SummaryReader<'p> {
    groups: Groups,
    block: GroupBlock,
    summarizer: Summarizer<'p>,
}

enum Groups {
    All(Merge<'static>),
    Changed(Lookup),
}

impl<'p> SummaryReader<'p> {
    /// Opens the runs of one time partition. The groups that a later batch than `since` changed, with their full merged
    /// values; all groups where it is 0.
    pub fn open(reduce: &'p ReducePlan, runs: &[PathBuf], since: u64) -> Result<Self, GroupError> {
        let groups = if since == 0 {
            let cursor = |path| StoreCursor::open(path).map(|c| Box::new(c) as Box<dyn Cursor>);
            let cursors = runs.iter().map(|path| cursor(path));
            Groups::All(Merge::new(cursors.collect::<Result<_, _>>()?).folding(reduce))
        } else {
            Groups::Changed(Lookup::open(runs, since)?)
        };
        let (block, summarizer) = (GroupBlock::new(reduce), Summarizer::new(reduce));
        Ok(SummaryReader { groups, block, summarizer })
    }

    /// The next rows; never an empty block.
    pub fn next_rows(&mut self) -> Result<Option<SummaryRows>, GroupError> {
        let more = match &mut self.groups {
            Groups::All(merge) => merge.next(&mut self.block)?,
            Groups::Changed(lookup) => lookup.next(&mut self.block)?,
        };
        more.then(|| self.summarizer.rows(&self.block)).transpose()
    }

    /// How many row groups were read to find changed groups; 0 where all groups are read.
    pub fn row_groups_read(&self) -> usize {
        match &self.groups {
            Groups::All(_) => 0,
            Groups::Changed(lookup) => lookup.row_groups_read(),
        }
    }
}
