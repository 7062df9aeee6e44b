//! One run after another: nothing new, appended lines, rotation, a held lock, a changed job.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::support::{JOB, World, line, lines};

/// When each file below a folder was last written.
fn times(world: &World, folder: &str) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    let mut open = vec![world.path(folder)];
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(path).expect("a folder") {
            let entry = entry.expect("an entry");
            let about = entry.metadata().expect("metadata");
            if about.is_dir() {
                open.push(entry.path());
            } else {
                found.insert(entry.path(), about.modified().expect("a time"));
            }
        }
    }
    found
}

#[test]
fn a_run_with_nothing_new_changes_no_file_and_no_batch() {
    let world = World::with_lines(10);
    assert_eq!(world.run_json(&[])["batch"], 1);
    let before = times(&world, "out");
    assert!(before.len() >= 2, "{before:?}");
    let report = world.run_json(&[]);
    let found = ["batch", "decided", "lines"].map(|name| report[name].to_string());
    assert_eq!(found, ["1", "false", "0"]);
    assert_eq!(times(&world, "out"), before);
    world.run(&[]).expect(0).quiet();
}

#[test]
fn an_appended_log_adds_only_its_new_lines() {
    let world = World::with_lines(10);
    world.run(&[]).expect(0);
    world.append("logs/a.log", lines(10, 4) + &line(14, 404));
    let report = world.run_json(&[]);
    assert_eq!((&report["lines"], &report["batch"]), (&5.into(), &2.into()));
    let whole = World::new();
    whole.write("logs/a.log", lines(0, 14) + &line(14, 404));
    whole.run(&[]).expect(0);
    assert_eq!(world.summary(), whole.summary());
    assert_eq!(world.sqlite(), whole.sqlite());
}

#[test]
fn a_rotated_log_is_the_same_log() {
    let world = World::with_lines(10);
    world.run(&[]).expect(0);
    world.append("logs/a.log", lines(10, 2));
    world.rename("logs/a.log", "logs/a.log.1");
    world.write("logs/a.log", lines(12, 3));
    assert_eq!(world.run_json(&[])["lines"], 5);
    world.rename("logs/a.log.1", "logs/a.log.2");
    world.rename("logs/a.log", "logs/a.log.1");
    assert_eq!(world.run_json(&[])["lines"], 0);
}

#[test]
fn a_log_that_is_compressed_half_read_goes_on_where_it_was() {
    let world = World::with_lines(1000);
    world.run(&[]).expect(0);
    let all = lines(0, 1005);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(all.as_bytes()).expect("in memory");
    world.write("logs/a.log.1.gz", encoder.finish().expect("in memory"));
    std::fs::remove_file(world.path("logs/a.log")).expect("removed");
    world.write("logs/a.log", lines(1005, 2));
    let report = world.run_json(&[]);
    assert_eq!((&report["lines"], &report["lost_bytes"]), (&7.into(), &0.into()));
    assert_eq!(world.summary()[0].split('\t').nth(1), Some("1007"));
}

#[test]
fn a_log_that_is_copied_and_truncated_is_read_once() {
    let world = World::with_lines(500);
    world.run(&[]).expect(0);
    world.append("logs/a.log", lines(500, 2));
    std::fs::copy(world.path("logs/a.log"), world.path("logs/a.log.1")).expect("copied");
    assert_eq!(world.run_json(&[])["lines"], 2, "between the copy and the truncation");
    world.append("logs/a.log", lines(502, 1));
    std::fs::copy(world.path("logs/a.log"), world.path("logs/a.log.1")).expect("copied");
    world.write("logs/a.log", lines(600, 3));
    let report = world.run_json(&[]);
    assert_eq!((&report["lines"], &report["lost_bytes"]), (&4.into(), &0.into()));
    assert_eq!(world.summary()[0].split('\t').nth(1), Some("506"));
}

#[test]
fn a_second_run_of_a_held_job_says_who_holds_it_and_does_nothing() {
    let world = World::with_lines(3);
    let lock = logmill::catalog::JobLock::acquire(&world.path(".logmill/hits")).expect("free");
    let done = world.run(&[]).expect(0);
    let holder = format!("another run holds this job (process {} since ", std::process::id());
    done.says(&["logmill: hits: ", &holder, "nothing was done"]);
    assert!(!world.path("out").exists());
    let report = world.run_json(&["--quiet"]);
    assert!(
        report["busy"].as_str().is_some_and(|holder| holder.starts_with("process ")),
        "{report}"
    );
    drop(lock);
    assert_eq!(world.run_json(&[])["lines"], 3);
}

#[test]
fn a_changed_job_is_refused_and_told_what_can_be_done() {
    let world = World::with_lines(3);
    world.run(&[]).expect(0);
    world.append("logs/a.log", lines(3, 1));
    world.job(&JOB.replace("sum(body_bytes_sent)", "max(body_bytes_sent)"));
    let done = world.run(&[]).expect(1);
    done.says(&[
        "job.toml: the job was changed",
        "reduce.measures.bytes was sum(body_bytes_sent) and is max(body_bytes_sent)",
        "--rebuild",
        "another name",
    ]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    world.job(JOB);
    assert_eq!(world.run_json(&[])["lines"], 1);
}

#[test]
fn a_change_of_limits_or_of_words_is_no_other_job() {
    let world = World::with_lines(3);
    world.run(&[]).expect(0);
    world.job(&format!(
        "# a note\n{}[limits]\nmemory = \"64MiB\"\n",
        JOB.replace("[source]", "description = \"new\"\n[source]")
    ));
    world.append("logs/a.log", lines(3, 1));
    assert_eq!(world.run_json(&[])["lines"], 1);
}

#[test]
fn of_several_jobs_one_that_fails_stops_no_other() {
    let world = World::with_lines(3);
    let other = JOB.replace("\"hits\"", "\"none\"").replace("logs/*", "nowhere/*");
    world.write("none.toml", other.replace("out/hits", "out/none"));
    let done = world.logmill(&["run", "none.toml", "job.toml"]).expect(1);
    done.says(&["logmill: none: no file matches"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

#[test]
fn a_lost_output_folder_is_written_again_with_the_next_batch() {
    let world = World::with_lines(3);
    world.run(&[]).expect(0);
    std::fs::remove_dir_all(world.path("out")).expect("removed");
    world.append("logs/a.log", lines(3, 1));
    world.run(&[]).expect(0);
    assert_eq!(world.summary(), ["200\t4\t406"]);
    assert_eq!(world.sqlite(), ["200\t4\t406"]);
}
