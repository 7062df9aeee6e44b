//! `avg`: the exact sum over the exact count, rounded once, half to even.

use num_bigint::BigUint;

use super::MeasureError;
use super::bigratio::ratio_to_f64;
use super::sum::column;
use super::summand::{Exact, Real};
use super::total::Total;
use crate::data::{Column, DataType, Values};

/// Averages of values with that scale; NULL without values.
pub(super) fn averages<S: Exact>(
    totals: &[Total<S>],
    scale: u8,
) -> Result<Column<'static>, MeasureError> {
    let unit = 10u128.pow(u32::from(scale));
    let average = |total: &Total<S>| {
        if total.count == 0 { 0.0 } else { average(total, unit) }
    };
    Ok(column(totals, DataType::Float, Values::Float(totals.iter().map(average).collect())))
}

fn average<S: Exact>(total: &Total<S>, unit: u128) -> f64 {
    let divisor = unit.checked_mul(u128::from(total.count));
    if let (Some(sum), Some(divisor)) = (total.sum.integer(), divisor)
        && let (Some(sum), Some(divisor)) = (exact(sum), exact(divisor as i128))
    {
        return sum / divisor; // IEEE division of exact operands rounds once
    }
    match total.sum.real() {
        Real::Finite(sum, exponent) => {
            ratio_to_f64(&sum, &(BigUint::from(unit) * total.count), exponent)
        }
        Real::Special(sum) => sum,
    }
}

/// An integer that a float holds exactly.
#[inline]
pub(super) fn exact(value: i128) -> Option<f64> {
    let value = i64::try_from(value).ok()?; // the processor converts these, but no i128
    (value.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS).then_some(value as f64)
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::super::testing::{self, Case, cases, decimals, floats, ints, small_ints};
    use super::*;
    use crate::data::Scalar;
    use crate::expr::AggregateFn::Avg;

    fn model(case: &Case, divisor: u32) -> Vec<Scalar> {
        let average = |g| {
            let values = case.values(g);
            let sum: BigInt = values.iter().map(testing::unscaled).sum();
            let count = BigUint::from(values.len()) * divisor;
            if values.is_empty() {
                Scalar::Null
            } else {
                Scalar::Float(ratio_to_f64(&sum, &count, 0))
            }
        };
        (0..Case::GROUPS).map(average).collect()
    }

    proptest! {
        #[test]
        fn int_averages_are_the_rounded_exact_ones(case in cases(ints())) {
            prop_assert_eq!(case.check(Avg), model(&case, 1));
        }

        #[test]
        fn averages_of_small_ints_take_the_fast_path_to_the_same_value(case in cases(small_ints())) {
            prop_assert_eq!(case.check(Avg), model(&case, 1));
        }

        #[test]
        fn decimal_averages_are_the_rounded_exact_ones(case in cases(decimals())) {
            prop_assert_eq!(case.check(Avg), model(&case, 100));
        }

        #[test]
        fn float_averages_are_the_rounded_exact_ones(case in cases(floats())) {
            let average = |g| testing::exact_float(&case.values(g), case.values(g).len()).map_or(Scalar::Null, Scalar::Float);
            let model: Vec<_> = (0..Case::GROUPS).map(average).collect();
            prop_assert_eq!(testing::text(&case.check(Avg)), testing::text(&model));
        }
    }
}
