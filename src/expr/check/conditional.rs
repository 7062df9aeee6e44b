//! CASE, COALESCE, NULLIF, IN: forms that choose among values.

use crate::data::{DataType, Scalar};
use crate::expr::ExprError;
use crate::expr::op::compare;
use crate::expr::operation::Operation;
use crate::expr::parse::{Ast, BinaryOp, Call, Comparison, Kind};
use crate::expr::plan::{Node, Plan};

use super::fold::{self, apply};
use super::{Checked, Checker, coerce};

impl Checker<'_> {
    pub(super) fn case(
        &mut self,
        branches: &[(Ast, Ast)],
        otherwise: Option<&Ast>,
        ast: &Ast,
    ) -> Checked {
        let mut conditions = Vec::with_capacity(branches.len());
        let mut results = Vec::with_capacity(branches.len() + 1);
        for (condition, result) in branches {
            conditions.push(self.bool(condition)?);
            results.push(self.plan(result)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.plan(otherwise)?,
            None => null(ast),
        });
        let (ty, mut results) = coerce::unify(results, "CASE")?;
        let otherwise = Box::new(results.pop().unwrap_or_else(|| null(ast)));
        let branches = conditions.into_iter().zip(results).collect();
        fold::fold(Plan::new(ty, Node::Case { branches, otherwise }, ast.span.clone()))
    }

    pub(super) fn coalesce(&mut self, function: &Call, ast: &Ast) -> Checked {
        let args = self.some_args(function)?;
        let (ty, args) = coerce::unify(args, "coalesce")?;
        fold::fold(Plan::new(ty, Node::Coalesce(args), ast.span.clone()))
    }

    /// `nullif(a, b)` is `CASE WHEN a = b THEN NULL ELSE a END`, of the type that the `=` gives to `a`; a decimal keeps its
    /// digits. So it is in PostgreSQL (section 9.18.3 of its manual).
    pub(super) fn nullif(&mut self, function: &Call, ast: &Ast) -> Checked {
        let [a, b] = function.args.as_slice() else {
            return Err(ExprError::new(function.name_span.clone(), "nullif takes 2 arguments"));
        };
        let equal = self.plan(&equal(a, b))?;
        let (value, other) = (self.plan(a)?, self.plan(b)?);
        let ty = match (value.ty, coerce::common([&value, &other].into_iter())) {
            (DataType::Decimal(_), Some(DataType::Decimal(_))) => value.ty,
            (DataType::Int, Some(DataType::Decimal(_))) => DataType::Decimal(0),
            (own, common) => common.unwrap_or(own),
        };
        let otherwise = Box::new(coerce::to(self.plan(a)?, ty)?.unwrap_or(value));
        let nothing = Plan::constant(otherwise.ty, Scalar::Null, ast.span.clone());
        let ty = otherwise.ty;
        fold::fold(Plan::new(
            ty,
            Node::Case { branches: vec![(equal, nothing)], otherwise },
            ast.span.clone(),
        ))
    }

    /// `x IN (…)`: a set where the list is constant, else one comparison after the other.
    pub(super) fn membership(&mut self, operand: &Ast, list: &[Ast], ast: &Ast) -> Checked {
        let mut plans = vec![self.plan(operand)?];
        for item in list {
            plans.push(self.plan(item)?);
        }
        if plans[1..].iter().all(|plan| plan.as_const().is_some()) {
            // A literal of another type makes unify fail; the comparisons below say which one.
            if let Some(plan) = constant_membership(plans, ast)? {
                return Ok(plan);
            }
        }
        let parts = list.iter().map(|item| equal(operand, item)).collect();
        self.plan(&Ast { kind: Kind::Or(parts), span: ast.span.clone() })
    }

    /// The arguments of a function that takes at least one.
    pub(super) fn some_args(&mut self, function: &Call) -> Result<Vec<Plan>, ExprError> {
        if function.args.is_empty() {
            let message = format!("{} takes at least 1 argument", function.name);
            return Err(ExprError::new(function.name_span.clone(), message));
        }
        function.args.iter().map(|arg| self.plan(arg)).collect()
    }
}

fn constant_membership(plans: Vec<Plan>, ast: &Ast) -> Result<Option<Plan>, ExprError> {
    if plans[0].untyped || !matches!(plans[0].ty, DataType::Int | DataType::Text) {
        return Ok(None);
    }
    let ty = plans[0].ty;
    if coerce::common(plans.iter()) != Some(ty) {
        return Ok(None);
    }
    let (_, mut plans) = coerce::unify(plans, "IN")?;
    let operand = plans.remove(0);
    let values: Vec<&Scalar> = plans.iter().filter_map(Plan::as_const).collect();
    let Some(kernel) = compare::member(ty, &values) else {
        return Ok(None);
    };
    let operation =
        values.iter().fold(Operation::new("in"), |in_set, value| in_set.with((*value).clone()));
    apply(DataType::Bool, operation, kernel, vec![operand], ast.span.clone()).map(Some)
}

fn equal(a: &Ast, b: &Ast) -> Ast {
    let kind = Kind::Binary(
        BinaryOp::Compare(Comparison::Equal),
        Box::new(a.clone()),
        Box::new(b.clone()),
    );
    Ast { kind, span: b.span.clone() }
}

fn null(ast: &Ast) -> Plan {
    Plan { untyped: true, ..Plan::constant(DataType::Text, Scalar::Null, ast.span.clone()) }
}
