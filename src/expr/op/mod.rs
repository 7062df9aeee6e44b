//! Kernels of operators: arithmetic, comparison, patterns, casts.

pub(crate) mod arithmetic;
pub(crate) mod cast;
pub(crate) mod compare;
pub(crate) mod pattern;
