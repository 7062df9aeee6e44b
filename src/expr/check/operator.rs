//! Binary operators: which types they take, and what comes out.

use crate::data::{DataType, Scalar};
use crate::expr::ExprError;
use crate::expr::decimal::DECIMAL_DIGITS_MAX;
use crate::expr::kernel::{Kernel, text_length};
use crate::expr::op::{arithmetic, cast, compare};
use crate::expr::operation::Operation;
use crate::expr::parse::{Ast, BinaryOp, Comparison, Kind};
use crate::expr::plan::Plan;

use super::fold::apply;
use super::{Checked, Checker, coerce};

/// Least digits after the point of a quotient of decimals.
const QUOTIENT_SCALE_MIN: u8 = 6;

impl Checker<'_> {
    pub(super) fn binary(&mut self, op: BinaryOp, left: &Ast, right: &Ast, ast: &Ast) -> Checked {
        if let Some(plan) = self.shift(op, left, right, ast)? {
            return Ok(plan);
        }
        let (left, right) = (self.plan(left)?, self.plan(right)?);
        match op {
            BinaryOp::Compare(comparison) => compared(comparison, left, right, ast),
            BinaryOp::Concat => concat(left, right, ast),
            _ if left.ty == DataType::Timestamp
                && right.ty == DataType::Timestamp
                && op == BinaryOp::Subtract =>
            {
                apply(
                    DataType::Decimal(6),
                    Operation::new(op.symbol()),
                    arithmetic::timestamp_difference(),
                    vec![left, right],
                    ast.span.clone(),
                )
            }
            _ => arithmetic(op, left, right, ast),
        }
    }

    /// `timestamp ± INTERVAL '…'`; `None` if no interval is there.
    fn shift(
        &mut self,
        op: BinaryOp,
        left: &Ast,
        right: &Ast,
        ast: &Ast,
    ) -> Result<Option<Plan>, ExprError> {
        let (at, micros) = match (&left.kind, op, &right.kind) {
            (_, BinaryOp::Add, Kind::Interval(micros)) => (left, *micros),
            (_, BinaryOp::Subtract, Kind::Interval(micros)) => (left, -*micros),
            (Kind::Interval(micros), BinaryOp::Add, _) => (right, *micros),
            _ => return Ok(None),
        };
        let at = self.plan(at)?;
        let (ty, span) = (at.ty, at.span.clone());
        let at = coerce::to(at, DataType::Timestamp)?.ok_or_else(|| {
            ExprError::new(span, format!("an interval needs a timestamp beside it, found {ty}"))
        })?;
        let operation = Operation::new("shift").with(Scalar::Int(micros));
        let kernel = arithmetic::shift_timestamp(micros);
        apply(DataType::Timestamp, operation, kernel, vec![at], ast.span.clone()).map(Some)
    }
}

/// Comparison of two plans.
pub(super) fn compared(comparison: Comparison, left: Plan, right: Plan, ast: &Ast) -> Checked {
    let types = (left.ty, right.ty);
    let Some((left, right)) = coerce::comparable(left, right)? else {
        let (left, right) = types;
        let other = if left.is_textual() { right } else { left };
        let message = format!("can't compare {left} with {right}");
        return Err(ExprError::new(ast.span.clone(), message)
            .with_help(format!("cast one of them, such as x::{other}")));
    };
    let operation = Operation::new(comparison.symbol());
    let kernel = compare::kernel(comparison, left.ty);
    apply(DataType::Bool, operation, kernel, vec![left, right], ast.span.clone())
}

/// `||`: one side must be text, the other may be anything.
fn concat(left: Plan, right: Plan, ast: &Ast) -> Checked {
    if !left.ty.is_textual() && !right.ty.is_textual() {
        return Err(ExprError::new(
            ast.span.clone(),
            format!("|| needs text, found {} and {}", left.ty, right.ty),
        )
        .with_help("cast one of them: x::text"));
    }
    let text = |plan: Plan| coerce::cast(plan, DataType::Text);
    let kernel = Kernel::text(|row| {
        let (a, b) = (row.text(0), row.text(1));
        text_length(a.len() + b.len())?;
        Ok(Some(cast::written(row.arena, |out| {
            out.reserve_exact(a.len() + b.len());
            out.push_str(a);
            out.push_str(b);
            Ok(())
        })))
    });
    let operation = Operation::new(BinaryOp::Concat.symbol());
    apply(DataType::Text, operation, kernel, vec![text(left)?, text(right)?], ast.span.clone())
}

