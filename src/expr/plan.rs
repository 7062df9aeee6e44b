//! The typed plan: what the checker makes of the syntax tree, and what the evaluator walks.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use crate::data::{DataType, Scalar};

use super::kernel::Kernel;
use super::operation::Operation;

/// A typed node.
pub(crate) struct Plan {
    pub(crate) ty: DataType,
    pub(crate) node: Node,
    /// Byte range in the text.
    pub(crate) span: Range<usize>,
    /// A text or NULL literal, which may still become any type (PostgreSQL's "unknown").
    pub(crate) untyped: bool,
}

/// What a node computes.
pub(crate) enum Node {
    Const(Scalar),
    /// A column of the block.
    Slot(usize),
    /// A kernel over columns; all arguments are evaluated.
    Call {
        /// What the kernel computes; nothing else tells two kernels apart.
        operation: Operation,
        kernel: Kernel,
        args: Vec<Plan>,
    },
    /// Left to right, and no further than needed.
    And(Vec<Plan>),
    Or(Vec<Plan>),
    Case {
        branches: Vec<(Plan, Plan)>,
        otherwise: Box<Plan>,
    },
    Coalesce(Vec<Plan>),
    /// A plan that reads this slot alone, which is text.
    PerText {
        slot: usize,
        plan: Box<Plan>,
    },
}

impl Plan {
    pub(crate) fn new(ty: DataType, node: Node, span: Range<usize>) -> Plan {
        Plan { ty, node, span, untyped: false }
    }

    /// A typed constant.
    pub(crate) fn constant(ty: DataType, value: Scalar, span: Range<usize>) -> Plan {
        Plan::new(ty, Node::Const(value), span)
    }

    /// The constant that it is, if it is one.
    pub(crate) fn as_const(&self) -> Option<&Scalar> {
        if let Node::Const(value) = &self.node { Some(value) } else { None }
    }

    /// The slots it reads.
    pub(crate) fn slots(&self, into: &mut BTreeSet<usize>) {
        if let Node::Slot(slot) = self.node {
            into.insert(slot);
        }
        for child in self.children() {
            child.slots(into);
        }
    }

    /// The nodes below, in order.
    pub(crate) fn children(&self) -> Vec<&Plan> {
        match &self.node {
            Node::Const(_) | Node::Slot(_) => Vec::new(),
            Node::Call { args: parts, .. }
            | Node::And(parts)
            | Node::Or(parts)
            | Node::Coalesce(parts) => parts.iter().collect(),
            Node::Case { branches, otherwise } => {
                let branches = branches.iter().flat_map(|(condition, result)| [condition, result]);
                branches.chain([&**otherwise]).collect()
            }
            Node::PerText { plan, .. } => vec![plan],
        }
    }

    /// The same, with each node below replaced.
    pub(crate) fn map_children(mut self, f: impl Fn(Plan) -> Plan) -> Plan {
        let all = |parts: Vec<Plan>| parts.into_iter().map(&f).collect();
        self.node = match self.node {
            node @ (Node::Const(_) | Node::Slot(_)) => node,
            Node::Call { operation, kernel, args } => {
                Node::Call { operation, kernel, args: all(args) }
            }
            Node::And(parts) => Node::And(all(parts)),
            Node::Or(parts) => Node::Or(all(parts)),
            Node::Coalesce(parts) => Node::Coalesce(all(parts)),
            Node::Case { branches, otherwise } => Node::Case {
                branches: branches
                    .into_iter()
                    .map(|(condition, result)| (f(condition), f(result)))
                    .collect(),
                otherwise: Box::new(f(*otherwise)),
            },
            Node::PerText { slot, plan } => Node::PerText { slot, plan: Box::new(f(*plan)) },
        };
        self
    }

    fn label(&self) -> String {
        match &self.node {
            Node::Const(value) => format!("{value:?}"),
            Node::Slot(slot) => format!("slot {slot}"),
            Node::Call { operation, .. } => operation.to_string(),
            Node::And(_) => "and".to_owned(),
            Node::Or(_) => "or".to_owned(),
            Node::Case { .. } => "case".to_owned(),
            Node::Coalesce(_) => "coalesce".to_owned(),
            Node::PerText { .. } => "per-text".to_owned(),
        }
    }
}

/// Such as `(< -> bool: slot 3 Int(500))`: for people who read a failed test.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children = self.children();
        if children.is_empty() {
            return f.write_str(&self.label());
        }
        write!(f, "({} -> {}:", self.label(), self.ty)?;
        for child in children {
            write!(f, " {child:?}")?;
        }
        f.write_str(")")
    }
}
