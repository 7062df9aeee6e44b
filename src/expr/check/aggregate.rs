//! Aggregates in measures: each becomes a slot of the expression around it.

use std::ops::Range;

use crate::data::{DataType, Scalar};
use crate::expr::parse::{Ast, Call};
use crate::expr::plan::{Node, Plan};
use crate::expr::types::{AggregateCall, Expr, Scope};
use crate::expr::{AggregateFn, ExprError, decimal};

use super::{Checked, Checker};

/// Names of the aggregate functions.
pub(crate) const NAMES: [&str; 13] = [
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "stddev",
    "bool_and",
    "bool_or",
    "first",
    "last",
    "any",
    "approx_distinct",
    "approx_quantile",
];

/// The aggregates of a measure, as they stand in it.
#[derive(Default)]
pub(crate) struct Aggregates {
    pub(crate) calls: Vec<AggregateCall>,
}

pub(super) fn is_aggregate(name: &str) -> bool {
    NAMES.contains(&name)
}

impl Checker<'_> {
    pub(super) fn aggregate(&mut self, call: &Call, ast: &Ast) -> Checked {
        if self.aggregates.is_none() {
            return Err(ExprError::misplaced_aggregate(call.name_span.clone(), &call.name));
        }
        let (call, ty) = self.aggregate_call(call)?;
        let calls = &mut self.aggregates.get_or_insert_default().calls;
        calls.push(call);
        Ok(Plan::new(ty, Node::Slot(calls.len() - 1), ast.span.clone()))
    }

    fn aggregate_call(&mut self, call: &Call) -> Result<(AggregateCall, DataType), ExprError> {
        let function = function(call)?;
        let arg = match call.args.first() {
            Some(arg) => Some(Checker::of_record(&mut *self.scope).check(arg)?),
            None => None,
        };
        let filter = match call.filter.as_deref() {
            Some(filter) => Some(Checker::of_record(&mut *self.scope).bool(filter)?),
            None => None,
        };
        let at = arg.as_ref().map_or_else(|| call.name_span.clone(), |arg| arg.span.clone());
        let ty = function.result_type(arg.as_ref().map(|arg| arg.ty)).map_err(|takes| {
            let found = arg.as_ref().map_or_else(|| "none".to_owned(), |arg| arg.ty.to_string());
            ExprError::new(at, format!("{} takes {takes}, found {found}", call.name))
        })?;
        let (arg, filter) = (arg.map(Expr::new), filter.map(Expr::new));
        Ok((AggregateCall { function, arg, filter }, ty))
    }
}

/// The function by name, with its constant parameter; checks the number of arguments.
fn function(call: &Call) -> Result<AggregateFn, ExprError> {
    check_form(call)?;
    Ok(match call.name.as_str() {
        "count" if call.star => AggregateFn::CountAll,
        "count" if call.distinct => AggregateFn::CountDistinct,
        "count" => AggregateFn::Count,
        "sum" => AggregateFn::Sum,
        "min" => AggregateFn::Min,
        "max" => AggregateFn::Max,
        "avg" => AggregateFn::Avg,
        "stddev" => AggregateFn::Stddev,
        "bool_and" => AggregateFn::BoolAnd,
        "bool_or" => AggregateFn::BoolOr,
        "first" => AggregateFn::First,
        "last" => AggregateFn::Last,
        "any" => AggregateFn::Any,
        "approx_distinct" => AggregateFn::ApproxDistinct,
        "approx_quantile" => AggregateFn::ApproxQuantile(quantile(&call.args[1])?),
        name => {
            let message = format!("unknown aggregate {name}");
            return Err(ExprError::new(call.name_span.clone(), message));
        }
    })
}

/// Checks DISTINCT, `*` and the number of arguments.
fn check_form(call: &Call) -> Result<(), ExprError> {
    let name = &call.name;
    let wanted = if name == "approx_quantile" { 2 } else { usize::from(!call.star) };
    let message = if call.distinct && name != "count" {
        format!("{name} takes no DISTINCT; only count does")
    } else if call.star && name != "count" {
        format!("{name} takes no *; only count does")
    } else if call.args.len() != wanted {
        format!("{name} takes {wanted} argument(s), found {}", call.args.len())
    } else if call.star && call.distinct {
        "count(DISTINCT *) is not supported".to_owned()
    } else {
        return Ok(());
    };
    Err(ExprError::new(call.name_span.clone(), message))
}

/// The constant second argument of `approx_quantile`.
fn quantile(arg: &Ast) -> Result<f64, ExprError> {
    let mut nothing = NoNames;
    let plan =
        Checker::of_record(&mut nothing).check(arg).map_err(|_| bad_quantile(arg.span.clone()))?;
    let value = match plan.as_const() {
        Some(Scalar::Int(v)) => *v as f64,
        Some(Scalar::Decimal(v, scale)) => decimal::to_float(*v, *scale),
        Some(Scalar::Float(v)) => *v,
        _ => return Err(bad_quantile(arg.span.clone())),
    };
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(bad_quantile(arg.span.clone())) }
}

fn bad_quantile(span: Range<usize>) -> ExprError {
    ExprError::new(span, "the quantile must be a constant from 0 to 1").with_help("such as 0.99")
}

/// A scope for constants.
struct NoNames;

impl Scope for NoNames {
    fn resolve(&mut self, _: &str) -> Option<(usize, DataType)> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}
