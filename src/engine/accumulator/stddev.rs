//! `stddev` of the sample: from the exact sums of values and squares, rounded once, so no cancellation.

use std::marker::PhantomData;

use bumpalo::Bump;
use num_bigint::{BigInt, BigUint, Sign};

use super::bigratio::sqrt_ratio_to_f64;
use super::encode::{self, Layout, Reader};
use super::grouped::{Aggregate, Groups, argument, each_value};
use super::summand::{Exact, Real, Summand};
use super::{Input, MeasureError};
use crate::data::{Column, DataType, Values};

const NAME: &str = "stddev";

/// `sqrt((n Σx² - (Σx)²) / (n (n - 1)))` of values of type `V`; NULL for fewer than two, as in PostgreSQL.
pub(super) struct Stddev<V> {
    scale: u8,
    values: PhantomData<fn(V)>,
}

/// How many values, their sum, and that of their squares.
pub(super) struct Moments<V: Summand> {
    count: u64,
    sum: V::Sum,
    squares: V::Squares,
}

impl<V: Summand> Default for Moments<V> {
    fn default() -> Self {
        Moments { count: 0, sum: V::Sum::default(), squares: V::Squares::default() }
    }
}

impl<V: Summand> Moments<V> {
    fn heap(&self) -> usize {
        self.sum.heap() + self.squares.heap()
    }

    /// The deviation of two or more values with that scale; `None` for sums that no values have.
    fn deviation(&self, scale: u8) -> Option<f64> {
        let (Real::Finite(sum, e), Real::Finite(squares, f)) =
            (self.sum.real(), self.squares.real())
        else {
            return Some(f64::NAN);
        };
        let exponent = f.min(2 * e);
        let squares = (squares * self.count) << (f - exponent);
        let numerator = squares - ((&sum * &sum) << (2 * e - exponent));
        if numerator.sign() == Sign::Minus {
            return None;
        }
        let unit = BigUint::from(100u32).pow(u32::from(scale));
        let denominator = unit * self.count * (self.count - 1);
        Some(sqrt_ratio_to_f64(BigInt::magnitude(&numerator), &denominator, exponent))
    }
}

impl<V: Summand> Stddev<V> {
    /// Over values of type `argument`.
    pub(super) fn new(argument: DataType) -> Self {
        Stddev { scale: argument.scale(), values: PhantomData }
    }
}

impl<V: Summand> Aggregate for Stddev<V> {
    type State = Moments<V>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn tag(&self) -> u8 {
        Layout::Stddev.tag(V::CODE)
    }

    fn data_type(&self) -> DataType {
        DataType::Float
    }

    fn update(&self, groups: &mut Groups<Moments<V>>, input: &Input<'_, '_>) {
        let items = V::items(argument(input));
        each_value(input, |group, row| {
            let moments = &mut groups.states[group];
            let before = moments.heap();
            moments.count += 1;
            V::add(&mut moments.sum, items[row]);
            V::add_square(&mut moments.squares, items[row]);
            groups.heap = groups.heap + moments.heap() - before;
        });
    }

    fn merge(&self, into: &mut Moments<V>, from: &Moments<V>) {
        into.count = into.count.wrapping_add(from.count);
        into.sum.merge(&from.sum);
        into.squares.merge(&from.squares);
    }

    fn is_empty(&self, state: &Moments<V>) -> bool {
        state.count == 0
    }

    fn heap(&self, state: &Moments<V>) -> usize {
        state.heap()
    }

    fn write(&self, state: &Moments<V>, out: &mut Vec<u8>) {
        encode::put_varint(out, state.count);
        state.sum.write(out);
        state.squares.write(out);
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Moments<V>> {
        let count = reader.varint().filter(|count| *count > 0)?;
        Some(Moments { count, sum: Exact::read(reader)?, squares: Exact::read(reader)? })
    }

    fn evaluate<'a>(&self, states: &[Moments<V>], _: &'a Bump) -> Result<Column<'a>, MeasureError> {
        let value = |state: &Moments<V>| {
            if state.count < 2 { Some(0.0) } else { state.deviation(self.scale) }
        };
        let values: Option<Vec<f64>> = states.iter().map(value).collect();
        let values = Values::Float(values.ok_or(MeasureError::State(NAME))?);
        let valid: Vec<bool> = states.iter().map(|state| state.count >= 2).collect();
        Ok(Column { ty: DataType::Float, values, valid: valid.contains(&false).then_some(valid) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{self, Case, cases, decimals, floats, ints, small_ints};
    use super::NAME;
    use crate::data::DataType;
    use crate::data::Scalar;
    use crate::engine::accumulator::{MeasureError, new};
    use crate::expr::AggregateFn::Stddev;

    proptest! {
        #[test]
        fn small_ints_deviate_as_the_textbook_says(case in cases(small_ints())) {
            for (g, value) in case.check(Stddev).into_iter().enumerate() {
                let values: Vec<f64> = case.values(g).iter().map(|v| testing::int(v) as f64).collect();
                let n = values.len() as f64;
                let mean = values.iter().sum::<f64>() / n;
                let expected = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)).sqrt();
                match value {
                    Scalar::Null => prop_assert!(values.len() < 2),
                    Scalar::Float(value) => prop_assert!((value - expected).abs() <= 1e-12 * expected, "{value} {expected}"),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }

        #[test]
        fn any_order_of_any_type_gives_the_same_state(a in cases(ints()), b in cases(decimals()), c in cases(floats())) {
            for case in [a, b, c] {
                prop_assert_eq!(case.check(Stddev).len(), Case::GROUPS);
            }
        }
    }

    #[test]
    fn nothing_is_lost_far_from_zero() {
        let column = testing::float_column(&[1e15 + 1.0, 1e15 + 2.0, 1e15 + 3.0]);
        assert_eq!(testing::one_group(Stddev, &column), Ok(Scalar::Float(1.0)));
        let column = testing::float_column(&[1e300, -1e300]);
        assert_eq!(testing::one_group(Stddev, &column), Ok(Scalar::Float(2f64.sqrt() * 1e300)));
    }

    #[test]
    fn decimals_deviate_by_their_scale() {
        let column = testing::decimal_column(&[100, 300]);
        assert_eq!(testing::one_group(Stddev, &column), Ok(Scalar::Float(2f64.sqrt())));
    }

    #[test]
    fn sums_that_no_values_have_are_an_error() {
        let mut stddev = new(Stddev, Some(DataType::Int));
        stddev.resize(1);
        let state = [super::Layout::Stddev.tag(0), 2, 1, 5, 1, 0];
        assert_eq!(stddev.merge_state(0, &state), Ok(()));
        let arena = bumpalo::Bump::new();
        assert_eq!(stddev.evaluate(0, 1, &arena).err(), Some(MeasureError::State(NAME)));
    }
}
