//! The checker: syntax tree to typed plan. Each error is found here, before a line is read.

mod aggregate;
mod call;
mod coerce;
mod conditional;
mod fold;
mod literal;
mod operator;

use crate::data::{DataType, Scalar};

use super::ExprError;
use super::kernel::Kernel;
use super::op::{arithmetic, cast, compare, pattern};
use super::operation::Operation;
use super::parse::{Ast, IsTest, Kind, Match, MatchSyntax, Target};
use super::plan::{Node, Plan};
use super::types::Scope;
use crate::error::nearest;
pub(crate) use aggregate::Aggregates;
use fold::apply;
#[cfg(test)]
pub(crate) use {aggregate::NAMES as AGGREGATES, call::SPECIAL};

pub(crate) type Checked = Result<Plan, ExprError>;

/// The pass over one expression.
pub(crate) struct Checker<'s> {
    scope: &'s mut dyn Scope,
    /// Present while a measure is checked, outside of its aggregates.
    aggregates: Option<Aggregates>,
}

impl<'s> Checker<'s> {
    /// For an expression over the fields of a record.
    pub(crate) fn of_record(scope: &'s mut dyn Scope) -> Self {
        Checker { scope, aggregates: None }
    }

    /// For an expression over aggregates.
    pub(crate) fn of_measure(scope: &'s mut dyn Scope) -> Self {
        Checker { scope, aggregates: Some(Aggregates::default()) }
    }

    /// The aggregates that were met.
    pub(crate) fn into_aggregates(self) -> Aggregates {
        self.aggregates.unwrap_or_default()
    }

    /// Checks a tree; a literal that met no type is text.
    pub(crate) fn check(&mut self, ast: &Ast) -> Checked {
        let mut plan = self.plan(ast)?;
        plan.untyped = false;
        Ok(plan)
    }

    fn plan(&mut self, ast: &Ast) -> Checked {
        let span = ast.span.clone();
        match &ast.kind {
            Kind::Name(name) => self.name(name, ast),
            Kind::Text(_) | Kind::Number(_) | Kind::Bool(_) | Kind::Null => literal::plan(ast),
            Kind::Interval(_) => Err(ExprError::new(
                span,
                "an interval can only be added to a timestamp, or taken from one",
            )),
            Kind::Not(operand) => {
                let not = Kernel::map(|a: bool| !a);
                apply(DataType::Bool, Operation::new("not"), not, vec![self.bool(operand)?], span)
            }
            Kind::Negate(operand) => self.negate(operand, ast),
            Kind::Binary(op, left, right) => self.binary(*op, left, right, ast),
            Kind::And(parts) => {
                let parts = self.bools(parts)?;
                fold::fold(Plan::new(DataType::Bool, Node::And(parts), span))
            }
            Kind::Or(parts) => {
                let parts = self.bools(parts)?;
                fold::fold(Plan::new(DataType::Bool, Node::Or(parts), span))
            }
            Kind::Is(test, operand) => self.is(*test, operand, ast),
            Kind::In(operand, list) => self.membership(operand, list, ast),
            Kind::Match(matching) => self.matching(matching, ast),
            Kind::Case { branches, otherwise } => self.case(branches, otherwise.as_deref(), ast),
            Kind::Cast { operand, to, tolerant } => self.cast(operand, *to, *tolerant),
            Kind::Call(function) => self.call(function, ast),
        }
    }

    fn name(&mut self, name: &str, ast: &Ast) -> Checked {
        let span = ast.span.clone();
        let Some((slot, ty)) = self.scope.resolve(name) else {
            let names = self.scope.names();
            let error = ExprError::new(span, format!("unknown field {name}"));
            let near = nearest(name, names.iter().map(String::as_str));
            return Err(match near {
                Some(near) => error.with_help(format!("did you mean {near}?")),
                None if names.is_empty() => error,
                None => error.with_help(format!("known: {}", names.join(", "))),
            });
        };
        if self.aggregates.is_some() {
            return Err(ExprError::new(span, format!("{name} must stand inside of an aggregate"))
                .with_help(format!("such as max({name}); or group by it, in `by`")));
        }
        Ok(Plan::new(ty, Node::Slot(slot), span))
    }

    /// Checks what must be true or false.
    fn bool(&mut self, ast: &Ast) -> Checked {
        let plan = self.plan(ast)?;
        let (ty, span) = (plan.ty, plan.span.clone());
        coerce::to(plan, DataType::Bool)?
            .ok_or_else(|| ExprError::new(span, format!("expected a bool, found {ty}")))
    }

    fn bools(&mut self, parts: &[Ast]) -> Result<Vec<Plan>, ExprError> {
        parts.iter().map(|part| self.bool(part)).collect()
    }

