//! `min` and `max`; and by them `any` (the least), `bool_and` (the least) and `bool_or` (the greatest).

use std::marker::PhantomData;

use bumpalo::Bump;

use super::encode::{Layout, Reader};
use super::grouped::{Aggregate, Groups, argument, each_value};
use super::value::Value;
use super::{Input, MeasureError};
use crate::data::{Column, DataType};

/// The least, or with `MAX` the greatest, value of type `V`; NULL without values.
pub(super) struct Extreme<V, const MAX: bool> {
    name: &'static str,
    data_type: DataType,
    values: PhantomData<fn(V)>,
}

impl<V: Value, const MAX: bool> Extreme<V, MAX> {
    /// The function `name` over values of type `data_type`.
    pub(super) fn new(name: &'static str, data_type: DataType) -> Self {
        Extreme { name, data_type, values: PhantomData }
    }

    #[inline]
    fn wins(item: V::Item<'_>, held: &V::Owned) -> bool {
        let order = V::compare(item, V::item(held));
        if MAX { order.is_gt() } else { order.is_lt() }
    }
}

impl<V: Value, const MAX: bool> Aggregate for Extreme<V, MAX> {
    type State = Option<V::Owned>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn tag(&self) -> u8 {
        if MAX { Layout::Max.tag(V::CODE) } else { Layout::Min.tag(V::CODE) }
    }

    fn data_type(&self) -> DataType {
        self.data_type
    }

    fn update(&self, groups: &mut Groups<Self::State>, input: &Input<'_, '_>) {
        let items = V::items(argument(input));
        each_value(input, |group, row| {
            let state = &mut groups.states[group];
            if state.as_ref().is_none_or(|held| Self::wins(items[row], held)) {
                let before = self.heap(state);
                *state = Some(V::own(items[row]));
                groups.heap = groups.heap + self.heap(state) - before;
            }
        });
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) {
        if let Some(from) = from
            && into.as_ref().is_none_or(|held| Self::wins(V::item(from), held))
        {
            *into = Some(V::own(V::item(from)));
        }
    }

    fn is_empty(&self, state: &Self::State) -> bool {
        state.is_none()
    }

    #[inline]
    fn heap(&self, state: &Self::State) -> usize {
        state.as_ref().map_or(0, V::heap)
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        if let Some(held) = state {
            V::write(held, out);
        }
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Self::State> {
        V::read(reader).map(Some)
    }

    fn evaluate<'a>(
        &self,
        states: &[Self::State],
        arena: &'a Bump,
    ) -> Result<Column<'a>, MeasureError> {
        Ok(V::column(self.data_type, states.iter().map(Option::as_ref), arena))
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::super::testing::{
        self, Case, addresses, bools, cases, decimals, floats, ints, texts, timestamps,
    };
    use crate::data::Scalar;
    use crate::expr::AggregateFn;

    fn order(a: &Scalar, b: &Scalar) -> Ordering {
        match (a, b) {
            (Scalar::Int(a), Scalar::Int(b)) | (Scalar::Timestamp(a), Scalar::Timestamp(b)) => {
                a.cmp(b)
            }
            (Scalar::Decimal(a, _), Scalar::Decimal(b, _)) => a.cmp(b),
            (Scalar::Float(a), Scalar::Float(b)) => {
                (a.is_nan(), a).partial_cmp(&(b.is_nan(), b)).unwrap_or(Ordering::Equal)
            }
            (Scalar::Text(a), Scalar::Text(b)) => {
                let number = |text: &str| text.parse::<std::net::IpAddr>().ok();
                (number(a), a.as_bytes()).cmp(&(number(b), b.as_bytes()))
            }
            (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(b),
            other => panic!("{other:?}"),
        }
    }

    fn agrees(case: &Case, function: AggregateFn, greatest: bool) -> Result<(), TestCaseError> {
        let pick = |g| {
            let values = case.values(g).into_iter();
            let winner = if greatest { values.max_by(order) } else { values.min_by(order) };
            winner.map_or(Scalar::Null, testing::canonical)
        };
        let model: Vec<_> = (0..Case::GROUPS).map(pick).collect();
        prop_assert_eq!(testing::text(&case.check(function)), testing::text(&model));
        Ok(())
    }

    proptest! {
        #[test]
        fn extremes_of_every_type_are_those_of_a_sort(
            a in cases(ints()), b in cases(decimals()), c in cases(floats()),
            d in cases(texts()), e in cases(bools()), f in cases(timestamps()), g in cases(addresses()),
        ) {
            for case in [a, b, c, d, e, f, g] {
                agrees(&case, AggregateFn::Min, false)?;
                agrees(&case, AggregateFn::Any, false)?;
                agrees(&case, AggregateFn::Max, true)?;
            }
        }

        #[test]
        fn bool_and_needs_all_and_bool_or_needs_one(case in cases(bools())) {
            agrees(&case, AggregateFn::BoolAnd, false)?;
            agrees(&case, AggregateFn::BoolOr, true)?;
        }
    }
}
