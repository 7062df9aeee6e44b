//! Lines to raw fields, for each format, asked for the fields that a typical job needs.

use std::hint::black_box;

use bumpalo::Bump;
use criterion::{Criterion, Throughput};
use logmill::format::{CsvOptions, FormatSpec, RawBlock, build};
use logmill::limits::BLOCK_RECORDS;

use crate::logs::{self, APACHE, NGINX};

const ACCESS: [&str; 4] = ["time_local", "status", "body_bytes_sent", "request_time"];
const ALL: [&str; 9] = [
    "remote_addr",
    "time_local",
    "method",
    "request_uri",
    "status",
    "body_bytes_sent",
    "http_referer",
    "http_user_agent",
    "request_time",
];
const REGEX: &str = r#"^(?P<remote_addr>\S+) .* (?P<status>\d{3}) (?P<bytes>\d+) "#;

fn named(name: &str) -> FormatSpec {
    FormatSpec::Name(name.into())
}

fn columns(options: CsvOptions, delimiter: u8, columns: &[&str]) -> FormatSpec {
    let columns = columns.iter().map(|&name| name.into()).collect();
    FormatSpec::Csv(CsvOptions { delimiter, header: false, columns, ..options })
}

fn cases() -> Vec<(&'static str, FormatSpec, Vec<u8>, &'static [&'static str])> {
    let stations = columns(CsvOptions::csv(), b';', &["station", "temperature"]);
    let quoted = columns(CsvOptions::csv(), b',', &["id", "word", "n"]);
    let tabs = columns(CsvOptions::tsv(), b'\t', &["id", "path", "n"]);
    vec![
        ("common", named("common"), logs::access(), &ACCESS[..3]),
        ("combined", named("combined"), logs::access(), &ACCESS[..3]),
        ("nginx", FormatSpec::Nginx(NGINX.into()), logs::access(), &ACCESS),
        ("nginx_path", FormatSpec::Nginx(NGINX.into()), logs::access(), &["path"]),
        ("nginx_all", FormatSpec::Nginx(NGINX.into()), logs::access(), &ALL),
        ("apache", FormatSpec::Apache(APACHE.into()), logs::apache(), &ACCESS),
        ("json", named("json"), logs::json(), &["ts", "level", "http.status"]),
        ("csv", stations, logs::stations(), &["station", "temperature"]),
        ("csv_quoted", quoted, logs::quoted(), &["id", "word"]),
        ("tsv", tabs, logs::tabs(), &["id", "path"]),
        ("regex", FormatSpec::Regex(REGEX.into()), logs::access(), &["status", "bytes"]),
        ("lines", named("lines"), logs::access(), &["line"]),
    ]
}

/// Each format on a log of its own.
pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("tokenize");
    for (name, spec, log, wanted) in cases() {
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
                // A format that rejects its log would look fast.
                assert!(block.rejects.is_empty(), "{name} rejects its log");
            });
        });
    }
}
