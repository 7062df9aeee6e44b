//! Values to text and back, as PostgreSQL's casts do it.

mod parse;
mod timestamp;
mod write;

pub(crate) use parse::{to_bool, to_decimal, to_float, to_int, to_ip};
pub(crate) use timestamp::to_timestamp;
pub(crate) use write::{write_float, write_timestamp};
