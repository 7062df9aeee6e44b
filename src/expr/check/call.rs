//! Function calls: finding the function, and checking its arguments against its parameters.

use crate::data::{DataType, Scalar};
use crate::error::nearest;
use crate::expr::ExprError;
use crate::expr::functions::{self, Args, Function, Param};
use crate::expr::kernel::Kernel;
use crate::expr::operation::Operation;
use crate::expr::parse::{Ast, BinaryOp, Call};
use crate::expr::plan::Plan;

use super::fold::apply;
use super::{Checked, Checker, aggregate, coerce, operator};

/// Functions whose arguments have no fixed types.
pub(crate) const SPECIAL: [&str; 7] =
    ["coalesce", "nullif", "greatest", "least", "concat", "concat_ws", "mod"];

/// Functions of the contract that come later.
const NOT_BUILT_YET: [&str; 3] = ["user_agent", "lookup", "top_k"];

impl Checker<'_> {
    pub(super) fn call(&mut self, function: &Call, ast: &Ast) -> Checked {
        let name = function.name.as_str();
        let at = || function.name_span.clone();
        if NOT_BUILT_YET.contains(&name) {
            return Err(ExprError::new(at(), format!("{name} is not built yet")));
        }
        if aggregate::is_aggregate(name) {
            return self.aggregate(function, ast);
        }
        if function.star || function.distinct || function.filter.is_some() {
            return Err(ExprError::new(
                at(),
                format!("{name} is no aggregate: no *, DISTINCT or FILTER here"),
            ));
        }
        match name {
            "coalesce" => self.coalesce(function, ast),
            "nullif" => self.nullif(function, ast),
            "greatest" => self.extreme(function, ("greatest", true), ast),
            "least" => self.extreme(function, ("least", false), ast),
            "concat" | "concat_ws" => self.concat(function, ast),
            "mod" => self.modulo(function, ast),
            _ => match functions::find(name) {
                Some(found) => self.registered(found, function, ast),
                None => Err(self.unknown(function)),
            },
        }
    }

    fn unknown(&self, function: &Call) -> ExprError {
        let names = functions::names().chain(SPECIAL);
        let aggregates = aggregate::NAMES.iter().copied().filter(|_| self.aggregates.is_some());
        let error = ExprError::new(
            function.name_span.clone(),
            format!("unknown function {}", function.name),
        );
        match nearest(&function.name, names.chain(aggregates)) {
            Some(near) => error.with_help(format!("did you mean {near}?")),
            None => error,
        }
    }

    fn extreme(
        &mut self,
        function: &Call,
        (name, greatest): (&'static str, bool),
        ast: &Ast,
    ) -> Checked {
        let args = self.some_args(function)?;
        let (ty, args) = coerce::unify(args, name)?;
        let kernel = functions::extreme(ty, greatest);
        apply(ty, Operation::new(name), kernel, args, ast.span.clone())
    }

    fn modulo(&mut self, function: &Call, ast: &Ast) -> Checked {
        let [a, b] = function.args.as_slice() else {
            return Err(ExprError::new(function.name_span.clone(), "mod takes 2 arguments"));
        };
        let (a, b) = (self.plan(a)?, self.plan(b)?);
        operator::arithmetic(BinaryOp::Modulo, a, b, ast)
    }

    /// Any types, as text; NULL counts as nothing. A bool is `t` or `f` here, other than in a cast.
    fn concat(&mut self, function: &Call, ast: &Ast) -> Checked {
        let text = |arg: Plan| match arg.ty {
            DataType::Bool => {
                let (operation, span) = (Operation::new("short_bool"), arg.span.clone());
                apply(DataType::Text, operation, functions::short_bool(), vec![arg], span)
            }
            _ => coerce::cast(arg, DataType::Text),
        };
        let args = self.some_args(function)?.into_iter().map(text);
        let args = args.collect::<Result<Vec<_>, _>>()?;
        let is_separated = function.name == "concat_ws";
        let operation = Operation::new(if is_separated { "concat_ws" } else { "concat" });
        apply(DataType::Text, operation, functions::concat(is_separated), args, ast.span.clone())
    }

    fn registered(&mut self, found: &Function, function: &Call, ast: &Ast) -> Checked {
        let (given, most) = (function.args.len(), found.params.len());
        if given < found.required || given > most {
            let counts = match (found.required, most) {
                (least, most) if least == most && most == 1 => "1 argument".to_owned(),
                (least, most) if least == most => format!("{most} arguments"),
                (least, most) => format!("{least} to {most} arguments"),
            };
            let message = format!("{} takes {counts}, found {given}", found.name);
            return Err(ExprError::new(function.name_span.clone(), message));
        }
        let mut plans = Vec::with_capacity(given);
        for (number, (arg, param)) in function.args.iter().zip(found.params).enumerate() {
            plans.push(argument(found.name, number, self.plan(arg)?, *param)?);
        }
        let made = (found.make)(&Args { plans: &plans }).map_err(|refusal| {
            let span = plans
                .get(refusal.arg)
                .map_or_else(|| function.name_span.clone(), |p| p.span.clone());
            ExprError {
                message: format!("{}: {}", found.name, refusal.message),
                help: refusal.help,
                span,
            }
        })?;
        let (ty, kernel) = made;
        let operation = operation(found, &kernel, &plans);
        // Patterns live on in the kernel, compiled; what is left are its arguments.
        let mut params = found.params.iter();
        plans.retain(|_| params.next() != Some(&Param::Pattern));
        apply(ty, operation, kernel, plans, ast.span.clone())
    }
}

/// What a function computes: its name, what is compiled into it, and what it looks at beside its arguments.
fn operation(function: &Function, kernel: &Kernel, plans: &[Plan]) -> Operation {
    let given = plans.iter().zip(function.params);
    let compiled = given.filter(|(_, param)| **param == Param::Pattern);
    let constants = compiled.filter_map(|(plan, _)| plan.as_const());
    let operation =
        constants.fold(Operation::new(function.name), |operation, c| operation.with(c.clone()));
    match kernel.takes_beside() {
        Some(fingerprint) => operation.with_text(fingerprint),
        None => operation,
    }
}

/// Brings an argument to what the parameter takes.
fn argument(name: &str, number: usize, plan: Plan, param: Param) -> Checked {
    let (found, span) = (plan.ty, plan.span.clone());
    let taken = match param {
        Param::Text | Param::Pattern => coerce::to(plan, DataType::Text)?,
        Param::Int => coerce::to(plan, DataType::Int)?,
        Param::Float => coerce::to(plan, DataType::Float)?,
        Param::Timestamp => coerce::to(plan, DataType::Timestamp)?,
        Param::Number if plan.untyped => coerce::to(plan, DataType::Float)?,
        Param::Number => plan.ty.is_numeric().then_some(plan),
    };
    let Some(plan) = taken else {
        let message =
            format!("{name} takes {} as argument {}, found {found}", param.word(), number + 1);
        return Err(ExprError::new(span, message).with_help("cast it, such as x::text or x::int"));
    };
    match (param, plan.as_const()) {
        (Param::Pattern, None) => Err(ExprError::new(
            span,
            format!("argument {} of {name} must be a constant", number + 1),
        )
        .with_help("write it as a literal: it is compiled once, when the job is read")),
        (Param::Pattern, Some(Scalar::Null)) => {
            Err(ExprError::new(span, format!("argument {} of {name} must not be NULL", number + 1)))
        }
        _ => Ok(plan),
    }
}
