//! Lowers what asks and chooses: IS, BETWEEN, LIKE, regular expressions, CASE.

use std::ops::Range;

use sqlparser::ast as sql;

use crate::expr::ExprError;

use super::lower::{Lowered, Lowering, combine, negate_if};
use super::{Ast, BinaryOp, Comparison, IsTest, Kind, Match, MatchSyntax};

/// Operators of one precedence that do not associate: two of one of these levels need parentheses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Compare,
    Match,
    Is,
}

/// The level of an operator without associativity, and its left operand.
fn level(tree: &sql::Expr) -> Option<(Level, &sql::Expr)> {
    use sql::BinaryOperator as B;
    use sql::Expr as E;
    Some(match tree {
        E::BinaryOp { left, op: B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq, .. } => {
            (Level::Compare, left)
        }
        E::Like { expr, .. }
        | E::ILike { expr, .. }
        | E::InList { expr, .. }
        | E::Between { expr, .. } => (Level::Match, expr),
        E::IsNull(x)
        | E::IsNotNull(x)
        | E::IsTrue(x)
        | E::IsNotTrue(x)
        | E::IsFalse(x)
        | E::IsNotFalse(x)
        | E::IsUnknown(x)
        | E::IsNotUnknown(x)
        | E::IsDistinctFrom(x, _)
        | E::IsNotDistinctFrom(x, _) => (Level::Is, x),
        _ => return None,
    })
}

/// Whether nothing that follows can belong to the last operand: `x IN (1) IN (true)` and `x IS NULL IS NULL` say what they are.
fn is_closed(tree: &sql::Expr) -> bool {
    use sql::Expr as E;
    let is_test = matches!(level(tree), Some((Level::Is, _)));
    let has_right = matches!(tree, E::IsDistinctFrom(..) | E::IsNotDistinctFrom(..));
    matches!(tree, E::InList { .. }) || (is_test && !has_right)
}

impl Lowering<'_, '_> {
    /// `a < b < c` is an error in PostgreSQL, which does not say which one it would be; so is `x BETWEEN NOT a AND b`.
    pub(super) fn refuse_chain(&self, tree: &sql::Expr) -> Result<(), ExprError> {
        use sql::Expr as E;
        let is_chain = level(tree).is_some_and(|(of_tree, left)| {
            !is_closed(left) && level(left).is_some_and(|(of_left, _)| of_left == of_tree)
        });
        let is_loose = |bound: &sql::Expr| match level(bound) {
            Some((of_bound, _)) => of_bound != Level::Compare,
            None => matches!(bound, E::UnaryOp { op: sql::UnaryOperator::Not, .. }),
        };
        let message = match tree {
            _ if is_chain => "two of these operators in a row need parentheses",
            E::Between { low, .. } if is_loose(low) => {
                "the lower bound of BETWEEN needs parentheses"
            }
            _ => return Ok(()),
        };
        let help = "such as (a = b) = c, or a = b AND b = c";
        Err(ExprError::new(self.range(tree), message).with_help(help))
    }

    /// `IS …` and the pattern matches; `None` when it is something else.
    pub(super) fn tests(&self, tree: &sql::Expr) -> Option<Lowered> {
        use sql::Expr as E;
        Some(match tree {
            E::IsNull(x) | E::IsUnknown(x) => self.is(IsTest::Null, x, false),
            E::IsNotNull(x) | E::IsNotUnknown(x) => self.is(IsTest::Null, x, true),
            E::IsTrue(x) => self.is(IsTest::True, x, false),
            E::IsNotTrue(x) => self.is(IsTest::True, x, true),
            E::IsFalse(x) => self.is(IsTest::False, x, false),
            E::IsNotFalse(x) => self.is(IsTest::False, x, true),
            E::IsDistinctFrom(a, b) => self.pair(BinaryOp::Compare(Comparison::Distinct), a, b),
            E::IsNotDistinctFrom(a, b) => {
                self.pair(BinaryOp::Compare(Comparison::NotDistinct), a, b)
            }
            E::Like { any: false, expr, pattern, escape_char, negated } => {
                self.like(expr, pattern, escape_char.as_deref(), false, *negated)
            }
            E::ILike { any: false, expr, pattern, escape_char, negated } => {
                self.like(expr, pattern, escape_char.as_deref(), true, *negated)
            }
            _ => return None,
        })
    }

    pub(super) fn between(
        &self,
        x: &sql::Expr,
        low: &sql::Expr,
        high: &sql::Expr,
        negated: bool,
    ) -> Lowered {
        let (x, low, high) = (self.lower(x)?, self.lower(low)?, self.lower(high)?);
        let span = x.span.start..high.span.end;
        let above = combine(BinaryOp::Compare(Comparison::GreaterEqual), x.clone(), low);
        let below = combine(BinaryOp::Compare(Comparison::LessEqual), x, high);
        Ok(negate_if(negated, Ast { kind: Kind::And(vec![above, below]), span }))
    }

    fn is(&self, test: IsTest, operand: &sql::Expr, negated: bool) -> Lowered {
        let operand = self.lower(operand)?;
        let span = operand.span.clone();
        Ok(negate_if(negated, Ast { kind: Kind::Is(test, Box::new(operand)), span }))
    }

    pub(super) fn like(
        &self,
        operand: &sql::Expr,
        pattern: &sql::Expr,
        escape: Option<&sql::Expr>,
        insensitive: bool,
        negated: bool,
    ) -> Lowered {
        let escape = match escape.map(|e| self.lower(e)).transpose()? {
            None => Some('\\'),
            Some(Ast { kind: Kind::Text(text), .. }) if text.chars().count() <= 1 => {
                text.chars().next()
            }
            Some(other) => {
                return Err(ExprError::new(other.span, "ESCAPE takes one character, as a literal"));
            }
        };
        self.matches(operand, pattern, MatchSyntax::Like { escape }, insensitive, negated)
    }

    pub(super) fn regex(
        &self,
        operand: &sql::Expr,
        pattern: &sql::Expr,
        insensitive: bool,
        negated: bool,
    ) -> Lowered {
        self.matches(operand, pattern, MatchSyntax::Regex, insensitive, negated)
    }

    fn matches(
        &self,
        operand: &sql::Expr,
        pattern: &sql::Expr,
        syntax: MatchSyntax,
        insensitive: bool,
        negated: bool,
    ) -> Lowered {
        let (operand, pattern) = (Box::new(self.lower(operand)?), Box::new(self.lower(pattern)?));
        let span = operand.span.start..pattern.span.end;
        let kind = Kind::Match(Match { operand, pattern, syntax, insensitive });
        Ok(negate_if(negated, Ast { kind, span }))
    }

    /// Both forms of CASE: `CASE x WHEN a …` compares `x = a`.
    pub(super) fn case(
        &self,
        operand: Option<&sql::Expr>,
        conditions: &[sql::CaseWhen],
        otherwise: Option<&sql::Expr>,
        span: Range<usize>,
    ) -> Lowered {
        let operand = operand.map(|x| self.lower(x)).transpose()?;
        let mut branches = Vec::with_capacity(conditions.len());
        for when in conditions {
            let mut condition = self.lower(&when.condition)?;
            if let Some(x) = &operand {
                condition = combine(BinaryOp::Compare(Comparison::Equal), x.clone(), condition);
            }
            branches.push((condition, self.lower(&when.result)?));
        }
        let otherwise = otherwise.map(|x| self.lower(x).map(Box::new)).transpose()?;
        Ok(Ast { kind: Kind::Case { branches, otherwise }, span })
    }
}
