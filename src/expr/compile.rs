//! The public face: text to compiled expressions, keys and measures.

use crate::data::{DataType, Scalar};

use super::ExprError;
use super::check::Checker;
use super::parse::{self, Ast, Kind};
use super::plan::Plan;
use super::types::{Expr, KeyExpr, Measure, Scope};

impl Expr {
    /// Compiles an expression over one record.
    pub fn compile(text: &str, scope: &mut dyn Scope) -> Result<Expr, ExprError> {
        let ast = parse::parse(text)?;
        Ok(Expr::new(Checker::of_record(scope).check(&ast)?))
    }

    /// The same for a place that takes one type only; a NULL literal is of any type.
    pub fn compile_typed(
        text: &str,
        scope: &mut dyn Scope,
        ty: DataType,
    ) -> Result<Expr, ExprError> {
        let ast = parse::parse(text)?;
        if matches!(ast.kind, Kind::Null) {
            return Ok(Expr::new(Plan::constant(ty, Scalar::Null, ast.span)));
        }
        let plan = Checker::of_record(scope).check(&ast)?;
        if plan.ty != ty {
            return Err(ExprError::new(
                0..text.len(),
                format!("expected a value of type {ty}, found {}", plan.ty),
            ));
        }
        Ok(Expr::new(plan))
    }
}

/// Compiles `name`, or `expression AS name`.
pub fn compile_key(text: &str, scope: &mut dyn Scope) -> Result<KeyExpr, ExprError> {
    let (ast, alias) = parse::parse_aliased(text)?;
    let name = match (alias, &ast) {
        (Some(alias), _) => alias.name,
        (None, Ast { kind: Kind::Name(name), .. }) => name.clone(),
        (None, ast) => {
            return Err(ExprError::new(
                ast.span.clone(),
                "a key that is no plain field needs a name",
            )
            .with_help(format!("write: {text} AS name")));
        }
    };
    Ok(KeyExpr { name, expr: Expr::new(Checker::of_record(scope).check(&ast)?) })
}

/// Compiles a measure: aggregates, and arithmetic over them.
pub fn compile_measure(text: &str, scope: &mut dyn Scope) -> Result<Measure, ExprError> {
    let ast = parse::parse(text)?;
    let mut checker = Checker::of_measure(scope);
    let value = Expr::new(checker.check(&ast)?);
    let aggregates = checker.into_aggregates().calls;
    if aggregates.is_empty() {
        return Err(ExprError::new(0..text.len(), "a measure needs an aggregate function")
            .with_help("such as count(*) or sum(x)"));
    }
    Ok(Measure { aggregates, value })
}
