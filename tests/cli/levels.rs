//! `LOGMILL_CPU`: a job at each level that the processor has.

use std::path::PathBuf;

use logmill::cpu;

use crate::support::tables::parquet_files;
use crate::support::{Done, World, line, lines};

/// What each level does another way: marks, numbers, texts as keys.
const JOB: &str = r#"name = "hits"
[source]
paths = ["logs/*.log*"]
format = "combined"
[reduce]
by = ["path"]
[reduce.measures]
hits = "count(*)"
bytes = "sum(body_bytes_sent)"
visitors = "count(distinct remote_addr)"
last = "max(time_local)"
errors = "count(*) filter (where status >= 500)"
[output.summary]
path = "out/hits"
[output.events]
path = "out/events"
columns = ["time_local", "remote_addr", "path", "status", "body_bytes_sent"]
"#;

/// Mostly usual lines, and of those that go the careful way a few of each kind.
fn log() -> Vec<u8> {
    let mut log = lines(0, 700);
    for n in 0..900 {
        let line = line(n % 300, [200, 304, 503][n % 3]);
        match n % 97 {
            0 => log += &line.replace("curl", "a \\\"word\\\""),
            1 => log += &line.replace(" 503 ", " - ").replace(" 200 ", " 0200 "),
            2 => log += &line.replace('\n', "\r\n"),
            3 => log += "no line of this format\n\n",
            4 => log += &line.replace("/page/", "/größe/"),
            _ => log += &line,
        }
    }
    log.into_bytes()
}

fn run(level: &str, more: &[&str]) -> (World, Done) {
    let world = World::new();
    world.job(&format!("{JOB}[limits]\nreject_ratio = 0.5\n"));
    world.write("logs/a.log", log());
    let mut command = world.command(&[&["run", "job.toml", "--threads", "1"], more].concat());
    let done = Done::of(command.env(cpu::VARIABLE, level));
    (world, done)
}

/// The bytes of all Parquet files.
fn files(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    let root = world.path("out");
    let mut paths = parquet_files(&root);
    paths.sort();
    let read = |path: &PathBuf| std::fs::read(path).expect("a file");
    let inner = |path: &PathBuf| path.strip_prefix(&root).expect("below it").to_owned();
    paths.iter().map(|path| (inner(path), read(path))).collect()
}

#[test]
fn each_level_of_the_processor_gives_the_same_bytes() {
    let (world, done) = run("", &["--json"]);
    let (report, expected) = (done.expect(0).quiet().json(), files(&world));
    assert!(expected.len() >= 2 && report["rejected"].as_u64() > Some(0), "{report}");
    for level in cpu::each_level() {
        let (world, done) = run(level.name(), &["-vv"]);
        done.expect(0).says(&[&format!("processor level: {level}\n")]);
        assert!(files(&world) == expected, "{level}");
    }
}

#[test]
fn a_level_that_does_not_exist_is_wrong_usage() {
    let (world, done) = run("avx", &[]);
    done.expect(2).says(&["LOGMILL_CPU=avx: there is no such level, only scalar, avx2"]);
    assert!(!world.has_parquet("out"));
}
