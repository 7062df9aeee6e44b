//! The outputs: what a decided batch is delivered to.

pub mod events;
pub mod sql;
