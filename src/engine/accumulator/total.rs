//! Count and exact sum, which `sum` and `avg` share: same state, another last step.

use std::marker::PhantomData;

use bumpalo::Bump;

use super::encode::{self, Layout, Reader};
use super::grouped::{Aggregate, Groups, argument, each_value};
use super::summand::{Exact, Summand};
use super::{Input, MeasureError};
use crate::data::{Column, DataType};

/// How many values, and their exact sum.
#[derive(Debug, Default)]
pub(super) struct Total<S> {
    pub(super) count: u64,
    pub(super) sum: S,
}

/// What makes values of totals, given the scale of the argument (0 unless it is a decimal).
pub(super) type Finish<S> = fn(&[Total<S>], u8) -> Result<Column<'static>, MeasureError>;

/// An aggregate function of the [`Total`] of values of type `V`.
pub(super) struct OfTotal<V: Summand> {
    name: &'static str,
    data_type: DataType,
    scale: u8,
    finish: Finish<V::Sum>,
    values: PhantomData<fn(V)>,
}

impl<V: Summand> OfTotal<V> {
    /// The function `name` over values of type `argument`, with results of type `data_type`.
    pub(super) fn new(
        name: &'static str,
        argument: DataType,
        data_type: DataType,
        finish: Finish<V::Sum>,
    ) -> Self {
        OfTotal { name, data_type, scale: argument.scale(), finish, values: PhantomData }
    }
}

impl<V: Summand> Aggregate for OfTotal<V> {
    type State = Total<V::Sum>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn tag(&self) -> u8 {
        Layout::Total.tag(V::CODE)
    }

    fn data_type(&self) -> DataType {
        self.data_type
    }

    fn update(&self, groups: &mut Groups<Self::State>, input: &Input<'_, '_>) {
        let items = V::items(argument(input));
        each_value(input, |group, row| {
            let total = &mut groups.states[group];
            let before = total.sum.heap();
            total.count += 1;
            V::add(&mut total.sum, items[row]);
            groups.heap = groups.heap + total.sum.heap() - before;
        });
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) {
        into.count = into.count.wrapping_add(from.count);
        into.sum.merge(&from.sum);
    }

    fn is_empty(&self, state: &Self::State) -> bool {
        state.count == 0
    }

    fn heap(&self, state: &Self::State) -> usize {
        state.sum.heap()
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        encode::put_varint(out, state.count);
        state.sum.write(out);
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Self::State> {
        let count = reader.varint().filter(|count| *count > 0)?;
        Some(Total { count, sum: Exact::read(reader)? })
    }

    fn evaluate<'a>(
        &self,
        states: &[Self::State],
        _: &'a Bump,
    ) -> Result<Column<'a>, MeasureError> {
        (self.finish)(states, self.scale)
    }
}
