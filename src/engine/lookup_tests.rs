//! What a reader of runs gives, against a plain merge of everything in memory.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use proptest::collection::vec;
use proptest::prelude::*;

use super::common::Common;
use super::cursor::Cursor;
use super::groups::GroupBlock;
use super::map::{Lines, SegmentContext};
use super::mappers::Mappers;
use super::merge::Merge;
use super::merged::Merged;
use super::parquet_file::{self, FileError};
use super::reduce::Delta;
use super::store::StoreCursor;
use super::store_writer::StoreWriter;
use super::summary_reader::SummaryReader;
use crate::job::Partition;
use crate::plan::{Overrides, Plan, compile};

const BY_KEY: &str = "by = [\"k\"]\n[reduce.measures]\nn = \"count(*)\"\ns = \"sum(v)\"";
const BY_MINUTE: &str = "window = \"1m\"\nby = [\"k\"]\n[reduce.measures]\nn = \"count(*)\"";

fn job(reduce: &str) -> Plan {
    let text = format!(
        "name = \"runs\"\n[source]\npaths = [\"x\"]\nfields = {{ t = \"timestamp\", v = \"int\" }}\n\
         time = \"t\"\nformat = {{ csv = {{ header = false, columns = [\"t\", \"k\", \"v\"] }} }}\n\
         [reduce]\n{reduce}\n[output.summary]\npath = \"out\"\npartition = \"none\"\n"
    );
    let file = crate::job::parse(Path::new("runs.toml"), text, &|_| None).expect("a good job");
    compile(&file, &Overrides::default(), None).expect("a good job")
}

/// The groups of some lines.
fn delta(plan: &Plan, lines: &str) -> Delta {
    let common = Common::new(vec![plan]);
    let tokenizer = plan.format.tokenizer(&common.wanted(), &[]).expect("known fields");
    let tokenizer = tokenizer.as_ref();
    let segment = SegmentContext { index: 0, source_file: "x", rank: (0, 0), tokenizer };
    let mut mappers = Mappers::new(&common);
    let lines = Lines { bytes: lines.as_bytes(), ..Lines::default() };
    mappers.chunk(&[segment], &lines, &mut [None]).expect("no panic");
    let mapper = &mut mappers.each[0];
    assert_eq!(mapper.counters.rejected, 0, "{:?}", mapper.rejects);
    Delta::reduce(vec![mapper.take_tables()])
}

/// Batches, merged into one run, with row groups of so many rows.
fn write(plan: &Plan, path: &Path, batches: &[(u64, Delta)], rows: usize) {
    let reduce = plan.reduce.as_ref().expect("it has one");
    let cursors = batches.iter().flat_map(|(n, delta)| delta.cursors(Partition::None, 0, *n));
    let (mut merge, mut merged) = (Merge::new(cursors.collect()), Merged::default());
    let mut block = GroupBlock::new(reduce);
    let mut writer = StoreWriter::create_cut(path, rows).expect("made");
    loop {
        merge.next_merged(block.rows_max(), &mut merged).expect("in memory");
        block.fill(&merged).expect("states");
        if block.is_empty() {
            break;
        }
        let groups = writer.encoder().encode(&block, Some(&merged), false).expect("encoded");
        writer.append(groups).expect("written");
    }
    parquet_file::make_durable(&[writer.finish().expect("written")]).expect("durable");
}

fn read(plan: &Plan, runs: &[PathBuf], since: u64) -> Vec<RecordBatch> {
    let reduce = plan.reduce.as_ref().expect("it has one");
    let mut reader = SummaryReader::open(reduce, runs, since).expect("opened");
    let mut blocks = Vec::new();
    while let Some(found) = reader.next_rows().expect("read") {
        assert_eq!(found.keys.len(), found.rows.num_rows());
        blocks.push(found.rows);
    }
    blocks
}

type Groups = BTreeMap<String, (i64, i64)>;

fn groups(blocks: &[RecordBatch]) -> Groups {
    let mut groups = Groups::new();
    for block in blocks {
        let keys = block.column(0).as_string::<i32>();
        let (n, s) = (block.column(1).as_primitive::<Int64Type>(), block.column(2));
        for (row, key) in keys.iter().enumerate() {
            let values = (n.value(row), s.as_primitive::<Int64Type>().value(row));
            let key = key.expect("no NULL among them").to_owned();
            assert!(groups.last_key_value().is_none_or(|(last, _)| *last < key), "not ascending");
            groups.insert(key, values);
        }
    }
    groups
}

/// Lines of a batch, and the run that takes it.
type Batch = (Vec<(u8, i8)>, usize);

/// Some keys are longer than what statistics keep of one.
fn key(number: u8) -> String {
    let long = "\u{10FFFF}".repeat(if number.is_multiple_of(3) { 30 } else { 0 });
    format!("k{}{long}{number}", number % 7)
}

