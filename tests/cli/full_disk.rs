//! A disk that fills up under the state, the Parquet or the SQLite file: said in words, nothing half-visible, and the
//! next run completes once there is room.

use std::path::Path;

use crate::support::disk::SmallDisk;
use crate::support::tables::{read_parquet, read_sqlite};
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

/// Runs with `folder` on a disk with so many bytes left (without root: with files of so many bytes at most), then with
/// room, and gives what the first said. The second run must complete in silence.
fn fill_up(folder: &str, left: u64, file_bytes: usize, status: i32) -> Done {
    let world = world();
    let disk = is_root().then(|| SmallDisk::mount(&world.path(folder), 4 << 20));
    let first = match &disk {
        Some(disk) => {
            disk.fill(left);
            world.run(&[])
        }
        None => run_with_short_files(&world, file_bytes / 512),
    };
    let first = first.expect(status);
    match status {
        4 => assert_eq!(world.summary().len(), LINES, "the Parquet is written all the same"),
        _ => assert!(!world.has_parquet("out"), "nothing is half-visible"),
    }
    disk.iter().for_each(SmallDisk::empty);
    world.run(&[]).expect(0).quiet();
    let table = read_parquet(&world.path("out/hits"));
    assert!(table.rows == expected());
    assert!(read_sqlite(&world.path("db/hits.db"), "hits", &table) == table.rows);
    first
}

/// What a full disk is called, or a file that must not grow.
#[track_caller]
fn says_full(done: &Done) {
    let words =
        ["No space left on device", "File too large", "database or disk is full", "disk I/O error"];
    assert!(words.iter().any(|word| done.err.contains(word)), "{}", done.err);
}

/// Where the message points: a limit on files may stop another file than a full disk does.
fn place(of_disk: &str) -> &str {
    if is_root() { of_disk } else { "logmill: hits: " }
}

#[test]
fn a_full_disk_under_the_parquet_output() {
    let done = fill_up("out", 16 << 10, 150 << 10, 1);
    says_full(&done);
    done.says(&[
        "logmill: hits: can't write ",
        place("out/hits/.logmill-staging/"),
        "make room and run again",
    ]);
}

#[test]
fn a_full_disk_under_the_state_directory_from_the_start() {
    let done = fill_up(".logmill", 0, 0, 1);
    says_full(&done);
    done.says(&["logmill: hits: can't write .logmill/hits"]);
}

#[test]
fn a_full_disk_under_the_state_directory_in_the_middle() {
    let done = fill_up(".logmill", 200 << 10, 150 << 10, 1);
    says_full(&done);
    done.says(&["logmill: hits: can't write .logmill/hits/groups/", "make room and run again"]);
}

/// Memory for hardly a group, so that all of them are spilled. Without root nothing can be limited but the length of files,
/// and the catalog is longer than a run.
#[test]
fn a_full_disk_under_spilled_groups() {
    if !is_root() {
        return;
    }
    let world = world();
    let disk = SmallDisk::mount(&world.path(".logmill"), 4 << 20);
    disk.fill(300 << 10);
    let options = ["--memory", "1KiB", "--threads", "1"];
    let done = world.run(&options).expect(1);
    says_full(&done);
    done.says(&["logmill: hits: can't write .logmill/hits/spill/", "make room and run again"]);
    assert!(!world.has_parquet("out"), "nothing is half-visible");
    let left = std::fs::read_dir(world.path(".logmill/hits/spill")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "what filled the disk is gone");
    disk.empty();
    world.run(&options).expect(0).quiet();
    assert!(world.summary() == expected());
}

#[test]
fn a_full_disk_under_the_sqlite_output() {
    let done = fill_up("db", 64 << 10, 400 << 10, 4);
    says_full(&done);
    done.says(&["db/hits.db", "the next run tries again"]);
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
        None => run_with_short_files(&world, 300).expect(1),
    };
    says_full(&done);
    assert!(world.summary() == before);
    disk.iter().for_each(SmallDisk::empty);
    world.run(&[]).expect(0).quiet();
    assert!(world.summary().len() > before.len());
}

/// The numbers of lines that all visible groups, and all groups of the SQLite table, stand for.
fn totals(world: &World) -> (i64, i64) {
    let hits =
        |row: &String| row.split('\t').nth(2).and_then(|n| n.parse::<i64>().ok()).expect("hits");
    let parquet = read_parquet(&world.path("all/hits"));
    let rows = read_sqlite(&world.path("all/hits.db"), "hits", &parquet);
    (parquet.rows.iter().map(hits).sum(), rows.iter().map(hits).sum())
}

#[test]
fn wherever_one_disk_for_everything_fills_up_nothing_is_lost_or_doubled() {
    let mut statuses = std::collections::BTreeSet::new();
    for left in (0..1_600 << 10).step_by(100 << 10) {
        let world = world();
        world.job(&JOB.replace("out/", "all/").replace("db/", "all/"));
        let disk = is_root().then(|| SmallDisk::mount(&world.path("all"), 6 << 20));
        let options = ["--state-dir", "all/state"];
        let run = || match &disk {
            Some(_) => world.run(&options),
            None => run_with_short_files(&world, left as usize / 1024),
        };
        disk.iter().for_each(|disk| disk.fill(left));
        for batch in 1..=2 {
            let done = run();
            if done.status == 1 && batch == 1 {
                assert!(!world.has_parquet("all/hits"), "nothing is half-visible");
            }
            statuses.insert(done.status);
            done.err.lines().next().inspect(|_| says_full(&done));
            let start = batch * LINES;
            world.append(
                "logs/a.log",
                (start..start + 500).map(|n| line(n, 200)).collect::<String>(),
            );
        }
        disk.iter().for_each(SmallDisk::empty);
        world.run(if is_root() { &options } else { &[] }).expect(0).quiet();
        assert_eq!(totals(&world), (LINES as i64 + 1000, LINES as i64 + 1000), "{left} bytes");
    }
    assert!(statuses.contains(&1) && statuses.contains(&4), "{statuses:?}");
}