    fn is(&mut self, test: IsTest, operand: &Ast, ast: &Ast) -> Checked {
        let (operand, name, kernel) = match test {
            IsTest::Null => (self.plan(operand)?, "is_null", compare::is_null()),
            IsTest::True => (self.bool(operand)?, "is_true", compare::is_truth(true)),
            IsTest::False => (self.bool(operand)?, "is_false", compare::is_truth(false)),
        };
        apply(DataType::Bool, Operation::new(name), kernel, vec![operand], ast.span.clone())
    }

    fn matching(&mut self, matching: &Match, ast: &Ast) -> Checked {
        let operand = self.text(&matching.operand)?;
        let pattern = self.text(&matching.pattern)?;
        let span = pattern.span.clone();
        let made = match pattern.as_const() {
            Some(Scalar::Text(source)) => {
                let operation = matching.operation().with_text(source);
                let kernel = match matching.syntax {
                    MatchSyntax::Like { escape } => {
                        pattern::like(source, escape, matching.insensitive)
                    }
                    MatchSyntax::Regex => {
                        pattern::regex(source, matching.insensitive).map(pattern::matches)
                    }
                };
                kernel.map(|kernel| (operation, kernel))
            }
            Some(_) => {
                return Ok(Plan::constant(DataType::Bool, Scalar::Null, ast.span.clone()));
            }
            None => {
                return Err(ExprError::new(span, "the pattern must be a constant")
                    .with_help("for text that varies use starts_with, contains or strpos"));
            }
        };
        let (operation, kernel) = made.map_err(|message| ExprError::new(span, message))?;
        apply(DataType::Bool, operation, kernel, vec![operand], ast.span.clone())
    }

    fn text(&mut self, ast: &Ast) -> Checked {
        let plan = self.plan(ast)?;
        if plan.ty.is_textual() {
            return Ok(plan);
        }
        Err(ExprError::new(plan.span, format!("expected text, found {}", plan.ty))
            .with_help("cast it: x::text"))
    }

    fn cast(&mut self, operand: &Ast, to: Target, tolerant: bool) -> Checked {
        let operand = self.plan(operand)?;
        let (ty, digits) = match to {
            Target::Type(ty) => (ty, None),
            Target::Decimal { precision, scale } => (DataType::Decimal(scale), Some(precision)),
            Target::AnyDecimal => return any_decimal(operand),
        };
        let cast = if tolerant { coerce::try_cast } else { coerce::cast };
        let plan = cast(operand, ty)?;
        match digits {
            Some(digits) => limit_digits(plan, digits, tolerant),
            None => Ok(plan),
        }
    }
}

/// Refuses numbers of more digits; or makes them NULL.
fn limit_digits(plan: Plan, digits: u8, tolerant: bool) -> Checked {
    let (ty, span) = (plan.ty, plan.span.clone());
    let limit = cast::limit_digits(digits);
    let (name, kernel) =
        if tolerant { ("try_limit_digits", limit.tolerant()) } else { ("limit_digits", limit) };
    let operation = Operation::new(name).with(Scalar::Int(digits.into()));
    apply(ty, operation, kernel, vec![plan], span)
}

/// `x::numeric`: the scale that x has.
fn any_decimal(operand: Plan) -> Checked {
    let span = operand.span.clone();
    match operand.ty {
        DataType::Int => coerce::cast(operand, DataType::Decimal(0)),
        DataType::Decimal(_) => Ok(operand),
        _ if operand.untyped => literal::number_in_text(operand),
        ty => Err(ExprError::new(span, format!("a cast of {ty} to numeric needs a scale"))
            .with_help("write decimal(digits after the point), such as x::decimal(3)")),
    }
}

impl Match {
    /// What it computes, but for the pattern.
    fn operation(&self) -> Operation {
        match (self.syntax, self.insensitive) {
            (MatchSyntax::Like { escape }, insensitive) => {
                let name = if insensitive { "ilike" } else { "like" };
                let escape = escape.map_or(Scalar::Null, |c| Scalar::Text(c.to_string().into()));
                Operation::new(name).with(escape)
            }
            (MatchSyntax::Regex, false) => Operation::new("~"),
            (MatchSyntax::Regex, true) => Operation::new("~*"),
        }
    }
}

/// Unary minus; a literal keeps its sign, so that -9223372036854775808 is an int.
impl Checker<'_> {
    fn negate(&mut self, operand: &Ast, ast: &Ast) -> Checked {
        if let Kind::Number(digits) = &operand.kind
            && let Ok(value) = format!("-{digits}").parse()
        {
            return Ok(Plan::constant(DataType::Int, Scalar::Int(value), ast.span.clone()));
        }
        let operand = self.plan(operand)?;
        let Some(kernel) = arithmetic::negate(operand.ty) else {
            let message = format!("- takes a number, found {}", operand.ty);
            return Err(ExprError::new(operand.span, message));
        };
        let operation = Operation::new("negate");
        apply(operand.ty, operation, kernel, vec![operand], ast.span.clone())
    }
}
