//! Constant folding: what reads no record is computed once.

use crate::data::DataType;
use crate::expr::ExprError;
use crate::expr::eval;
use crate::expr::kernel::Kernel;
use crate::expr::operation::Operation;
use crate::expr::plan::{Node, Plan};

use super::Checked;

/// Replaces a node whose children are all constants by its value; a failure becomes an error at its place.
pub(super) fn fold(plan: Plan) -> Checked {
    if matches!(plan.node, Node::Slot(_))
        || plan.children().iter().any(|child| child.as_const().is_none())
    {
        return Ok(plan);
    }
    match eval::constant(&plan) {
        Ok(value) => Ok(Plan::constant(plan.ty, value, plan.span)),
        Err(reason) => Err(ExprError::new(plan.span, reason)),
    }
}

/// A call of a kernel, folded if all of its arguments are constants. `operation` says what the kernel computes from
/// them: kernels of the same operation over the same arguments are taken for one another.
pub(super) fn apply(
    ty: DataType,
    operation: Operation,
    kernel: Kernel,
    args: Vec<Plan>,
    span: std::ops::Range<usize>,
) -> Checked {
    fold(Plan::new(ty, Node::Call { operation, kernel, args }, span))
}
