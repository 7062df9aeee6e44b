//! Literals and the types that they get.

use crate::data::{DataType, Scalar};
use crate::expr::decimal::DECIMAL_DIGITS_MAX;
use crate::expr::parse::{Ast, Kind};
use crate::expr::plan::Plan;
use crate::expr::{ExprError, convert, decimal};

use super::Checked;

/// The constant of a literal.
pub(super) fn plan(ast: &Ast) -> Checked {
    let span = ast.span.clone();
    let mut plan = match &ast.kind {
        Kind::Text(text) => {
            Plan::constant(DataType::Text, Scalar::Text(text.as_str().into()), span)
        }
        Kind::Bool(value) => Plan::constant(DataType::Bool, Scalar::Bool(*value), span),
        Kind::Number(digits) => number(digits, ast)?,
        _ => Plan::constant(DataType::Text, Scalar::Null, span),
    };
    plan.untyped = matches!(ast.kind, Kind::Text(_) | Kind::Null);
    Ok(plan)
}

/// `1` is an int, `1.5` a decimal(1), `1e3` a float; an int of more than 64 bits is a decimal(0).
fn number(digits: &str, ast: &Ast) -> Checked {
    let span = ast.span.clone();
    let bad = |what: &str| ExprError::new(ast.span.clone(), what.to_owned());
    if digits.contains(['e', 'E']) {
        let value = convert::to_float(digits).map_err(bad)?;
        return Ok(Plan::constant(DataType::Float, Scalar::Float(value), span));
    }
    if let Ok(value) = digits.parse() {
        return Ok(Plan::constant(DataType::Int, Scalar::Int(value), span));
    }
    let (scale, value) = own_scale(digits).map_err(|reason| bad(&reason))?;
    Ok(Plan::constant(DataType::Decimal(scale), Scalar::Decimal(value, scale), span))
}

/// A text literal where PostgreSQL would read a numeric: it has the scale that it is written with.
pub(super) fn number_in_text(plan: Plan) -> Checked {
    let Some(Scalar::Text(text)) = plan.as_const() else {
        return Ok(Plan::constant(DataType::Decimal(0), Scalar::Null, plan.span));
    };
    match own_scale(text.trim()) {
        Ok((scale, value)) => {
            Ok(Plan::constant(DataType::Decimal(scale), Scalar::Decimal(value, scale), plan.span))
        }
        Err(reason) => Err(ExprError::new(plan.span, reason)),
    }
}

fn own_scale(digits: &str) -> Result<(u8, i128), String> {
    let fraction = digits.split_once('.').map_or("", |(_, fraction)| fraction);
    let scale = u8::try_from(fraction.bytes().take_while(u8::is_ascii_digit).count())
        .ok()
        .filter(|scale| *scale <= DECIMAL_DIGITS_MAX)
        .ok_or("a decimal has at most 38 digits")?;
    let value = decimal::parse(digits, scale)
        .map_err(|large| if large { "a decimal has at most 38 digits" } else { "not a decimal" })?;
    Ok((scale, value))
}
