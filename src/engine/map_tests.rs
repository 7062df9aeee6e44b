//! What becomes of the lines of a chunk: bytes by their fate, late records, absurd times, and lines that make the program
//! panic.

use std::path::Path;
use std::rc::Rc;

use bumpalo::Bump;
use proptest::collection::vec;
use proptest::prelude::*;

use super::common::Common;
use super::groups::GroupBlock;
use super::map::{Lines, RecordSink, SegmentContext};
use super::mappers::Mappers;
use super::merge::Merge;
use super::reduce::Delta;
use super::reject::{Counters, Reject};
use crate::data::Column;
use crate::format::{RawBlock, Tokenizer};
use crate::job::Partition;
use crate::plan::{Overrides, Plan, compile};
use crate::source::Oversize;

const LINE_BYTES_MAX: usize = 60;

fn job(header: bool, window: &str) -> Plan {
    job_of(header, "int", "where = \"v >= 0\"", window)
}

fn job_of(header: bool, of_v: &str, map: &str, window: &str) -> Plan {
    let text = format!(
        "name = \"fates\"\n[source]\npaths = [\"x\"]\ntime = \"t\"\n\
         fields = {{ t = \"timestamp\", v = \"{of_v}\" }}\n\
         format = {{ csv = {{ header = {header}, columns = [\"t\", \"k\", \"v\"] }} }}\n\
         [map]\n{map}\n[reduce]\n{window}\nby = [\"k\"]\n[reduce.measures]\n\
         n = \"count(*)\"\ns = \"sum(100 / v)\"\nl = \"last(v)\"\n\
         [output.summary]\npath = \"out\"\n[output.events]\npath = \"events\"\ncolumns = [\"k\"]\n\
         [limits]\nline = \"{LINE_BYTES_MAX}\"\nearliest = \"2020-01-01\"\nlatest = \"2030-01-01\"\n"
    );
    let file = crate::job::parse(Path::new("fates.toml"), text, &|_| None).expect("a good job");
    compile(&file, &Overrides::default(), None).expect("a good job")
}

