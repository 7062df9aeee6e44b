//! Map, combine, partition, reduce: blocks of records into group tables, tables into sorted groups.

pub mod accumulator;
mod arguments;
mod block;
pub mod cursor;
mod grouping;
pub mod groups;
mod hash;
pub mod key;
mod key_table;
mod keys;
mod lines;
mod lookup;
#[cfg(test)]
mod lookup_tests;
pub mod map;
#[cfg(test)]
mod map_tests;
mod order;
pub mod parquet_file;
mod poison;
mod prefetch;
mod ranges;
pub mod records;
pub mod reduce;
pub mod reject;
mod row_groups;
mod slots;
pub mod state;
pub mod store;
pub mod summary;
pub mod summary_reader;
pub mod table;
pub mod timepart;
