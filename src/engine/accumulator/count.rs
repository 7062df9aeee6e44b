//! `count(*)` and `count(x)`.

use bumpalo::Bump;

use super::encode::{self, Layout, Reader};
use super::grouped::{Aggregate, Groups, each_value};
use super::{Input, MeasureError};
use crate::data::{Column, DataType, Values};

/// Counts rows; with an argument, those where it is not NULL.
pub(super) struct Count;

impl Aggregate for Count {
    type State = u64;

    fn name(&self) -> &'static str {
        "count"
    }

    fn tag(&self) -> u8 {
        Layout::Count.tag(0)
    }

    fn data_type(&self) -> DataType {
        DataType::Int
    }

    fn update(&self, groups: &mut Groups<u64>, input: &Input<'_, '_>) {
        each_value(input, |group, _| groups.states[group] += 1);
    }

    fn merge(&self, into: &mut u64, from: &u64) {
        *into = into.wrapping_add(*from);
    }

    fn is_empty(&self, state: &u64) -> bool {
        *state == 0
    }

    fn write(&self, state: &u64, out: &mut Vec<u8>) {
        encode::put_varint(out, *state);
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<u64> {
        reader.varint().filter(|count| *count > 0)
    }

    fn evaluate<'a>(&self, states: &[u64], _: &'a Bump) -> Result<Column<'a>, MeasureError> {
        counts(states, "count")
    }
}

/// Counts as a column, never NULL.
pub(super) fn counts<'a>(counts: &[u64], name: &'static str) -> Result<Column<'a>, MeasureError> {
    let counts: Result<Vec<i64>, _> = counts.iter().map(|&count| i64::try_from(count)).collect();
    let values = counts.map_err(|_| MeasureError::Overflow(name))?;
    Ok(Column {
        ty: DataType::Int,
        values: Values::Int(values),
        valid: None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{Case, cases, ints};
    use crate::data::Scalar;
    use crate::expr::AggregateFn;

    proptest! {
        #[test]
        fn counts_are_the_number_of_values(case in cases(ints())) {
            let model: Vec<_> = (0..Case::GROUPS).map(|g| Scalar::Int(case.values(g).len() as i64)).collect();
            prop_assert_eq!(case.check(AggregateFn::Count), model);
        }

        #[test]
        fn counts_of_rows_take_nulls_too(case in cases(ints())) {
            let rows = |g| case.groups.iter().filter(|&&group| group as usize == g).count() as i64;
            let model: Vec<_> = (0..Case::GROUPS).map(|g| Scalar::Int(rows(g))).collect();
            prop_assert_eq!(case.check(AggregateFn::CountAll), model);
        }
    }
}