/// What a mapper made of its chunks.
pub(super) struct Mapped {
    pub(super) counters: Counters,
    rejects: Vec<Reject>,
    pub(super) groups: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Mapped {
    pub(super) fn reasons(&self) -> Vec<&str> {
        self.rejects.iter().map(|reject| reject.reason.as_ref()).collect()
    }
}

/// Maps chunks, each of which may end with a line that the reader found to be too long.
pub(super) fn map<'c>(
    plan: &Plan,
    tokenizer: &dyn Tokenizer,
    watermark_us: Option<i64>,
    chunks: impl IntoIterator<Item = (Lines<'c>, Option<Oversize>)>,
) -> Mapped {
    map_all(&Common::new(vec![plan]), tokenizer, watermark_us, chunks).remove(0)
}

/// The same for several plans at once.
pub(super) fn map_all<'c>(
    common: &Common<'_>,
    tokenizer: &dyn Tokenizer,
    watermark_us: Option<i64>,
    chunks: impl IntoIterator<Item = (Lines<'c>, Option<Oversize>)>,
) -> Vec<Mapped> {
    let segment = SegmentContext { index: 0, source_file: "x", rank: (0, 0), tokenizer };
    let mut mappers = Mappers::new(common);
    mappers.each.iter_mut().for_each(|mapper| mapper.set_watermark(watermark_us));
    let mut counters = vec![Counters::default(); common.len()];
    let segments = vec![segment; common.len()];
    for (lines, oversize) in chunks {
        let mut sinks: Vec<Option<&mut dyn RecordSink>> = segments.iter().map(|_| None).collect();
        mappers
            .chunk(&segments, &lines, &mut sinks)
            .expect("no panic behind the decision which rows are in");
        for (mapper, counters) in mappers.each.iter_mut().zip(&mut counters) {
            oversize.iter().for_each(|line| mapper.oversize(&segment, line));
            counters.add(&mapper.take_counters());
        }
    }
    let mapped = mappers.each.into_iter().zip(common.plans()).zip(counters);
    mapped
        .map(|((mut mapper, plan), counters)| {
            let delta = Delta::reduce(vec![mapper.take_tables()]);
            Mapped { counters, rejects: mapper.rejects.finish(), groups: groups(plan, &delta) }
        })
        .collect()
}

pub(super) fn groups(plan: &Plan, delta: &Delta) -> Vec<(Vec<u8>, Vec<u8>)> {
    let reduce = plan.reduce.as_ref().expect("it has one");
    let mut merge = Merge::new(delta.cursors(Partition::None, 0, 1));
    let (mut block, mut groups) = (GroupBlock::new(reduce), Vec::new());
    while merge.next(&mut block).expect("in memory") {
        for group in 0..block.len() {
            let mut state = Vec::new();
            block.state(group, &mut Vec::new(), &mut state);
            groups.push((block.key(group).to_vec(), state));
        }
    }
    groups
}

fn tokenizer(plan: &Plan) -> Box<dyn Tokenizer> {
    tokenizer_with(plan, &[])
}

/// For a segment that begins with these bytes.
pub(super) fn tokenizer_with(plan: &Plan, head: &[u8]) -> Box<dyn Tokenizer> {
    let wanted: Vec<&str> = plan.map.fields.iter().map(String::as_str).collect();
    plan.format.tokenizer(&wanted, head).expect("known fields")
}

pub(super) fn one(bytes: &[u8]) -> [(Lines<'_>, Option<Oversize>); 1] {
    [(Lines { bytes, ..Lines::default() }, None)]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Mapped,
    Filtered,
    Rejected,
}

/// Lines of all fates, and how each ends.
fn line() -> impl Strategy<Value = (String, Fate)> {
    let text = prop_oneof![
        Just((String::new(), Fate::Filtered)),
        (0..9, 1..99).prop_map(|(k, v)| (format!("2026-11-22T00:00:0{k}Z,k{k},{v}"), Fate::Mapped)),
        (0..9).prop_map(|k| (format!("2026-11-22T00:00:00Z,k{k},-1"), Fate::Filtered)),
        Just(("2026-11-22T00:00:00Z,k,0".to_owned(), Fate::Rejected)),
        Just(("2019-12-31T23:59:59Z,k,1".to_owned(), Fate::Rejected)),
        Just(("garbage\r".to_owned(), Fate::Rejected)),
        (61usize..90).prop_map(|length| ("x".repeat(length), Fate::Rejected)),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    (text, end).prop_map(|((text, fate), end)| (text + end, fate))
}

/// Cuts a log into chunks; long lines at the end of a chunk are handed over as the reader does.
fn cut<'l>(log: &'l [u8], chunk_lines: usize) -> Vec<(Lines<'l>, Option<Oversize>)> {
    let lines: Vec<&[u8]> = log.split_inclusive(|&byte| byte == b'\n').collect();
    let (mut chunks, mut at) = (Vec::new(), 0);
    for part in lines.chunks(chunk_lines) {
        let bytes: usize = part.iter().map(|line| line.len()).sum();
        let last = part.last().copied().unwrap_or_default();
        let text = last.strip_suffix(b"\n").unwrap_or(last);
        // The reader's limit leaves room for a byte order mark and a carriage return.
        let long = text.len() > LINE_BYTES_MAX + 4;
        let kept = if long { bytes - last.len() } else { bytes };
        let oversize = long.then(|| Oversize {
            offset: (at + kept) as u64,
            length: text.len() as u64,
            terminated: text.len() < last.len(),
            ends_in_cr: text.ends_with(b"\r"),
            sample: text.to_vec(),
        });
        chunks.push((
            Lines { bytes: &log[at..at + kept], offset: at as u64, ..Lines::default() },
            oversize,
        ));
        at += bytes;
    }
    chunks
}

proptest! {
    #[test]
    fn every_byte_has_one_fate(
        lines in vec(line(), 0..40),
        mark in any::<bool>(),
        header in any::<bool>(),
        open in any::<bool>(),
        filter in any::<bool>(),
        chunk_lines in 1usize..50,
    ) {
        let (mut log, mut expected) = (String::new(), Counters::default());
        if mark && (header || !lines.is_empty()) {
            log.push('\u{FEFF}');
            expected.filtered_bytes += 3;
        }
        if header {
            log.push_str("t,k,v\r\n");
            (expected.filtered, expected.filtered_bytes) = (1, expected.filtered_bytes + 7);
        }
        for (at, (line, fate)) in lines.iter().enumerate() {
            let last = open && at + 1 == lines.len() && line.len() > 2;
            let line = if last { line.strip_suffix("\n").unwrap_or(line) } else { line };
            log.push_str(line);
            let (lines, bytes) = match fate {
                Fate::Filtered if !filter && line.contains(",-1") => {
                    (&mut expected.mapped, &mut expected.mapped_bytes)
                }
                Fate::Mapped => (&mut expected.mapped, &mut expected.mapped_bytes),
                Fate::Filtered => (&mut expected.filtered, &mut expected.filtered_bytes),
                Fate::Rejected => (&mut expected.rejected, &mut expected.rejected_bytes),
            };
            (*lines, *bytes) = (*lines + 1, *bytes + line.len() as u64);
        }
        expected.bytes = log.len() as u64;
        let mut plan = job(header, "window = \"1m\"");
        if !filter {
            plan.map.filter = None;
        }
        let found = map(&plan, &*tokenizer(&plan), None, cut(log.as_bytes(), chunk_lines)).counters;
        prop_assert_eq!(Counters { newest_us: None, ..found }, expected);
        prop_assert_eq!(found.mapped_bytes + found.filtered_bytes + found.rejected_bytes, found.bytes);
    }
}

#[test]
fn records_are_late_whose_window_had_ended_by_the_watermark() {
    let minute = 60_000_000;
    let watermark = time("2026-11-22T07:05:00Z");
    let log =
        b"2026-11-22T07:03:59Z,k,1\n2026-11-22T07:04:00Z,k,1\n2026-11-22T07:04:59.999999Z,k,1\n\
                2026-11-22T07:05:00Z,k,1\n2026-11-22T07:05:30Z,k,1\n2026-11-22T07:05:01Z,k,-1\n\
                2026-11-22T07:09:00Z,k,-1\n2026-11-22T07:09:00Z,k,0\n";
    let plan = job(false, "window = \"1m\"");
    let late = |plan: &Plan, watermark: Option<i64>| {
        let counters = map(plan, &*tokenizer(plan), watermark, one(log)).counters;
        assert_eq!(counters.newest_us, Some(time("2026-11-22T07:05:30Z")));
        assert_eq!(counters.mapped, 5);
        counters.late
    };
    // The window of 07:04 ends with the watermark, and has ended by then.
    assert_eq!(late(&plan, Some(watermark)), 3);
    assert_eq!(late(&plan, Some(watermark - 1)), 1);
    assert_eq!(late(&plan, Some(watermark + minute)), 5);
    assert_eq!(late(&plan, None), 0);
    assert_eq!(late(&job(false, ""), Some(i64::MAX)), 0);
}

fn time(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect("a time").as_microsecond()
}

#[test]
fn absurd_times_are_rejects_in_words_and_the_bounds_are_exact() {
    let plan = job(false, "window = \"1m\"");
    let log = b"0001-01-01T00:00:00Z,k,1\n2019-12-31T23:59:59.999999Z,k,1\n2020-01-01T00:00:00Z,k,1\n\
                2029-12-31T23:59:59.999999Z,k,1\n2030-01-01T00:00:00Z,k,1\n9999-12-31T23:59:59Z,k,1\n,k,1\n\
                0000-01-01T00:00:00Z,k,1\n";
    let found = map(&plan, &*tokenizer(&plan), None, one(log));
    let before = "event_time: before 2020-01-01T00:00:00Z, the job's limits.earliest";
    let behind = "event_time: not before 2030-01-01T00:00:00Z, the job's limits.latest";
    assert_eq!(
        found.reasons(),
        [before, before, behind, behind, "event_time: missing", "t: not a timestamp"]
    );
    assert_eq!(found.counters.mapped, 2);
}

/// Spring and autumn in Berlin, a leap second, and a clock that was set back: each line counts once, in one window.
#[test]
fn clocks_that_jump_lose_no_line_and_make_no_partition() {
    let mut plan = job(false, "window = \"1h\"");
    plan.source.zone = jiff::tz::TimeZone::get("Europe/Berlin").expect("a zone");
    let cases = [
        // Before the clock jumps from 2 to 3, within the hour that there is not, and behind it.
        ("2026-03-29T01:59:59,k,1", "2026-03-29T00:00:00Z"),
        ("2026-03-29T02:30:00,k,1", "2026-03-29T01:00:00Z"),
        ("2026-03-29T03:00:00,k,1", "2026-03-29T01:00:00Z"),
        // The hour that there is twice, without an offset and with each.
        ("2026-10-25T02:30:00,k,1", "2026-10-25T00:00:00Z"),
        ("2026-10-25T02:30:00+02:00,k,1", "2026-10-25T00:00:00Z"),
        ("2026-10-25T02:30:00+01:00,k,1", "2026-10-25T01:00:00Z"),
        // A leap second.
        ("2016-12-31T23:59:60Z,k,1", "2017-01-01T00:00:00Z"),
    ];
    plan.limits.earliest_us = 0;
    let window = |log: &str| {
        let found = map(&plan, &*tokenizer(&plan), None, one(log.as_bytes()));
        assert_eq!(found.counters.mapped, 1, "{log}: {:?}", found.rejects);
        super::key::leading_int(&found.groups[0].0).expect("a window")
    };
    for (line, start) in cases {
        assert_eq!(window(line), time(start), "{line}");
    }
    // A clock set back: the lines stand in the windows that they name, whatever came before.
    let log = b"2026-11-22T12:00:00Z,k,1\n2026-11-22T10:00:00Z,k,1\n2026-11-22T12:00:01Z,k,1\n";
    let found = map(&plan, &*tokenizer(&plan), None, one(log));
    assert_eq!((found.counters.mapped, found.groups.len()), (3, 2));
}

/// Cuts lines as another does, and panics where it is told to.
struct Planted<'t>(&'t dyn Tokenizer);

impl Tokenizer for Planted<'_> {
    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        let used = self.0.tokenize(input, at_start, records_max, arena, block);
        let has =
            |mark: &[u8]| block.lines.iter().any(|line| memchr::memmem::find(line, mark).is_some());
        assert!(!has(b"token"), "planted\nsecond line");
        if has(b"value") {
            // Lines without their values: whatever reads them fails.
            block.fields.iter_mut().for_each(|field| field.truncate(field.len() - 1));
        }
        used
    }
}

