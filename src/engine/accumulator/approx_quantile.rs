//! `approx_quantile(x, q)`: the value of rank `ceil(q n)` to within 1 %, from a log-linear histogram.

use std::marker::PhantomData;

use bumpalo::Bump;
use num_bigint::{BigInt, BigUint};

use super::avg::exact;
use super::bigratio::ratio_to_f64;
use super::encode::{Layout, Reader};
use super::grouped::{Aggregate, Groups, argument, each_value};
use super::histogram::Histogram;
use super::value::Value;
use super::{Input, MeasureError};
use crate::data::{Column, DataType};

/// A number type that rounds to a float.
pub(super) trait ToFloat: Value {
    /// The nearest float to the item, divided by the unit, which is 1 unless it is a decimal.
    fn to_float(item: Self::Item<'_>, unit: &Unit) -> f64;
}

/// What a decimal counts in.
pub(super) struct Unit {
    whole: u128,
    /// The same, where a float holds it.
    exact: Option<f64>,
}

impl Unit {
    fn new(scale: u8) -> Self {
        let whole = 10u128.pow(u32::from(scale));
        Unit { whole, exact: exact(whole as i128) }
    }
}

impl ToFloat for i64 {
    #[inline]
    fn to_float(item: i64, _: &Unit) -> f64 {
        item as f64
    }
}

impl ToFloat for f64 {
    #[inline]
    fn to_float(item: f64, _: &Unit) -> f64 {
        item
    }
}

impl ToFloat for i128 {
    #[inline]
    fn to_float(item: i128, unit: &Unit) -> f64 {
        match (exact(item), unit.exact) {
            // IEEE division of exact operands rounds once.
            (Some(item), Some(unit)) => item / unit,
            _ => wide_to_float(item, unit.whole),
        }
    }
}

#[cold]
fn wide_to_float(item: i128, unit: u128) -> f64 {
    ratio_to_f64(&BigInt::from(item), &BigUint::from(unit), 0)
}

/// Estimates a quantile of values of type `V`; NULL without values.
pub(super) struct ApproxQuantile<V> {
    quantile: f64,
    unit: Unit,
    values: PhantomData<fn(V)>,
}

impl<V: ToFloat> ApproxQuantile<V> {
    /// The quantile, from 0 to 1, of values of type `argument`.
    pub(super) fn new(quantile: f64, argument: DataType) -> Self {
        ApproxQuantile { quantile, unit: Unit::new(argument.scale()), values: PhantomData }
    }
}

impl<V: ToFloat> Aggregate for ApproxQuantile<V> {
    type State = Histogram;

    fn name(&self) -> &'static str {
        "approx_quantile"
    }

    fn tag(&self) -> u8 {
        Layout::ApproxQuantile.tag(V::CODE)
    }

    fn data_type(&self) -> DataType {
        DataType::Float
    }

    fn update(&self, groups: &mut Groups<Histogram>, input: &Input<'_, '_>) {
        let items = V::items(argument(input));
        each_value(input, |group, row| {
            let value = V::to_float(items[row], &self.unit);
            let histogram = &mut groups.states[group];
            if !histogram.count_known(value) {
                let before = histogram.heap();
                histogram.insert(value);
                groups.heap = groups.heap + histogram.heap() - before;
            }
        });
    }

    fn merge(&self, into: &mut Histogram, from: &Histogram) {
        into.merge(from);
    }

    fn is_empty(&self, state: &Histogram) -> bool {
        state.is_empty()
    }

    fn heap(&self, state: &Histogram) -> usize {
        state.heap()
    }

    fn write(&self, state: &Histogram, out: &mut Vec<u8>) {
        state.write(out);
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Histogram> {
        Histogram::read(reader)
    }

    fn evaluate<'a>(
        &self,
        states: &[Histogram],
        arena: &'a Bump,
    ) -> Result<Column<'a>, MeasureError> {
        let values: Vec<_> = states.iter().map(|state| state.quantile(self.quantile)).collect();
        Ok(f64::column(DataType::Float, values.iter().map(Option::as_ref), arena))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{self, Case, Random, cases, decimals, floats, ints};
    use crate::data::Scalar;
    use crate::expr::AggregateFn::ApproxQuantile;

    const QUANTILES: [f64; 7] = [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0];

    /// The exact value, as `percentile_disc` picks it.
    fn exact(sorted: &[f64], quantile: f64) -> f64 {
        let rank = (quantile * sorted.len() as f64).ceil() as usize;
        sorted[rank.clamp(1, sorted.len()) - 1]
    }

    fn is_near(value: f64, exact: f64) -> bool {
        value == exact
            || (value.is_nan() && exact.is_nan())
            || (value - exact).abs() <= exact.abs() / 100.0
    }

    fn sorted(mut values: Vec<f64>) -> Vec<f64> {
        values.sort_by(|a, b| a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())));
        values
    }

    fn agrees(case: &Case, quantile: f64) -> Result<(), TestCaseError> {
        for (g, value) in case.check(ApproxQuantile(quantile)).into_iter().enumerate() {
            let values = sorted(case.values(g).iter().map(testing::to_float).collect());
            match value {
                Scalar::Float(value) => {
                    prop_assert!(is_near(value, exact(&values, quantile)), "{value} {values:?}")
                }
                other => prop_assert!(other == Scalar::Null && values.is_empty()),
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn quantiles_are_within_one_percent(
            a in cases(ints()), b in cases(decimals()), c in cases(floats()), quantile in 0.0..=1.0,
        ) {
            for case in [a, b, c] {
                agrees(&case, quantile)?;
            }
        }
    }

    #[test]
    fn quantiles_of_known_distributions_are_within_one_percent() {
        let mut random = Random(7);
        let mut draw = |shape: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            (0..20_000).map(|_| shape(random.unit(), random.unit())).collect()
        };
        let distributions = [
            ("uniform", draw(&|u, _| u * 1000.0)),
            ("exponential", draw(&|u, _| -u.ln())),
            ("zipf", draw(&|u, _| u.powf(-1.0 / 1.2).floor())),
            (
                "lognormal",
                draw(&|u, v| {
                    (3.0 * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()).exp()
                }),
            ),
            ("constant", draw(&|_, _| 0.123)),
            ("bimodal", draw(&|u, v| if u < 0.5 { -1.0 - v } else { 1e6 + v })),
        ];
        for (name, values) in distributions {
            let column = testing::float_column(&values);
            let values = sorted(values);
            for quantile in QUANTILES {
                let Ok(Scalar::Float(value)) =
                    testing::one_group(ApproxQuantile(quantile), &column)
                else {
                    panic!("{name} has a quantile {quantile}");
                };
                assert!(is_near(value, exact(&values, quantile)), "{name} {quantile}: {value}");
            }
        }
    }

    #[test]
    fn one_value_comes_out_as_it_went_in() {
        let column = testing::float_column(&[0.1, 0.1, 0.1]);
        assert_eq!(testing::one_group(ApproxQuantile(0.5), &column), Ok(Scalar::Float(0.1)));
    }
}
