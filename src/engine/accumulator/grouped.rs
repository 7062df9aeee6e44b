//! Accumulators whose groups stand for themselves: one state a group, in a `Vec` by group id. Functions with another
//! layout implement [`Accumulator`] themselves.

use std::any::Any;
use std::sync::Arc;

use bumpalo::Bump;

use super::encode::Reader;
use super::{Accumulator, Input, MeasureError};
use crate::data::{Column, DataType};
use crate::engine::prefetch::prefetch;

/// An aggregate function in terms of one group's state.
pub(super) trait Aggregate: Sync + Send + 'static {
    /// What a group holds; the default is the empty group.
    type State: Sync + Default + Send + 'static;
    /// Names the function in errors.
    fn name(&self) -> &'static str;
    /// The first byte of a state, from `Layout::tag`.
    fn tag(&self) -> u8;
    /// The type of the values.
    fn data_type(&self) -> DataType;
    /// Folds rows in, and keeps `groups.heap` right.
    fn update(&self, groups: &mut Groups<Self::State>, input: &Input<'_, '_>);
    /// Folds another state in. Commutes and associates.
    fn merge(&self, into: &mut Self::State, from: &Self::State);
    /// Makes a state ready to be written.
    fn seal(&self, _state: &mut Self::State) {}
    /// Whether nothing was folded in.
    fn is_empty(&self, state: &Self::State) -> bool;
    /// Bytes on the heap of a state. Called often.
    fn heap(&self, _state: &Self::State) -> usize {
        0
    }
    /// Appends the canonical form of a state that is not empty, without the tag.
    fn write(&self, state: &Self::State, out: &mut Vec<u8>);
    /// Reads what `write` wrote; `None` for anything else, also for an empty state.
    fn read(&self, reader: &mut Reader<'_>) -> Option<Self::State>;
    /// One value a state.
    fn evaluate<'a>(
        &self,
        states: &[Self::State],
        arena: &'a Bump,
    ) -> Result<Column<'a>, MeasureError>;
}

/// The states by group id, and the bytes they hold beyond themselves.
#[derive(Debug, Default)]
pub(super) struct Groups<S> {
    /// By group id.
    pub(super) states: Vec<S>,
    /// The sum of `Aggregate::heap`.
    pub(super) heap: usize,
}

/// Calls `fold` with group and row of each row that has a value. The column is there: only `count(*)` has none.
#[inline]
pub(super) fn each_value(input: &Input<'_, '_>, mut fold: impl FnMut(usize, usize)) {
    let pairs = input.groups.iter().zip(input.rows);
    match input.column.and_then(|column| column.valid.as_deref()) {
        None => pairs.for_each(|(&group, &row)| fold(group as usize, row as usize)),
        Some(valid) => pairs
            .filter(|&(_, &row)| valid[row as usize])
            .for_each(|(&group, &row)| fold(group as usize, row as usize)),
    }
}

/// Rows that are looked at together.
pub(super) const BATCH: usize = 64;

/// Calls `fold` with (group, row) of rows that have a value, some at a time: for functions that look up memory far apart,
/// and can ask for all of it first.
#[inline]
pub(super) fn each_batch(input: &Input<'_, '_>, mut fold: impl FnMut(&[(u32, u32)])) {
    let valid = input.column.and_then(|column| column.valid.as_deref());
    let mut batch = [(0, 0); BATCH];
    for (groups, rows) in input.groups.chunks(BATCH).zip(input.rows.chunks(BATCH)) {
        let mut len = 0;
        for (&group, &row) in groups.iter().zip(rows) {
            batch[len] = (group, row);
            len += usize::from(valid.is_none_or(|valid| valid[row as usize]));
        }
        fold(&batch[..len]);
    }
}

/// The argument of a function that has one.
pub(super) fn argument<'i, 'a>(input: &Input<'i, 'a>) -> &'i Column<'a> {
    input.column.expect("the function has an argument")
}

const ONE_KIND: &str = "accumulators of one measure are of one kind";

/// An [`Accumulator`] made of an [`Aggregate`].
pub(super) struct Grouped<A: Aggregate> {
    function: Arc<A>,
    groups: Groups<A::State>,
}

impl<A: Aggregate> Grouped<A> {
    pub(super) fn boxed(function: A) -> Box<dyn Accumulator> {
        Box::new(Grouped {
            function: Arc::new(function),
            groups: Groups { states: Vec::new(), heap: 0 },
        })
    }

