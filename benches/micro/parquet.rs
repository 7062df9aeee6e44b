//! Columns to Parquet, as `[output.events]` writes them: one kind of column at a time, encoded, compressed and written, but
//! not made durable.

use std::path::Path;
use std::rc::Rc;

use criterion::{Criterion, Throughput};
use logmill::data::{Column, DataType, Values};
use logmill::deliver::events::EventSplit;
use logmill::engine::map::RecordSink;
use logmill::limits::BLOCK_RECORDS;
use logmill::plan::{EventsOutput, Overrides, compile};

use crate::logs::{self, NGINX};

/// An output of one column of the type.
fn output(ty: DataType) -> EventsOutput {
    let text = format!(
        "name = \"bench\"\n[source]\npaths = [\"x\"]\nformat = {{ nginx = '{NGINX}' }}\n[output.events]\npath = \"out\"\ncolumns = [\"CAST(NULL AS {ty}) AS x\"]\n"
    );
    let file = logmill::job::parse(Path::new("bench.toml"), text, &|_| None).expect("a good job");
    let plan = compile(&file, &Overrides::default(), None).expect("a good job");
    plan.outputs.events.expect("events")
}

/// The texts between two quotes of each line, by the number of the quote, or before its first space.
fn texts(log: &str, quote: Option<usize>) -> Vec<&str> {
    log.lines()
        .map(|line| match quote {
            Some(quote) => line.split('"').nth(quote).unwrap_or_default(),
            None => line.split(' ').next().unwrap_or_default(),
        })
        .collect()
}

fn blocks<'v>(ty: DataType, values: &Values<'v>) -> Vec<Vec<Rc<Column<'v>>>> {
    fn cut<T: Clone>(values: &[T]) -> impl Iterator<Item = Vec<T>> {
        values.chunks(BLOCK_RECORDS).map(<[T]>::to_vec)
    }
    let values: Vec<Values<'v>> = match values {
        Values::Int(v) => cut(v).map(Values::Int).collect(),
        Values::Decimal(v) => cut(v).map(Values::Decimal).collect(),
        Values::Float(v) => cut(v).map(Values::Float).collect(),
        Values::Text(v) => cut(v).map(Values::Text).collect(),
        Values::Bool(v) => cut(v).map(Values::Bool).collect(),
        Values::Timestamp(v) => cut(v).map(Values::Timestamp).collect(),
    };
    values.into_iter().map(|values| vec![Rc::new(Column { ty, values, valid: None })]).collect()
}

/// Each kind of column that an access log has.
pub fn benches(c: &mut Criterion) {
    let log = logs::access();
    let log = std::str::from_utf8(&log).expect("UTF-8");
    let rows = log.lines().count();
    let decimals: Vec<i128> = (0..rows as i128).map(|n| n * n % 1009).collect();
    let cases = [
        ("clients", DataType::Text, Values::Text(texts(log, None))),
        ("requests", DataType::Text, Values::Text(texts(log, Some(1)))),
        ("user_agents", DataType::Text, Values::Text(texts(log, Some(5)))),
        ("lines", DataType::Text, Values::Text(log.lines().collect())),
        (
            "times",
            DataType::Timestamp,
            Values::Timestamp((0..rows as i64 / 100).flat_map(|s| [s; 100]).collect()),
        ),
        (
            "statuses",
            DataType::Int,
            Values::Int((0..rows as i64).map(|n| 200 + n * n % 7).collect()),
        ),
        ("sizes", DataType::Int, Values::Int((0..rows as i64).map(|n| n * n % 99_991).collect())),
        ("durations", DataType::Decimal(3), Values::Decimal(decimals)),
    ];
    let folder = std::env::temp_dir().join(format!("logmill-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut group = c.benchmark_group("events");
    for (name, ty, values) in cases {
        let blocks = blocks(ty, &values);
        let count: usize = blocks.iter().map(|block| block[0].len()).sum();
        group.throughput(Throughput::Elements(count as u64));
        let mut split = EventSplit::new(&output(ty));
        let all: Vec<u32> = (0..BLOCK_RECORDS as u32).collect();
        group.bench_function(name, |b| {
            b.iter(|| {
                for block in &blocks {
                    split.append(block, None, &all[..block[0].len()]);
                }
                split.stage(0, 0, |_| folder.join("x"), &mut Vec::new()).expect("staged")
            });
        });
    }
    group.finish();
    let _ = std::fs::remove_dir_all(&folder);
}