#[test]
fn a_line_that_makes_the_program_panic_is_a_reject_and_the_others_count() {
    let plan = job(false, "window = \"1m\"");
    let (mut log, mut healthy, mut poisoned) =
        (String::from("\u{FEFF}"), String::new(), Vec::new());
    for number in 0..13_000 {
        let poison = match number {
            0 | 4_095 | 4_096 | 9_000 => "token",
            50 | 8_999 | 12_999 => "value",
            _ => "",
        };
        let line = format!("2026-11-22T00:00:00Z,k{poison}{},{}\n", number % 7, 1 + number % 50);
        if poison.is_empty() {
            healthy.push_str(&line);
        } else {
            poisoned.push((log.len() as u64, poison, line.trim_end().as_bytes().to_vec()));
        }
        log.push_str(&line);
    }
    let plain = tokenizer(&plan);
    let found = map(&plan, &Planted(&*plain), None, one(log.as_bytes()));
    let expected = map(&plan, &*plain, None, one(healthy.as_bytes()));

    assert_eq!(found.groups.len(), 7);
    assert_eq!(found.counters.mapped, 12_993);
    let bytes: usize = poisoned.iter().map(|(_, _, line)| line.len() + 1).sum();
    assert_eq!(found.counters.rejected_bytes, bytes as u64);
    assert_eq!(found.counters.filtered_bytes, 3);
    assert_eq!(found.counters.mapped_bytes, expected.counters.mapped_bytes);
    for (reject, (offset, poison, line)) in found.rejects.iter().zip(&poisoned) {
        assert_eq!((reject.offset, &reject.sample), (*offset, line));
        let reason = match *poison {
            "token" => "panic: planted (a bug in logmill, please report it)",
            _ => {
                "panic: index out of bounds: the len is 0 but the index is 0 (a bug in logmill, please report it)"
            }
        };
        assert_eq!(reject.reason, reason);
    }
    assert_eq!(found.rejects.len(), poisoned.len());
}

