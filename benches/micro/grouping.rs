//! Group tables: interning of keys, the merge of the workers' tables, and each accumulator.
//!
//! 50 million groups take 6 GB, and are there only where `LOGMILL_BENCH_HUGE` is set.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use logmill::data::{Column, DataType, Values};
use logmill::engine::accumulator::{self, Accumulator, Input};
use logmill::engine::reduce::Delta;
use logmill::engine::table::GroupTable;
use logmill::expr::AggregateFn;
use logmill::limits::BLOCK_RECORDS;

/// Rows of one measurement: more than the caches hold, less than a second.
const ROWS: u64 = 1 << 20;

/// All benchmarks of this file.
pub fn benches(c: &mut Criterion) {
    intern(c);
    merge(c);
    fold(c);
}

/// Spreads numbers over a range, the same in every run.
fn spread(number: u64, range: u64) -> u64 {
    ((u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) * u128::from(range)) >> 64) as u64
}

/// Keys of one int, as `engine::key` writes it.
fn keys(numbers: impl Iterator<Item = u64>) -> Vec<u8> {
    numbers.flat_map(|number| [&[1], &(number | 1 << 63).to_be_bytes()[..]].concat()).collect()
}

const KEY_BYTES: usize = 9;

fn group_all(table: &mut GroupTable, keys: &[u8]) {
    let mut groups = Vec::new();
    for block in keys.chunks(BLOCK_RECORDS * KEY_BYTES) {
        groups.clear();
        table.intern_fixed(block, KEY_BYTES, &mut groups);
        black_box(&groups);
    }
}

/// Rows of known groups, in random order.
fn intern(c: &mut Criterion) {
    let huge = std::env::var_os("LOGMILL_BENCH_HUGE").is_some();
    let sizes = [10, 10_000, 1_000_000, 50_000_000];
    let mut group = c.benchmark_group("intern");
    group.throughput(Throughput::Elements(ROWS));
    for groups in sizes.into_iter().filter(|&groups| huge || groups < 50_000_000) {
        let mut table = GroupTable::new(Vec::new());
        (0..groups).step_by(1 << 20).for_each(|from| {
            group_all(&mut table, &keys(from..groups.min(from + (1 << 20))));
        });
        let rows = keys((0..ROWS).map(|row| spread(row, groups)));
        group
            .bench_function(format!("known_{groups}"), |b| b.iter(|| group_all(&mut table, &rows)));
    }
    let rows = keys((0..ROWS).map(|row| spread(row, ROWS)));
    group.bench_function("new", |b| {
        let empty = || GroupTable::new(Vec::new());
        b.iter_batched_ref(empty, |table| group_all(table, &rows), BatchSize::PerIteration);
    });
}

/// Two workers' tables with counts, which have half of their groups in common, to sorted groups.
fn merge(c: &mut Criterion) {
    let mut group = c.benchmark_group("merge");
    for groups in [10_000u64, 400_000] {
        let table = |worker: u64| {
            let count = accumulator::new(AggregateFn::CountAll, None);
            let mut table = GroupTable::new(vec![count]);
            let first = worker * groups / 2;
            group_all(&mut table, &keys((first..first + groups).map(|key| spread(key, 1 << 62))));
            table.grow();
            vec![table]
        };
        group.throughput(Throughput::Elements(2 * groups));
        group.bench_function(format!("2_of_{groups}"), |b| {
            let tables = || vec![table(0), table(1)];
            b.iter_batched(tables, Delta::reduce, BatchSize::PerIteration);
        });
    }
}

/// A block into the accumulators of a thousand groups, in runs as the windows of a log are.
fn fold(c: &mut Criterion) {
    let texts: Vec<String> = (0..BLOCK_RECORDS as u64)
        .map(|row| format!("10.{}.7.{}", spread(row, 200), row % 256))
        .collect();
    let columns = [
        (
            "int",
            DataType::Int,
            Values::Int((0..BLOCK_RECORDS as i64).map(|n| n * 7919 % 100_003).collect()),
        ),
        (
            "decimal",
            DataType::Decimal(3),
            Values::Decimal((0..BLOCK_RECORDS as i128).map(|n| n * 7919 % 30_011).collect()),
        ),
        (
            "float",
            DataType::Float,
            Values::Float((0..BLOCK_RECORDS).map(|n| n as f64 / 7.0).collect()),
        ),
        ("text", DataType::Text, Values::Text(texts.iter().map(String::as_str).collect())),
    ];
    let numbers = [
        ("sum", AggregateFn::Sum),
        ("max", AggregateFn::Max),
        ("stddev", AggregateFn::Stddev),
        ("approx_quantile", AggregateFn::ApproxQuantile(0.5)),
    ];
    let all = [
        ("count", AggregateFn::Count),
        ("count_distinct", AggregateFn::CountDistinct),
        ("approx_distinct", AggregateFn::ApproxDistinct),
    ];
    let mut group = c.benchmark_group("accumulate");
    group.throughput(Throughput::Elements(BLOCK_RECORDS as u64));
    for (of, ty, values) in columns {
        let column = Column { ty, values, valid: None };
        let numbers = numbers.iter().filter(|_| ty.is_numeric());
        for &(name, function) in all.iter().chain(numbers) {
            let mut accumulator = accumulator::new(function, Some(ty));
            group.bench_function(format!("{name}_{of}"), |b| {
                b.iter(|| fold_block(accumulator.as_mut(), &column));
            });
        }
    }
}

fn fold_block(accumulator: &mut dyn Accumulator, column: &Column<'_>) {
    let rows: Vec<u32> = (0..BLOCK_RECORDS as u32).collect();
    let groups: Vec<u32> = rows.iter().map(|row| row / 4).collect();
    accumulator.resize(BLOCK_RECORDS / 4);
    accumulator.update(&Input { groups: &groups, rows: &rows, column: Some(column), order: None });
}
