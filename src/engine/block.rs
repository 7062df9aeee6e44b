//! The first half of mapping a block: cutting its lines, reading and computing their values. Whatever a line can make fail
//! fails here, and nothing here touches a table.

use std::rc::Rc;

use bumpalo::Bump;

use super::arguments::Evaluated;
use super::lines::Lines;
use super::map::SegmentContext;
use super::poison;
use super::records::Records;
use crate::data::Column;
use crate::format::{Converter, RawBlock, TimeCache};
use crate::limits::BLOCK_RECORDS;
use crate::plan::Plan;

/// What the blocks of a chunk have in common.
#[derive(Clone, Copy)]
pub(super) struct Source<'c, 'a> {
    pub(super) plan: &'a Plan,
    pub(super) converters: &'a [Converter],
    pub(super) segment: &'c SegmentContext<'a>,
    pub(super) lines: &'c Lines<'a>,
    pub(super) arena: &'a Bump,
}

/// A block of which all is known: which lines are in, and what they contribute.
pub(super) struct Block<'r, 'a> {
    /// Bytes that it takes up in its chunk.
    pub(super) bytes: u64,
    pub(super) raw: &'r RawBlock<'a>,
    pub(super) records: Records<'r, 'a>,
    /// Keys and arguments, where the job has groups.
    pub(super) reduced: Option<Evaluated<'a>>,
    /// Columns of the events, where the job writes them.
    pub(super) events: Option<Vec<Rc<Column<'a>>>>,
    /// Lines that the filter dropped.
    pub(super) dropped: u64,
}

impl<'a> Source<'_, 'a> {
    /// Maps the first block of `input`, which is the chunk's rest or a part of it. An error is a panic's message; then the
    /// caches are empty.
    pub(super) fn block<'r>(
        &self,
        input: &'a [u8],
        at_start: bool,
        caches: &mut [TimeCache],
        raw: &'r mut RawBlock<'a>,
    ) -> Result<Block<'r, 'a>, String> {
        raw.clear();
        let tokenizer = self.segment.tokenizer;
        let bytes = poison::catch(|| {
            tokenizer.tokenize(input, at_start, BLOCK_RECORDS, self.arena, raw) as u64
        })?;
        let evaluated = poison::catch(|| self.evaluate(bytes, raw, caches));
        if evaluated.is_err() {
            caches.fill_with(TimeCache::default);
        }
        evaluated
    }

    fn evaluate<'r>(
        &self,
        bytes: u64,
        raw: &'r RawBlock<'a>,
        caches: &mut [TimeCache],
    ) -> Block<'r, 'a> {
        let plan = self.plan;
        let file = self.segment.source_file;
        let mut records = Records::new(plan, self.converters, file, self.arena, raw);
        records.load(&plan.map.filter_slots, caches);
        let filter = plan.map.filter.as_ref();
        let dropped = filter.map_or(0, |condition| records.filter(condition));
        records.load(&plan.map.rest_slots, caches);
        let reduced = plan.reduce.as_ref().map(|reduce| Evaluated::new(reduce, &mut records));
        let events = plan.outputs.events.as_ref().map(|events| {
            events.columns.iter().map(|c| records.evaluate(&c.expr)).collect::<Vec<_>>()
        });
        Block { bytes, raw, records, reduced, events, dropped }
    }
}
