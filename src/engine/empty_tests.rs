//! Blocks of which no line becomes a record: filtered, rejected or empty, a few lines or many times a block's, between others
//! or alone. They leave no trace but in the counters, whatever the format, the keys and the measures.

use std::path::Path;
use std::rc::Rc;

use proptest::prelude::*;

use super::common::Common;
use super::map::{Lines, RecordSink, SegmentContext};
use super::map_tests::{groups, one};
use super::mappers::Mappers;
use super::reduce::Delta;
use super::reject::Counters;
use crate::data::Column;
use crate::limits::BLOCK_RECORDS;
use crate::plan::{Overrides, Plan, compile};

/// Formats with a line that stays, one that the filter drops, and one that is a reject, where there is one. All have a
/// time `t`, an int `n`, a decimal `d` and a text `x`, in the words of the format.
struct Form {
    source: &'static str,
    head: &'static str,
    stays: &'static str,
    dropped: &'static str,
    rejected: &'static str,
}

const FORMS: &[Form] = &[
    Form {
        source: "format = { csv = { columns = [\"t\", \"n\", \"d\", \"x\"], header = false } }",
        head: "",
        stays: "2026-11-22T00:00:01Z,500,1.25,a",
        dropped: "2026-11-22T00:00:01Z,200,1.25,a",
        rejected: "2026-11-22T00:00:01Z,?,1.25,a",
    },
    Form {
        source: "format = { csv = { } }",
        head: "t,n,d,x\n",
        stays: "2026-11-22T00:00:01Z,500,1.25,a",
        dropped: "2026-11-22T00:00:01Z,200,1.25,\"a\"",
        rejected: "2026-11-22T00:00:01Z",
    },
    Form {
        source: "format = { tsv = { columns = [\"t\", \"n\", \"d\", \"x\"], header = false } }",
        head: "",
        stays: "2026-11-22T00:00:01Z\t500\t1.25\ta",
        dropped: "2026-11-22T00:00:01Z\t200\t1.25\ta",
        rejected: "x",
    },
    Form {
        source: "format = \"json\"",
        head: "",
        stays: r#"{"t": "2026-11-22T00:00:01Z", "n": 500, "d": 1.25, "x": "a"}"#,
        dropped: r#"{"t":"2026-11-22T00:00:01Z","n":200,"d":1.25,"x":"a"}"#,
        rejected: "{",
    },
    Form {
        source: r"format = { regex = '(?P<t>\S+) (?P<n>\S+) (?P<d>\S+) (?P<x>\S+)' }",
        head: "",
        stays: "2026-11-22T00:00:01Z 500 1.25 a",
        dropped: "2026-11-22T00:00:01Z 200 1.25 a",
        rejected: "x",
    },
    Form {
        source: "format = { nginx = '$t $n $d $x' }",
        head: "",
        stays: "2026-11-22T00:00:01Z 500 1.25 a",
        dropped: "2026-11-22T00:00:01Z 200 1.25 a",
        rejected: "x",
    },
    Form {
        source: "format = { nginx = '$remote_addr [$t] \"$request\" $n $d \"$x\"' }",
        head: "",
        stays: r#"10.0.0.1 [2026-11-22T00:00:01Z] "GET /a HTTP/1.1" 500 1.25 "a""#,
        dropped: r#"10.0.0.1 [2026-11-22T00:00:01Z] "GET /a HTTP/1.1" 200 1.25 "a""#,
        rejected: "garbage",
    },
];

/// Keys: of fixed width alone, of one text, of nothing, and mixtures.
const KEYS: &[&str] = &[
    r#""n""#,
    r#""n", "d", "n = 5 AS five""#,
    r#""x""#,
    r#""x", "n""#,
    r#""t", "n::float AS f""#,
    "",
    r#""n / 100 AS h", "CASE WHEN n > 0 THEN x END AS y""#,
];

const MEASURES: &[&str] = &[
    "count(*)",
    "count(x)",
    "sum(n)",
    "sum(d)",
    "sum(n::float)",
    "avg(d)",
    "stddev(n)",
    "min(x)",
    "max(d)",
    "first(x)",
    "last(n)",
    "any(x)",
    "bool_and(n > 3)",
    "bool_or(x LIKE '%a%')",
    "count(DISTINCT x)",
    "count(DISTINCT n)",
    "approx_distinct(x)",
    "approx_quantile(n, 0.5)",
    "sum(n) FILTER (WHERE x = 'a')",
    "max(regexp_replace(x, 'a', 'b'))",
];

