//! Expressions over the columns of a block.

use std::hint::black_box;
use std::rc::Rc;

use bumpalo::Bump;
use criterion::{Criterion, Throughput};
use logmill::data::{Column, DataType, Values};
use logmill::expr::{Env, Expr, Scope};

use crate::logs::Random;

const ROWS: usize = 4096;
const FIELDS: [(&str, DataType); 6] = [
    ("status", DataType::Int),
    ("request_time", DataType::Decimal(3)),
    ("path", DataType::Text),
    ("remote_addr", DataType::Text),
    ("event_time", DataType::Timestamp),
    ("agent", DataType::Text),
];

/// What jobs are made of, from cheap to dear.
const CASES: [(&str, &str); 16] = [
    ("compare", "status >= 500"),
    ("arithmetic", "status / 100"),
    ("decimal_arithmetic", "request_time * 1000 + 1"),
    ("logic", "status < 600 AND path NOT LIKE '/health%'"),
    (
        "case",
        "CASE WHEN status < 400 THEN 'good' WHEN status < 500 THEN 'client' ELSE 'server' END",
    ),
    ("in", "status IN (200, 301, 304, 404)"),
    ("like", "path LIKE '%/reviews%'"),
    ("ends_with", "ends_with(path, '.css') OR ends_with(path, '.js')"),
    (
        "search_agents",
        "CASE WHEN agent LIKE '%bot%' THEN 'Crawler' WHEN agent LIKE '%Windows NT%' THEN 'Windows' WHEN agent LIKE '%Linux%' THEN 'Linux' ELSE 'other' END",
    ),
    // As many searches, and all texts differ.
    ("search_paths", "path LIKE '%bot%' OR path LIKE '%Windows NT%' OR path LIKE '%Linux%'"),
    ("concat", "concat(remote_addr, '|', agent, '|', status)"),
    ("split_part", "split_part(path, '/', 2)"),
    ("regexp_replace", "regexp_replace(path, '[0-9]+', ':id')"),
    ("ip_prefix", "ip_prefix(remote_addr, 24)"),
    ("date_trunc", "date_trunc('hour', event_time)"),
    ("strftime", "strftime(event_time, '%Y-%m-%d')"),
];

/// Resolves the names of FIELDS.
struct Fields;

impl Scope for Fields {
    fn resolve(&mut self, name: &str) -> Option<(usize, DataType)> {
        FIELDS.iter().position(|field| field.0 == name).map(|slot| (slot, FIELDS[slot].1))
    }

    fn names(&self) -> Vec<String> {
        FIELDS.iter().map(|field| field.0.to_owned()).collect()
    }
}

/// Texts that live as long as the columns.
struct Texts {
    paths: Vec<String>,
    addresses: Vec<String>,
    agents: Vec<String>,
}

fn texts(random: &mut Random) -> Texts {
    let mut make = |write: fn(u64, u64) -> String| {
        (0..ROWS).map(|_| write(random.below(20_000), random.below(256))).collect()
    };
    Texts {
        paths: make(|a, b| format!("/products/{a}/reviews/{b}")),
        addresses: make(|a, b| format!("10.{}.{}.{b}", a % 4, a / 4 % 256)),
        agents: make(|a, b| {
            let system = ["X11; Linux x86_64", "Windows NT 10.0; Win64; x64"][(a % 2) as usize];
            let version = 100 + b % 50;
            format!("Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
        }),
    }
}

fn columns<'a>(texts: &'a Texts, random: &mut Random) -> Vec<Option<Rc<Column<'a>>>> {
    let mut numbers = |from: i64, below: u64| -> Vec<i64> {
        (0..ROWS).map(|_| from + random.below(below) as i64).collect()
    };
    let values = [
        Values::Int(numbers(200, 350)),
        Values::Decimal(numbers(0, 9000).into_iter().map(Into::into).collect()),
        Values::Text(texts.paths.iter().map(String::as_str).collect()),
        Values::Text(texts.addresses.iter().map(String::as_str).collect()),
        Values::Timestamp(numbers(1_795_305_600_000_000, 86_400_000_000)),
        Values::Text(texts.agents.iter().map(String::as_str).collect()),
    ];
    let typed = values.into_iter().zip(FIELDS);
    typed.map(|(values, (_, ty))| Some(Rc::new(Column { ty, values, valid: None }))).collect()
}

/// Each expression over a block of records.
pub fn benches(c: &mut Criterion) {
    let mut random = Random(7);
    let texts = texts(&mut random);
    let slots = columns(&texts, &mut random);
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    let mut group = c.benchmark_group("expressions");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, text) in CASES {
        let expr = Expr::compile(text, &mut Fields).expect("a good expression");
        group.bench_function(name, |b| {
            b.iter(|| {
                let (arena, mut failures) = (Bump::new(), Vec::new());
                let mut env =
                    Env { slots: &slots, arena: &arena, len: ROWS, failures: &mut failures };
                black_box(expr.eval(&mut env, &rows).len());
                assert!(failures.is_empty(), "{name} fails");
            });
        });
    }
}
