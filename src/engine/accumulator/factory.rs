//! From an aggregate function and the type of its argument to the accumulator.

use super::Accumulator;
use super::address::Address;
use super::approx_distinct::ApproxDistinct;
use super::approx_quantile::ApproxQuantile;
use super::avg;
use super::count::Count;
use super::count_distinct::{CountDistinct, DistinctSet};
use super::distinct_fixed::FixedSet;
use super::distinct_text::TextSet;
use super::extreme::Extreme;
use super::first_last::FirstLast;
use super::grouped::Grouped;
use super::stddev::Stddev;
use super::sum;
use super::total::OfTotal;
use super::value::{Text, Value};
use crate::data::DataType;
use crate::expr::AggregateFn;

/// An accumulator without groups. The function must accept the argument (`AggregateFn::result_type` says so).
pub fn new(function: AggregateFn, argument: Option<DataType>) -> Box<dyn Accumulator> {
    let Some(ty) = argument else {
        return Grouped::boxed(Count::Rows);
    };
    match function {
        AggregateFn::CountAll => Grouped::boxed(Count::Rows),
        AggregateFn::Count => Grouped::boxed(Count::Values),
        AggregateFn::Sum => sums(ty),
        AggregateFn::Avg => averages(ty),
        AggregateFn::Stddev => deviations(ty),
        AggregateFn::Min => extremes::<false>("min", ty),
        AggregateFn::Any => extremes::<false>("any", ty),
        AggregateFn::BoolAnd => extremes::<false>("bool_and", ty),
        AggregateFn::Max => extremes::<true>("max", ty),
        AggregateFn::BoolOr => extremes::<true>("bool_or", ty),
        AggregateFn::First => ends::<false>(ty),
        AggregateFn::Last => ends::<true>(ty),
        AggregateFn::CountDistinct => distincts(ty),
        AggregateFn::ApproxDistinct => approximate_distincts(ty),
        AggregateFn::ApproxQuantile(quantile) => quantiles(ty, quantile),
    }
}

/// Whether two functions of the same argument have the same state, and differ only in what they make of it. Then one
/// accumulator keeps it for both, and merges into either's.
pub fn have_one_state(a: AggregateFn, b: AggregateFn) -> bool {
    use AggregateFn::{Any, ApproxQuantile, Avg, BoolAnd, BoolOr, Max, Min, Sum};
    let family = |function| match function {
        Avg => Sum,
        ApproxQuantile(_) => ApproxQuantile(0.0),
        Any | BoolAnd => Min,
        BoolOr => Max,
        other => other,
    };
    family(a) == family(b)
}

fn not_a_number(ty: DataType) -> ! {
    unreachable!("the type check lets no {ty} into a function of numbers")
}

fn sums(ty: DataType) -> Box<dyn Accumulator> {
    match ty {
        DataType::Int => Grouped::boxed(OfTotal::<i64>::new("sum", ty, ty, sum::ints)),
        DataType::Decimal(_) => Grouped::boxed(OfTotal::<i128>::new("sum", ty, ty, sum::decimals)),
        DataType::Float => Grouped::boxed(OfTotal::<f64>::new("sum", ty, ty, sum::floats)),
        other => not_a_number(other),
    }
}

fn averages(ty: DataType) -> Box<dyn Accumulator> {
    let float = DataType::Float;
    match ty {
        DataType::Int => Grouped::boxed(OfTotal::<i64>::new("avg", ty, float, avg::averages)),
        DataType::Decimal(_) => {
            Grouped::boxed(OfTotal::<i128>::new("avg", ty, float, avg::averages))
        }
        DataType::Float => Grouped::boxed(OfTotal::<f64>::new("avg", ty, float, avg::averages)),
        other => not_a_number(other),
    }
}

fn deviations(ty: DataType) -> Box<dyn Accumulator> {
    match ty {
        DataType::Int => Grouped::boxed(Stddev::<i64>::new(ty)),
        DataType::Decimal(_) => Grouped::boxed(Stddev::<i128>::new(ty)),
        DataType::Float => Grouped::boxed(Stddev::<f64>::new(ty)),
        other => not_a_number(other),
    }
}

fn quantiles(ty: DataType, quantile: f64) -> Box<dyn Accumulator> {
    match ty {
        DataType::Int => Grouped::boxed(ApproxQuantile::<i64>::new(quantile, ty)),
        DataType::Decimal(_) => Grouped::boxed(ApproxQuantile::<i128>::new(quantile, ty)),
        DataType::Float => Grouped::boxed(ApproxQuantile::<f64>::new(quantile, ty)),
        other => not_a_number(other),
    }
}

fn extremes<const MAX: bool>(name: &'static str, ty: DataType) -> Box<dyn Accumulator> {
    fn of<V: Value, const MAX: bool>(name: &'static str, ty: DataType) -> Box<dyn Accumulator> {
        Grouped::boxed(Extreme::<V, MAX>::new(name, ty))
    }
    match ty {
        DataType::Int | DataType::Timestamp => of::<i64, MAX>(name, ty),
        DataType::Decimal(_) => of::<i128, MAX>(name, ty),
        DataType::Float => of::<f64, MAX>(name, ty),
        DataType::Bool => of::<bool, MAX>(name, ty),
        DataType::Text => of::<Text, MAX>(name, ty),
        DataType::Ip => of::<Address, MAX>(name, ty),
    }
}

fn ends<const LAST: bool>(ty: DataType) -> Box<dyn Accumulator> {
    match ty {
        DataType::Int | DataType::Timestamp => Grouped::boxed(FirstLast::<i64, LAST>::new(ty)),
        DataType::Decimal(_) => Grouped::boxed(FirstLast::<i128, LAST>::new(ty)),
        DataType::Float => Grouped::boxed(FirstLast::<f64, LAST>::new(ty)),
        DataType::Bool => Grouped::boxed(FirstLast::<bool, LAST>::new(ty)),
        DataType::Text | DataType::Ip => Grouped::boxed(FirstLast::<Text, LAST>::new(ty)),
    }
}

fn distincts(ty: DataType) -> Box<dyn Accumulator> {
    fn distinct<S: DistinctSet>() -> Box<dyn Accumulator> {
        Grouped::boxed(CountDistinct::<S>::new())
    }
    match ty {
        DataType::Int | DataType::Timestamp => distinct::<FixedSet<i64>>(),
        DataType::Decimal(_) => distinct::<FixedSet<i128>>(),
        DataType::Float => distinct::<FixedSet<f64>>(),
        DataType::Bool => distinct::<FixedSet<bool>>(),
        DataType::Text | DataType::Ip => distinct::<TextSet>(),
    }
}

fn approximate_distincts(ty: DataType) -> Box<dyn Accumulator> {
    match ty {
        DataType::Int | DataType::Timestamp => Grouped::boxed(ApproxDistinct::<i64>::new()),
        DataType::Decimal(_) => Grouped::boxed(ApproxDistinct::<i128>::new()),
        DataType::Float => Grouped::boxed(ApproxDistinct::<f64>::new()),
        DataType::Bool => Grouped::boxed(ApproxDistinct::<bool>::new()),
        DataType::Text | DataType::Ip => Grouped::boxed(ApproxDistinct::<Text>::new()),
    }
}