fn job(form: &Form, window: &str, keys: &str, measures: &[usize]) -> Plan {
    let measures = measures.iter().enumerate();
    let measures: String =
        measures.map(|(n, &which)| format!("m{n} = '''{}'''\n", MEASURES[which])).collect();
    let text = format!(
        "name = \"empty\"\n[source]\npaths = [\"x\"]\ntime = \"t\"\n{}\n\
         fields = {{ t = \"timestamp\", n = \"int\", d = \"decimal(2)\" }}\n\
         [map]\nwhere = \"n >= 500\"\n[map.let]\nlong = \"concat(x, n) || 'y'\"\n\
         [reduce]\n{window}\nby = [{keys}]\n[reduce.measures]\nlong = \"max(long)\"\n{measures}\
         [output.summary]\npath = \"out\"\n\
         [output.events]\npath = \"events\"\ncolumns = [\"n\", \"d\", \"x\", \"long\"]\npartition = \"hour\"\n",
        form.source
    );
    let file = crate::job::parse(Path::new("empty.toml"), text, &|_| None).expect("a good job");
    let plan = compile(&file, &Overrides::default(), Some(form.head.as_bytes()));
    plan.unwrap_or_else(|error| panic!("{}", error.message))
}

/// Counts records, and is never called for none.
#[derive(Default)]
struct Sink(u64);

impl RecordSink for Sink {
    fn append(&mut self, columns: &[Rc<Column<'_>>], times: Option<&[i64]>, rows: &[u32]) {
        assert!(!rows.is_empty() && times.is_some() && columns.len() == 4);
        self.0 += rows.len() as u64;
    }
}

/// Counters, records that were written, and groups: keys and states.
type Made = (Counters, u64, Vec<(Vec<u8>, Vec<u8>)>);

/// What a plan makes of a log, alone or in one pass with itself.
fn mapped(plans: &[&Plan], head: &str, log: &str) -> Vec<Made> {
    let common = Common::new(plans.to_vec());
    let wanted = common.wanted();
    let tokenizer = plans[0].format.tokenizer(&wanted, head.as_bytes()).expect("its fields");
    let segment =
        SegmentContext { index: 0, source_file: "x", rank: (0, 0), tokenizer: &*tokenizer };
    let mut mappers = Mappers::new(&common);
    let mut sinks: Vec<Sink> = plans.iter().map(|_| Sink::default()).collect();
    for (lines, _) in one(log.as_bytes()) {
        let mut sinks: Vec<Option<&mut dyn RecordSink>> =
            sinks.iter_mut().map(|sink| Some(sink as _)).collect();
        let lines = Lines { offset: head.len() as u64, ..lines };
        mappers.chunk(&vec![segment; plans.len()], &lines, &mut sinks).expect("no panic");
    }
    let each = mappers.each.into_iter().zip(plans).zip(sinks);
    each.map(|((mut mapper, plan), sink)| {
        let delta = Delta::reduce(vec![mapper.take_tables()]);
        (mapper.take_counters(), sink.0, groups(plan, &delta))
    })
    .collect()
}

/// How many lines in a row have one fate: few, and around the size of a block.
fn count() -> impl Strategy<Value = usize> {
    let around = (BLOCK_RECORDS - 2)..(BLOCK_RECORDS + 3);
    prop_oneof![3 => 0usize..4, 1 => around, 1 => Just(2 * BLOCK_RECORDS)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 120 } else { 600 }))]
    #[test]
    fn lines_that_become_no_record_leave_no_trace(
        form in 0..FORMS.len(), window in any::<bool>(), keys in 0..KEYS.len(),
        measures in prop::collection::vec(0..MEASURES.len(), 0..4),
        runs in prop::collection::vec((0usize..4, count()), 0..5), together in any::<bool>(),
    ) {
        let form = &FORMS[form];
        let window = if window { "window = \"1m\"" } else { "" };
        let plan = job(form, window, KEYS[keys], &measures);
        let (mut log, mut kept, mut fates) = (String::new(), String::new(), [0u64; 4]);
        for (fate, count) in runs {
            let line = [form.stays, form.dropped, form.rejected, ""][fate];
            (0..count).for_each(|_| { log += line; log.push('\n'); });
            if fate == 0 {
                kept = log.clone();
            }
            fates[fate] += count as u64;
        }
        let plans = vec![&plan; if together { 2 } else { 1 }];
        for (counters, events, found) in mapped(&plans, form.head, &log) {
            prop_assert_eq!((counters.mapped, counters.rejected), (fates[0], fates[2]), "{}", form.source);
            prop_assert_eq!((counters.filtered, events), (fates[1] + fates[3], fates[0]));
            prop_assert_eq!(found.is_empty(), fates[0] == 0);
            // What stands behind the last record changes nothing.
            let (_, _, expected) = mapped(&[&plan], form.head, &kept).remove(0);
            prop_assert_eq!(found, expected);
        }
    }
}
