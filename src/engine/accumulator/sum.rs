//! `sum`: exact in every order, also where partial sums leave the type. NULL without values, as in PostgreSQL.

use num_bigint::BigUint;

use super::MeasureError;
use super::bigratio::ratio_to_f64;
use super::summand::{Exact, Real};
use super::total::Total;
use crate::data::{Column, DataType, Values};

const OVERFLOW: MeasureError = MeasureError::Overflow("sum");

/// Sums of ints, which must be ints.
pub(super) fn ints<S: Exact>(totals: &[Total<S>], _: u8) -> Result<Column<'static>, MeasureError> {
    let sum = |total: &Total<S>| {
        total.sum.integer().and_then(|sum| i64::try_from(sum).ok()).ok_or(OVERFLOW)
    };
    let sums: Result<_, _> = totals.iter().map(sum).collect();
    Ok(column(totals, DataType::Int, Values::Int(sums?)))
}

/// Sums of decimals, which must have at most 38 digits.
pub(super) fn decimals<S: Exact>(
    totals: &[Total<S>],
    scale: u8,
) -> Result<Column<'static>, MeasureError> {
    let end = 10u128.pow(u32::from(crate::data::DECIMAL_DIGITS_MAX));
    let fits = |sum: &i128| sum.unsigned_abs() < end;
    let sums: Result<_, _> =
        totals.iter().map(|total| total.sum.integer().filter(fits).ok_or(OVERFLOW)).collect();
    Ok(column(totals, DataType::Decimal(scale), Values::Decimal(sums?)))
}

/// Sums of floats, rounded once; beyond the greatest float they are infinite, as IEEE 754 rounds.
pub(super) fn floats<S: Exact>(
    totals: &[Total<S>],
    _: u8,
) -> Result<Column<'static>, MeasureError> {
    let one = BigUint::from(1u32);
    let sum = |total: &Total<S>| match total.sum.real() {
        Real::Finite(sum, exponent) => ratio_to_f64(&sum, &one, exponent),
        Real::Special(sum) => sum,
    };
    Ok(column(totals, DataType::Float, Values::Float(totals.iter().map(sum).collect())))
}

/// A column with NULL for groups without values.
pub(super) fn column<S>(
    totals: &[Total<S>],
    ty: DataType,
    values: Values<'static>,
) -> Column<'static> {
    let valid: Vec<bool> = totals.iter().map(|total| total.count > 0).collect();
    Column { ty, values, valid: valid.contains(&false).then_some(valid) }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::super::testing::{self, Case, cases, decimals, floats, ints};
    use super::*;
    use crate::data::Scalar;
    use crate::expr::AggregateFn::Sum;

    proptest! {
        #[test]
        fn int_sums_are_exact_or_overflow(case in cases(ints())) {
            let total = |g| case.values(g).iter().map(testing::int).sum::<i128>();
            let sum = |g| if case.values(g).is_empty() { Ok(Scalar::Null) } else { i64::try_from(total(g)).map(Scalar::Int) };
            let model: Result<Vec<_>, _> = (0..Case::GROUPS).map(sum).collect();
            prop_assert_eq!(case.try_check(Sum), model.map_err(|_| OVERFLOW));
        }

        #[test]
        fn decimal_sums_are_exact_or_overflow(case in cases(decimals())) {
            let limit = BigInt::from(10).pow(38);
            let sum = |g| {
                let values = case.values(g);
                let sum: BigInt = values.iter().map(testing::unscaled).sum();
                let fits = sum.magnitude() < limit.magnitude();
                let value = if values.is_empty() { Scalar::Null } else { Scalar::Decimal(i128::try_from(sum).unwrap_or(0), 2) };
                fits.then_some(value).ok_or(OVERFLOW)
            };
            let model: Result<Vec<_>, _> = (0..Case::GROUPS).map(sum).collect();
            prop_assert_eq!(case.try_check(Sum), model);
        }

        #[test]
        fn float_sums_are_the_rounded_exact_ones(case in cases(floats())) {
            let sum = |g| testing::exact_float(&case.values(g), 1).map_or(Scalar::Null, Scalar::Float);
            let model: Vec<_> = (0..Case::GROUPS).map(sum).collect();
            prop_assert_eq!(testing::text(&case.check(Sum)), testing::text(&model));
        }
    }

    #[test]
    fn a_sum_may_leave_the_range_on_its_way() {
        let column = testing::int_column(&[i64::MAX, i64::MAX, -i64::MAX, -5]);
        assert_eq!(testing::one_group(Sum, &column), Ok(Scalar::Int(i64::MAX - 5)));
        let column = testing::int_column(&[i64::MAX, 1]);
        assert_eq!(testing::one_group(Sum, &column), Err(OVERFLOW));
    }
}
