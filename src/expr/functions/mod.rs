//! The functions, one family a file. A new function is one entry in its family's table.

mod format_time;
mod hash;
mod ip;
mod number;
mod pattern;
mod text;
mod time;
mod url;
mod variadic;

use crate::data::{DataType, Scalar};

use super::kernel::Kernel;
use super::plan::Plan;
pub(crate) use variadic::{concat, extreme, short_bool};

/// A function with a fixed list of parameters.
pub(crate) struct Function {
    /// In lower case.
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Param],
    /// How many of the parameters must be given.
    pub(crate) required: usize,
    /// Type of the result, and the kernel; looks at types and constants of the arguments.
    pub(crate) make: fn(&Args<'_>) -> Made,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Param {
    Text,
    /// Text that must be a constant: patterns, formats, names. It is compiled into the kernel, which does not get it
    /// as an argument.
    Pattern,
    Int,
    /// Any numeric type, as it comes.
    Number,
    /// Any number, as a float.
    Float,
    Timestamp,
}

/// A made function, or why it can't be.
pub(crate) type Made = Result<(DataType, Kernel), Refusal>;

/// Why arguments are refused.
pub(crate) struct Refusal {
    /// Number of the argument, from 0.
    pub(crate) arg: usize,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// The checked arguments of a call.
pub(crate) struct Args<'p> {
    pub(crate) plans: &'p [Plan],
}

impl Args<'_> {
    /// Type of an argument.
    fn ty(&self, arg: usize) -> DataType {
        self.plans[arg].ty
    }

    /// A [`Param::Pattern`]; empty where it is not given.
    fn pattern(&self, arg: usize) -> &str {
        self.constant_text(arg).unwrap_or_default()
    }

    /// A text that is a constant and not NULL.
    fn constant_text(&self, arg: usize) -> Option<&str> {
        match self.plans.get(arg).and_then(Plan::as_const) {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// An int that must be a constant; `None` where it is not given.
    fn constant_int(&self, arg: usize) -> Result<Option<i64>, Refusal> {
        match self.plans.get(arg).map(Plan::as_const) {
            None => Ok(None),
            Some(Some(Scalar::Int(value))) => Ok(Some(*value)),
            Some(_) => Err(refuse(arg, "must be a constant int")),
        }
    }
}

/// Refuses an argument.
fn refuse(arg: usize, message: impl Into<String>) -> Refusal {
    Refusal { arg, message: message.into(), help: None }
}

impl Function {
    /// A function all of whose parameters must be given.
    const fn new(
        name: &'static str,
        params: &'static [Param],
        make: fn(&Args<'_>) -> Made,
    ) -> Function {
        Function { name, params, required: params.len(), make }
    }

    /// The same, with `optional` parameters at the end.
    const fn optional(mut self, optional: usize) -> Function {
        self.required -= optional;
        self
    }
}

impl Param {
    /// For "takes … as argument 1".
    pub(crate) fn word(self) -> &'static str {
        match self {
            Param::Text | Param::Pattern => "text",
            Param::Int => "an int",
            Param::Number | Param::Float => "a number",
            Param::Timestamp => "a timestamp",
        }
    }
}

fn families() -> impl Iterator<Item = &'static Function> {
    [
        text::FUNCTIONS,
        pattern::FUNCTIONS,
        number::FUNCTIONS,
        time::FUNCTIONS,
        url::FUNCTIONS,
        ip::FUNCTIONS,
        hash::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
}

/// Finds a function by its name in lower case.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    families().find(|function| function.name == name)
}

/// All names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    families().map(|function| function.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_name_is_registered_twice_and_all_are_in_lower_case() {
        let names: Vec<&str> = super::names().collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(distinct.len(), names.len());
        assert!(names.iter().all(|name| *name == name.to_lowercase()));
    }
}
