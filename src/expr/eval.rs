//! Walks a plan over the columns of a block. Only the rows of a selection are computed; branches see theirs alone.

use std::rc::Rc;

use crate::data::{Column, DataType, Scalar, Values};

use super::Env;
use super::kernel::{Arg, Operand, Rows, scatter};
use super::per_text::evaluate_per_text;
use super::plan::{Node, Plan};

/// The values of the rows in `sel`.
pub(crate) fn evaluate<'a>(plan: &'a Plan, env: &mut Env<'_, 'a>, sel: &[u32]) -> Arg<'a> {
    match &plan.node {
        Node::Const(value) => Arg::Const(value),
        Node::Slot(slot) => {
            let column = env.slots[*slot]
                .as_ref()
                .expect("the planner fills the slots that an expression reads");
            Arg::Column(Rc::clone(column))
        }
        Node::Call { kernel, args, .. } => {
            let args: Vec<Arg<'a>> = args.iter().map(|arg| evaluate(arg, env, sel)).collect();
            let mut rows = Rows {
                sel,
                len: env.len,
                ty: plan.ty,
                arena: env.arena,
                failures: &mut *env.failures,
            };
            column(kernel.run(&mut rows, &args))
        }
        Node::And(parts) => junction(parts, false, env, sel),
        Node::Or(parts) => junction(parts, true, env, sel),
        Node::Case { branches, otherwise } => case(plan.ty, branches, otherwise, env, sel),
        Node::Coalesce(parts) => coalesce(plan.ty, parts, env, sel),
        Node::PerText { slot, plan } => evaluate_per_text(plan, *slot, env, sel),
    }
}

fn column(column: Column<'_>) -> Arg<'_> {
    Arg::Column(Rc::new(column))
}

/// AND (`stop` is false) and OR (`stop` is true): a row that met `stop` is decided, and later parts don't see it.
fn junction<'a>(parts: &'a [Plan], stop: bool, env: &mut Env<'_, 'a>, sel: &[u32]) -> Arg<'a> {
    let mut values = vec![!stop; env.len];
    let mut valid = vec![true; env.len];
    let mut nulls = false;
    let mut open = sel.to_vec();
    for part in parts {
        if open.is_empty() {
            break;
        }
        let arg = evaluate(part, env, &open);
        let truth = Operand::<bool>::of(&arg);
        if let (Operand::Slice(truth), true) = (truth, all_valid(&arg)) {
            let mut kept = 0;
            for at in 0..open.len() {
                let row = open[at];
                let is_decided = truth[row as usize] == stop;
                values[row as usize] = truth[row as usize];
                valid[row as usize] |= is_decided;
                open[kept] = row;
                kept += usize::from(!is_decided);
            }
            open.truncate(kept);
            continue;
        }
        open.retain(|&row| {
            let row = row as usize;
            if !arg.is_valid(row) {
                valid[row] = false;
                nulls = true;
                return true;
            }
            if truth.at(row) == stop {
                values[row] = stop;
                valid[row] = true;
                return false;
            }
            true
        });
    }
    column(Column {
        ty: DataType::Bool,
        values: Values::Bool(values),
        valid: nulls.then_some(valid),
    })
}

fn all_valid(arg: &Arg<'_>) -> bool {
    matches!(arg, Arg::Column(column) if column.valid.is_none())
}

/// Splits the rows into those where the condition is true, and the rest.
fn split(condition: &Arg<'_>, rows: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let truth = Operand::<bool>::of(condition);
    rows.iter().partition(|&&row| condition.is_valid(row as usize) && truth.at(row as usize))
}

fn case<'a>(
    ty: DataType,
    branches: &'a [(Plan, Plan)],
    otherwise: &'a Plan,
    env: &mut Env<'_, 'a>,
    sel: &[u32],
) -> Arg<'a> {
    let mut out = Column::nulls(ty, env.len);
    let mut open = sel.to_vec();
    for (condition, result) in branches {
        if open.is_empty() {
            break;
        }
        let (taken, rest) = split(&evaluate(condition, env, &open), &open);
        place(&mut out, result, env, &taken);
        open = rest;
    }
    place(&mut out, otherwise, env, &open);
    column(settled(out, sel))
}

fn coalesce<'a>(ty: DataType, parts: &'a [Plan], env: &mut Env<'_, 'a>, sel: &[u32]) -> Arg<'a> {
    let mut out = Column::nulls(ty, env.len);
    let mut open = sel.to_vec();
    for part in parts {
        if open.is_empty() {
            break;
        }
        let arg = evaluate(part, env, &open);
        scatter(&mut out, &arg, &open);
        open.retain(|&row| !arg.is_valid(row as usize));
    }
    column(settled(out, sel))
}

/// Evaluates a branch for its rows and puts the values in their places.
fn place<'a>(out: &mut Column<'a>, branch: &'a Plan, env: &mut Env<'_, 'a>, rows: &[u32]) {
    if !rows.is_empty() {
        let arg = evaluate(branch, env, rows);
        scatter(out, &arg, rows);
    }
}

/// Drops the validity where all selected rows have a value, so that later kernels need not look.
fn settled<'a>(mut column: Column<'a>, sel: &[u32]) -> Column<'a> {
    if column.valid.as_ref().is_some_and(|valid| sel.iter().all(|&row| valid[row as usize])) {
        column.valid = None;
    }
    column
}

/// The value of a plan that reads no slot; an error is the reason why it has none.
pub(crate) fn constant(plan: &Plan) -> Result<Scalar, String> {
    let arena = bumpalo::Bump::new();
    let mut failures = Vec::new();
    let mut env = Env { slots: &[], arena: &arena, len: 1, failures: &mut failures };
    let value = match evaluate(plan, &mut env, &[0]) {
        Arg::Const(value) => value.clone(),
        Arg::Column(column) => column.scalar(0),
    };
    failures.pop().map_or(Ok(value), |failure| Err(failure.reason.into_owned()))
}
