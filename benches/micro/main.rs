//! Criterion benchmarks of the hot path's parts: split, parse, group. `cargo bench --bench micro [-- FILTER]`
//!
//! Throughput is in bytes of the log, so that the parts can be compared with each other and with the memory's speed.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;

use bumpalo::Bump;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use logmill::data::DataType;
use logmill::engine::map::{Lines, Mapper, SegmentContext};
use logmill::format::{Converter, FormatSpec, RawBlock, TimeCache, build};
use logmill::limits::BLOCK_RECORDS;
use logmill::plan::{Overrides, Plan, compile};
use logmill::source::{ChunkBuffer, IoMode, PlainReader, SealRules, discover, plan, splits};

const LINES: u64 = 50_000;
const NGINX: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time"#;

/// A small linear congruential generator: the same lines in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn access_log() -> Vec<u8> {
    let mut random = Random(7);
    let mut log = Vec::new();
    for line in 0..LINES {
        let (second, path) = (line / 100, random.below(20_000));
        writeln!(
            log,
            "10.{}.{}.{} - - [22/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET /products/{path}/reviews?page={} HTTP/1.1\" {} {} \"https://example.org/\" \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\" 0.{:03}",
            random.below(4),
            random.below(256),
            random.below(256),
            second / 3600,
            second / 60 % 60,
            second % 60,
            random.below(9),
            [200, 200, 200, 304, 404, 500][random.below(6) as usize],
            random.below(100_000),
            random.below(1000),
        )
        .expect("a vector takes what it gets");
    }
    log
}

fn json_log() -> Vec<u8> {
    let mut random = Random(7);
    let mut log = Vec::new();
    for line in 0..LINES {
        writeln!(
            log,
            r#"{{"ts":"2026-11-22T07:{:02}:{:02}.{:03}Z","level":"info","logger":"shop.cart","message":"order {} \"paid\"","http":{{"status":{},"path":"/cart"}},"duration_ms":{}.5}}"#,
            line / 60 % 60,
            line % 60,
            random.below(1000),
            random.below(100_000),
            200 + random.below(3) * 100,
            random.below(4000),
        )
        .expect("a vector takes what it gets");
    }
    log
}

fn csv_log() -> Vec<u8> {
    let mut random = Random(7);
    let mut log = Vec::new();
    for _ in 0..LINES {
        writeln!(log, "station{};{}.{}", random.below(413), random.below(60), random.below(10))
            .expect("a vector takes what it gets");
    }
    log
}

/// Reading a file into chunks of whole lines, by reads and by a map.
fn split(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let log = access_log();
    std::fs::write(&path, &log).expect("written");
    let found = discover(&[path.display().to_string()], Path::new(".")).expect("found");
    let rules = SealRules { final_: true, seal_after: None, now: std::time::SystemTime::now() };
    let task = plan(found.files, &[], &rules).tasks.remove(0);
    let mut group = c.benchmark_group("split");
    group.throughput(Throughput::Bytes(log.len() as u64));
    for (name, io) in [("read", IoMode::Read), ("map", IoMode::Mmap)] {
        group.bench_function(name, |b| {
            let reader = PlainReader::open(&task, io, 1 << 20).expect("opened");
            let mut buffer = ChunkBuffer::default();
            b.iter(|| {
                for split in splits(0, log.len() as u64, 4 << 20) {
                    black_box(reader.chunk(split, &mut buffer).expect("read").bytes.len());
                }
            });
        });
    }
}

/// Lines to raw fields, for each format, asked for the fields that a typical job needs.
fn parse(c: &mut Criterion) {
    let regex = r#"^(?P<remote_addr>\S+) .* (?P<status>\d{3}) (?P<bytes>\d+) "#;
    let csv = logmill::format::CsvOptions {
        delimiter: b';',
        header: false,
        columns: vec!["station".into(), "temperature".into()],
        quote: Some(b'"'),
    };
    let access = ["time_local", "status", "body_bytes_sent", "request_time"];
    let cases: [(&str, FormatSpec, Vec<u8>, &[&str]); 6] = [
        ("combined", FormatSpec::Name("combined".into()), access_log(), &access[..3]),
        ("nginx", FormatSpec::Nginx(NGINX.into()), access_log(), &access),
        ("json", FormatSpec::Name("json".into()), json_log(), &["ts", "level", "http.status"]),
        ("csv", FormatSpec::Csv(csv), csv_log(), &["station", "temperature"]),
        ("regex", FormatSpec::Regex(regex.into()), access_log(), &["status", "bytes"]),
        ("lines", FormatSpec::Name("lines".into()), access_log(), &["line"]),
    ];
    let mut group = c.benchmark_group("parse");
    for (name, spec, log, wanted) in cases {
        let format = build(&spec, 1 << 20, None).expect("a good format");
        let tokenizer = format.tokenizer(wanted, &[]).expect("known fields");
        group.throughput(Throughput::Bytes(log.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let (arena, mut block) = (Bump::new(), RawBlock::default());
                let mut at = 0;
                while at < log.len() {
                    block.clear();
                    at +=
                        tokenizer.tokenize(&log[at..], at == 0, BLOCK_RECORDS, &arena, &mut block);
                    black_box(block.lines.len());
                }
            });
        });
    }
}

