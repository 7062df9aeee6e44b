//! logmill: log files in, exactly-once Parquet and SQL tables out.
//!
//! The way of the data, from the bottom up; imports point down this list only (`tests/layers.rs` holds it):
//!
//! - [`driver`] one run from discovery to delivery; `driver/run.rs` is the contents page
//! - [`deliver`] outputs
//! - [`catalog`] the decision, in SQLite
//! - [`engine`] map, reduce, spill, store of the groups
//! - [`plan`] a job file's words, typed and resolved
//! - [`expr`] SQL expressions over columns
//! - [`format`](mod@format) lines to fields
//! - [`source`] files to chunks of lines
//! - [`job`] what a job file says
//! - [`data`], [`error`], [`limits`], [`cpu`], [`fault`] what all others share

pub mod catalog;
pub mod cpu;
pub mod data;
pub mod deliver;
pub mod driver;
pub mod engine;
pub mod error;
pub mod expr;
pub mod fault;
pub mod format;
pub mod job;
pub mod limits;
pub mod plan;
pub mod source;
