//! What expressions, keys and measures are once they are compiled.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::data::{Column, DataType};

use super::eval;
use super::kernel::Arg;
use super::per_text;
use super::plan::Plan;
use super::{AggregateFn, Env, Identity, SlotNames};

/// Resolves names to slots of an [`Env`].
pub trait Scope {
    /// The slot of a name and the type of its column; `None` if there is no such name.
    fn resolve(&mut self, name: &str) -> Option<(usize, DataType)>;
    /// The names that are known, for "did you mean".
    fn names(&self) -> Vec<String>;
}

/// A compiled expression. Constants and compiled patterns live in it.
pub struct Expr {
    plan: Plan,
    slots: Vec<usize>,
}

/// A key of a group: an expression and its name.
#[derive(Debug)]
pub struct KeyExpr {
    /// The plain field name, or what stands behind AS.
    pub name: String,
    /// Its value.
    pub expr: Expr,
}

/// One aggregate function over the records of a group.
#[derive(Debug)]
pub struct AggregateCall {
    /// Which.
    pub function: AggregateFn,
    /// Over what; `None` for `count(*)`.
    pub arg: Option<Expr>,
    /// `FILTER (WHERE …)`: only records for which this is true count.
    pub filter: Option<Expr>,
}

/// A measure: aggregates, and an expression over their results.
#[derive(Debug)]
pub struct Measure {
    /// As they stand in it: which of them are equal is for the plan to say.
    pub aggregates: Vec<AggregateCall>,
    /// Slot i is the result of aggregate i.
    pub value: Expr,
}

impl Expr {
    pub(crate) fn new(plan: Plan) -> Expr {
        let mut slots = BTreeSet::new();
        plan.slots(&mut slots);
        Expr { plan: per_text::mark(plan), slots: slots.into_iter().collect() }
    }

    /// The type of its values.
    pub fn ty(&self) -> DataType {
        self.plan.ty
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The slots it reads, each once, ascending.
    pub fn slots(&self) -> Vec<usize> {
        self.slots.clone()
    }

    /// The values of the rows in `sel` (ascending row numbers), as a column of `env.len` rows. What stands in other
    /// rows is unspecified. Rows that can't be computed are NULL and listed in `env.failures`, at least once each.
    pub fn eval<'a>(&'a self, env: &mut Env<'_, 'a>, sel: &[u32]) -> Rc<Column<'a>> {
        if sel.is_empty() {
            return Rc::new(Column::nulls(self.ty(), env.len));
        }
        match eval::evaluate(&self.plan, env, sel) {
            Arg::Column(column) => column,
            Arg::Const(value) => Rc::new(value.broadcast(self.plan.ty, env.len)),
        }
    }
}

impl std::fmt::Debug for Expr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.plan.fmt(f)
    }
}

impl AggregateCall {
    /// What it computes.
    pub fn identity(&self, slots: SlotNames<'_>) -> Identity {
        let input = Identity::of_input(self.arg.as_ref(), self.filter.as_ref(), slots);
        Identity::of_aggregate(self.function, self.arg.as_ref(), &input)
    }
}