    /// One of the same kind with these states.
    fn alike(&self, states: Vec<A::State>) -> Self {
        let heap = states.iter().map(|state| self.function.heap(state)).sum();
        Grouped { function: Arc::clone(&self.function), groups: Groups { states, heap } }
    }

    /// Folds a state in that nobody needs any more.
    fn take_in(&mut self, group: usize, from: A::State) {
        let into = &mut self.groups.states[group];
        let before = self.function.heap(into);
        if self.function.is_empty(into) {
            *into = from;
        } else {
            self.function.merge(into, &from);
        }
        self.groups.heap = self.groups.heap + self.function.heap(into) - before;
    }

    /// The tag is checked, all bytes are used up, and nothing changes if they are damaged.
    fn read(&self, state: &[u8]) -> Option<A::State> {
        let mut reader = Reader::new(state);
        let tagged = reader.byte()? == self.function.tag();
        let read = self.function.read(&mut reader)?;
        (tagged && reader.is_at_end()).then_some(read)
    }
}

impl<A: Aggregate> Accumulator for Grouped<A> {
    fn resize(&mut self, groups: usize) {
        self.groups.states.resize_with(groups, Default::default);
    }

    fn update(&mut self, input: &Input<'_, '_>) {
        self.function.update(&mut self.groups, input);
    }

    fn merge(&mut self, other: &dyn Accumulator, pairs: &[(u32, u32)]) {
        let other = (other as &dyn Any).downcast_ref::<Self>().expect(ONE_KIND);
        for &(from, into) in pairs {
            let from = &other.groups.states[from as usize];
            let into = &mut self.groups.states[into as usize];
            let before = self.function.heap(into);
            self.function.merge(into, from);
            self.groups.heap = self.groups.heap + self.function.heap(into) - before;
        }
    }

    fn fresh(&self) -> Box<dyn Accumulator> {
        Box::new(self.alike(Vec::new()))
    }

    fn state(&self, group: usize, out: &mut Vec<u8>) {
        let state = &self.groups.states[group];
        if !self.function.is_empty(state) {
            out.push(self.function.tag());
            self.function.write(state, out);
        }
    }

    fn prefetch(&self, group: usize) {
        prefetch(&self.groups.states, group);
    }

    fn seal(&mut self) {
        for state in &mut self.groups.states {
            let before = self.function.heap(state);
            self.function.seal(state);
            self.groups.heap = self.groups.heap + self.function.heap(state) - before;
        }
    }

    fn merge_state(&mut self, group: usize, state: &[u8]) -> Result<(), MeasureError> {
        if state.is_empty() {
            return Ok(());
        }
        let from = self.read(state).ok_or(MeasureError::State(self.function.name()))?;
        self.take_in(group, from);
        Ok(())
    }

    fn evaluate<'a>(
        &self,
        from: usize,
        to: usize,
        arena: &'a Bump,
    ) -> Result<Column<'a>, MeasureError> {
        self.function.evaluate(&self.groups.states[from..to], arena)
    }

    fn data_type(&self) -> DataType {
        self.function.data_type()
    }

    fn heap_bytes(&self) -> usize {
        self.groups.states.capacity() * size_of::<A::State>() + self.groups.heap
    }

    fn clear(&mut self) {
        self.groups.states.clear();
        self.groups.heap = 0;
    }

    fn cut(&mut self, parts: &[&[u32]]) -> Option<Vec<Box<dyn Accumulator>>> {
        if !std::mem::needs_drop::<A::State>() {
            return None;
        }
        let states = &mut self.groups.states;
        let mut state = |&group: &u32| std::mem::take(&mut states[group as usize]);
        let parts: Vec<Vec<A::State>> =
            parts.iter().map(|part| part.iter().map(&mut state).collect()).collect();
        let cut: Vec<_> = parts.into_iter().map(|states| self.alike(states)).collect();
        self.groups.heap -= cut.iter().map(|piece| piece.groups.heap).sum::<usize>();
        Some(cut.into_iter().map(|piece| Box::new(piece) as Box<dyn Accumulator>).collect())
    }

    fn absorb(&mut self, other: &mut dyn Accumulator, groups: &[u32]) {
        let other = (other as &mut dyn Any).downcast_mut::<Self>().expect(ONE_KIND);
        for (from, &group) in other.groups.states.iter_mut().zip(groups) {
            self.take_in(group as usize, std::mem::take(from));
        }
        other.groups.heap = 0;
    }
}
