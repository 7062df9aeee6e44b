//! `run --rebuild`: the outputs are those of a job that read all that is there for the first time, in one decision.

use std::collections::BTreeMap;
use std::io::Write;

use logmill::catalog::{Catalog, Totals};

use super::compaction::{EVENTS, Poller, at};
use crate::support::faults::{self, Saved};
use crate::support::{JOB, World, line, lines, tables};

/// A catalog to look at.
fn catalog(world: &World, job: &str) -> Catalog {
    Catalog::open_existing(&world.path(&format!(".logmill/{job}")))
        .expect("a catalog")
        .expect("it ran")
}

fn totals(world: &World, job: &str) -> Totals {
    catalog(world, job).totals().expect("totals")
}

/// Everything below the output folder, by name: contents of tables, and the bytes of other files.
fn outputs(world: &World) -> BTreeMap<String, Vec<String>> {
    let root = world.path("out");
    let mut found = BTreeMap::new();
    for path in tables::parquet_files(&root) {
        let folder = path.parent().expect("a folder");
        let name = folder.strip_prefix(&root).expect("below").display().to_string();
        found.entry(name).or_insert_with(|| tables::read_parquet(folder).rows);
    }
    found.values_mut().for_each(|rows| rows.sort());
    found
}

/// What the job makes of all its logs when it meets them for the first time.
fn fresh(world: &World, job: &str) -> World {
    let fresh = World::new();
    fresh.job(job);
    for entry in std::fs::read_dir(world.path("logs")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("text");
        fresh.write(&format!("logs/{name}"), std::fs::read(&path).expect("readable"));
    }
    fresh.run(&[]);
    fresh
}

#[test]
fn a_changed_job_is_computed_anew_and_goes_on() {
    let world = World::with_lines(10);
    world.run(&[]).expect(0);
    world.append("logs/a.log", lines(10, 4) + "no record\n" + &line(14, 404));
    world.run(&[]);
    let job = JOB.replace("bytes = \"sum(body_bytes_sent)\"", "largest = \"max(body_bytes_sent)\"");
    world.job(&job);
    world.run(&[]).expect(1).says(&["--rebuild"]);
    let report = world.run(&["--rebuild", "--json"]).expect(3).json();
    assert_eq!((&report["batch"], &report["lines"]), (&3.into(), &16.into()));
    let fresh = fresh(&world, &job);
    assert_eq!((world.summary(), world.sqlite()), (fresh.summary(), fresh.sqlite()));
    assert_eq!(totals(&world, "hits"), totals(&fresh, "hits"));
    assert_eq!(catalog(&world, "hits").rejects(9).expect("rejects").len(), 1);
    assert_eq!(world.run_json(&[])["decided"], false);
    world.append("logs/a.log", line(15, 200));
    world.run(&[]).expect(0);
    assert_eq!(world.sqlite()[0].split('\t').nth(1), Some("15"));
    assert_eq!(totals(&world, "hits").counters.lines(), 17);
}

#[test]
fn without_a_change_it_computes_the_same() {
    let world = World::with_lines(10);
    world.run(&[]).expect(0);
    world.append("logs/a.log", lines(10, 4));
    world.run(&[]).expect(0);
    let before = (world.summary(), world.sqlite(), totals(&world, "hits"));
    for batch in 3..5 {
        assert_eq!(world.run_json(&["--rebuild"])["batch"], batch);
        assert_eq!((world.summary(), world.sqlite(), totals(&world, "hits")), before);
    }
}

#[test]
fn partitions_that_are_no_more_are_removed() {
    let world = World::new();
    let job = JOB.replace("[reduce]", "[map]\nwhere = \"status = 200\"\n[reduce]\nwindow = \"1h\"");
    world.job(&job.replace("where = \"status = 200\"\n", ""));
    let other_day = line(1, 404).replace("22/Nov", "23/Nov");
    world.write("logs/a.log", line(0, 200) + &other_day);
    world.run(&[]).expect(0);
    assert_eq!(outputs(&world).len(), 2);
    world.job(&job);
    world.run(&["--rebuild"]).expect(0);
    assert_eq!(outputs(&world), outputs(&fresh(&world, &job)));
    assert!(!world.path("out/hits/date=2026-11-23").exists());
    assert_eq!(world.sqlite().len(), 1);
}

#[test]
fn what_came_from_logs_that_are_gone_is_given_up_only_when_told_so() {
    let world = World::with_lines(100);
    world.write("logs/b.log", lines(500, 50));
    world.run(&[]).expect(0);
    std::fs::remove_file(world.path("logs/b.log")).expect("removed");
    world.write("logs/c.log", lines(600, 7));
    let before = (world.summary(), world.sqlite());
    world.run(&["--rebuild"]).expect(1).says(&[
        "1 of the files that were read before are gone (such as ",
        "logs/b.log)",
        "--accept-loss",
        "Nothing was changed",
    ]);
    assert_eq!((world.summary(), world.sqlite()), before);
    let report = world.run_json(&["--rebuild", "--accept-loss"]);
    let bytes = lines(500, 50).len();
    assert_eq!((&report["lines"], &report["lost_bytes"]), (&107.into(), &bytes.into()));
    assert!(report["notices"].to_string().contains("logs/b.log"), "{report}");
    assert_eq!(world.summary()[0].split('\t').nth(1), Some("107"));
    assert_eq!(totals(&world, "hits").lost_bytes, bytes as u64);
    world.run(&["--accept-loss"]).expect(2);
}

