//! The values of one block of lines, for all mappers that take it: what several of them ask for is computed once.

use std::rc::Rc;

use bumpalo::Bump;

use super::common::{Common, Origin, Places};
use crate::data::{Column, Failure};
use crate::expr::{Env, Expr};
use crate::format::{RawBlock, TimeCache};
use crate::plan::SlotKind;

/// What is kept from block to block of a chunk.
pub(super) struct Reading<'s> {
    common: &'s Common<'s>,
    /// One a reader: what a text means depends on the field's layout.
    caches: Vec<TimeCache>,
    /// The columns that several plans have, as far as they are computed: for all rows, whatever each plan drops.
    columns: Vec<Option<Computed<'s>>>,
    /// All rows of the block.
    rows: Vec<u32>,
    arena: &'s Bump,
}

/// A column of all rows.
struct Computed<'s> {
    column: Rc<Column<'s>>,
    /// Rows that have no value.
    failures: Vec<Failure>,
}

impl<'s> Reading<'s> {
    /// With what was read last. `arena` lives as long as the chunk.
    pub(super) fn new(common: &'s Common<'s>, caches: Vec<TimeCache>, arena: &'s Bump) -> Self {
        let mut caches = caches;
        caches.resize_with(common.readers().len(), TimeCache::default);
        Reading { common, caches, columns: Vec::new(), rows: Vec::new(), arena }
    }

    /// Begins a block of so many rows.
    pub(super) fn begin(&mut self, rows: usize) {
        self.columns.clear();
        self.columns.resize_with(self.common.columns().len(), || None);
        self.rows.clear();
        self.rows.extend(0..rows as u32);
    }

    /// Forgets what was read, of which a panic may have left a part.
    pub(super) fn forget(&mut self) {
        self.caches.fill_with(TimeCache::default);
        self.columns.fill_with(|| None);
    }

    /// What is to be kept for the next chunk.
    pub(super) fn into_caches(self) -> Vec<TimeCache> {
        self.caches
    }

    /// A column that several plans have.
    fn ensure(&mut self, number: usize, raw: &RawBlock<'s>) -> &Computed<'s> {
        if self.columns[number].is_none() {
            let computed = self.compute(self.common.columns()[number], raw);
            self.columns[number] = Some(computed);
        }
        self.columns[number].as_ref().expect("it was computed")
    }

    fn compute(&mut self, Origin { plan, slot }: Origin, raw: &RawBlock<'s>) -> Computed<'s> {
        let mut failures = Vec::new();
        let common = self.common;
        let column = match &common.plan(plan).map.slots[slot].kind {
            SlotKind::Field(field) => {
                let reader = common.places(plan).readers[*field];
                let (rows, arena) = (std::mem::take(&mut self.rows), self.arena);
                let column = self.convert(reader, raw, &rows, arena, &mut failures);
                self.rows = rows;
                column
            }
            SlotKind::Let(expr) => self.evaluate(plan, expr, raw, &mut failures),
            _ => unreachable!("only fields, and what is computed of them, are common"),
        };
        failures.sort_by_key(|failure| failure.row);
        failures.dedup_by_key(|failure| failure.row);
        Computed { column, failures }
    }

    fn convert<'a>(
        &mut self,
        reader: usize,
        raw: &RawBlock<'a>,
        rows: &[u32],
        arena: &'a Bump,
        failures: &mut Vec<Failure>,
    ) -> Rc<Column<'a>> {
        let cache = &mut self.caches[reader];
        let reader = &self.common.readers()[reader];
        Rc::new(reader.converter.convert(cache, raw.column(reader.field), rows, arena, failures))
    }

    /// An expression of a plan over columns that are common as well.
    fn evaluate(
        &mut self,
        plan: usize,
        expr: &'s Expr,
        raw: &RawBlock<'s>,
        failures: &mut Vec<Failure>,
    ) -> Rc<Column<'s>> {
        let common = self.common;
        let map = &common.plan(plan).map;
        let mut slots = vec![None; map.slots.len()];
        for input in expr.slots() {
            let values = match map.slots[input].kind {
                SlotKind::EventTime(of) => of,
                _ => input,
            };
            let column = common.places(plan).columns[values];
            let column = column.expect("what a common column is computed of is common");
            slots[input] = Some(Rc::clone(&self.ensure(column, raw).column));
        }
        let mut env = Env { slots: &slots, arena: self.arena, len: self.rows.len(), failures };
        expr.eval(&mut env, &self.rows)
    }
}

/// The block as one of the mappers sees it.
pub(super) struct View<'v, 's> {
    pub(super) reading: &'v mut Reading<'s>,
    pub(super) raw: &'v RawBlock<'s>,
    pub(super) places: &'v Places,
}

impl<'s> View<'_, 's> {
    /// The values of a slot for some rows, where others have it too and it is computed, or worth it.
    pub(super) fn common<'a>(
        &mut self,
        slot: usize,
        rows: &[u32],
        failures: &mut Vec<Failure>,
    ) -> Option<Rc<Column<'a>>>
    where
        's: 'a,
    {
        let number = self.places.columns[slot]?;
        // All rows are computed: where most are dropped already, the others alone take less.
        let is_dense = 2 * rows.len() >= self.raw.lines.len();
        if !is_dense && self.reading.columns[number].is_none() {
            return None;
        }
        let computed = self.reading.ensure(number, self.raw);
        let is_in = |failure: &&Failure| rows.binary_search(&failure.row).is_ok();
        failures.extend(computed.failures.iter().filter(is_in).cloned());
        Some(Rc::clone(&computed.column) as Rc<Column<'a>>)
    }

    /// Reads a field for some rows, and nobody else.
    pub(super) fn field<'a>(
        &mut self,
        field: usize,
        rows: &[u32],
        arena: &'a Bump,
        failures: &mut Vec<Failure>,
    ) -> Rc<Column<'a>>
    where
        's: 'a,
    {
        self.reading.convert(self.places.readers[field], self.raw, rows, arena, failures)
    }
}