/// Raw fields to typed columns.
fn convert(c: &mut Criterion) {
    let log = access_log();
    let format = build(&FormatSpec::Nginx(NGINX.into()), 1 << 20, None).expect("a good format");
    let fields = [
        ("time_local", DataType::Timestamp),
        ("status", DataType::Int),
        ("request_time", DataType::Decimal(3)),
        ("path", DataType::Text),
    ];
    let mut group = c.benchmark_group("convert");
    for (name, ty) in fields {
        let tokenizer = format.tokenizer(&[name], &[]).expect("a known field");
        let (arena, mut block) = (Bump::new(), RawBlock::default());
        tokenizer.tokenize(&log, true, BLOCK_RECORDS, &arena, &mut block);
        let rows: Vec<u32> = (0..block.lines.len() as u32).collect();
        let converter = Converter::new(name, ty, &jiff::tz::TimeZone::UTC, None);
        group.throughput(Throughput::Elements(rows.len() as u64));
        group.bench_function(name, |b| {
            let mut cache = TimeCache::default();
            b.iter(|| {
                let mut failures = Vec::new();
                black_box(
                    converter
                        .convert(&mut cache, &block.fields[0], &rows, &arena, &mut failures)
                        .len(),
                )
            });
        });
    }
}

fn job(by: &str, measures: &str) -> Plan {
    let text = format!(
        "name = \"bench\"\n[source]\npaths = [\"x\"]\nformat = {{ nginx = '{NGINX}' }}\n[reduce]\n{by}\n[reduce.measures]\n{measures}\n[output.summary]\npath = \"out\"\n"
    );
    let file = logmill::job::parse(Path::new("bench.toml"), text, &|_| None).expect("a good job");
    compile(&file, &Overrides::default(), None).expect("a good job")
}

/// A chunk through the whole mapper: parse, convert, group.
fn group(c: &mut Criterion) {
    let log = access_log();
    let cases = [
        (
            "minute_status",
            "window = \"1m\"\nby = [\"status\"]",
            "n = \"count(*)\"\nb = \"sum(body_bytes_sent)\"\nm = \"avg(request_time)\"\ns = \"max(request_time)\"",
        ),
        ("path", "by = [\"path\"]", "n = \"count(*)\""),
        ("distinct_clients", "window = \"1h\"", "n = \"count(DISTINCT remote_addr)\""),
        (
            "quantiles",
            "window = \"1m\"",
            "a = \"approx_quantile(request_time, 0.5)\"\nb = \"approx_quantile(request_time, 0.99)\"",
        ),
    ];
    let mut group = c.benchmark_group("group");
    group.throughput(Throughput::Bytes(log.len() as u64));
    for (name, by, measures) in cases {
        let plan = job(by, measures);
        let converters = plan.converters();
        let wanted: Vec<&str> = plan.map.fields.iter().map(String::as_str).collect();
        let tokenizer = plan.format.tokenizer(&wanted, &[]).expect("known fields");
        let segment = SegmentContext {
            index: 0,
            source_file: "x",
            rank: (0, 0),
            tokenizer: tokenizer.as_ref(),
        };
        group.bench_function(name, |b| {
            // One table for the worker's whole life, as in a run: after the first round all keys are known.
            let mut mapper = Mapper::new(&plan, &converters, 4);
            b.iter(|| {
                mapper.chunk(&segment, &Lines { bytes: &log, offset: 0 }, None).expect("no panic")
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = split, parse, convert, group
}
criterion_main!(benches);
