//! Criterion benchmarks of split, parse and group.
fn main() {}
