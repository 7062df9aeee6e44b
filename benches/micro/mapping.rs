//! A chunk through the whole mapper: cut, read, compute, group.

use std::path::Path;

use criterion::{Criterion, Throughput};
use logmill::engine::common::Common;
use logmill::engine::map::{Lines, SegmentContext};
use logmill::engine::mappers::Mappers;
use logmill::plan::{Overrides, Plan, compile};

use crate::logs::{self, NGINX};

/// The jobs of benches/jobs, by what they group and count.
const CASES: [(&str, &str, &str); 4] = [
    (
        "q1_minute_status",
        "window = \"1m\"\nby = [\"status\"]",
        "n = \"count(*)\"\nb = \"sum(body_bytes_sent)\"\nm = \"avg(request_time)\"\ns = \"max(request_time)\"",
    ),
    ("q2_path", "by = [\"path\"]", "n = \"count(*)\""),
    ("q3_distinct_clients", "window = \"1h\"", "n = \"count(DISTINCT remote_addr)\""),
    (
        "q4_quantiles",
        "window = \"1m\"",
        "a = \"approx_quantile(request_time, 0.5)\"\nb = \"approx_quantile(request_time, 0.99)\"",
    ),
];

fn job(by: &str, measures: &str) -> Plan {
    let text = format!(
        "name = \"bench\"\n[source]\npaths = [\"x\"]\nformat = {{ nginx = '{NGINX}' }}\n[reduce]\n{by}\n[reduce.measures]\n{measures}\n[output.summary]\npath = \"out\"\n"
    );
    let file = logmill::job::parse(Path::new("bench.toml"), text, &|_| None).expect("a good job");
    compile(&file, &Overrides::default(), None).expect("a good job")
}

/// Each job on the same chunk.
pub fn benches(c: &mut Criterion) {
    let log = logs::access();
    let mut group = c.benchmark_group("map");
    group.throughput(Throughput::Bytes(log.len() as u64));
    for (name, by, measures) in CASES {
        let plan = job(by, measures);
        let common = Common::new(vec![&plan]);
        let tokenizer = plan.format.tokenizer(&common.wanted(), &[]).expect("known fields");
        let segment = SegmentContext {
            index: 0,
            source_file: "x",
            rank: (0, 0),
            tokenizer: tokenizer.as_ref(),
        };
        group.bench_function(name, |b| {
            // One table for the worker's whole life, as in a run: after the first round all keys are known.
            let mut mappers = Mappers::new(&common);
            b.iter(|| {
                let lines = Lines { bytes: &log, ..Lines::default() };
                mappers.chunk(&[segment], &lines, &mut [None]).expect("no panic")
            });
        });
    }
}