/// `+ - * / %` over numbers.
pub(super) fn arithmetic(op: BinaryOp, left: Plan, right: Plan, ast: &Ast) -> Checked {
    let symbol = op.symbol();
    refuse_no_numbers(symbol, &left, &right, ast)?;
    let product = matches!(op, BinaryOp::Multiply | BinaryOp::Divide);
    let floats = left.ty == DataType::Float || right.ty == DataType::Float;
    let decimals =
        matches!((left.ty, right.ty), (DataType::Decimal(_), _) | (_, DataType::Decimal(_)));
    if product && decimals && !floats && !left.untyped && !right.untyped {
        return decimal_product(op, left, right, ast);
    }
    let types = (left.ty, right.ty);
    let Some((left, right)) = coerce::pair(left, right)? else {
        let message = format!("{symbol} does not take {} and {}", types.0, types.1);
        return Err(ExprError::new(ast.span.clone(), message));
    };
    if product && matches!(left.ty, DataType::Decimal(_)) {
        return decimal_product(op, left, right, ast);
    }
    let ty = left.ty;
    let kernel = match ty {
        DataType::Int => arithmetic::int(op),
        DataType::Decimal(_) => arithmetic::decimal(op, 0),
        _ => arithmetic::float(op),
    };
    let kernel = kernel.ok_or_else(|| {
        ExprError::new(ast.span.clone(), format!("there is no {symbol} for floats"))
            .with_help("cast to a decimal: x::decimal(3)")
    })?;
    apply(ty, Operation::new(symbol), kernel, vec![left, right], ast.span.clone())
}

/// Both must be numbers, or one a literal that becomes one.
fn refuse_no_numbers(symbol: &str, left: &Plan, right: &Plan, ast: &Ast) -> Result<(), ExprError> {
    if let Some(odd) = [left, right].into_iter().find(|plan| !plan.untyped && !plan.ty.is_numeric())
    {
        return Err(ExprError::new(
            odd.span.clone(),
            format!("{symbol} takes numbers, found {}", odd.ty),
        )
        .with_help("cast text to a number: x::int, x::decimal(3), x::float"));
    }
    if left.untyped && right.untyped {
        return Err(ExprError::new(
            ast.span.clone(),
            format!("{symbol} needs to know a type: both sides are literals"),
        ));
    }
    Ok(())
}

/// `decimal * decimal` has the scales' sum; `decimal / decimal` the larger scale, and at least six digits.
fn decimal_product(op: BinaryOp, left: Plan, right: Plan, ast: &Ast) -> Checked {
    let (left_scale, right_scale) = (left.ty.scale(), right.ty.scale());
    let scale = match op {
        BinaryOp::Multiply => left_scale + right_scale,
        _ => left_scale.max(right_scale).max(QUOTIENT_SCALE_MIN),
    };
    if scale > DECIMAL_DIGITS_MAX {
        let message =
            format!("the product would have {scale} digits after the point, and 38 is the most");
        return Err(ExprError::new(ast.span.clone(), message)
            .with_help("cast to fewer digits first: x::decimal(6)"));
    }
    let (left, right) = (decimal(left)?, decimal(right)?);
    let shift = (scale + right_scale).saturating_sub(left_scale);
    let kernel = arithmetic::decimal(op, shift).expect("multiplication and division have kernels");
    let operation = Operation::new(op.symbol());
    apply(DataType::Decimal(scale), operation, kernel, vec![left, right], ast.span.clone())
}

/// An int as decimal(0); a decimal as it is.
fn decimal(plan: Plan) -> Checked {
    let ty = DataType::Decimal(plan.ty.scale());
    coerce::cast(plan, ty)
}
