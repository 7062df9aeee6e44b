//! sqlparser's tree to [`Ast`]: operators, literals, CASE. Sugar is spelt out here, unknown syntax refused.

use std::cell::Cell;
use std::ops::Range;

use sqlparser::ast::{self as sql, BinaryOperator, Spanned, UnaryOperator, Value};

use crate::expr::ExprError;

use super::position::Positions;
use super::{Ast, BinaryOp, Comparison, Kind, target};

/// Deepest tree, in operators: bounds the recursion of every later pass. AND and OR chains count once.
const DEPTH_MAX: usize = 256;

pub(super) type Lowered = Result<Ast, ExprError>;

/// The pass, with what it needs to say where something stands.
pub(super) struct Lowering<'p, 't> {
    pub(super) positions: &'p Positions<'t>,
    depth: Cell<usize>,
}

impl<'p, 't> Lowering<'p, 't> {
    pub(super) fn new(positions: &'p Positions<'t>) -> Self {
        Lowering { positions, depth: Cell::new(0) }
    }

    /// Lowers a tree.
    pub(super) fn lower(&self, tree: &sql::Expr) -> Lowered {
        if self.depth.get() >= DEPTH_MAX {
            return Err(ExprError::new(0..self.positions.text().len(), "nested too deeply"));
        }
        self.depth.set(self.depth.get() + 1);
        let lowered = self.node(tree);
        self.depth.set(self.depth.get() - 1);
        lowered
    }

