//! A disk that fills up under the state, the Parquet or the SQLite file: said in words, nothing half-visible, and the
//! next run completes once there is room.

use std::path::Path;

use crate::support::disk::SmallDisk;
use crate::support::{Done, World, binary, is_root, line, program};

/// More groups than a small disk holds: one a line.
const JOB: &str = r#"name = "hits"
[source]
paths = ["logs/*.log*"]
format = "combined"
[map.let]
digest = "sha256(path)"
[reduce]
by = ["path", "digest"]
[reduce.measures]
hits = "count(*)"
clients = "count(DISTINCT remote_addr)"
[output.summary]
path = "out/hits"
[output.sqlite]
path = "db/hits.db"
table = "hits"
"#;

const LINES: usize = 6000;

/// What the other run, to an ordinary disk, gave.
fn expected() -> Vec<String> {
    let world = world();
    world.run(&[]).expect(0);
    world.summary()
}

fn world() -> World {
    let world = World::new();
    world.job(JOB);
    world.write("logs/a.log", (0..LINES).map(|n| line(n, 200)).collect::<String>());
    world
}

/// A run that may write no file longer than so many blocks of 512 bytes: what a user without root has for a full disk.
fn run_with_short_files(world: &World, blocks: usize) -> Done {
    let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = program(Path::new("sh"));
    command.arg("-c").arg(limit).arg(binary()).args(["run", "job.toml"]);
    Done::of(command.current_dir(world.path("")))
}

/// Runs with `folder` on a full disk, then with room, and gives what each said.
fn fill_up(world: &World, folder: &str, left: u64, status: i32) -> (Done, Done) {
    if !is_root() {
        let first = run_with_short_files(world, left as usize / 512).expect(status);
        return (first, world.run(&[]));
    }
    let disk = SmallDisk::mount(&world.path(folder), 4 << 20);
    disk.fill(left);
    let first = world.run(&[]).expect(status);
    match status {
        4 => assert_eq!(world.summary().len(), LINES, "the Parquet is written all the same"),
        _ => assert!(!world.has_parquet("out"), "nothing is half-visible"),
    }
    disk.empty();
    let second = world.run(&[]);
    let table = super::support::tables::read_parquet(&world.path("out/hits"));
    assert!(table.rows == expected());
    let rows = super::support::tables::read_sqlite(&world.path("db/hits.db"), "hits", &table);
    assert!(rows == table.rows);
    (first, second)
}

/// What a full disk is called, or a file that must not grow.
#[track_caller]
fn says_full(done: &Done) {
    let words =
        ["No space left on device", "File too large", "database or disk is full", "disk I/O error"];
    assert!(words.iter().any(|word| done.err.contains(word)), "{}", done.err);
}

#[test]
fn a_full_disk_under_the_parquet_output() {
    let (first, second) = fill_up(&world(), "out", 16 << 10, 1);
    says_full(&first);
    first.says(&["logmill: hits: can't ", "out/hits/.logmill-staging/"]);
    second.expect(0).quiet();
}

#[test]
fn a_full_disk_under_the_state_directory_from_the_start() {
    let (first, second) = fill_up(&world(), ".logmill", 0, 1);
    says_full(&first);
    first.says(&["logmill: hits: can't ", ".logmill/hits"]);
    second.expect(0).quiet();
}

#[test]
fn a_full_disk_under_the_state_directory_in_the_middle() {
    let (first, second) = fill_up(&world(), ".logmill", 200 << 10, 1);
    says_full(&first);
    first.says(&["logmill: hits: can't ", ".logmill/hits"]);
    second.expect(0).quiet();
}

#[test]
fn a_full_disk_under_the_sqlite_output() {
    let (first, second) = fill_up(&world(), "db", 64 << 10, 4);
    says_full(&first);
    first.says(&["db/hits.db", "the next run tries again"]);
    second.expect(0).quiet();
}

#[test]
fn a_disk_that_fills_up_in_a_later_batch_leaves_the_earlier_ones_visible() {
    let world = world();
    let disk = is_root().then(|| SmallDisk::mount(&world.path("out"), 4 << 20));
    world.run(&[]).expect(0);
    let before = world.summary();
    world.append("logs/a.log", (LINES..2 * LINES).map(|n| line(n, 200)).collect::<String>());
    let done = match &disk {
        Some(disk) => {
            disk.fill(16 << 10);
            world.run(&[]).expect(1)
        }
        None => run_with_short_files(&world, 32).expect(1),
    };
    says_full(&done);
    assert!(world.summary() == before);
    disk.iter().for_each(SmallDisk::empty);
    world.run(&[]).expect(0).quiet();
    assert!(world.summary().len() > before.len());
}
