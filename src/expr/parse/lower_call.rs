//! Lowers calls, and the functions that SQL gives a syntax of their own: TRIM, SUBSTRING, POSITION, EXTRACT, CEIL.

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

impl Lowering<'_, '_> {
    /// Lowers what is a call in one syntax or another.
    pub(super) fn call(&self, tree: &sql::Expr) -> Result<Ast, ExprError> {
        use sql::Expr as E;
        match tree {
            E::Function(function) => self.function(function, tree),
            E::Trim {
                expr,
                trim_where,
                trim_what,
                trim_characters: None,
            } => {
                let name = match trim_where {
                    Some(sql::TrimWhereField::Leading) => "ltrim",
                    Some(sql::TrimWhereField::Trailing) => "rtrim",
                    _ => "btrim",
                };
                self.built_in(name, [Some(&**expr), trim_what.as_deref()])
            }
            E::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                let from = substring_from.as_deref();
                if from.is_none() {
                    return Err(ExprError::new(self.range(tree), "substring needs a start"));
                }
                self.built_in("substring", [Some(&**expr), from, substring_for.as_deref()])
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
        let span = operand.span.clone();
        let field = Ast {
            kind: Kind::Text(field.to_string().to_lowercase()),
            span: span.clone(),
        };
        Ok(named("extract", span, vec![field, operand]))
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
            _ => Err(ExprError::new(
                self.range(tree),
                format!("{name} takes one argument"),
            )),
        }
    }

    /// A call whose syntax gave no span for its name: the arguments' span stands for it.
    fn built_in<const N: usize>(
        &self,
        name: &str,
        args: [Option<&sql::Expr>; N],
    ) -> Result<Ast, ExprError> {
        let args = args
            .into_iter()
            .flatten()
            .map(|arg| self.lower(arg))
            .collect::<Result<Vec<_>, _>>()?;
        let start = args.iter().map(|a| a.span.start).min().unwrap_or(0);
        let end = args.iter().map(|a| a.span.end).max().unwrap_or(0);
        Ok(named(name, start..end, args))
    }

    fn function(&self, function: &sql::Function, tree: &sql::Expr) -> Result<Ast, ExprError> {
        let parts: Vec<sql::Ident> = function
            .name
            .0
            .iter()
            .filter_map(|part| part.as_ident().cloned())
            .collect();
        let name = self.name(&parts);
        let FunctionArguments::List(list) = &function.args else {
            // `user` and its like are functions without parentheses to the parser, and fields to us.
            let bare = matches!(function.args, FunctionArguments::None);
            return if bare {
                Ok(name)
            } else {
                Err(self.unsupported(tree))
            };
        };
        self.refuse_clauses(function, list, name.span.clone())?;
        let mut call = Call {
            name: function.name.to_string().to_lowercase(),
            name_span: name.span.clone(),
            args: Vec::with_capacity(list.args.len()),
            star: false,
            distinct: list.duplicate_treatment == Some(sql::DuplicateTreatment::Distinct),
            filter: function
                .filter
                .as_deref()
                .map(|f| self.lower(f).map(Box::new))
                .transpose()?,
            text: function.to_string(),
        };
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) => {
                    call.args.push(self.lower(arg)?)
                }
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => call.star = true,
                _ => {
                    return Err(ExprError::new(
                        name.span,
                        "named arguments are not supported",
                    ));
                }
            }
        }
        let end = self.closing(call.args.last().map_or(name.span.end, |a| a.span.end));
        Ok(Ast {
            kind: Kind::Call(call),
            span: name.span.start..end,
        })
    }

    /// The end of the parenthesis that closes right behind `end`, if it does.
    fn closing(&self, end: usize) -> usize {
        let rest = &self.positions.text()[end..];
        let inner = rest.trim_start_matches([' ', '\n', '\t', '(', '*']);
        if inner.starts_with(')') {
            end + rest.len() - inner.len() + 1
        } else {
            end
        }
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
        let unit = interval
            .leading_field
            .as_ref()
            .map(|f| f.to_string().to_lowercase());
        let micros = micros_of(&format!("{text} {}", unit.unwrap_or_default()));
        let micros = micros.ok_or_else(|| {
            ExprError::new(value.span.clone(), "not an interval of fixed length").with_help(
                "write like '5 minutes' or '1 day 12 hours'; units from microseconds to weeks",
            )
        })?;
        Ok(Ast {
            kind: Kind::Interval(micros),
            span: value.span,
        })
    }
}

fn named(name: &str, span: Range<usize>, args: Vec<Ast>) -> Ast {
    let call = Call {
        name: name.to_owned(),
        name_span: span.clone(),
        args,
        star: false,
        distinct: false,
        filter: None,
        text: String::new(),
    };
    Ast {
        kind: Kind::Call(call),
        span,
    }
}

/// Microseconds of `number unit` pairs.
fn micros_of(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return None;
    }
    words.chunks(2).try_fold(0i64, |sum, pair| {
        let name = pair[1].to_ascii_lowercase();
        let (_, unit) = UNITS
            .iter()
            .find(|(unit, _)| name.strip_suffix('s').unwrap_or(&name) == *unit)?;
        sum.checked_add(pair[0].parse::<i64>().ok()?.checked_mul(*unit)?)
    })
}
