//! Groups in waves: so many blocks at a time as threads can work on side by side, and as memory may hold.

use super::cursor::{Cursor, TableSlice};
use super::groups::{GroupBlock, GroupError};
use super::merge::Merge;
use super::merged::Merged;
use crate::plan::ReducePlan;

/// How large a wave is.
#[derive(Debug, Clone, Copy)]
pub struct WaveSize {
    /// Groups of a block; all but the last have so many.
    pub block_rows: usize,
    /// Blocks at most.
    pub blocks: usize,
    /// Blocks of the first wave, if those are fewer; each further one has twice as many. So threads that write need not wait
    /// long for the first ones.
    pub first_blocks: usize,
    /// No further block is begun when the wave has so many bytes.
    pub bytes: usize,
}

/// The groups of one block, before anybody looked at their states.
pub enum RawBlock<'c> {
    /// States as bytes.
    Merged(Merged),
    /// States in tables: nothing is merged, so nothing need be written down and read again.
    Gathered(Vec<TableSlice<'c>>, u64),
}

impl RawBlock<'_> {
    /// Fills a block with them.
    pub fn fill(&self, block: &mut GroupBlock) -> Result<(), GroupError> {
        match self {
            RawBlock::Merged(merged) => block.fill(merged),
            RawBlock::Gathered(slices, batch) => {
                block.gather(slices, *batch);
                Ok(())
            }
        }
    }

    /// Their states as bytes, if there are any.
    pub fn merged(&self) -> Option<&Merged> {
        match self {
            RawBlock::Merged(merged) => Some(merged),
            RawBlock::Gathered(..) => None,
        }
    }
}

/// Sequences of groups, or the slices of tables, a wave at a time.
pub struct Waves<'c> {
    groups: Groups<'c>,
    size: WaveSize,
    /// Blocks of the next wave.
    blocks: usize,
}

enum Groups<'c> {
    Merge(Box<Merge<'c>>),
    /// What is left, ascending.
    Tables(Vec<TableSlice<'c>>, u64),
}

impl<'c> Waves<'c> {
    /// Over these sequences, merged.
    pub fn merge(cursors: Vec<Box<dyn Cursor + 'c>>, reduce: &ReducePlan, size: WaveSize) -> Self {
        Waves::of(Groups::Merge(Box::new(Merge::new(cursors).folding(reduce))), size)
    }

    /// Over these slices, which ascend from one to the next. `batch`: the one that is being made.
    pub fn gather(mut slices: Vec<TableSlice<'c>>, batch: u64, size: WaveSize) -> Self {
        slices.reverse();
        Waves::of(Groups::Tables(slices, batch), size)
    }

    fn of(groups: Groups<'c>, size: WaveSize) -> Self {
        Waves { groups, size, blocks: size.first_blocks.min(size.blocks) }
    }

    /// The next wave; empty behind the last.
    pub fn next_wave(&mut self) -> Result<Vec<RawBlock<'c>>, GroupError> {
        let (mut wave, mut bytes) = (Vec::new(), 0);
        while wave.len() < self.blocks && bytes < self.size.bytes.max(1) {
            let Some(block) = self.groups.next(self.size.block_rows)? else { break };
            bytes += block.merged().map_or(0, Merged::bytes);
            wave.push(block);
        }
        self.blocks = (2 * self.blocks).min(self.size.blocks);
        Ok(wave)
    }
}

impl<'c> Groups<'c> {
    fn next(&mut self, rows: usize) -> Result<Option<RawBlock<'c>>, GroupError> {
        match self {
            Groups::Merge(merge) => {
                let mut merged = Merged::default();
                merge.next_merged(rows, &mut merged)?;
                Ok((!merged.is_empty()).then_some(RawBlock::Merged(merged)))
            }
            Groups::Tables(slices, batch) => {
                let block = cut_off(slices, rows);
                Ok((!block.is_empty()).then_some(RawBlock::Gathered(block, *batch)))
            }
        }
    }
}

/// Cuts so many groups off the last slices, from the last on; fewer where there are no more.
fn cut_off<'c>(slices: &mut Vec<TableSlice<'c>>, mut rows: usize) -> Vec<TableSlice<'c>> {
    let mut block = Vec::new();
    while let Some(TableSlice { table, order }) = slices.pop() {
        let (taken, left) = order.split_at(rows.min(order.len()));
        block.push(TableSlice { table, order: taken });
        rows -= taken.len();
        if rows == 0 {
            slices.extend((!left.is_empty()).then_some(TableSlice { table, order: left }));
            break;
        }
    }
    block
}
