//! Many files with few descriptors, and lines that are larger than memory.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::site::number;
use crate::support::{Done, World, binary, line, lines};

#[test]
fn many_files_are_read_with_256_descriptors() {
    let files = number("LOGMILL_SEGMENT_FILES", 3_000) as usize;
    let world = World::with_lines(0);
    for at in 0..files {
        fs::write(world.path(&format!("logs/a{at}.log")), line(at, 200)).expect("a log");
    }
    let started = Instant::now();
    let mut command = Command::new("sh");
    let script = "ulimit -n 256; exec \"$0\" run job.toml --json";
    command.args(["-c", script]).arg(binary()).current_dir(world.path(""));
    let report = Done::of(&mut command).expect(0).json();
    let first = started.elapsed();
    assert_eq!((&report["lines"], &report["segments"]), (&files.into(), &files.into()));
    assert_eq!(Done::of(&mut command).expect(0).json()["lines"], 0);
    println!("{files} files: {first:?}, again {:?}", started.elapsed() - first);
}

/// The largest anonymous memory that a process was seen with, bytes; waits for its end.
fn peak(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("the child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

/// Runs over two good lines and a monster between them.
fn survives(world: &World, what: &str) {
    let started = Instant::now();
    let mut command = world.command(&["run", "job.toml", "--json", "--threads", "2"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let peak = peak(&mut child);
    let output = child.wait_with_output().expect("ended");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let counters = ["lines", "mapped", "rejected"].map(|name| report[name].as_u64());
    assert_eq!(counters, [Some(3), Some(2), Some(1)], "{what}: {report}");
    assert_eq!(world.run_json(&[])["lines"], 0, "{what}: it is not read for ever");
    println!("{what}: {:?}, {} MiB at most", started.elapsed(), peak >> 20);
    assert!(peak < 256 << 20, "{what}: {peak} bytes of memory");
}

fn world() -> World {
    let world = World::new();
    world.job(&format!("{}[limits]\nreject_ratio = 1.0\n", crate::support::JOB));
    world
}

fn gib() -> u64 {
    number("LOGMILL_SEGMENT_HOLE_GIB", 1) << 30
}

#[test]
fn a_hole_of_gibibytes_is_one_reject_and_the_lines_around_it_are_whole() {
    let world = world();
    world.write("logs/a.log", lines(0, 1));
    let file = fs::File::options().write(true).open(world.path("logs/a.log")).expect("opened");
    let end = file.metadata().expect("open").len() + gib();
    file.write_all_at(format!("\n{}", lines(1, 1)).as_bytes(), end).expect("written");
    drop(file);
    survives(&world, &format!("a hole of {} GiB", gib() >> 30));
}

/// Writes a line of so many bytes between two good ones, through a compressor.
fn write_monster(path: &Path, bytes: u64) {
    let file = fs::File::create(path).expect("created");
    let mut out = zstd::stream::write::Encoder::new(file, 1).expect("a compressor");
    out.write_all(lines(0, 1).as_bytes()).expect("written");
    let block = vec![b'x'; 1 << 20];
    (0..bytes >> 20).for_each(|_| out.write_all(&block).expect("written"));
    out.write_all(format!("\n{}", lines(1, 1)).as_bytes()).expect("written");
    out.finish().expect("written");
}

#[test]
fn a_line_of_gibibytes_is_one_reject_and_the_lines_around_it_are_whole() {
    let world = world();
    let bytes = gib() / 2;
    write_monster(&world.path("logs/a.log.zst"), bytes);
    survives(&world, &format!("a line of {} MiB, compressed", bytes >> 20));
}