/// What was counted does not depend on where in a block the poison stands, nor on how the log is cut.
fn check_poison(marks: &[u8], chunk_lines: usize) {
    let plan = job(false, "window = \"1m\"");
    let mut log = String::new();
    for (number, mark) in marks.iter().enumerate() {
        let poison = ["", "token", "value"].get(usize::from(*mark)).copied().unwrap_or_default();
        log.push_str(&format!("2026-11-22T00:00:00Z,k{poison}{},{}\n", number % 3, 1 + number));
    }
    let plain = tokenizer(&plan);
    let found = map(&plan, &Planted(&*plain), None, cut(log.as_bytes(), chunk_lines));
    // The poison's lines are left out; the others keep their places, which `last` looks at.
    let blank = |line: &str| {
        if line.contains("token") || line.contains("value") {
            " ".repeat(line.len() - 1) + "\n"
        } else {
            line.to_owned()
        }
    };
    let healthy: String = log.split_inclusive('\n').map(blank).collect();
    let expected = map(&plan, &*plain, None, one(healthy.as_bytes()));
    assert_eq!(found.groups, expected.groups);
    assert_eq!(found.counters, expected.counters);
    let offsets = |mapped: &Mapped| mapped.rejects.iter().map(|r| r.offset).collect::<Vec<_>>();
    assert_eq!(offsets(&found), offsets(&expected));
}

