//! The aggregate functions by name and type; what they compute lives in `engine::accumulator`.

use crate::data::{DataType, Scalar};

/// An aggregate function, with its constant parameter where it has one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AggregateFn {
    /// `count(*)`
    CountAll,
    /// `count(x)`
    Count,
    /// `sum(x)`
    Sum,
    /// `min(x)`
    Min,
    /// `max(x)`
    Max,
    /// `avg(x)`: exact sum / count, rounded once.
    Avg,
    /// `stddev(x)`: of the sample, as in PostgreSQL; NULL for fewer than two values.
    Stddev,
    /// `bool_and(x)`
    BoolAnd,
    /// `bool_or(x)`
    BoolOr,
    /// `first(x)` by event time, then file order.
    First,
    /// `last(x)` by event time, then file order.
    Last,
    /// `any(x)`: the smallest value, so that it does not depend on order.
    Any,
    /// `count(DISTINCT x)`: exact.
    CountDistinct,
    /// `approx_distinct(x)`: HyperLogLog.
    ApproxDistinct,
    /// `approx_quantile(x, q)`, with 0 <= q <= 1.
    ApproxQuantile(f64),
}

impl AggregateFn {
    /// Its name, as it is stored.
    pub fn name(self) -> &'static str {
        use AggregateFn::*;
        match self {
            CountAll | Count => "count",
            Sum => "sum",
            Min => "min",
            Max => "max",
            Avg => "avg",
            Stddev => "stddev",
            BoolAnd => "bool_and",
            BoolOr => "bool_or",
            First => "first",
            Last => "last",
            Any => "any",
            CountDistinct => "count_distinct",
            ApproxDistinct => "approx_distinct",
            ApproxQuantile(_) => "approx_quantile",
        }
    }

    /// Its constant parameters.
    pub fn parameters(self) -> Vec<Scalar> {
        match self {
            AggregateFn::ApproxQuantile(quantile) => vec![Scalar::Float(quantile)],
            _ => Vec::new(),
        }
    }

    /// The type of the result over an argument of type `arg`; an error says what the function takes.
    pub fn result_type(self, arg: Option<DataType>) -> Result<DataType, &'static str> {
        use AggregateFn::*;
        match (self, arg) {
            (CountAll, None) | (Count | CountDistinct | ApproxDistinct, Some(_)) => {
                Ok(DataType::Int)
            }
            (Sum, Some(DataType::Int)) => Ok(DataType::Int),
            (Sum, Some(DataType::Decimal(scale))) => Ok(DataType::Decimal(scale)),
            (Sum | Avg | Stddev | ApproxQuantile(_), Some(ty)) if ty.is_numeric() => {
                Ok(DataType::Float)
            }
            (Sum | Avg | Stddev | ApproxQuantile(_), Some(_)) => {
                Err("a number (int, decimal or float)")
            }
            (Min | Max | First | Last | Any, Some(ty)) => Ok(ty),
            (BoolAnd | BoolOr, Some(DataType::Bool)) => Ok(DataType::Bool),
            (BoolAnd | BoolOr, Some(_)) => Err("a bool"),
            (CountAll, Some(_)) => Err("no argument"),
            (_, None) => Err("one argument"),
        }
    }

    /// Whether its value depends on the order of values.
    pub fn orders_values(self) -> bool {
        use AggregateFn::{Any, BoolAnd, BoolOr, Max, Min};
        matches!(self, Min | Max | Any | BoolAnd | BoolOr)
    }

    /// Whether it needs the place of each record in the order "by event time, then file order".
    pub fn needs_order(self) -> bool {
        matches!(self, AggregateFn::First | AggregateFn::Last)
    }
}
