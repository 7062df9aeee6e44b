//! The simple model: one loop over the lines, one over each group's records, exact arithmetic in wide integers.

use std::collections::{BTreeMap, BTreeSet};

use logmill::engine::reject::Counters;
use num_bigint::BigInt;

use crate::history::Log;
use crate::line::{Broken, Content, Dialect, LINE_BYTES_MAX, Record, TOO_LONG};
use crate::outputs::{NULL, Rejected, Row};
use crate::world::render;

/// What must come out.
pub struct Expected {
    /// Rows of the summary without its approximate columns, in order.
    pub summary: Vec<Row>,
    /// The texts and the decimals of each group, for the approximate columns.
    pub groups: Vec<Group>,
    pub events: Vec<Row>,
    pub rejects: Vec<Rejected>,
    pub counters: Counters,
}

/// A group's values, NULL left out, decimals ascending.
pub struct Group {
    pub texts: BTreeSet<String>,
    pub decimals: Vec<i64>,
}

/// A record and its place in the order of lines.
struct Mapped<'r> {
    place: (i64, (i64, u64), u64),
    record: &'r Record,
}

type Key = (i64, Option<&'static str>, Option<i64>);

/// Reads all logs.
pub fn expect(dialect: Dialect, logs: &[Log]) -> Expected {
    let mut groups: BTreeMap<Key, Vec<Mapped<'_>>> = BTreeMap::new();
    let (mut counters, mut rejects, mut events) = (Counters::default(), Vec::new(), Vec::new());
    for log in logs {
        let (bytes, lines) = render(log, dialect);
        counters.bytes += bytes.len() as u64;
        counters.filtered_bytes += if log.marked { 3 } else { 0 };
        let rank = rank(log, &bytes);
        let ends = lines.iter().skip(1).map(|(offset, _)| *offset).chain([bytes.len() as u64]);
        let ends: Vec<u64> = ends.collect();
        for ((offset, content), end) in lines.into_iter().zip(ends) {
            let line = &bytes[offset as usize..end as usize];
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let whole = end - offset;
            match fate(dialect, content, line.len()) {
                Fate::Filtered => {
                    counters.filtered += 1;
                    counters.filtered_bytes += whole;
                }
                Fate::Rejected(reason) => {
                    counters.rejected += 1;
                    counters.rejected_bytes += whole;
                    let sample = line[..line.len().min(4096)].to_vec();
                    let (length, reason) = (line.len() as u64, reason.to_owned());
                    rejects.push(Rejected { offset, length, reason, sample });
                }
                Fate::Mapped(record) => {
                    counters.mapped += 1;
                    counters.mapped_bytes += whole;
                    events.push(event(record));
                    let window = record.time - record.time.rem_euclid(3_600);
                    let key = (window, record.who, record.status.map(|status| status / 100));
                    let place = (record.time, rank, offset);
                    groups.entry(key).or_default().push(Mapped { place, record });
                }
            }
        }
    }
    Expected {
        summary: groups.iter().map(|(key, records)| summary(key, records)).collect(),
        groups: groups.values().map(|records| group(records)).collect(),
        events: crate::outputs::sorted(events),
        rejects: crate::outputs::sorted(rejects),
        counters,
    }
}

/// Files are ordered by the time of their first line, and by its hash: by nothing that a rename changes.
fn rank(log: &Log, bytes: &[u8]) -> (i64, u64) {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let time = match &log.lines[0].content {
        Content::Record(record) => record.time * 1_000_000,
        _ => 0,
    };
    (time, xxhash_rust::xxh3::xxh3_64(first))
}

enum Fate<'r> {
    Mapped(&'r Record),
    Filtered,
    Rejected(&'static str),
}

fn fate(dialect: Dialect, content: &Content, length: usize) -> Fate<'_> {
    if length > LINE_BYTES_MAX {
        return Fate::Rejected(TOO_LONG);
    }
    let time = if dialect == Dialect::Nginx {
        "time_local: not a timestamp"
    } else {
        "ts: not a timestamp"
    };
    let shape = match dialect {
        Dialect::Nginx => "does not match the pattern",
        Dialect::Json => "not a JSON object",
        Dialect::Csv | Dialect::Records => "values where 8 are expected",
    };
    match content {
        Content::Empty => Fate::Filtered,
        Content::Broken(Broken::Shape | Broken::Long(_)) => Fate::Rejected(shape),
        Content::Broken(Broken::Status) => Fate::Rejected("status: not an int"),
        Content::Broken(Broken::Scale) => Fate::Rejected("d: more than 3 digits after the point"),
        Content::Broken(Broken::Time) => Fate::Rejected(time),
        Content::Record(record) if record.status.is_some_and(|status| status >= 500) => {
            Fate::Filtered
        }
        Content::Record(record) if record.n == Some(0) => Fate::Rejected("division by zero"),
        Content::Record(record) => Fate::Mapped(record),
    }
}

fn show<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| NULL.to_owned(), |value| value.to_string())
}