#[test]
fn a_log_that_was_rotated_and_compressed_meanwhile_is_not_gone() {
    let world = World::with_lines(100);
    world.run(&[]).expect(0);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(lines(0, 100).as_bytes()).expect("in memory");
    world.write("logs/a.log.1.gz", encoder.finish().expect("in memory"));
    world.write("logs/a.log", lines(100, 20));
    assert_eq!(world.run_json(&["--rebuild"])["lines"], 120);
}

#[test]
fn a_file_that_cant_be_read_stops_it_before_anything_changes() {
    let world = World::with_lines(10);
    world.run(&[]).expect(0);
    world.write("logs/b.log.gz", b"\x1f\x8b\x08\x00damaged");
    let done = world.run(&["--rebuild"]).expect(1);
    done.says(&["logs/b.log.gz", "nothing was changed"]);
    assert_eq!(world.summary(), ["200\t10\t1045"]);
    assert_eq!(catalog(&world, "hits").last_batch().expect("a number"), 1);
}

#[test]
fn a_held_job_is_not_rebuilt_and_that_is_a_failure() {
    let world = World::with_lines(3);
    let lock = logmill::catalog::JobLock::acquire(&world.path(".logmill/hits")).expect("free");
    world.run(&["--rebuild"]).expect(1).says(&["another run holds this job"]);
    drop(lock);
    world.run(&["--rebuild"]).expect(0);
}

/// Events of some hours in several files, of runs with this partition.
fn events(partition: &str) -> World {
    let world = World::new();
    world.job(&EVENTS.replace("\"hour\"", partition));
    world.write("logs/a.log", "");
    for run in 0..6 {
        let lines: String = (0..6).map(|n| at(40 * run + n, 6 * run + n)).collect();
        world.append("logs/a.log", lines);
        world.run(&[]).expect(0);
    }
    world
}

#[test]
fn events_of_before_are_replaced_and_readers_see_each_record_once() {
    let world = events("\"hour\"");
    let poller = Poller::start(world.path("out/events"));
    for _ in 0..5 {
        world.run(&["--rebuild"]).expect(0);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let (looks, again) = poller.stop();
    println!("{looks} looks, {again} times a file went away meanwhile");
    assert!(looks > 5);
    assert_eq!(outputs(&world), outputs(&fresh(&world, EVENTS)));
}

#[test]
fn another_partition_of_the_events_leaves_nothing_of_the_former() {
    for (before, after) in [
        ("\"hour\"", "\"day\""),
        ("\"day\"", "\"hour\""),
        ("\"day\"", "\"month\""),
        ("\"hour\"", "\"none\""),
        ("\"none\"", "\"day\""),
    ] {
        let world = events(before);
        let job = EVENTS.replace("\"hour\"", after);
        world.job(&job);
        let poller = Poller::start_changing(world.path("out/events"));
        world.run(&["--rebuild"]).expect(0);
        poller.stop();
        assert_eq!(outputs(&world), outputs(&fresh(&world, &job)), "{before} to {after}");
    }
}

#[test]
fn a_file_system_that_cant_exchange_folders_is_served_too() {
    let world = events("\"hour\"");
    let poller = Poller::start_changing(world.path("out/events"));
    for pass in 1..4 {
        let mut command = world.command(&["run", "job.toml", "--rebuild"]);
        let done = command.env("LOGMILL_FAULT", format!("swap.exchange:{pass}:error")).output();
        assert!(done.expect("it starts").status.success());
        assert_eq!(outputs(&world), outputs(&fresh(&world, EVENTS)), "pass {pass}");
    }
    poller.stop();
}

#[test]
fn a_killed_rebuild_has_not_happened_or_is_finished_by_the_next_run() {
    let world = events("\"hour\"");
    let job = EVENTS
        .replace("hits = \"count(*)\"", "hits = \"count(*)\"\nmost = \"max(body_bytes_sent)\"")
        .replace("columns = [\"event_time\", \"status\"", "columns = [\"status\"")
        + "[output.sqlite]\npath = \"out/hits.db\"\ntable = \"hits\"\n";
    world.job(&job);
    let (saved, expected) = (Saved::of(&world), outputs(&fresh(&world, &job)));
    let args = ["run", "job.toml", "--rebuild"];
    let points = faults::points(&world, &args);
    assert_eq!(outputs(&world), expected);
    let mut undone = 0;
    for (name, pass) in &points {
        saved.restore(&world);
        let before = outputs(&world);
        let poller = Poller::start(world.path("out/events"));
        faults::kill(&world, &args, name, *pass);
        let done = world.run(&[]);
        if done.status != 0 {
            done.says(&["the job was changed"]);
            assert_eq!(outputs(&world), before, "killed at {name}, pass {pass}");
            undone += 1;
            world.run(&["--rebuild"]).expect(0);
        }
        poller.stop();
        assert_eq!(outputs(&world), expected, "killed at {name}, pass {pass}");
        assert_eq!(totals(&world, "visits").counters.lines(), 36);
        assert_eq!(world.sqlite(), world.summary(), "killed at {name}, pass {pass}");
    }
    println!("killed at {} points, {undone} times before the decision", points.len());
    assert!(undone > 0 && undone < points.len());
}