fn check(plan: &Plan, batches: &[Batch], rows: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut runs, mut model) = (BTreeMap::<usize, Vec<(u64, Delta)>>::new(), BTreeMap::new());
    for (number, (records, run)) in (1..).zip(batches) {
        let mut lines = String::new();
        for (k, v) in records {
            writeln!(lines, "2026-11-22T00:00:00Z,{},{v}", key(*k)).expect("a text takes it");
            let group = model.entry(key(*k)).or_insert((0i64, 0i64, 0u64));
            *group = (group.0 + 1, group.1 + i64::from(*v), number);
        }
        runs.entry(*run).or_default().push((number, delta(plan, &lines)));
    }
    let paths: Vec<PathBuf> = runs.keys().map(|run| folder.path().join(run.to_string())).collect();
    for (path, batches) in paths.iter().zip(runs.values()) {
        write(plan, path, batches, rows);
    }
    for since in 0..=batches.len() as u64 {
        let changed = model.iter().filter(|(_, group)| group.2 > since);
        let expected: Groups = changed.map(|(k, group)| (k.clone(), (group.0, group.1))).collect();
        assert_eq!(groups(&read(plan, &paths, since)), expected, "since {since}");
    }
}

proptest! {
    #[test]
    fn groups_that_changed_since_a_batch_have_their_full_values_however_the_runs_are_cut(
        batches in vec((vec((any::<u8>(), any::<i8>()), 0..40), 0usize..4), 1..9),
        rows in 1usize..20,
    ) {
        check(&job(BY_KEY), &batches, rows);
    }
}

fn numbered(keys: impl Iterator<Item = u32>, minutes: u32) -> String {
    let mut lines = String::new();
    for key in keys {
        let (h, m) = (key % minutes / 60, key % minutes % 60);
        writeln!(lines, "2026-11-22T{h:02}:{m:02}:00Z,/products/{key:07},1").expect("a text");
    }
    lines
}

#[test]
fn blocks_are_cut_alike_whatever_the_runs() {
    let plan = job(BY_KEY);
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let part = |of: u32| delta(&plan, &numbered((0..20_000).filter(move |k| k % 3 == of), 1));
    write(&plan, &path("all"), &[(1, part(0)), (2, part(1)), (3, part(2))], 8192);
    (0..3).for_each(|of| write(&plan, &path(&of.to_string()), &[(1, part(of))], 1000));
    let runs = [path("0"), path("1"), path("2")];
    assert_eq!(read(&plan, &runs, 0), read(&plan, &[path("all")], 0));
}

/// A base of a million groups in 60 windows, and 100 more in the last of them.
#[test]
fn to_find_few_changed_groups_takes_few_row_groups() {
    let plan = job(BY_MINUTE);
    let reduce = plan.reduce.as_ref().expect("it has one");
    let folder = tempfile::tempdir().expect("a folder");
    let runs = [folder.path().join("base"), folder.path().join("new")];
    let rows = crate::limits::STORE_GROUP_ROWS;
    write(&plan, &runs[0], &[(1, delta(&plan, &numbered(0..1_000_000, 60)))], rows);
    for (changed, most) in [(1, 2), (100, 5)] {
        let lines = numbered((0..changed).map(|k| 59 + 60 * k * 166), 60);
        write(&plan, &runs[1], &[(2, delta(&plan, &lines))], rows);
        let started = std::time::Instant::now();
        let mut reader = SummaryReader::open(reduce, &runs, 1).expect("opened");
        let found = reader.next_rows().expect("read").expect("some");
        println!("{changed} of 1,000,000 groups: {:?}", started.elapsed());
        assert_eq!(found.rows.num_rows(), changed as usize);
        let n = found.rows.column(2).as_primitive::<Int64Type>();
        assert!(n.iter().all(|n| n == Some(2)), "the full values");
        assert!(reader.next_rows().expect("read").is_none());
        // The changes' keys, the changes, and where they stand in the base.
        assert!(reader.row_groups_read() <= 1 + most, "{}", reader.row_groups_read());
    }
}

/// What a reader makes of a file that may be damaged: keys and states, one after the other.
fn contents(path: &Path) -> Result<Vec<u8>, FileError> {
    let (mut contents, mut cursor) = (Vec::new(), StoreCursor::open(path)?);
    while let Some(key) = cursor.key() {
        contents.extend_from_slice(key);
        cursor.state(&mut contents);
        cursor.advance()?;
    }
    Ok(contents)
}

/// Why readers have to verify a file's checksum: Parquet alone lets some flipped bits pass.
#[test]
fn a_bit_that_flips_in_a_run_is_found_by_its_checksum() {
    let plan = job(BY_KEY);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run");
    write(&plan, &path, &[(1, delta(&plan, &numbered(0..200, 60)))], 100);
    let (bytes, checksum) = parquet_file::checksum(&path).expect("read");
    let (good, expected) = (std::fs::read(&path).expect("read"), contents(&path).expect("good"));
    let (mut silent, mut panics) = (0, 0);
    for byte in 0..good.len() {
        let mut bad = good.clone();
        bad[byte] ^= 1 << (byte % 8);
        std::fs::write(&path, &bad).expect("written");
        match super::poison::catch(|| contents(&path)) {
            Err(_) => panics += 1,
            Ok(Ok(found)) if found != expected => silent += 1,
            Ok(_) => {}
        }
        assert!(parquet_file::verify_file(&path, bytes, checksum).is_err(), "byte {byte}");
    }
    println!(
        "of {} flips, {silent} would have passed as other groups, {panics} as a panic",
        good.len()
    );
    assert!(silent > 0, "then the checksum is not needed");
}