fn quoted(text: Option<&str>) -> String {
    show(text.map(|text| format!("{text:?}")))
}

fn float(value: Option<f64>) -> String {
    show(value.map(|value| format!("{value:?}")))
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

fn event(r: &Record) -> Row {
    vec![
        format!("{}us", r.time * 1_000_000),
        quoted(r.who),
        show(r.status),
        show(r.n),
        show(r.d.map(|d| format!("{d}m"))),
        float(r.f.map(number)),
        show(r.flag),
        quoted(r.text.as_deref()),
        show(r.n.map(|n| 100_000 / n)),
    ]
}

fn group(records: &[Mapped<'_>]) -> Group {
    let mut decimals: Vec<i64> = records.iter().filter_map(|m| m.record.d).collect();
    decimals.sort_unstable();
    Group { texts: records.iter().filter_map(|m| m.record.text.clone()).collect(), decimals }
}

fn summary(&(window, who, class): &Key, records: &[Mapped<'_>]) -> Row {
    let hits = records.len() as i128;
    let ints: Vec<i128> = records.iter().filter_map(|m| m.record.n).map(i128::from).collect();
    let decimals: Vec<i128> = records.iter().filter_map(|m| m.record.d).map(i128::from).collect();
    let floats: Vec<f64> = records.iter().filter_map(|m| m.record.f).map(number).collect();
    let texts: BTreeSet<&str> = records.iter().filter_map(|m| m.record.text.as_deref()).collect();
    let mut placed: Vec<_> =
        records.iter().filter_map(|m| Some((m.place, m.record.text.as_deref()?))).collect();
    placed.sort();
    let flags: Vec<bool> = records.iter().filter_map(|m| m.record.flag).collect();
    let exact: Vec<i128> = floats.iter().map(|f| scaled(*f)).collect();
    let sum = |all: &[i128]| (!all.is_empty()).then(|| all.iter().sum::<i128>());
    let avg = |all: &[i128], unit: BigInt| sum(all).map(|s| ratio(&s.into(), &(unit * all.len())));
    vec![
        format!("{}us", window * 1_000_000),
        quoted(who),
        show(class),
        hits.to_string(),
        ints.iter().filter(|n| **n > 100).count().to_string(),
        show(sum(&ints)),
        show(sum(&decimals).map(|d| format!("{d}m"))),
        float(sum(&exact).map(|s| ratio(&s.into(), &unit()))),
        float(avg(&ints, 1.into())),
        float(avg(&decimals, 1000.into())),
        float(avg(&exact, unit())),
        float(deviation(&ints)),
        show(decimals.iter().min().map(|d| format!("{d}m"))),
        float(floats.iter().copied().reduce(f64::max)),
        quoted(texts.first().copied()),
        quoted(texts.last().copied()),
        show((!flags.is_empty()).then(|| flags.iter().all(|flag| *flag))),
        quoted(placed.first().map(|(_, text)| *text)),
        quoted(placed.last().map(|(_, text)| *text)),
        texts.len().to_string(),
        show(sum(&ints).map(|s| s / hits)),
    ]
}

/// Binary digits behind the point that the floats of this test have at most.
const FRACTION_BITS: u32 = 73;

fn unit() -> BigInt {
    BigInt::from(1) << FRACTION_BITS
}

/// A float times 2^73, which is a whole number for those of this test.
fn scaled(value: f64) -> i128 {
    let whole = value * 2f64.powi(FRACTION_BITS as i32);
    assert_eq!(whole as i128 as f64, whole, "{value} has more binary digits");
    whole as i128
}

/// A quotient, rounded once to the nearest float, ties to even.
fn ratio(numerator: &BigInt, denominator: &BigInt) -> f64 {
    let negative = *numerator < BigInt::from(0);
    let magnitude = if negative { -numerator } else { numerator.clone() };
    // A quotient of more than 64 bits, its last one set if anything was cut off: then i128 to f64 rounds once.
    let shift = (denominator.bits() + 70).saturating_sub(magnitude.bits());
    let shifted: BigInt = magnitude << shift;
    let quotient = &shifted / denominator;
    let sticky = i128::from(&quotient * denominator != shifted);
    let quotient = i128::try_from(quotient).expect("some 71 bits");
    let value = (quotient | sticky) as f64 * 2f64.powi(-(shift as i32));
    if negative { -value } else { value }
}

/// The sample's: the root of the exactly computed variance, at most one rounding apart from the exact root.
fn deviation(all: &[i128]) -> Option<f64> {
    let n = all.len() as i128;
    let square: BigInt = all.iter().map(|v| BigInt::from(*v) * v).sum();
    let sum: i128 = all.iter().sum();
    let numerator = square * n - BigInt::from(sum) * sum;
    (n > 1).then(|| ratio(&numerator, &BigInt::from(n * (n - 1))).sqrt())
}
