//! logmill: log files in, exactly-once Parquet and SQL tables out.

pub mod data;
pub mod deliver;
pub mod engine;
pub mod expr;
pub mod format;
