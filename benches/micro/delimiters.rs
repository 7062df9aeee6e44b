//! Finding newlines and quotes: the floor under every tokenizer.

use std::hint::black_box;

use criterion::{Criterion, Throughput};

use crate::logs;

/// What a call of memchr a delimiter costs, which a scan by blocks has to beat.
pub fn benches(c: &mut Criterion) {
    let log = logs::access();
    let mut group = c.benchmark_group("delimiters");
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function("memchr_newlines", |b| {
        b.iter(|| memchr::memchr_iter(b'\n', black_box(&log)).fold(0, |sum, at| sum ^ at));
    });
    group.bench_function("memchr_newlines_and_quotes", |b| {
        b.iter(|| memchr::memchr2_iter(b'\n', b'"', black_box(&log)).fold(0, |sum, at| sum ^ at));
    });
}
