//! `first` and `last` by event time, then file order. NULL values are passed over, as by DuckDB's `arg_min`.

use std::cmp::Ordering;
use std::marker::PhantomData;

use bumpalo::Bump;

use super::encode::{self, Layout, Reader};
use super::grouped::{Aggregate, Groups, argument, each_value};
use super::value::Value;
use super::{Input, MeasureError};
use crate::data::{Column, DataType};

/// A record's place in the total order: event time, segment, offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    event_time: i64,
    segment: (i64, u64),
    offset: u64,
}

/// The value of the first, or with `LAST` the last, record that has one.
pub(super) struct FirstLast<V, const LAST: bool> {
    data_type: DataType,
    values: PhantomData<fn(V)>,
}

/// A group's winner so far.
pub(super) struct Winner<V: Value> {
    place: Place,
    value: V::Owned,
}

impl<V: Value, const LAST: bool> FirstLast<V, LAST> {
    /// Over values of type `data_type`.
    pub(super) fn new(data_type: DataType) -> Self {
        FirstLast { data_type, values: PhantomData }
    }

    /// Two records in one place (a segment met twice) are told apart by their values.
    #[inline]
    fn wins(place: Place, item: V::Item<'_>, held: &Winner<V>) -> bool {
        let order = place.cmp(&held.place).then_with(|| V::compare(item, V::item(&held.value)));
        order == if LAST { Ordering::Greater } else { Ordering::Less }
    }
}

impl<V: Value, const LAST: bool> Aggregate for FirstLast<V, LAST> {
    type State = Option<Winner<V>>;

    fn name(&self) -> &'static str {
        if LAST { "last" } else { "first" }
    }

    fn tag(&self) -> u8 {
        if LAST { Layout::Last.tag(V::CODE) } else { Layout::First.tag(V::CODE) }
    }

    fn data_type(&self) -> DataType {
        self.data_type
    }

    fn update(&self, groups: &mut Groups<Self::State>, input: &Input<'_, '_>) {
        let items = V::items(argument(input));
        let order = input.order.expect("first and last are given the order of records");
        each_value(input, |group, row| {
            let place = Place {
                event_time: order.event_time[row],
                segment: order.segment,
                offset: order.offset[row],
            };
            let state = &mut groups.states[group];
            if state.as_ref().is_none_or(|held| Self::wins(place, items[row], held)) {
                let before = self.heap(state);
                *state = Some(Winner { place, value: V::own(items[row]) });
                groups.heap = groups.heap + self.heap(state) - before;
            }
        });
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) {
        if let Some(from) = from
            && into.as_ref().is_none_or(|held| Self::wins(from.place, V::item(&from.value), held))
        {
            *into = Some(Winner { place: from.place, value: V::own(V::item(&from.value)) });
        }
    }

    fn is_empty(&self, state: &Self::State) -> bool {
        state.is_none()
    }

    #[inline]
    fn heap(&self, state: &Self::State) -> usize {
        state.as_ref().map_or(0, |held| V::heap(&held.value))
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        if let Some(Winner { place, value }) = state {
            encode::put_varint(out, encode::zigzag(place.event_time));
            encode::put_varint(out, encode::zigzag(place.segment.0));
            out.extend_from_slice(&place.segment.1.to_le_bytes());
            encode::put_varint(out, place.offset);
            V::write(value, out);
        }
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Self::State> {
        let place = Place {
            event_time: encode::unzigzag(reader.varint()?),
            segment: (encode::unzigzag(reader.varint()?), u64::from_le_bytes(reader.array()?)),
            offset: reader.varint()?,
        };
        Some(Some(Winner { place, value: V::read(reader)? }))
    }

    fn evaluate<'a>(
        &self,
        states: &[Self::State],
        arena: &'a Bump,
    ) -> Result<Column<'a>, MeasureError> {
        let values = states.iter().map(|state| state.as_ref().map(|held| &held.value));
        Ok(V::column(self.data_type, values, arena))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use bumpalo::Bump;

    use super::super::testing::{self, Case, cases, floats, ints, texts};
    use super::super::{Input, Order, new};
    use crate::data::Scalar;
    use crate::expr::AggregateFn;

    fn agrees(case: &Case, last: bool) -> Result<(), TestCaseError> {
        let pick = |g: usize| {
            let mut rows: Vec<usize> = (0..case.groups.len())
                .filter(|&r| case.groups[r] as usize == g && case.column.is_valid(r))
                .collect();
            rows.sort_by_key(|&r| (case.event_time[r], case.offset[r]));
            let row = if last { rows.last() } else { rows.first() };
            row.map_or(Scalar::Null, |&row| testing::canonical(case.column.scalar(row)))
        };
        let model: Vec<_> = (0..Case::GROUPS).map(pick).collect();
        let function = if last { AggregateFn::Last } else { AggregateFn::First };
        prop_assert_eq!(testing::text(&case.check(function)), testing::text(&model));
        Ok(())
    }

    proptest! {
        #[test]
        fn first_and_last_go_by_time_then_offset_whatever_the_order(
            a in cases(ints()), b in cases(texts()), c in cases(floats()),
        ) {
            for case in [a, b, c] {
                agrees(&case, false)?;
                agrees(&case, true)?;
            }
        }
    }

    /// The value after blocks of two records at one time and offset, each with its segment and its order of rows.
    fn after(function: AggregateFn, blocks: &[((i64, u64), [u32; 2])]) -> Scalar {
        let column = testing::int_column(&[5, 3]);
        let mut accumulator = new(function, Some(column.ty));
        accumulator.resize(1);
        for (segment, rows) in blocks {
            let order = Order { event_time: &[7, 7], segment: *segment, offset: &[0, 0] };
            let input = Input { groups: &[0, 0], rows, column: Some(&column), order: Some(&order) };
            accumulator.update(&input);
        }
        let arena = Bump::new();
        accumulator.evaluate(0, 1, &arena).expect("has no errors").scalar(0)
    }

    #[test]
    fn records_in_one_place_are_told_apart_by_value() {
        for rows in [[0, 1], [1, 0]] {
            assert_eq!(after(AggregateFn::First, &[((1, 1), rows)]), Scalar::Int(3));
            assert_eq!(after(AggregateFn::Last, &[((1, 1), rows)]), Scalar::Int(5));
        }
    }

    #[test]
    fn at_one_time_the_earlier_segment_comes_first() {
        let (early, late) = (((1, 9), [0, 0]), ((2, 0), [1, 1]));
        for blocks in [[early, late], [late, early]] {
            assert_eq!(after(AggregateFn::First, &blocks), Scalar::Int(5));
            assert_eq!(after(AggregateFn::Last, &blocks), Scalar::Int(3));
        }
    }
}
