//! Map, combine, partition, reduce: blocks of records into group tables, tables into sorted groups.

pub mod accumulator;
mod arguments;
mod block;
mod codes;
pub mod common;
pub mod cursor;
#[cfg(test)]
mod empty_tests;
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
pub mod mappers;
pub mod merge;
pub mod merged;
mod order;
pub mod parquet_file;
mod poison;
pub(crate) mod prefetch;
mod ranges;
mod reading;
pub mod records;
pub mod reduce;
pub mod reference;
pub mod reject;
pub mod row_group_file;
mod row_groups;
pub mod run_cursor;
pub mod run_file;
#[cfg(test)]
mod sharing_tests;
mod slots;
pub mod state;
pub mod store;
pub mod store_writer;
pub mod summary;
pub mod summary_reader;
pub mod table;
pub mod timepart;
mod tournament;
pub mod waves;
