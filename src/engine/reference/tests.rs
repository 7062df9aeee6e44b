//! The second way gives the groups that the first gives: keys and measures to the last bit.

use std::path::Path;

use proptest::prelude::*;

use super::{Groups, Reader, Segment};
use crate::data::{Column, Scalar};
use crate::engine::common::Common;
use crate::engine::groups::GroupBlock;
use crate::engine::map::{Lines, RecordSink, SegmentContext};
use crate::engine::mappers::Mappers;
use crate::engine::merge::Merge;
use crate::engine::reduce::Delta;
use crate::engine::summary::Summarizer;
use crate::job::Partition;
use crate::plan::{Overrides, Plan, compile};

const MEASURES: &[&str] = &[
    "count(*)",
    "count(x)",
    "sum(n)",
    "sum(d)",
    "sum(f)",
    "avg(n)",
    "avg(d)",
    "avg(f)",
    "stddev(n)",
    "stddev(f)",
    "min(x)",
    "max(d)",
    "min(f)",
    "max(a)",
    "first(x)",
    "last(f)",
    "any(x)",
    "bool_and(n > 3)",
    "bool_or(x LIKE '%a%')",
    "count(DISTINCT x)",
    "count(DISTINCT f)",
    "approx_distinct(x)",
    "approx_quantile(n, 0.5)",
    "sum(n) FILTER (WHERE x = 'a')",
    "count(*) FILTER (WHERE n < 5) - count(*) FILTER (WHERE n >= 5)",
    "sum(d) / nullif(count(d), 0)",
    "-sum(f)",
];

const KEYS: &[&str] =
    &["", "\"x\"", "\"n\"", "\"n / 3 AS m\", \"d > 0 AS p\"", "\"f\", \"x\"", "\"a\""];

fn job(window: &str, keys: &str, filter: &str) -> Plan {
    let measures = MEASURES.iter().enumerate();
    let measures: String = measures.map(|(n, text)| format!("m{n} = '''{text}'''\n")).collect();
    let text = format!(
        "name = \"both\"\n[source]\npaths = [\"x\"]\ntime = \"t\"\nformat = \"json\"\n\
         fields = {{ t = \"timestamp\", n = \"int\", d = \"decimal(2)\", f = \"float\", a = \"ip\" }}\n\
         [map]\nwhere = \"{filter}\"\n[map.let]\nlong = \"upper(x) || n\"\n\
         [reduce]\n{window}\nby = [{keys}]\n[reduce.measures]\nlong = \"max(long)\"\n{measures}\
         [output.summary]\npath = \"out\"\n"
    );
    let file = crate::job::parse(Path::new("both.toml"), text, &|_| None).expect("a good job");
    compile(&file, &Overrides::default(), None).unwrap_or_else(|error| panic!("{}", error.message))
}

/// Keys, and the measures' values as text.
type Rows = Vec<(Vec<u8>, Vec<String>)>;

fn text(value: Scalar) -> String {
    format!("{value:?}")
}

/// By blocks, tables and accumulators.
fn usual(plan: &Plan, log: &str) -> Rows {
    let (common, reduce) = (Common::new(vec![plan]), plan.reduce.as_ref().expect("it has one"));
    let tokenizer = plan.format.tokenizer(&common.wanted(), &[]).expect("known fields");
    let segment =
        SegmentContext { index: 0, source_file: "x", rank: (0, 7), tokenizer: &*tokenizer };
    let mut mappers = Mappers::new(&common);
    let mut none: [Option<&mut dyn RecordSink>; 1] = [None];
    let lines = Lines { bytes: log.as_bytes(), ..Lines::default() };
    mappers.chunk(&[segment], &lines, &mut none).expect("no panic");
    let delta = Delta::reduce(vec![mappers.each[0].take_tables()]);
    let mut merge = Merge::new(delta.cursors(Partition::None, 0, 1));
    let (mut block, mut rows) = (GroupBlock::new(reduce), Vec::new());
    while merge.next(&mut block).expect("in memory") {
        let made = Summarizer::new(reduce).rows(&block).expect("values");
        let keys = reduce.key_types().len();
        let columns = reduce.columns().into_iter().zip(made.rows.columns()).skip(keys);
        let columns: Vec<Column<'_>> = columns
            .map(|((_, ty), array)| Column::from_array(array, ty).expect("of its type"))
            .collect();
        for group in 0..block.len() {
            let values = columns.iter().map(|column| text(column.scalar(group)));
            rows.push((block.key(group).to_vec(), values.collect()));
        }
    }
    rows
}

