//! Errors of compilation: what is wrong, how to mend it, and where in the text it stands.

use std::ops::Range;

/// An expression that can't be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// Byte range in the expression's text, for a caret.
    pub span: Range<usize>,
}

impl ExprError {
    /// An error at a place.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        ExprError { message: message.into(), help: None, span }
    }

    /// The same with a hint how to mend it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Refuses an aggregate function outside of `[reduce.measures]`.
    pub(crate) fn misplaced_aggregate(span: Range<usize>, name: &str) -> Self {
        ExprError::new(span, format!("aggregate function {name} is not allowed here"))
            .with_help("aggregates belong into [reduce.measures], and not inside of one another")
    }
}
