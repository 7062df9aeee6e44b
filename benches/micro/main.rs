//! Criterion benchmarks of the hot path's parts, one file a topic. `cargo bench --bench micro [-- FILTER]`
//!
//! Throughput is in bytes of the log where the whole log passes, so that parts can be compared with each other and with
//! the memory's speed; in values where a column passes.

mod conversions;
mod delimiters;
mod expressions;
mod grouping;
mod logs;
mod mapping;
mod merging;
mod parquet;
mod split;
mod tokenizers;

use criterion::{Criterion, criterion_group, criterion_main};

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets =
        split::benches,
        split::distances,
        delimiters::benches,
        tokenizers::benches,
        conversions::timestamps,
        conversions::numbers,
        expressions::benches,
        grouping::benches,
        mapping::benches,
        merging::benches,
        parquet::benches
}
criterion_main!(benches);
