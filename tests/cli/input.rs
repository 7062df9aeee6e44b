//! Which files and lines count: nothing found, last lines without a newline, rejects, two globs on one file.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use crate::support::{JOB, World, line, lines};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

#[test]
fn no_file_that_matches_fails_at_first_and_is_a_notice_later() {
    let world = World::new();
    let done = world.run(&[]).expect(1);
    done.says(&["logmill: hits: no file matches", "logs/*.log*", "check `paths`, or give --input"]);
    assert!(!world.path("out").exists());
    world.write("logs/a.log", lines(0, 3));
    world.run(&[]).expect(0).quiet();
    std::fs::remove_file(world.path("logs/a.log")).expect("removed");
    world.run(&[]).expect(0).says(&["no file matches", "any more"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

#[test]
fn a_folder_named_as_a_file_is_refused_with_the_glob_to_write() {
    let world = World::with_lines(3);
    world.job(&JOB.replace("logs/*.log*", "logs"));
    world.run(&[]).expect(1).says(&["logs is a folder; write", "logs/*"]);
}

#[test]
fn a_folder_among_the_files_of_a_glob_stops_nothing() {
    let world = World::with_lines(3);
    std::fs::create_dir(world.path("logs/old.log")).expect("a folder");
    world.run(&[]).expect(0);
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

#[test]
fn a_folder_named_as_a_file_stops_no_other() {
    let world = World::with_lines(3);
    std::fs::create_dir(world.path("old")).expect("a folder");
    world.job(&JOB.replace("\"logs/*.log*\"", "\"logs/*.log\", \"old\""));
    world.run(&[]).expect(1).says(&["old is a folder; write"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

#[test]
fn a_link_to_nowhere_is_told_once_and_read_when_it_leads_somewhere() {
    let world = World::with_lines(3);
    let link = || symlink(world.path("elsewhere"), world.path("logs/b.log")).expect("linked");
    link();
    world.run(&[]).expect(0).says(&["logs/b.log is a link to nowhere"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    world.run(&[]).expect(0).quiet();
    world.append("logs/a.log", line(3, 200));
    world.run(&[]).expect(0).quiet();
    world.write("elsewhere", lines(4, 2));
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.summary(), ["200\t6\t615"]);
    // Anew: what it led to is gone, and with it what may have been written last.
    std::fs::remove_file(world.path("elsewhere")).expect("removed");
    world.run(&[]).expect(1).says(&["logs/b.log is a link to nowhere", "logs/b.log: a gap"]);
    world.run(&[]).expect(0).quiet();
}

#[test]
fn what_is_no_file_among_the_files_of_a_glob_is_told_once_and_stops_nothing() {
    let world = World::with_lines(3);
    let _socket = UnixListener::bind(world.path("logs/s.log")).expect("a socket");
    symlink("loop.log", world.path("logs/loop.log")).expect("linked");
    symlink("/dev/zero", world.path("logs/zero.log")).expect("linked");
    let done = world.run(&[]).expect(0);
    done.says(&["s.log is a socket; logmill reads regular files only", "zero.log is a device"])
        .says(&["loop.log is a link that leads in a circle"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    world.run(&[]).expect(0).quiet();
    let again = world.run_json(&[]);
    assert_eq!(again["notices"], serde_json::json!([]));
    let check = world.logmill(&["check", "job.toml"]).expect(0);
    assert!(check.out.contains("s.log is a socket"), "{}", check.out);
}

#[test]
fn a_link_to_nowhere_alone_is_no_file_and_is_named() {
    let world = World::new();
    std::fs::create_dir_all(world.path("logs")).expect("a folder");
    symlink("nowhere", world.path("logs/a.log")).expect("linked");
    world.run(&[]).expect(1).says(&["no file matches", "logs/a.log is a link to nowhere"]);
}

#[test]
fn an_unreadable_file_is_named_and_the_others_count() {
    let world = World::with_lines(3);
    world.write("logs/b.log", lines(3, 2));
    world.chmod("logs/b.log", 0o000);
    let done = world.run_as_nobody(&[]).expect(1);
    done.says(&["logs/b.log: Permission denied", "let the user that runs logmill read it"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    world.chmod("logs/b.log", 0o644);
    world.run_as_nobody(&[]).expect(0).quiet();
    assert_eq!(world.summary(), ["200\t5\t510"]);
}

#[test]
fn a_folder_that_may_not_be_listed_is_named() {
    let world = World::with_lines(3);
    world.write("logs/b.log", lines(3, 2));
    world.chmod("logs", 0o000);
    let done = world.run_as_nobody(&[]).expect(1);
    world.chmod("logs", 0o755);
    done.says(&["logs: Permission denied"]);
    assert!(!world.has_parquet("out"));
}

#[test]
fn a_last_line_without_its_newline_waits_and_final_counts_it() {
    let world = World::with_lines(2);
    let last = line(2, 404);
    world.append("logs/a.log", last.trim_end());
    let done = world.run(&[]).expect(0);
    let waits = format!("logs/a.log: the last line ({} bytes) has no newline yet", last.len() - 1);
    done.says(&[&waits, "--final counts it"]);
    assert_eq!(world.summary(), ["200\t2\t201"]);
    world.run(&["--final"]).expect(0).quiet();
    assert_eq!(world.summary(), ["200\t2\t201", "404\t1\t102"]);
}

#[test]
fn a_last_line_counts_once_when_its_newline_comes() {
    let world = World::with_lines(2);
    let last = line(2, 404);
    let (first, rest) = last.split_at(30);
    world.append("logs/a.log", first);
    world.run(&[]).expect(0).says(&["has no newline yet and waits"]);
    world.append("logs/a.log", rest);
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.summary(), ["200\t2\t201", "404\t1\t102"]);
}

#[test]
fn an_empty_file_gives_nothing_and_no_complaint() {
    let world = World::new();
    world.write("logs/a.log", "");
    let report = world.run_json(&[]);
    assert_eq!((report["lines"].as_u64(), report["problems"].to_string()), (Some(0), "[]".into()));
    world.append("logs/a.log", lines(0, 2));
    assert_eq!(world.run_json(&[])["lines"], 2);
}

#[test]
fn a_binary_file_is_rejects_and_status_3() {
    let world = World::with_lines(2);
    // The high bits of a multiplicative congruence: every byte comes, line ends too.
    let mut state = 1u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let mut noise: Vec<u8> = (0..5000).map(|_| byte()).collect();
    noise.push(b'\n');
    world.write("logs/b.log", &noise);
    let done = world.run(&["--json"]).expect(3);
    let report = done.json();
    assert_eq!(report["mapped"], 2);
    assert!(report["rejected"].as_u64() > Some(10), "{report}");
    done.says(&["more than reject_ratio 0.05 allows", "logmill rejects job.toml"]);
    assert_eq!(world.summary(), ["200\t2\t201"]);
    // Raw bytes of a log don't reach a terminal.
    let listed = world.logmill(&["rejects", "job.toml"]).expect(0);
    assert!(listed.out.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", listed.out);
}

#[test]
fn reject_ratio_is_a_bound_that_may_be_reached_but_not_exceeded() {
    let world = World::with_lines(9);
    world.append("logs/a.log", "not a request\n");
    let job = |ratio: &str| format!("{JOB}[limits]\nreject_ratio = {ratio}\n");
    world.job(&job("0.1"));
    let report = world.run_json(&[]);
    assert_eq!((&report["lines"], &report["rejected"]), (&10.into(), &1.into()));
    world.job(&job("0.09"));
    world.append("logs/a.log", "no\n");
    let done = world.run(&[]).expect(3);
    done.says(&["rejected 1 of 1 line, more than reject_ratio 0.09"]);
}

#[test]
fn a_line_over_the_limit_is_one_reject_and_its_neighbours_count() {
    let world = World::with_lines(2);
    world.append("logs/a.log", format!("{}\n", "x".repeat(300_000)));
    world.append("logs/a.log", lines(2, 2));
    world.job(&format!("{JOB}[limits]\nline = \"64KiB\"\nreject_ratio = 0.5\n"));
    let report = world.run_json(&[]);
    assert_eq!((&report["lines"], &report["rejected"]), (&5.into(), &1.into()));
    assert_eq!(world.summary(), ["200\t4\t406"]);
    let listed = world.logmill(&["rejects", "job.toml", "--json"]).expect(0).json();
    assert_eq!(listed["length"], 300_000);
    assert!(listed["line"].as_str().is_some_and(|line| line.len() == 4096), "{listed}");
}

#[test]
fn line_ends_of_windows_are_no_part_of_a_line() {
    let world = World::new();
    world.write("logs/a.log", lines(0, 3).replace('\n', "\r\n"));
    let report = world.run_json(&[]);
    assert_eq!((&report["mapped"], &report["rejected"]), (&3.into(), &0.into()));
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

#[test]
fn an_empty_line_counts_as_filtered() {
    let world = World::with_lines(2);
    world.append("logs/a.log", "\n\r\n");
    let report = world.run_json(&[]);
    assert_eq!((&report["lines"], &report["filtered"]), (&4.into(), &2.into()));
}

#[test]
fn two_globs_on_one_file_read_it_once() {
    let world = World::with_lines(3);
    std::os::unix::fs::symlink(world.path("logs/a.log"), world.path("logs/b.log")).expect("a link");
    std::fs::hard_link(world.path("logs/a.log"), world.path("logs/c.log")).expect("a link");
    world.job(
        &JOB.replace(
            "[\"logs/*.log*\"]",
            "[\"logs/*.log*\", \"logs/a*\", \"./logs/../logs/a.log\"]",
        ),
    );
    assert_eq!(world.run_json(&[])["lines"], 3);
}

#[test]
fn compressed_files_are_read_by_content_whatever_their_names() {
    let world = World::new();
    world.write("logs/a.log", gzip(lines(0, 3).as_bytes()));
    world.write("logs/b.log.1", zstd::encode_all(lines(3, 2).as_bytes(), 3).expect("in memory"));
    assert_eq!(world.run_json(&[])["lines"], 5);
    assert_eq!(world.summary(), ["200\t5\t510"]);
}

#[test]
fn lines_are_always_mapped_or_filtered_or_rejected() {
    let world = World::with_lines(20);
    world.append(
        "logs/a.log",
        format!("{}garbage\n\n", (20..25).map(|n| line(n, 500)).collect::<String>()),
    );
    world.job(&JOB.replace("[reduce]", "[map]\nwhere = \"status < 500\"\n[reduce]"));
    let report = world.run_json(&[]);
    let counters = ["lines", "mapped", "filtered", "rejected"].map(|name| report[name].as_u64());
    assert_eq!(counters, [Some(27), Some(20), Some(6), Some(1)]);
}

#[test]
fn a_thousand_files_are_read_with_few_descriptors() {
    let world = World::with_lines(0);
    for at in 0..1000 {
        world.write(&format!("logs/a{at}.log"), lines(at, 1));
    }
    let mut command = std::process::Command::new("sh");
    let line = "ulimit -n 48; exec \"$0\" run job.toml --json";
    command.args(["-c", line]).arg(crate::support::binary()).current_dir(world.path(""));
    let report = crate::support::Done::of(&mut command).expect(0).json();
    assert_eq!((&report["lines"], &report["segments"]), (&1000.into(), &1000.into()));
}

#[test]
fn damaged_files_among_many_are_all_told_and_the_others_count() {
    let world = World::with_lines(3);
    for at in 0..30 {
        world.write(&format!("logs/b{at}.log.gz"), b"\x1f\x8b\x08\x00 this is no gzip data at all");
    }
    let done = world.run(&[]).expect(1);
    done.says(&["b0.log.gz is damaged", "and 10 more problems like these"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

/// A tar archive of one member.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[148..156].fill(b' ');
    header[156..265].copy_from_slice(&[&b"0"[..], &[0; 100], b"ustar\x0000"].concat());
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = vec![0; (512 - content.len() % 512) % 512 + 1024];
    [header, content.to_vec(), padding].concat()
}

#[test]
fn archives_and_databases_among_the_logs_are_told_once_and_counted_nowhere() {
    let world = World::with_lines(3);
    let text = lines(3, 40);
    world.write("logs/b.log.tar", tar("b.log", text.as_bytes()));
    world.write("logs/b.log.tar.gz", gzip(&tar("c.log", text.as_bytes())));
    world.write("logs/b.log.gz.gz", gzip(&gzip(text.as_bytes())));
    world.write("logs/b.log.lz4", [&b"\x04\x22\x4d\x18"[..], text.as_bytes()].concat());
    world.write("logs/b.log.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    rusqlite::Connection::open(world.path("logs/b.log.db"))
        .and_then(|database| database.execute("CREATE TABLE a (b)", ()))
        .expect("a database");
    world.run(&[]).expect(0).says(&[
        "b.log.tar is a tar archive; unpack it",
        "b.log.tar.gz is a tar archive within gzip data; unpack it",
        "b.log.gz.gz is gzip data within gzip data; decompress it once",
        "b.log.lz4 is lz4 data; compress it with gzip",
        "b.log.png is an image, and no log",
        "b.log.db is an SQLite database, and no log",
    ]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    world.run(&[]).expect(0).quiet();
    let audit = world.logmill(&["audit", "job.toml"]).expect(0);
    assert!(!audit.out.contains("b.log."), "{}", audit.out);
    let status = world.logmill(&["status", "job.toml", "--json"]).expect(0).json();
    assert_eq!((&status["lag_bytes"], &status["lines"]), (&0.into(), &3.into()));
    let check = world.logmill(&["check", "job.toml", "--json"]).expect(0).json();
    assert_eq!(check["files"].as_array().map(Vec::len), Some(1), "{check}");
    assert_eq!(check["problems"].as_array().map(Vec::len), Some(6), "{check}");
    world.logmill(&["verify", "job.toml"]).expect(0);
    // Unpacked, it counts.
    world.write("logs/b.log", text);
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.logmill(&["status", "job.toml", "--json"]).json()["lines"], 43);
}

#[test]
fn nothing_but_an_archive_is_no_log_to_read() {
    let world = World::new();
    world.write("logs/a.log.tar.gz", gzip(&tar("a.log", lines(0, 3).as_bytes())));
    world.run(&[]).expect(1).says(&["there is no log to read", "a.log.tar.gz is a tar archive"]);
    let init = world.logmill(&["init", "logs/a.log.tar.gz"]).expect(1);
    init.says(&["a.log.tar.gz is a tar archive within gzip data"]);
}

#[test]
fn an_empty_log_beside_an_archive_is_a_log_to_read() {
    let world = World::new();
    world.write("logs/b.log.tar", tar("b.log", lines(0, 3).as_bytes()));
    world.write("logs/a.log", "");
    world.run(&[]).expect(0).says(&["b.log.tar is a tar archive"]);
    world.write("logs/a.log", lines(0, 2));
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.logmill(&["status", "job.toml", "--json"]).json()["lines"], 2);
}

#[test]
fn a_log_that_begins_as_an_archive_does_is_a_log() {
    let world = World::new();
    world.job(
        &JOB.replace("\"combined\"", "\"lines\"")
            .replace("[\"status\"]", "[\"line\"]")
            .replace("bytes = \"sum(body_bytes_sent)\"\n", "bytes = \"sum(length(line))\"\n"),
    );
    for (name, text) in
        [("a", "PK\n"), ("b", "PK\u{3}\u{4} text\n"), ("c", "BZh9\n"), ("d", "7z\n")]
    {
        world.write(&format!("logs/{name}.log"), text);
    }
    world.run(&[]).expect(0).quiet();
    let lines: Vec<_> =
        world.summary().iter().map(|row| row.split('\t').next().unwrap_or("").to_owned()).collect();
    assert_eq!(lines, ["7z", "BZh9", "PK", "PK\u{3}\u{4} text"]);
}

#[test]
fn the_jobs_own_database_within_the_globs_is_left_alone() {
    let world = World::with_lines(3);
    world.job(&JOB.replace("out/hits.db", "logs/own.log.db"));
    world.run(&[]).expect(0).quiet();
    world.append("logs/a.log", line(3, 200));
    world.run(&[]).expect(0).says(&["logs/own.log.db is the job's own output; leave it out"]);
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.summary(), ["200\t4\t406"]);
}
