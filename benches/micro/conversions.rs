//! Raw bytes to typed values: timestamps, numbers, text.

use std::hint::black_box;

use bumpalo::Bump;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use jiff::tz::TimeZone;
use logmill::data::DataType;
use logmill::format::{Converter, CsvOptions, FormatSpec, RawBlock, TimeCache, build};
use logmill::limits::BLOCK_RECORDS;

use crate::logs::Random;

/// Values a column: those of a block.
const ROWS: u32 = BLOCK_RECORDS as u32;

/// Reads a column of texts again and again, as a worker does with block after block: cut out of a log, so that they lie in
/// one text, where numbers are read many at once.
fn convert(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    ty: DataType,
    mut text: impl FnMut(u64, &mut Random) -> String,
) {
    let mut random = Random(7);
    let line = |row| text(row, &mut random) + "\tx\n";
    let log: String = (0..u64::from(ROWS)).map(line).collect();
    let (arena, mut block) = (Bump::new(), RawBlock::default());
    let columns = vec!["value".to_owned(), "rest".to_owned()];
    let spec = FormatSpec::Csv(CsvOptions { header: false, columns, ..CsvOptions::tsv() });
    let format = build(&spec, 1 << 20, None).expect("a good format");
    let tokenizer = format.tokenizer(&["value"], b"").expect("its own column");
    let used = tokenizer.tokenize(log.as_bytes(), true, BLOCK_RECORDS, &arena, &mut block);
    assert!(used == log.len() && block.lines.len() == BLOCK_RECORDS, "{name}");
    let rows: Vec<u32> = (0..ROWS).collect();
    let converter = Converter::new(name, ty, &TimeZone::UTC, None);
    group.throughput(Throughput::Elements(u64::from(ROWS)));
    group.bench_function(name, |b| {
        let mut cache = TimeCache::default();
        b.iter(|| {
            let (arena, mut failures) = (Bump::new(), Vec::new());
            let column =
                converter.convert(&mut cache, block.column(0), &rows, &arena, &mut failures);
            // Values that can't be read would be quick.
            assert!(failures.is_empty(), "{name}: {:?}", failures[0].reason);
            black_box(column.len());
        });
    });
}

/// 22 November 2026, as an access log writes it.
fn clf(second: u64) -> String {
    format!("22/Nov/2026:{:02}:{:02}:{:02} +0000", second / 3600, second / 60 % 60, second % 60)
}

/// Times in the order of a log, a hundred lines a second, and in no order at all.
pub fn timestamps(c: &mut Criterion) {
    let mut group = c.benchmark_group("timestamps");
    let ty = DataType::Timestamp;
    let iso = |ms: u64| {
        let second = ms / 1000;
        let (hour, minute) = (second / 3600, second / 60 % 60);
        format!("2026-11-22T{hour:02}:{minute:02}:{:02}.{:03}Z", second % 60, ms % 1000)
    };
    convert(&mut group, "clf", ty, |row, _| clf(row / 100));
    convert(&mut group, "clf_shuffled", ty, |_, random| clf(random.below(86_400)));
    convert(&mut group, "iso_ms", ty, |row, _| iso(row * 10));
    convert(&mut group, "iso_ms_shuffled", ty, |_, random| iso(random.below(86_400_000)));
    convert(&mut group, "epoch_s", ty, |row, _| (1_795_305_600 + row / 100).to_string());
    convert(&mut group, "epoch_us", ty, |row, _| (1_795_305_600_000_000 + row).to_string());
}

/// Numbers as logs have them, and text.
pub fn numbers(c: &mut Criterion) {
    let mut group = c.benchmark_group("numbers");
    let decimal = |random: &mut Random| format!("{}.{:03}", random.below(9), random.below(1000));
    convert(&mut group, "int_3", DataType::Int, |_, random| (200 + random.below(300)).to_string());
    convert(&mut group, "int_5", DataType::Int, |_, random| random.below(100_000).to_string());
    convert(&mut group, "int_18", DataType::Int, |row, _| (10u64.pow(17) + row).to_string());
    convert(&mut group, "decimal_3", DataType::Decimal(3), |_, random| decimal(random));
    convert(&mut group, "float", DataType::Float, |_, random| decimal(random));
    convert(&mut group, "text_20", DataType::Text, |row, _| format!("/products/{row:010}"));
    convert(&mut group, "text_unicode", DataType::Text, |row, _| format!("/größe/日本/{row:06}"));
    convert(&mut group, "ip", DataType::Ip, |row, _| format!("10.1.{}.{}", row / 256, row % 256));
}
