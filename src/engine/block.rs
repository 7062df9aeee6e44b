//! The first half of mapping a block that is cut: reading and computing its values. Whatever a line can make fail
//! fails here, and nothing here touches a table.

use std::rc::Rc;

use bumpalo::Bump;

use super::arguments::Evaluated;
use super::common::Places;
use super::lines::{Lines, SegmentContext};
use super::poison;
use super::reading::{Reading, View};
use super::records::Records;
use crate::data::Column;
use crate::format::RawBlock;
use crate::plan::Plan;

/// What the blocks of a chunk have in common.
#[derive(Clone, Copy)]
pub(super) struct Source<'c, 'a> {
    pub(super) plan: &'a Plan,
    pub(super) places: &'a Places,
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
    /// Maps a block that is cut, and takes up so many bytes of its chunk. An error is a panic's message; then nothing is
    /// known of the block any more.
    pub(super) fn block<'r, 's: 'a>(
        &self,
        bytes: u64,
        raw: &'r RawBlock<'s>,
        reading: &mut Reading<'s>,
    ) -> Result<Block<'r, 'a>, String> {
        let places = self.places;
        let mut view = View { reading: &mut *reading, raw, places };
        let evaluated = poison::catch(|| self.evaluate(bytes, raw, &mut view));
        if evaluated.is_err() {
            reading.forget();
        }
        evaluated
    }

    fn evaluate<'r, 's: 'a>(
        &self,
        bytes: u64,
        raw: &'r RawBlock<'s>,
        view: &mut View<'_, 's>,
    ) -> Block<'r, 'a> {
        let plan = self.plan;
        let file = self.segment.source_file;
        let mut records = Records::new(plan, file, self.arena, raw);
        records.load(&plan.map.filter_slots, view);
        let filter = plan.map.filter.as_ref();
        let dropped = filter.map_or(0, |condition| records.filter(condition));
        records.load(&plan.map.rest_slots, view);
        let reduced = plan.reduce.as_ref().map(|reduce| Evaluated::new(reduce, &mut records));
        let events = plan.outputs.events.as_ref().map(|events| {
            events.columns.iter().map(|c| records.evaluate(&c.expr)).collect::<Vec<_>>()
        });
        Block { bytes, raw, records, reduced, events, dropped }
    }
}
