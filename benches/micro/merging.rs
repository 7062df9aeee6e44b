//! What comes behind the map: sorted runs written, read and merged, groups written as Parquet.

use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput};
use logmill::engine::cursor::Cursor;
use logmill::engine::groups::GroupBlock;
use logmill::engine::merge::Merge;
use logmill::engine::merged::Merged;
use logmill::engine::parquet_file::Content;
use logmill::engine::row_group_file::{RowGroupEncoder, RowGroupFile};
use logmill::engine::run_cursor::OpenRun;
use logmill::engine::run_file::{RunWriter, SpilledRun};
use logmill::engine::store_writer::StoreWriter;
use logmill::engine::summary::Summarizer;
use logmill::limits::SUMMARY_GROUP_ROWS;
use logmill::plan::{Overrides, Plan, compile};

/// Groups in all runs together.
const GROUPS: u64 = 1 << 17;

fn plan() -> Plan {
    let text = "name = \"bench\"\n[source]\npaths = [\"x\"]\nformat = \"combined\"\n[reduce]\nby = [\"path\"]\n[reduce.measures]\nn = \"count(*)\"\n[output.summary]\npath = \"out\"\n";
    let file =
        logmill::job::parse(Path::new("bench.toml"), text.into(), &|_| None).expect("a good job");
    compile(&file, &Overrides::default(), None).expect("a good job")
}

/// A key as the engine writes it: a tag, the text, two zeros.
fn key(number: u64, key: &mut Vec<u8>) {
    key.clear();
    key.push(1);
    key.extend_from_slice(format!("/products/{:08}/reviews", number * 7919 % GROUPS).as_bytes());
    key.extend_from_slice(&[0, 0]);
}

/// The state of `count(*)`: its length, a tag, a small number. As an empty table writes one.
fn state(plan: &Plan) -> Vec<u8> {
    let reduce = plan.reduce.as_ref().expect("it has one");
    let common = logmill::engine::common::Common::new(vec![plan]);
    let tokenizer = plan.format.tokenizer(&common.wanted(), &[]).expect("known fields");
    let line = b"1.2.3.4 - - [22/Nov/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"\n";
    let segment = logmill::engine::map::SegmentContext {
        index: 0,
        source_file: "x",
        rank: (0, 0),
        tokenizer: tokenizer.as_ref(),
    };
    let mut mappers = logmill::engine::mappers::Mappers::new(&common);
    let lines = logmill::engine::map::Lines { bytes: line, ..Default::default() };
    mappers.chunk(&[segment], &lines, &mut [None]).expect("no panic");
    let delta = logmill::engine::reduce::Delta::reduce(vec![mappers.each[0].take_tables()]);
    let mut state = Vec::new();
    delta.cursors(reduce.partition, 0, 1)[0].state(&mut state);
    state
}

/// Every `runs`-th group, from the `at`-th on, ascending.
fn write_run(path: &Path, state: &[u8], at: u64, runs: u64) -> SpilledRun {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for number in (at..GROUPS).step_by(runs as usize) {
        let mut bytes = Vec::new();
        key(number, &mut bytes);
        keys.push(bytes);
    }
    keys.sort_unstable();
    let mut writer = RunWriter::create(path).expect("made");
    writer.begin(0).expect("room");
    keys.iter().for_each(|key| writer.write(key, state).expect("room"));
    writer.finish().expect("room")
}

fn runs(folder: &Path, state: &[u8], runs: u64) -> Vec<OpenRun> {
    let run = |at| write_run(&folder.join(format!("{runs}-{at}")), state, at, runs);
    (0..runs).map(|at| OpenRun::open(run(at)).expect("opened")).collect()
}

fn cursors(runs: &[OpenRun]) -> Vec<Box<dyn Cursor>> {
    runs.iter().map(|run| Box::new(run.whole(1).expect("read")) as Box<dyn Cursor>).collect()
}

