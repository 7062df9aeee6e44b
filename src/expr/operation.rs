//! What kernels compute, in words that outlast the names of the code.

use crate::data::Scalar;

/// What a kernel computes: a name, and whatever was compiled into it. Operands and types stand beside it.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    name: &'static str,
    parameters: Vec<Scalar>,
}

impl Operation {
    /// One into which nothing was compiled.
    pub(crate) fn new(name: &'static str) -> Self {
        Operation { name, parameters: Vec::new() }
    }

    /// One into which all of these were.
    pub(crate) fn of(name: &'static str, parameters: Vec<Scalar>) -> Self {
        Operation { name, parameters }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// What was compiled in.
    pub(crate) fn parameters(&self) -> &[Scalar] {
        &self.parameters
    }

    /// With another constant that is compiled in.
    #[must_use]
    pub(crate) fn with(mut self, parameter: Scalar) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// With another text that is compiled in.
    #[must_use]
    pub(crate) fn with_text(self, parameter: &str) -> Self {
        self.with(Scalar::Text(parameter.into()))
    }
}
