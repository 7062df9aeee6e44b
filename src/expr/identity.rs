//! What an expression computes, written out: the one place that says when two expressions are the same.
//!
//! Everything that decides a value is in the text: the operations, whatever was compiled into them (patterns, sets,
//! flags, keys), constants, types, and what the slots stand for. It is stored with a job's results, so it is made of
//! words of its own and never of what `Debug` prints.
//!
//! ```text
//! slot       as the caller names it                       status:int
//! constant   #type value                                  #int 500   #text "a"   #int null
//! operation  name[what was compiled in](operands):type    like["\\","/a%"](path:text):bool
//! aggregate  name[parameters](operand) where condition    max(ms:int) where <(status:int,#int 500):bool
//! ```

use std::fmt::{self, Display, Formatter, Write};

use crate::data::{DataType, Scalar};

use super::operation::Operation;
use super::plan::{Node, Plan};
use super::{AggregateFn, Expr};

/// The text of an expression, of an aggregate call, or of the records that one sees.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity(String);

impl Display for Operation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if self.parameters().is_empty() {
            return Ok(());
        }
        f.write_char('[')?;
        listed(f, self.parameters(), value)?;
        f.write_char(']')
    }
}

/// What each slot stands for: slots that may hold different values have different names.
pub type SlotNames<'n> = &'n dyn Fn(usize) -> String;

impl Identity {
    /// Of an expression.
    pub fn of(expr: &Expr, slots: SlotNames<'_>) -> Identity {
        Identity(Named { plan: expr.plan(), slots }.to_string())
    }

    /// Of the records that an aggregate sees, and of what it takes from each.
    pub fn of_input(arg: Option<&Expr>, filter: Option<&Expr>, slots: SlotNames<'_>) -> Identity {
        let text = |expr: Option<&Expr>| expr.map(|expr| Identity::of(expr, slots).0);
        let arg = text(arg).unwrap_or_else(|| "*".to_owned());
        let filter = text(filter).map_or_else(String::new, |filter| format!(" where {filter}"));
        Identity(format!("({arg}){filter}"))
    }

    /// Of an aggregate of an argument over such an input.
    #[must_use]
    pub fn of_aggregate(
        function: AggregateFn,
        argument: Option<&Expr>,
        input: &Identity,
    ) -> Identity {
        let mut operation = Operation::of(function.name(), function.parameters());
        // Stored groups may hold the least by text, as it was once: these are another measure.
        if function.orders_values() && argument.is_some_and(|arg| arg.ty() == DataType::Ip) {
            operation = operation.with_text("by address");
        }
        Identity(format!("{operation}{input}"))
    }
}

impl Display for Identity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name as a text writes it: a plain word as it is, anything else in quotes.
pub fn word(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.to_owned();
    }
    Quoted(name).to_string()
}

/// A plan, written with names for its slots.
struct Named<'p> {
    plan: &'p Plan,
    slots: SlotNames<'p>,
}

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Named { plan, slots } = *self;
        match &plan.node {
            Node::Const(constant) => {
                write!(f, "#{} ", plan.ty)?;
                return value(f, constant);
            }
            Node::Slot(slot) => return f.write_str(&slots(*slot)),
            // How it is computed is no part of what is.
            Node::PerText { plan, .. } => return Named { plan, slots }.fmt(f),
            Node::Call { operation, .. } => operation.fmt(f)?,
            Node::And(_) => f.write_str("and")?,
            Node::Or(_) => f.write_str("or")?,
            Node::Case { .. } => f.write_str("case")?,
            Node::Coalesce(_) => f.write_str("coalesce")?,
        }
        f.write_char('(')?;
        listed(f, plan.children(), |f, plan| Named { plan, slots }.fmt(f))?;
        write!(f, "):{}", plan.ty)
    }
}

/// Writes a list with commas.
fn listed<T>(
    f: &mut Formatter<'_>,
    list: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (number, item) in list.into_iter().enumerate() {
        if number > 0 {
            f.write_char(',')?;
        }
        write(f, item)?;
    }
    Ok(())
}

/// Writes a value so that no two are alike, and none is like one of another type in the same place.
fn value(f: &mut Formatter<'_>, value: &Scalar) -> fmt::Result {
    match value {
        Scalar::Null => f.write_str("null"),
        Scalar::Int(v) => write!(f, "{v}"),
        Scalar::Decimal(unscaled, scale) => write!(f, "{unscaled}e-{scale}"),
        // The shortest digits that read back as this float; with its sign, also of zero.
        Scalar::Float(v) => write!(f, "{v:e} {}", DataType::Float),
        Scalar::Text(text) => Quoted(text).fmt(f),
        Scalar::Bool(v) => write!(f, "{v}"),
        Scalar::Timestamp(v) => write!(f, "{v}us"),
    }
}

/// A text in quotes, which ends where its own quote is.
struct Quoted<'t>(&'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
