//! Map, combine, partition, reduce.

pub mod accumulator;