    fn node(&self, tree: &sql::Expr) -> Lowered {
        use sql::Expr as E;
        self.refuse_chain(tree)?;
        match tree {
            E::Identifier(ident) => Ok(self.name(std::slice::from_ref(ident))),
            E::CompoundIdentifier(parts) => Ok(self.name(parts)),
            E::Value(value) => self.value(value),
            E::Nested(inner) => self.lower(inner),
            E::UnaryOp { op, expr } => self.unary(*op, expr, tree),
            E::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } => {
                self.junction(tree, op)
            }
            E::BinaryOp { left, op, right } => self.binary(left, op, right, tree),
            E::Interval(interval) => self.interval(interval),
            _ => self.tests(tree).or_else(|| self.forms(tree)).unwrap_or_else(|| self.call(tree)),
        }
    }

    /// Forms with several parts; `None` when it is something else.
    fn forms(&self, tree: &sql::Expr) -> Option<Lowered> {
        use sql::Expr as E;
        Some(match tree {
            E::Between { expr, negated, low, high } => self.between(expr, low, high, *negated),
            E::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            E::Case { operand, conditions, else_result, case_token, end_token } => {
                let start = self.positions.range(case_token.0.span).start;
                let end = self.positions.range(end_token.0.span).end;
                self.case(operand.as_deref(), conditions, else_result.as_deref(), start..end)
            }
            E::Cast { kind, expr, data_type, .. } => {
                let tolerant = matches!(kind, sql::CastKind::TryCast | sql::CastKind::SafeCast);
                self.lower(expr).and_then(|operand| self.cast(operand, data_type, tolerant))
            }
            E::TypedString(literal) => self
                .value(&literal.value)
                .and_then(|value| self.cast(value, &literal.data_type, false)),
            _ => return None,
        })
    }

    fn in_list(&self, operand: &sql::Expr, list: &[sql::Expr], negated: bool) -> Lowered {
        let (operand, list) = (self.lower(operand)?, self.all(list)?);
        let end = list.last().map_or(operand.span.end, |a| a.span.end);
        let span = operand.span.start..end;
        Ok(negate_if(negated, Ast { kind: Kind::In(Box::new(operand), list), span }))
    }

    /// Parts of a dotted name, which is one name.
    pub(super) fn name(&self, parts: &[sql::Ident]) -> Ast {
        let words: Vec<&str> = parts.iter().map(|p| p.value.as_str()).collect();
        let spans: Vec<_> = parts.iter().map(|p| self.positions.range(p.span)).collect();
        let start = spans.first().map_or(0, |s| s.start);
        let end = spans.last().map_or(0, |s| s.end);
        Ast { kind: Kind::Name(words.join(".")), span: start..end }
    }

    pub(super) fn value(&self, value: &sql::ValueWithSpan) -> Lowered {
        let span = self.positions.range(value.span);
        let kind = match &value.value {
            Value::Number(digits, _) => Kind::Number(digits.clone()),
            Value::SingleQuotedString(text)
            | Value::EscapedStringLiteral(text)
            | Value::UnicodeStringLiteral(text) => Kind::Text(text.clone()),
            Value::DollarQuotedString(quoted) => Kind::Text(quoted.value.clone()),
            Value::Boolean(value) => Kind::Bool(*value),
            Value::Null => Kind::Null,
            other => {
                return Err(ExprError::new(span, format!("literal {other} is not supported")));
            }
        };
        Ok(Ast { kind, span })
    }

    fn unary(&self, op: UnaryOperator, operand: &sql::Expr, tree: &sql::Expr) -> Lowered {
        let operand = self.lower(operand)?;
        let start = self.before(operand.span.start, &op.to_string());
        let span = start..operand.span.end;
        let kind = match op {
            UnaryOperator::Minus => Kind::Negate(Box::new(operand)),
            UnaryOperator::Not => Kind::Not(Box::new(operand)),
            UnaryOperator::Plus => return Ok(operand),
            _ => return Err(self.unsupported(tree)),
        };
        Ok(Ast { kind, span })
    }

    /// Where the prefix operator `symbol` stands, in front of the operand at `start`.
    fn before(&self, start: usize, symbol: &str) -> usize {
        let head = self.positions.text()[..start].trim_end_matches([' ', '\t', '\n', '(']);
        let tail = head.len().checked_sub(symbol.len()).and_then(|at| head.get(at..));
        if tail.is_some_and(|t| t.eq_ignore_ascii_case(symbol)) {
            head.len() - symbol.len()
        } else {
            start
        }
    }

    /// A chain of one of AND and OR, flat, whatever its length.
    fn junction(&self, tree: &sql::Expr, chain: &BinaryOperator) -> Lowered {
        let mut parts = Vec::new();
        let mut rest = tree;
        while let sql::Expr::BinaryOp { left, op, right } = rest
            && op == chain
        {
            parts.push(self.lower(right)?);
            rest = left;
        }
        parts.push(self.lower(rest)?);
        parts.reverse();
        let span = parts[0].span.start..parts[parts.len() - 1].span.end;
        let kind = if *chain == BinaryOperator::And { Kind::And(parts) } else { Kind::Or(parts) };
        Ok(Ast { kind, span })
    }

    fn binary(
        &self,
        left: &sql::Expr,
        op: &BinaryOperator,
        right: &sql::Expr,
        tree: &sql::Expr,
    ) -> Lowered {
        use BinaryOperator as B;
        let op = match op {
            B::Plus => BinaryOp::Add,
            B::Minus => BinaryOp::Subtract,
            B::Multiply => BinaryOp::Multiply,
            B::Divide => BinaryOp::Divide,
            B::Modulo => BinaryOp::Modulo,
            B::StringConcat => BinaryOp::Concat,
            B::Eq => BinaryOp::Compare(Comparison::Equal),
            B::NotEq => BinaryOp::Compare(Comparison::NotEqual),
            B::Lt => BinaryOp::Compare(Comparison::Less),
            B::LtEq => BinaryOp::Compare(Comparison::LessEqual),
            B::Gt => BinaryOp::Compare(Comparison::Greater),
            B::GtEq => BinaryOp::Compare(Comparison::GreaterEqual),
            B::PGRegexMatch => return self.regex(left, right, false, false),
            B::PGRegexIMatch => return self.regex(left, right, true, false),
            B::PGRegexNotMatch => return self.regex(left, right, false, true),
            B::PGRegexNotIMatch => return self.regex(left, right, true, true),
            B::PGLikeMatch => return self.like(left, right, None, false, false),
            B::PGILikeMatch => return self.like(left, right, None, true, false),
            B::PGNotLikeMatch => return self.like(left, right, None, false, true),
            B::PGNotILikeMatch => return self.like(left, right, None, true, true),
            other => {
                return Err(ExprError::new(
                    self.range(tree),
                    format!("operator {other} is not supported"),
                ));
            }
        };
        self.pair(op, left, right)
    }

    pub(super) fn pair(&self, op: BinaryOp, left: &sql::Expr, right: &sql::Expr) -> Lowered {
        Ok(combine(op, self.lower(left)?, self.lower(right)?))
    }

    fn cast(&self, operand: Ast, data_type: &sql::DataType, tolerant: bool) -> Lowered {
        let span = operand.span.clone();
        let to = target::read(&data_type.to_string(), span.clone())?;
        Ok(Ast { kind: Kind::Cast { operand: Box::new(operand), to, tolerant }, span })
    }

    /// Lowers each.
    pub(super) fn all(&self, trees: &[sql::Expr]) -> Result<Vec<Ast>, ExprError> {
        trees.iter().map(|tree| self.lower(tree)).collect()
    }

    /// The range that sqlparser knows, else the whole text.
    pub(super) fn range(&self, tree: &sql::Expr) -> Range<usize> {
        let range = self.positions.range(tree.span());
        if range.is_empty() { 0..self.positions.text().len() } else { range }
    }

    /// Refuses syntax that logmill does not have.
    pub(super) fn unsupported(&self, tree: &sql::Expr) -> ExprError {
        let what = match tree {
            sql::Expr::Subquery(_) | sql::Expr::InSubquery { .. } | sql::Expr::Exists { .. } => {
                "subqueries are"
            }
            sql::Expr::Tuple(_) => "rows are",
            sql::Expr::SimilarTo { .. } => "SIMILAR TO is",
            sql::Expr::AnyOp { .. } | sql::Expr::AllOp { .. } => "ANY and ALL are",
            sql::Expr::AtTimeZone { .. } => "AT TIME ZONE is",
            _ => "this syntax is",
        };
        ExprError::new(self.range(tree), format!("{what} not supported in expressions"))
    }
}

/// A binary operator over two trees.
pub(super) fn combine(op: BinaryOp, left: Ast, right: Ast) -> Ast {
    let span = left.span.start.min(right.span.start)..right.span.end.max(left.span.end);
    Ast { kind: Kind::Binary(op, Box::new(left), Box::new(right)), span }
}

pub(super) fn negate_if(negated: bool, ast: Ast) -> Ast {
    let span = ast.span.clone();
    if negated { Ast { kind: Kind::Not(Box::new(ast)), span } } else { ast }
}
