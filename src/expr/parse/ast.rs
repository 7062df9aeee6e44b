//! The syntax tree that the checker works on: a small language, each node with its byte range in the text.

use std::ops::Range;

use crate::data::DataType;

/// A node and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Ast {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
}

/// What stands there. Syntax that is sugar (BETWEEN, NULLIF, simple CASE …) is gone by now.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A field, a `let`, or a key; dotted names are one name.
    Name(String),
    /// A text literal, which adapts to the type it meets.
    Text(String),
    /// An unsigned number as written.
    Number(String),
    Bool(bool),
    Null,
    /// Microseconds.
    Interval(i64),
    Not(Box<Ast>),
    Negate(Box<Ast>),
    Binary(BinaryOp, Box<Ast>, Box<Ast>),
    And(Vec<Ast>),
    Or(Vec<Ast>),
    Is(IsTest, Box<Ast>),
    In(Box<Ast>, Vec<Ast>),
    Match(Match),
    Case {
        branches: Vec<(Ast, Ast)>,
        otherwise: Option<Box<Ast>>,
    },
    Cast {
        operand: Box<Ast>,
        to: Target,
        tolerant: bool,
    },
    Call(Call),
}

/// Operators over two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Concat,
    Compare(Comparison),
}

/// The comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `IS DISTINCT FROM`: never NULL.
    Distinct,
    /// `IS NOT DISTINCT FROM`
    NotDistinct,
}

/// The tests that are never NULL; their negations are `NOT` around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsTest {
    Null,
    True,
    False,
}

/// `LIKE` and `~`.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    pub(crate) operand: Box<Ast>,
    pub(crate) pattern: Box<Ast>,
    pub(crate) syntax: MatchSyntax,
    pub(crate) insensitive: bool,
}

/// How the pattern of a [`Match`] is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatchSyntax {
    Like { escape: Option<char> },
    Regex,
}

/// Target of a cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Type(DataType),
    /// `decimal(p, s)`: at most p digits in all.
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// `numeric` alone: the scale that the operand has.
    AnyDecimal,
}

/// A function call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// In lower case.
    pub(crate) name: String,
    pub(crate) name_span: Range<usize>,
    pub(crate) args: Vec<Ast>,
    /// `f(*)`
    pub(crate) star: bool,
    /// `f(DISTINCT x)`
    pub(crate) distinct: bool,
    /// `FILTER (WHERE …)`
    pub(crate) filter: Option<Box<Ast>>,
}

impl BinaryOp {
    /// The operator as it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Modulo => "%",
            BinaryOp::Concat => "||",
            BinaryOp::Compare(comparison) => comparison.symbol(),
        }
    }
}

impl Comparison {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "<>",
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
            Comparison::Distinct => "IS DISTINCT FROM",
            Comparison::NotDistinct => "IS NOT DISTINCT FROM",
        }
    }
}