fn blocks(runs: &[OpenRun], rows: usize) -> Vec<Merged> {
    let (mut merge, mut blocks) = (Merge::new(cursors(runs)), Vec::new());
    loop {
        let mut block = Merged::default();
        merge.next_merged(rows, &mut block).expect("read");
        if block.is_empty() {
            return blocks;
        }
        blocks.push(block);
    }
}

fn spilled(c: &mut Criterion, folder: &Path, state: &[u8]) {
    let mut group = c.benchmark_group("spill");
    group.throughput(Throughput::Elements(GROUPS));
    let one = &runs(folder, state, 1)[0];
    group.bench_function("read", |b| {
        b.iter(|| {
            let (mut cursor, mut bytes) = (one.whole(1).expect("read"), 0);
            while let Some(key) = cursor.key() {
                bytes += key.len();
                cursor.advance().expect("read");
            }
            black_box(bytes)
        });
    });
    let mut groups: Vec<Vec<u8>> = Vec::new();
    let mut cursor = one.whole(1).expect("read");
    while let Some(key) = cursor.key() {
        groups.push(key.to_vec());
        cursor.advance().expect("read");
    }
    group.bench_function("write", |b| {
        b.iter(|| {
            let mut writer = RunWriter::create(&folder.join("written")).expect("made");
            writer.begin(0).expect("room");
            groups.iter().for_each(|key| writer.write(key, state).expect("room"));
            black_box(writer.finish().expect("room").groups())
        });
    });
}

fn merged(c: &mut Criterion, folder: &Path, state: &[u8], rows: usize) {
    let mut group = c.benchmark_group("merge");
    group.throughput(Throughput::Elements(GROUPS));
    for number in [2, 8, 64] {
        let runs = runs(folder, state, number);
        group.bench_function(format!("{number} runs"), |b| b.iter(|| blocks(&runs, rows).len()));
    }
}

fn written(c: &mut Criterion, folder: &Path, state: &[u8], plan: &Plan) {
    let reduce = plan.reduce.as_ref().expect("it has one");
    let mut block = GroupBlock::new(reduce);
    let blocks = blocks(&runs(folder, state, 1), block.rows_max());
    let summarizer = Summarizer::new(reduce);
    let mut group = c.benchmark_group("parquet");
    group.throughput(Throughput::Elements(GROUPS));
    group.bench_function("store", |b| {
        b.iter(|| {
            let mut writer = StoreWriter::create(&folder.join("store")).expect("made");
            for merged in &blocks {
                block.fill(merged).expect("states");
                let groups = writer.encoder().encode(&block, Some(merged), false).expect("encoded");
                writer.append(groups).expect("room");
            }
            black_box(writer.finish().expect("room").written.bytes)
        });
    });
    let rows: Vec<_> = blocks
        .iter()
        .map(|merged| {
            block.fill(merged).expect("states");
            summarizer.rows(&block).expect("values").rows
        })
        .collect();
    for (name, parallel) in [("summary", false), ("summary, all threads", true)] {
        let create = || {
            let path = folder.join("summary");
            RowGroupFile::create(&path, summarizer.schema(), Content::Summary(1)).expect("made")
        };
        group.bench_function(name, |b| {
            b.iter_batched(
                create,
                |mut file| {
                    let mut encoder = RowGroupEncoder::new(file.encoder(), SUMMARY_GROUP_ROWS / 4);
                    let leaves = rows.iter().map(|rows| file.encoder().leaves(rows).expect("rows"));
                    let groups = encoder.push(leaves.collect(), parallel).expect("encoded");
                    let last = encoder.finish().expect("encoded");
                    let groups = groups.into_iter().chain(last);
                    groups.for_each(|group| file.append(group).expect("room"));
                    black_box(file.finish().expect("room").written.bytes)
                },
                BatchSize::PerIteration,
            );
        });
    }
}

/// All of them.
pub fn benches(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = plan();
    let state = state(&plan);
    spilled(c, folder.path(), &state);
    merged(c, folder.path(), &state, logmill::limits::STORE_BLOCK_ROWS);
    written(c, folder.path(), &state, &plan);
}
