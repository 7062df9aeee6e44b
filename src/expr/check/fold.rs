//! Constant folding: what reads no record is computed once.

use crate::expr::ExprError;
use crate::expr::eval;
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
