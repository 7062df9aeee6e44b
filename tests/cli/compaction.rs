//! Events of closed partitions become few files: nobody ever sees a record twice or misses one, and no crash loses any.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow_array::cast::AsArray;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::disk::SmallDisk;
use crate::support::faults::{self, Saved};
use crate::support::{World, tables};

/// Events by the hour, and a count of them.
pub(crate) const EVENTS: &str = r#"name = "visits"
[source]
paths = ["logs/*.log*"]
format = "combined"
[reduce]
by = ["status"]
[reduce.measures]
hits = "count(*)"
[output.summary]
path = "out/hits"
[output.events]
path = "out/events"
columns = ["event_time", "status", "raw"]
partition = "hour"
"#;

/// A line at so many minutes after midnight; long enough for a log of a few to be known by its content.
pub(crate) fn at(minute: usize, n: usize) -> String {
    format!(
        "198.51.100.7 - - [22/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET /page/{n} HTTP/1.1\" 200 {n} \"-\" \"{}\"\n",
        minute / 60 % 24,
        minute % 60,
        n % 60,
        "agent ".repeat(30)
    )
}

/// How often each line is among the events; `None` where a file went away between the look and the reading.
fn read(folder: &Path) -> Option<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    for path in list(folder)? {
        let file = match std::fs::File::open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
            file => file.expect("readable"),
        };
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| builder.build())
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for batch in reader {
            let batch = batch.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let raw = batch.column_by_name("raw").expect("the column").as_string::<i32>();
            raw.iter().flatten().for_each(|line| {
                *found.entry(line.to_owned()).or_insert(0) += 1;
            });
        }
    }
    Some(found)
}

/// As a glob of `**/*.parquet` does; hidden folders are no exception.
fn list(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
        entries => entries.expect("a folder"),
    };
    for entry in entries {
        let entry = entry.expect("an entry");
        if entry.file_type().is_ok_and(|ty| ty.is_dir()) {
            files.extend(list(&entry.path())?);
        } else if entry.path().extension().is_some_and(|e| e == "parquet") {
            files.push(entry.path());
        }
    }
    Some(files)
}

/// A reader who looks at all events every 10 ms.
pub(crate) struct Poller {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, u64)>,
}

impl Poller {
    /// Fails the test where a record is seen twice, or one that was seen is not any more.
    pub(crate) fn start(folder: PathBuf) -> Poller {
        Poller::look(folder, true)
    }

    /// Fails the test where a record is seen twice.
    pub(crate) fn start_changing(folder: PathBuf) -> Poller {
        Poller::look(folder, false)
    }

    fn look(folder: PathBuf, all: bool) -> Poller {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut looks, mut again, mut before) = (0, 0, BTreeMap::new());
            while !flag.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(10));
                if !folder.exists() {
                    continue;
                }
                let Some(found) = read(&folder) else {
                    again += 1;
                    continue;
                };
                looks += 1;
                let twice: Vec<_> = found.iter().filter(|(_, times)| **times > 1).collect();
                assert!(twice.is_empty(), "seen twice: {twice:?}");
                let missing: Vec<_> =
                    before.keys().filter(|line| !found.contains_key(*line)).collect();
                assert!(!all || missing.is_empty(), "seen before and missing now: {missing:?}");
                before = found;
            }
            (looks, again)
        });
        Poller { stop, thread }
    }

    /// How often it looked, and how often a file had gone away meanwhile.
    pub(crate) fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the reader saw nothing that must not be")
    }
}

/// Files of events by the folder of their partition.
fn files(world: &World) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for path in tables::parquet_files(&world.path("out/events")) {
        let hour = path.parent().and_then(Path::file_name).expect("a partition");
        *found.entry(hour.to_str().expect("text").to_owned()).or_insert(0) += 1;
    }
    found
}

fn world() -> World {
    let world = World::new();
    world.job(EVENTS);
    world.write("logs/a.log", "");
    world
}

/// A run for each ten minutes, of five lines each.
fn runs(world: &World, tens: std::ops::Range<usize>) {
    for ten in tens {
        let lines: String = (0..5).map(|n| at(10 * ten + 2 * n, 5 * ten + n)).collect();
        world.append("logs/a.log", lines);
        world.run(&[]).expect(0);
    }
}

#[track_caller]
fn assert_whole(world: &World, lines: usize) {
    let found = read(&world.path("out/events")).expect("nothing goes away now");
    assert_eq!(found.len(), lines);
    assert!(found.values().all(|times| *times == 1), "{found:?}");
}

