//! Expressions computed a second way: one value of one record at a time, straight from what the plan says, with no columns,
//! no loops over blocks, no selections and no caches. `verify` computes with it, so that a mistake in the way of the runs
//! is not made twice.
//!
//! Operators, comparisons, casts among numbers and the plain functions of texts are written anew here. What is left (times,
//! regular expressions, URLs, hashes, casts from text) is asked of its kernel for one row.

mod compare;
mod number;
mod text;

use std::borrow::Cow;
use std::rc::Rc;

use bumpalo::Bump;

use crate::data::{DataType, Scalar};

use super::Expr;
use super::kernel::{Arg, Kernel, Rows};
use super::operation::Operation;
use super::plan::{Node, Plan};

/// A value, or why the record has none.
type Outcome = Result<Scalar, Cow<'static, str>>;

/// A call whose operands are known.
struct Applied<'c> {
    operation: &'c Operation,
    operands: &'c [Scalar],
    /// Of the first operand.
    from: DataType,
    /// Of the result.
    ty: DataType,
}

impl Expr {
    /// The value for one record, given the values of its slots; an error says why there is none.
    pub fn value_of(&self, slots: &[Scalar]) -> Result<Scalar, Cow<'static, str>> {
        value(self.plan(), slots)
    }
}

fn value(plan: &Plan, slots: &[Scalar]) -> Outcome {
    match &plan.node {
        Node::Const(constant) => Ok(constant.clone()),
        Node::Slot(slot) => Ok(slots[*slot].clone()),
        Node::PerText { plan, .. } => value(plan, slots),
        Node::And(parts) => junction(parts, false, slots),
        Node::Or(parts) => junction(parts, true, slots),
        Node::Case { branches, otherwise } => {
            for (condition, result) in branches {
                if value(condition, slots)? == Scalar::Bool(true) {
                    return value(result, slots);
                }
            }
            value(otherwise, slots)
        }
        Node::Coalesce(parts) => {
            for part in parts {
                let value = value(part, slots)?;
                if value != Scalar::Null {
                    return Ok(value);
                }
            }
            Ok(Scalar::Null)
        }
        Node::Call { operation, kernel, args } => {
            let operands = args.iter().map(|arg| value(arg, slots));
            let operands = operands.collect::<Result<Vec<_>, _>>()?;
            let from = args.first().map_or(plan.ty, |arg| arg.ty);
            let call = Applied { operation, operands: &operands, from, ty: plan.ty };
            call.value().unwrap_or_else(|| alone(kernel, plan.ty, args, &operands))
        }
    }
}

/// AND (`stop` is false) and OR (`stop` is true): the first part that is `stop` decides, else a NULL does.
fn junction(parts: &[Plan], stop: bool, slots: &[Scalar]) -> Outcome {
    let mut result = Scalar::Bool(!stop);
    for part in parts {
        match value(part, slots)? {
            Scalar::Bool(truth) if truth == stop => return Ok(Scalar::Bool(stop)),
            Scalar::Null => result = Scalar::Null,
            _ => {}
        }
    }
    Ok(result)
}

impl Applied<'_> {
    /// `None` where this file's modules don't know the operation.
    fn value(&self) -> Option<Outcome> {
        compare::value(self).or_else(|| number::value(self)).or_else(|| text::value(self))
    }

    fn name(&self) -> &'static str {
        self.operation.name()
    }

    fn parameters(&self) -> &[Scalar] {
        self.operation.parameters()
    }

    fn has_null(&self) -> bool {
        self.operands.contains(&Scalar::Null)
    }
}

/// What a kernel makes of one row.
fn alone(kernel: &Kernel, ty: DataType, args: &[Plan], operands: &[Scalar]) -> Outcome {
    let (arena, mut failures) = (Bump::new(), Vec::new());
    let column =
        |(arg, value): (&Plan, _)| Arg::Column(Rc::new(Scalar::broadcast(value, arg.ty, 1)));
    let columns: Vec<Arg<'_>> = args.iter().zip(operands).map(column).collect();
    let mut rows = Rows { sel: &[0], len: 1, ty, arena: &arena, failures: &mut failures };
    let value = kernel.run(&mut rows, &columns).scalar(0);
    match failures.pop() {
        Some(failure) => Err(failure.reason),
        None => Ok(value),
    }
}
