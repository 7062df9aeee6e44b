//! `count(*)` and `count(x)`.

use bumpalo::Bump;

use super::encode::{self, Layout, Reader};
use super::grouped::{Aggregate, Groups, each_value};
use super::{Input, MeasureError};
use crate::data::{Column, DataType, Values};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Rows: `count(*)`.
    Rows,
    /// Rows where the argument is not NULL: `count(x)`.
    Values,
}

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
        match self {
            Count::Rows => {
                input.groups.iter().for_each(|&group| groups.states[group as usize] += 1)
            }
            Count::Values => each_value(input, |group, _| groups.states[group] += 1),
        }
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
    Ok(Column { ty: DataType::Int, values: Values::Int(values), valid: None })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use bumpalo::Bump;

    use super::super::testing::{Case, cases, ints};
    use super::super::{Input, new};
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

    #[test]
    fn counts_of_rows_need_no_column() {
        let mut count = new(AggregateFn::CountAll, None);
        count.resize(2);
        count.update(&Input { groups: &[1, 0, 1], rows: &[0, 1, 2], column: None, order: None });
        let arena = Bump::new();
        let column = count.evaluate(0, 2, &arena).expect("two counts");
        assert_eq!([column.scalar(0), column.scalar(1)], [Scalar::Int(1), Scalar::Int(2)]);
    }
}