proptest! {
    #[test]
    fn poison_changes_nothing_but_its_own_lines(marks in vec(0u8..9, 1..60), chunk_lines in 1usize..60) {
        check_poison(&marks, chunk_lines);
    }
}

/// Fails once the rows that are in are known.
struct Broken;

impl RecordSink for Broken {
    fn append(&mut self, _: &[Rc<Column<'_>>], _: Option<&[i64]>, _: &[u32]) {
        panic!("no room");
    }
}

#[test]
fn a_panic_while_lines_are_added_up_ends_the_run_in_words() {
    let plan = job(false, "window = \"1m\"");
    let (common, plain) = (Common::new(vec![&plan]), tokenizer(&plan));
    let segment =
        SegmentContext { index: 0, source_file: "logs/x", rank: (0, 0), tokenizer: &*plain };
    let mut mappers = Mappers::new(&common);
    let lines = Lines { bytes: b"\n2026-11-22T00:00:00Z,k,1\n", offset: 70, ..Lines::default() };
    let error = mappers.chunk(&[segment], &lines, &mut [Some(&mut Broken)]).expect_err("a panic");
    assert_eq!((error.offset, error.message.as_str()), (71, "no room"));
    assert_eq!(
        error.to_string(),
        "nothing was changed: logmill has a bug and failed (no room) on the lines of logs/x around byte 71; please report it"
    );
}

/// Several plans over the same lines: with other types, filters and limits, with and without what others compute, too.
fn several(header: bool) -> Vec<Plan> {
    let jobs = [
        ("int", "where = \"v >= 0\"", "window = \"1m\""),
        (
            "int",
            "where = \"v > 20 AND share < 4\"\n[map.let]\nshare = \"100 / v\"",
            "window = \"1m\"",
        ),
        ("int", "where = \"share > 2\"\n[map.let]\nshare = \"100 / v\"", "window = \"1h\""),
        ("decimal(1)", "where = \"k <> 'k3'\"", "window = \"1m\""),
        (
            "int",
            "where = \"day < '32' AND share <> 7\"\n[map.let]\nshare = \"100 / (v - 1)\"\nday = \"strftime(t, '%d')\"",
            "",
        ),
        ("float", "where = \"day = '22'\"\n[map.let]\nday = \"strftime(t, '%d')\"", ""),
    ];
    let jobs = jobs.map(|(of_v, map, window)| job_of(header, of_v, map, window));
    jobs.into_iter().collect()
}

proptest! {
    #[test]
    fn mappers_of_several_plans_make_what_each_makes_alone(
        lines in vec(line(), 0..60),
        poison in vec(0u8..12, 60),
        header in any::<bool>(),
        chunk_lines in 1usize..50,
        chosen in vec(any::<bool>(), 6),
    ) {
        let mut log = String::from(if header { "t,k,v\n" } else { "" });
        for ((line, _), poison) in lines.iter().zip(poison) {
            log += &match poison {
                0 => line.replacen(",k", ",ktoken", 1),
                1 => line.replacen(",k", ",kvalue", 1),
                _ => line.clone(),
            };
        }
        let plans = several(header);
        let plans: Vec<&Plan> =
            plans.iter().zip(&chosen).filter(|(_, chosen)| **chosen).map(|(plan, _)| plan).collect();
        let common = Common::new(plans.clone());
        let Some(first) = plans.first() else { return Ok(()) };
        let tokenizer_of = |common: &Common<'_>| first.format.tokenizer(&common.wanted(), &[]).expect("known fields");
        let chunks = || cut(log.as_bytes(), chunk_lines);
        let together = map_all(&common, &Planted(&*tokenizer_of(&common)), Some(0), chunks());
        for (found, plan) in together.iter().zip(plans) {
            let common = Common::new(vec![plan]);
            let alone = map(plan, &Planted(&*tokenizer_of(&common)), Some(0), chunks());
            prop_assert_eq!(found.counters, alone.counters);
            prop_assert_eq!(&found.groups, &alone.groups);
            prop_assert_eq!(&found.rejects, &alone.rejects);
        }
    }
}

#[test]
fn plans_have_in_common_what_means_the_same() {
    let plans = several(false);
    let count = |chosen: &[usize]| {
        let common = Common::new(chosen.iter().map(|&plan| &plans[plan]).collect());
        (common.wanted().len(), common.columns().len())
    };
    // t, k and v; and nothing in common with oneself.
    assert_eq!(count(&[0]), (3, 0));
    assert_eq!(count(&[0, 0]), (3, 3));
    // The share of the third is that of the second, and that of the fifth is another.
    assert_eq!(count(&[1, 2]), (3, 4));
    assert_eq!(count(&[1, 4]), (3, 3));
    // v is of another type, and whatever is made of it.
    assert_eq!(count(&[0, 3]), (3, 2));
    // A day is a day.
    assert_eq!(count(&[4, 5]), (3, 3));
    let twice = "where = \"one = other\"\n[map.let]\none = \"v + 1\"\nother = \"v + 1\"";
    assert_eq!(Common::new(vec![&job_of(false, "int", twice, "")]).columns().len(), 0);
}