#[test]
fn closed_partitions_become_one_file_and_readers_see_each_record_once() {
    let world = world();
    let hours = std::env::var("LOGMILL_COMPACTION_HOURS").ok().and_then(|n| n.parse().ok());
    let hours: usize = hours.unwrap_or(6);
    let poller = Poller::start(world.path("out/events"));
    runs(&world, 0..6 * hours);
    let (looks, again) = poller.stop();
    println!("{hours} hours: {looks} looks, {again} times a file went away meanwhile");
    let files = files(&world);
    assert_eq!(files.len(), hours);
    for (hour, count) in files.iter().take(hours - 1) {
        assert_eq!(*count, 1, "{hour}: {files:?}");
    }
    assert_eq!(files.values().last(), Some(&6), "an open partition is left alone");
    assert_whole(&world, 5 * 6 * hours);
    assert!(looks > 10, "{looks}");
}

#[test]
fn late_lines_are_merged_when_they_are_many() {
    let world = world();
    runs(&world, 0..8);
    assert_eq!(files(&world)["hour=00"], 1);
    for n in 0..4 {
        world.append("logs/a.log", at(5, 900 + n));
        world.run(&[]).expect(0);
    }
    assert_eq!(
        files(&world)["hour=00"],
        1,
        "five small ones are merged, the merged one among them"
    );
    assert_whole(&world, 44);
    for n in 4..7 {
        world.append("logs/a.log", at(5, 900 + n));
        world.run(&[]).expect(0);
    }
    assert_eq!(files(&world)["hour=00"], 4);
    assert_whole(&world, 47);
}

#[test]
fn what_others_put_into_a_partition_stays_and_what_they_removed_is_forgotten() {
    let world = world();
    runs(&world, 0..6);
    world.write("out/events/date=2026-11-22/hour=00/notes.txt", "mine");
    let first = tables::parquet_files(&world.path("out/events"))[0].clone();
    std::fs::remove_file(first).expect("removed");
    runs(&world, 6..8);
    assert_eq!(files(&world)["hour=00"], 1);
    assert!(world.path("out/events/date=2026-11-22/hour=00/notes.txt").exists());
    assert_whole(&world, 35);
    std::fs::remove_dir_all(world.path("out/events/date=2026-11-22")).expect("removed");
    runs(&world, 8..20);
    assert_whole(&world, 60);
}

#[test]
fn nothing_is_left_one_run_later() {
    let world = world();
    runs(&world, 0..8);
    let swaps = world.path(".logmill/visits/swaps");
    assert!(swaps.exists(), "the former folder is kept for readers who are just looking into it");
    runs(&world, 8..9);
    assert!(!swaps.exists());
}

#[test]
fn a_state_on_another_file_system_is_no_hindrance() {
    let world = world();
    let disk = SmallDisk::mount(&world.path("state"), 8 << 20);
    for ten in 0..8 {
        let lines: String = (0..5).map(|n| at(10 * ten + 2 * n, 5 * ten + n)).collect();
        world.append("logs/a.log", lines);
        world.run(&["--state-dir", "state"]).expect(0);
    }
    assert_eq!(files(&world)["hour=00"], 1);
    assert_whole(&world, 40);
    assert!(world.path("out/.events.logmill-swap").exists());
    drop(disk);
}

#[test]
fn a_killed_compaction_is_finished_or_undone_by_the_next_run() {
    let world = world();
    runs(&world, 0..7);
    let lines: String = (0..5).map(|n| at(70 + 2 * n, 35 + n)).collect();
    world.append("logs/a.log", lines);
    let saved = Saved::of(&world);
    let points = faults::points(&world, &["run", "job.toml"]);
    assert!(points.iter().any(|(name, _)| name == "compact.decided"), "{points:?}");
    for (name, pass) in &points {
        saved.restore(&world);
        let poller = Poller::start(world.path("out/events"));
        faults::kill(&world, &["run", "job.toml"], name, *pass);
        // Time for the reader to look at what the killed run left.
        std::thread::sleep(Duration::from_millis(30));
        world.run(&[]).expect(0);
        poller.stop();
        assert_whole(&world, 40);
        assert_eq!(files(&world)["hour=00"], 1, "killed at {name}, pass {pass}");
        assert_eq!(world.summary(), ["200\t40"], "killed at {name}, pass {pass}");
    }
    println!("killed at {} points", points.len());
}