/// By the second way; its groups are drained after each chunk of so many lines.
fn other(plan: &Plan, log: &str, lines: usize) -> Rows {
    let reduce = plan.reduce.as_ref().expect("it has one");
    let wanted: Vec<&str> = plan.map.fields.iter().map(String::as_str).collect();
    let tokenizer = plan.format.tokenizer(&wanted, &[]).expect("known fields");
    let segment = Segment { source_file: "x", hash: 7, first_time: 0, tokenizer: &*tokenizer };
    let (reader, mut groups) = (Reader::new(plan), Groups::new(reduce));
    let (mut offset, mut parts) = (0, Vec::new());
    let all: Vec<&str> = log.split_inclusive('\n').collect();
    for chunk in all.chunks(lines) {
        let chunk = chunk.concat();
        let each = |record| {
            groups.add(&record);
            Ok::<(), ()>(())
        };
        reader
            .records(segment, Lines { bytes: chunk.as_bytes(), offset, ..Lines::default() }, each)
            .expect("no errors");
        offset += chunk.len() as u64;
        parts.extend(groups.drain());
        assert_eq!(groups.heap_bytes(), 0);
    }
    parts.sort();
    let of_key = parts.chunk_by(|a, b| a.0[..a.1] == b.0[..b.1]);
    let group = |same: &[(Vec<u8>, usize)]| {
        let key = &same[0].0[..same[0].1];
        let states: Vec<&[u8]> = same.iter().map(|(bytes, key)| &bytes[*key..]).collect();
        let group = groups.finish(key, &states).expect("values");
        (group.key, group.values.into_iter().map(text).collect())
    };
    of_key.map(group).collect()
}

/// A line of JSON, of which some can't be read.
fn line() -> impl Strategy<Value = String> {
    let n = prop_oneof![4 => (0i64..9).prop_map(|n| n.to_string()), 1 => Just("null".into()), 1 => Just("\"?\"".into())];
    let d = prop_oneof![
        (-500i64..500).prop_map(|d| format!("{}.{:02}", d / 100, d.abs() % 100)),
        Just("null".into())
    ];
    let f = prop_oneof![
        4 => any::<f64>().prop_map(|f| format!("\"{f:e}\"")),
        1 => Just("-0.0".into()),
        1 => Just("\"NaN\"".into()),
        1 => Just("1e308".into()),
        1 => Just("null".into()),
    ];
    let x = prop_oneof![
        Just("\"a\""),
        Just("\"ä\\u0000b\""),
        Just("\"\""),
        Just("null"),
        Just("\"bb\"")
    ];
    let a = prop_oneof![Just("\"10.0.0.1\""), Just("\"2001:DB8::1\""), Just("null")];
    let line = (0u32..300, n, d, f, x, a);
    let line = line.prop_map(|(t, n, d, f, x, a)| {
        let (minute, second) = (t / 60, t % 60);
        format!(
            "{{\"t\":\"2026-11-22T00:{minute:02}:{second:02}Z\",\"n\":{n},\"d\":{d},\"f\":{f},\"x\":{x},\"a\":{a}}}\n"
        )
    });
    prop_oneof![9 => line, 1 => Just("\n".to_owned()), 1 => Just("{\"t\": 7\n".to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 150 } else { 1000 }))]
    #[test]
    fn groups_are_the_same_either_way(
        lines in prop::collection::vec(line(), 0..60), window in any::<bool>(), keys in 0..KEYS.len(),
        filter in prop::sample::select(&["n < 7", "x IS NULL OR x <> 'bb'", "TRUE"][..]), chunk in 1usize..70,
    ) {
        let plan = job(if window { "window = \"1m\"" } else { "" }, KEYS[keys], filter);
        let log = lines.concat();
        prop_assert_eq!(other(&plan, &log, chunk), usual(&plan, &log));
    }
}
