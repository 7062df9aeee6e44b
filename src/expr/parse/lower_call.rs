//! Lowers calls, and the functions that SQL gives a syntax of their own: SUBSTRING, POSITION, EXTRACT, CEIL.

use std::ops::Range;

use sqlparser::ast::{self as sql, FunctionArg, FunctionArgExpr, FunctionArguments};

use crate::expr::ExprError;

use super::lower::Lowering;
use super::{Ast, Call, Kind};

/// Microseconds of the units that are always equally long.
const UNITS: [(&str, i64); 7] = [
    ("week", 604_800_000_000),
    ("day", 86_400_000_000),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
    ("millisecond", 1_000),
    ("microsecond", 1),
];

/// Functions that the parser reads with a syntax of their own.
const WITH_SYNTAX: [&str; 7] =
    ["substring", "substr", "position", "extract", "ceil", "ceiling", "floor"];

impl Lowering<'_, '_> {
    /// Lowers what is a call in one syntax or another.
    pub(super) fn call(&self, tree: &sql::Expr) -> Result<Ast, ExprError> {
        use sql::Expr as E;
        match tree {
            E::Function(function) => self.function(function, tree),
            E::Substring { expr, substring_from, substring_for, .. } => {
                self.substring(expr, substring_from.as_deref(), substring_for.as_deref())
            }
            E::Position { expr, r#in } => self.built_in("strpos", [Some(&**r#in), Some(&**expr)]),
            E::Ceil { expr, field } => self.rounding("ceil", expr, field, tree),
            E::Floor { expr, field } => self.rounding("floor", expr, field, tree),
            E::Extract { field, expr, .. } => self.extract(field, expr),
            _ => Err(self.unsupported(tree)),
        }
    }

    fn extract(&self, field: &sql::DateTimeField, operand: &sql::Expr) -> Result<Ast, ExprError> {
        let operand = self.lower(operand)?;
        let field = Kind::Text(field.to_string().to_lowercase());
        let field = Ast { kind: field, span: operand.span.clone() };
        Ok(self.named("extract", vec![field, operand]))
    }

    /// `substring(x FOR n)` begins at 1.
    fn substring(
        &self,
        operand: &sql::Expr,
        from: Option<&sql::Expr>,
        length: Option<&sql::Expr>,
    ) -> Result<Ast, ExprError> {
        let mut args = vec![self.lower(operand)?];
        let operand_span = args[0].span.clone();
        match from {
            Some(from) => args.push(self.lower(from)?),
            None if length.is_some() => {
                args.push(Ast { kind: Kind::Number("1".to_owned()), span: operand_span });
            }
            None => {}
        }
        if let Some(length) = length {
            args.push(self.lower(length)?);
        }
        Ok(self.named("substring", args))
    }

    fn rounding(
        &self,
        name: &str,
        operand: &sql::Expr,
        field: &sql::CeilFloorKind,
        tree: &sql::Expr,
    ) -> Result<Ast, ExprError> {
        match field {
            sql::CeilFloorKind::DateTimeField(sql::DateTimeField::NoDateTime) => {
                self.built_in(name, [Some(operand)])
            }
            _ => Err(ExprError::new(self.range(tree), format!("{name} takes one argument"))),
        }
    }

    /// A call with a syntax of its own, over the arguments that are there.
    fn built_in<const N: usize>(
        &self,
        name: &str,
        args: [Option<&sql::Expr>; N],
    ) -> Result<Ast, ExprError> {
        let args = args.into_iter().flatten().map(|arg| self.lower(arg));
        Ok(self.named(name, args.collect::<Result<Vec<_>, _>>()?))
    }

    /// Such a call: the parser keeps no place for its name, which is looked for in front of the arguments.
    fn named(&self, name: &str, args: Vec<Ast>) -> Ast {
        let start = args.iter().map(|a| a.span.start).min().unwrap_or(0);
        let end = args.iter().map(|a| a.span.end).max().unwrap_or(0);
        let name_span = self.name_before(start).unwrap_or(start..end);
        let span = name_span.start..self.closing(end);
        let call = Call {
            name: name.to_owned(),
            name_span,
            args,
            star: false,
            distinct: false,
            filter: None,
        };
        Ast { kind: Kind::Call(call), span }
    }

    /// The nearest word in front of an opening parenthesis that names a function with a syntax of its own.
    fn name_before(&self, end: usize) -> Option<Range<usize>> {
        let mut head = &self.positions.text()[..end];
        loop {
            head = head[..head.rfind('(')?].trim_end();
            let start =
                head.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
            // A separator of several bytes would put `start` within it; none can stand before a known name.
            let word = head.get(start..).unwrap_or_default();
            if WITH_SYNTAX.iter().any(|known| word.eq_ignore_ascii_case(known)) {
                return Some(start..head.len());
            }
        }
    }

    fn function(&self, function: &sql::Function, tree: &sql::Expr) -> Result<Ast, ExprError> {
        let parts = function.name.0.iter().filter_map(|part| part.as_ident().cloned());
        let name = self.name(&parts.collect::<Vec<_>>());
        let list = match &function.args {
            FunctionArguments::List(list) => list,
            FunctionArguments::None | FunctionArguments::Subquery(_) => {
                return Err(self.unsupported(tree));
            }
        };
        self.refuse_clauses(function, list, name.span.clone())?;
        let filter = function.filter.as_deref().map(|f| self.lower(f).map(Box::new));
        let (args, star) = self.arguments(&list.args, &name.span)?;
        let end = self.closing(args.last().map_or(name.span.end, |a| a.span.end));
        let span = name.span.start..end;
        let call = Call {
            name: function.name.to_string().to_lowercase(),
            name_span: name.span,
            args,
            star,
            distinct: list.duplicate_treatment == Some(sql::DuplicateTreatment::Distinct),
            filter: filter.transpose()?,
        };
        Ok(Ast { kind: Kind::Call(call), span })
    }

    /// The arguments, and whether one of them is `*`.
    fn arguments(
        &self,
        list: &[FunctionArg],
        name: &Range<usize>,
    ) -> Result<(Vec<Ast>, bool), ExprError> {
        let mut args = Vec::with_capacity(list.len());
        let mut star = false;
        for arg in list {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) => args.push(self.lower(arg)?),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => star = true,
                _ => {
                    let message = "named arguments are not supported";
                    return Err(ExprError::new(name.clone(), message));
                }
            }
        }
        Ok((args, star))
    }

    /// The end of the parenthesis that closes right behind `end`, if it does.
    fn closing(&self, end: usize) -> usize {
        let rest = &self.positions.text()[end..];
        let inner = rest.trim_start_matches([' ', '\n', '\t', '(', '*']);
        if inner.starts_with(')') { end + rest.len() - inner.len() + 1 } else { end }
    }

    fn refuse_clauses(
        &self,
        function: &sql::Function,
        list: &sql::FunctionArgumentList,
        at: Range<usize>,
    ) -> Result<(), ExprError> {
        let refused = if function.over.is_some() {
            "window functions (OVER) are not supported"
        } else if !function.within_group.is_empty() {
            "WITHIN GROUP is not supported"
        } else if !list.clauses.is_empty() || function.null_treatment.is_some() {
            "ORDER BY and other clauses inside of a call are not supported"
        } else {
            return Ok(());
        };
        Err(ExprError::new(at, refused))
    }

    /// `INTERVAL '1 day 2 hours'`, `INTERVAL '5' MINUTE`.
    pub(super) fn interval(&self, interval: &sql::Interval) -> Result<Ast, ExprError> {
        let value = self.lower(&interval.value)?;
        let (Kind::Text(text) | Kind::Number(text)) = value.kind else {
            return Err(ExprError::new(value.span, "INTERVAL takes a literal"));
        };
        let unit = interval.leading_field.as_ref().map(|f| f.to_string().to_lowercase());
        let micros = micros_of(&format!("{text} {}", unit.unwrap_or_default()));
        let micros = micros.ok_or_else(|| {
            ExprError::new(value.span.clone(), "not an interval of fixed length").with_help(
                "write like '5 minutes' or '1 day 12 hours'; units from microseconds to weeks",
            )
        })?;
        Ok(Ast { kind: Kind::Interval(micros), span: value.span })
    }
}

/// Microseconds of `number unit` pairs.
fn micros_of(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return None;
    }
    words
        .chunks(2)
        .try_fold(0i64, |sum, pair| {
            let name = pair[1].to_ascii_lowercase();
            let (_, unit) =
                UNITS.iter().find(|(unit, _)| name.strip_suffix('s').unwrap_or(&name) == *unit)?;
            // The least i64 has no negation, which `at - INTERVAL` needs.
            sum.checked_add(pair[0].parse::<i64>().ok()?.checked_mul(*unit)?)
        })
        .filter(|micros| *micros > i64::MIN)
}
