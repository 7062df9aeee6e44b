//! Map, combine, partition, reduce: blocks of records into group tables, tables into sorted groups.

pub mod accumulator;
mod arguments;
mod block;
pub mod cursor;
mod grouping;
pub mod groups;
pub mod key;
mod lines;
mod lookup;
#[cfg(test)]
mod lookup_tests;
pub mod map;
#[cfg(test)]
mod map_tests;
pub mod parquet_file;
mod poison;
pub mod records;
pub mod reduce;
pub mod reject;
mod row_groups;
pub mod state;
pub mod store;
pub mod summary;
pub mod summary_reader;
pub mod table;
pub mod timepart;
