//! Conversions that happen on their own, and the common type of several values.

use crate::data::{DataType, Scalar};
use crate::expr::ExprError;
use crate::expr::op::cast as casts;
use crate::expr::operation::Operation;
use crate::expr::plan::Plan;

use super::fold::apply;
use super::{Checked, literal};

/// The plan as type `ty`, if that loses nothing: literals adapt, numbers widen, an ip is its text.
pub(super) fn to(plan: Plan, ty: DataType) -> Result<Option<Plan>, ExprError> {
    use DataType::{Decimal, Float, Int, Ip, Text};
    if plan.untyped {
        return adapt(plan, ty).map(Some);
    }
    let fits = match (plan.ty, ty) {
        (from, to) if from == to => return Ok(Some(plan)),
        (Int, Decimal(_) | Float) | (Decimal(_), Float) | (Ip, Text) => true,
        (Decimal(from), Decimal(to)) => from <= to,
        _ => false,
    };
    if fits { cast(plan, ty).map(Some) } else { Ok(None) }
}

/// Gives an untyped literal its type.
fn adapt(plan: Plan, ty: DataType) -> Checked {
    let Some(Scalar::Text(text)) = plan.as_const() else {
        return Ok(Plan::constant(ty, Scalar::Null, plan.span));
    };
    let text = text.clone();
    let span = plan.span.clone();
    let mut plan = plan;
    plan.untyped = false;
    cast(plan, ty).map_err(|error| ExprError::new(span, format!("'{text}': {}", error.message)))
}

/// An explicit cast.
pub(super) fn cast(plan: Plan, ty: DataType) -> Checked {
    casting(plan, ty, false)
}

/// The same, where what can't be cast is NULL.
pub(super) fn try_cast(plan: Plan, ty: DataType) -> Checked {
    casting(plan, ty, true)
}

fn casting(plan: Plan, ty: DataType, tolerant: bool) -> Checked {
    if plan.ty == ty {
        return Ok(Plan { untyped: false, ..plan });
    }
    let span = plan.span.clone();
    if plan.as_const() == Some(&Scalar::Null) {
        return Ok(Plan::constant(ty, Scalar::Null, span));
    }
    let Some(kernel) = casts::kernel(plan.ty, ty) else {
        let error = ExprError::new(span, format!("can't cast {} to {ty}", plan.ty));
        return Err(match (plan.ty, ty) {
            (DataType::Timestamp, _) => error.with_help("use epoch(…) or extract(… from …)"),
            (_, DataType::Timestamp) => error.with_help("use to_timestamp(seconds since 1970)"),
            _ => error,
        });
    };
    let (name, kernel) = if tolerant { ("try_cast", kernel.tolerant()) } else { ("cast", kernel) };
    apply(ty, Operation::new(name), kernel, vec![plan], span)
}

/// Brings two operands to one type: a literal takes the other's, numbers widen. `None` if they have none in common.
pub(super) fn pair(left: Plan, right: Plan) -> Result<Option<(Plan, Plan)>, ExprError> {
    let (left, right) = decimal_literals(left, right)?;
    let Some(ty) = common([&left, &right].into_iter()) else {
        return Ok(None);
    };
    Ok(to(left, ty)?.zip(to(right, ty)?))
}

/// The same for a comparison, in which no number is too large.
pub(super) fn comparable(left: Plan, right: Plan) -> Result<Option<(Plan, Plan)>, ExprError> {
    let (left, right) = decimal_literals(left, right)?;
    let Some(ty) = common([&left, &right].into_iter()) else {
        return Ok(None);
    };
    let side = |plan: Plan| match casts::widening(plan.ty, ty) {
        Some(kernel) if plan.as_const() != Some(&Scalar::Null) => {
            let span = plan.span.clone();
            apply(ty, Operation::new("widen"), kernel, vec![plan], span).map(Some)
        }
        _ => to(plan, ty),
    };
    Ok(side(left)?.zip(side(right)?))
}

/// A text literal beside a decimal keeps its own digits: `x = '1.005'` must not round.
fn decimal_literals(left: Plan, right: Plan) -> Result<(Plan, Plan), ExprError> {
    match (left.ty, right.ty) {
        (DataType::Decimal(_), _) if right.untyped => Ok((left, literal::number_in_text(right)?)),
        (_, DataType::Decimal(_)) if left.untyped => Ok((literal::number_in_text(left)?, right)),
        _ => Ok((left, right)),
    }
}

/// The type that all can become; text if all are literals.
pub(super) fn common<'p>(plans: impl Iterator<Item = &'p Plan>) -> Option<DataType> {
    let mut ty = None;
    for plan in plans.filter(|plan| !plan.untyped) {
        ty = Some(match ty {
            None => plan.ty,
            Some(ty) => wider(ty, plan.ty)?,
        });
    }
    ty.or(Some(DataType::Text))
}

fn wider(a: DataType, b: DataType) -> Option<DataType> {
    use DataType::{Decimal, Float, Int, Ip, Text};
    match (a, b) {
        (a, b) if a == b => Some(a),
        (Decimal(a), Decimal(b)) => Some(Decimal(a.max(b))),
        (Int, Decimal(scale)) | (Decimal(scale), Int) => Some(Decimal(scale)),
        (Float, b) if b.is_numeric() => Some(Float),
        (a, Float) if a.is_numeric() => Some(Float),
        (Ip, Text) | (Text, Ip) => Some(Text),
        _ => None,
    }
}

/// Brings several values to one type; `what` names the construct in the error.
pub(super) fn unify(plans: Vec<Plan>, what: &str) -> Result<(DataType, Vec<Plan>), ExprError> {
    let Some(ty) = common(plans.iter()) else {
        return Err(no_common_type(&plans, what));
    };
    let plans = plans
        .into_iter()
        .map(|plan| {
            let (from, span) = (plan.ty, plan.span.clone());
            to(plan, ty)?
                .ok_or_else(|| ExprError::new(span, format!("{what}: expected {ty}, found {from}")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((ty, plans))
}

/// Points at the first value that does not go with those before it.
fn no_common_type(plans: &[Plan], what: &str) -> ExprError {
    let at =
        (1..=plans.len()).find(|n| common(plans[..*n].iter()).is_none()).unwrap_or(plans.len());
    let (before, odd) = (common(plans[..at - 1].iter()), &plans[at - 1]);
    let before = before.map_or_else(String::new, |ty| ty.to_string());
    ExprError::new(odd.span.clone(), format!("{what}: {before} and {} have no common type", odd.ty))
        .with_help("cast one of them: x::text")
}
