//! `verify`: equal after any history, and every planted difference is found and named. MariaDB: needs
//! LOGMILL_TEST_MYSQL_URL (scripts/test sets it).

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::databases::Place;
use crate::support::{Done, JOB, World, line, lines, tables};

/// A group a minute and status; measures of all kinds; records by hour.
const WINDOWED: &str = r#"name = "hits"
[source]
paths = ["logs/*.log*"]
format = "combined"
[map]
where = "status <> 500"
[reduce]
window = "1m"
by = ["status", "http_referer AS referer"]
[reduce.measures]
hits = "count(*)"
bytes = "sum(body_bytes_sent)"
mean = "avg(body_bytes_sent)"
exact = "sum(body_bytes_sent::decimal(3) / 8)"
late_path = "last(path)"
visitors = "approx_distinct(remote_addr)"
p90 = "approx_quantile(body_bytes_sent, 0.9)"
[output.summary]
path = "out/hits"
partition = "hour"
[output.sqlite]
path = "out/hits.db"
[output.events]
path = "out/events"
columns = ["event_time", "path", "status", "body_bytes_sent / 3.0 AS third"]
partition = "hour"
"#;

fn windowed(count: usize) -> World {
    let world = World::with_lines(count);
    world.job(WINDOWED);
    world
}

fn verify(world: &World, more: &[&str]) -> Done {
    world.logmill(&[&["verify", "job.toml"], more].concat())
}

/// What `--json` says, with this status.
#[track_caller]
fn report(world: &World, status: i32, more: &[&str]) -> Value {
    verify(world, &[&["--json"], more].concat()).expect(status).json()
}

#[track_caller]
fn equal(world: &World) -> Value {
    let report = report(world, 0, &[]);
    assert_eq!(report["equal"], true, "{report}");
    assert_eq!(report["problems"], json!([]), "{report}");
    assert!(!world.path(".logmill/hits").read_dir().expect("the state").any(|entry| {
        entry.expect("an entry").file_name().to_string_lossy().starts_with("verify-")
    }));
    report
}

fn output<'r>(report: &'r Value, name: &str) -> &'r Value {
    let outputs = report["outputs"].as_array().expect("outputs");
    outputs.iter().find(|output| output["name"] == name).expect(name)
}

/// Groups that are missing, only there, with other values.
fn counts(output: &Value) -> [u64; 3] {
    ["missing", "only_there", "other_values"].map(|name| output[name].as_u64().expect("a count"))
}

fn sqlite(world: &World, sql: &str) {
    let database = rusqlite::Connection::open(world.path("out/hits.db")).expect("a database");
    database.execute_batch(sql).expect(sql);
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("in memory");
    encoder.finish().expect("in memory")
}

fn only(folder: PathBuf) -> PathBuf {
    tables::parquet_files(&folder).into_iter().next().expect("a file")
}

#[test]
fn outputs_are_equal_after_appends_rotation_and_gzip_whatever_was_not_read_yet() {
    let world = windowed(1000);
    world.append("logs/a.log", format!("rubbish\n\n{}", line(7, 500)));
    world.run(&[]).expect(0);
    equal(&world);
    world.append("logs/a.log", lines(1000, 500) + "unfini");
    let read_before = equal(&world)["bytes"].clone();
    world.run(&[]).expect(0);
    world.append("logs/a.log", "shed\n");
    let read = equal(&world)["bytes"].clone();
    assert!(read.as_u64() > read_before.as_u64(), "{read} {read_before}");
    let all = std::fs::read_to_string(world.path("logs/a.log")).expect("text");
    world.rename("logs/a.log", "logs/a.log.1");
    world.write("logs/a.log", lines(2000, 100));
    equal(&world);
    // Compressed with a tail that no batch has read.
    std::fs::remove_file(world.path("logs/a.log.1")).expect("removed");
    world.write("logs/a.log.1.gz", gzip(&all));
    assert_eq!(equal(&world)["bytes"], read);
    world.run(&[]).expect(0);
    let report = equal(&world);
    assert_eq!(report["segments"], 2);
    assert!(report["bytes"].as_u64() > read.as_u64(), "{report}");
    let names: Vec<&str> = report["outputs"]
        .as_array()
        .expect("them")
        .iter()
        .filter_map(|o| o["name"].as_str())
        .collect();
    assert_eq!(names, ["store", "summary", "sqlite:hits"]);
    assert_eq!(report["events"]["records"], 1600);
    let done = verify(&world, &[]).expect(0);
    assert!(done.out.ends_with("equal\n"), "{}", done.out);
}

#[test]
fn every_change_in_sqlite_is_found_and_named() {
    let world = windowed(300);
    world.run(&[]).expect(0);
    sqlite(&world, "UPDATE hits SET mean = mean + 1e-12 WHERE window_start LIKE '%07:01:00%'");
    sqlite(&world, "DELETE FROM hits WHERE window_start LIKE '%07:02:00%'");
    sqlite(
        &world,
        "INSERT INTO hits SELECT window_start, 999, referer, hits, bytes, mean, exact, late_path, visitors, p90
         FROM hits WHERE window_start LIKE '%07:03:00%'",
    );
    let report = report(&world, 1, &[]);
    assert_eq!(counts(output(&report, "store")), [0, 0, 0]);
    assert_eq!(counts(output(&report, "summary")), [0, 0, 0]);
    let found = output(&report, "sqlite:hits");
    assert_eq!(counts(found), [1, 1, 1], "{found}");
    let key = |minute: &str, status: u16| json!({"window_start": format!("2026-11-22T07:{minute}:00Z"), "status": status, "referer": null});
    let differences = found["differences"].as_array().expect("three");
    assert_eq!(differences[0]["key"], key("01", 200));
    assert_eq!(differences[0]["columns"]["mean"]["expected"], 104.5);
    assert!(differences[0]["columns"].get("hits").is_none(), "{found}");
    assert_eq!(
        (&differences[1]["kind"], &differences[1]["key"]),
        (&json!("missing"), &key("02", 200))
    );
    assert_eq!(
        (&differences[2]["kind"], &differences[2]["key"]),
        (&json!("only_there"), &key("03", 999))
    );
    let done = verify(&world, &[]).expect(1);
    for words in [
        "sqlite:hits: 5 groups, 1 missing, 1 only there, 1 with other values",
        "window_start = 2026-11-22T07:02:00Z, status = 200, referer = NULL: missing",
        "mean is 104.500000000001 and should be 104.5",
        "DIFFERENT",
    ] {
        assert!(done.out.contains(words), "no {words:?} in:\n{}", done.out);
    }
}

#[test]
fn times_restrict_what_is_compared() {
    let world = windowed(300);
    world.run(&[]).expect(0);
    sqlite(&world, "UPDATE hits SET hits = 1 WHERE window_start LIKE '%07:01:00%'");
    let found = report(&world, 0, &["--from", "2026-11-22T07:02:00Z"]);
    assert_eq!(output(&found, "sqlite:hits")["groups"], 3);
    let found = report(&world, 0, &["--to", "2026-11-22T07:01:00Z"]);
    assert_eq!(output(&found, "summary")["groups"], 1);
    let found = report(&world, 1, &["--from", "2026-11-22", "--to", "2026-11-23"]);
    assert_eq!(counts(output(&found, "sqlite:hits")), [0, 0, 1]);
    assert_eq!(found["events"]["records"], 300);
    let world = World::with_lines(3);
    world.run(&[]).expect(0);
    verify(&world, &["--from", "2026-11-22"]).expect(2).says(&["no window"]);
    verify(&world, &["--from", "yesterday"]).expect(2).says(&["2026-11-22T07:00:00Z"]);
}

#[test]
fn an_older_a_missing_a_damaged_and_a_foreign_parquet_file_are_found() {
    let world = windowed(300);
    world.run(&[]).expect(0);
    let path = only(world.path("out/hits"));
    let old = std::fs::read(&path).expect("a file");
    world.append("logs/a.log", lines(290, 80));
    world.run(&[]).expect(0);
    let new = std::fs::read(&path).expect("a file");
    std::fs::write(&path, &old).expect("put back");
    let found = report(&world, 1, &[]);
    assert_eq!(counts(output(&found, "summary")), [2, 0, 1], "{found}");
    assert_eq!(counts(output(&found, "sqlite:hits")), [0, 0, 0]);
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(counts(output(&report(&world, 1, &[]), "summary")), [7, 0, 0]);
    std::fs::write(&path, &new[..new.len() - 9]).expect("cut");
    verify(&world, &[]).expect(1).says(&["summary.parquet: can't read"]);
    std::fs::write(&path, &new).expect("as it was");
    equal(&world);
    world.write("out/hits/copy.parquet", &new);
    verify(&world, &[]).expect(1).says(&["out/hits/copy.parquet is none of the files of this job"]);
}

#[test]
fn records_that_are_missing_twice_or_others_are_found() {
    let world = windowed(300);
    world.run(&[]).expect(0);
    let path = only(world.path("out/events"));
    let file = std::fs::read(&path).expect("a file");
    let difference = || {
        let found = report(&world, 1, &[])["events"]["differences"].clone();
        assert_eq!(found[0]["partition"], "date=2026-11-22/hour=07", "{found}");
        (found[0]["expected"].as_u64(), found[0]["found"].as_u64())
    };
    let twice = path.with_file_name("events-1-2.parquet");
    std::fs::write(&twice, &file).expect("a copy");
    assert_eq!(difference(), (Some(300), Some(600)));
    std::fs::remove_file(&twice).expect("removed");
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(difference(), (Some(300), Some(0)));
    let other = World::new();
    other.job(WINDOWED);
    other.write("logs/a.log", lines(1, 300));
    other.run(&[]).expect(0);
    std::fs::copy(only(other.path("out/events")), &path).expect("another's");
    assert_eq!(difference(), (Some(300), Some(300)));
    let done = verify(&world, &[]).expect(1);
    assert!(done.out.contains("hour=07: 300 records, but others"), "{}", done.out);
}

#[test]
fn a_store_that_is_anothers_is_found_in_all_that_comes_of_it() {
    let (world, other) = (World::with_lines(10), World::with_lines(11));
    for world in [&world, &other] {
        world.run(&[]).expect(0);
    }
    let stored = only(world.path(".logmill/hits/groups"));
    std::fs::copy(only(other.path(".logmill/hits/groups")), &stored).expect("copied");
    let found = report(&world, 1, &[]);
    assert_eq!(counts(output(&found, "store")), [0, 0, 1], "{found}");
    let columns = &output(&found, "store")["differences"][0]["columns"];
    assert_eq!(columns["hits"], json!({"expected": 10, "found": 11}));
    assert_eq!(counts(output(&found, "summary")), [0, 0, 0]);
}

#[test]
fn at_most_twenty_differences_of_an_output_are_told_and_the_rest_is_counted() {
    let world = windowed(3000);
    world.run(&[]).expect(0);
    sqlite(&world, "DELETE FROM hits");
    let found = report(&world, 1, &[]);
    let found = output(&found, "sqlite:hits");
    assert_eq!(
        (counts(found), found["differences"].as_array().map(Vec::len)),
        ([50, 0, 0], Some(20))
    );
    assert!(verify(&world, &[]).expect(1).out.contains("\n    and 30 more\n"));
}

#[test]
fn gone_logs_are_told_and_hold_no_window_that_others_fill() {
    let world = World::new();
    world.job(WINDOWED);
    world.write("logs/old.log", lines(0, 120));
    world.write("logs/new.log", lines(120, 120));
    world.run(&[]).expect(0);
    std::fs::remove_file(world.path("logs/old.log")).expect("removed");
    let done = verify(&world, &[]).expect(1);
    // The store is right: nobody is told to make it anew from what is left.
    assert!(done.out.contains("as it should") && !done.out.contains("--rebuild"));
    done.says(&["1 gone log (logs/old.log) can't be read again", "--from"]);
    let found = report(&world, 1, &[]);
    assert_eq!(found["gone"][0]["bytes"], lines(0, 120).len());
    assert_eq!(counts(output(&found, "store")), [0, 2, 0]);
    report(&world, 0, &["--from", "2026-11-22T07:02:00Z"]);
    world.run(&[]).expect(1).says(&["logs/old.log: a gap: "]);
    world.run(&[]).expect(0);
    report(&world, 0, &["--from", "2026-11-22T07:02:00Z"]);
}

#[test]
fn a_log_whose_read_bytes_were_changed_is_not_taken_for_what_was_read() {
    let world = windowed(2000);
    world.run(&[]).expect(0);
    let text = std::fs::read_to_string(world.path("logs/a.log")).expect("text");
    let cut = text.len() - 200;
    world.write("logs/a.log", format!("{}{}", &text[..cut], text[cut..].replace("GET", "PUT")));
    let found = report(&world, 1, &[]);
    assert_eq!(found["equal"], false, "{found}");
}

#[test]
fn a_changed_job_is_refused_and_one_that_never_ran_has_nothing_to_compare() {
    let world = World::with_lines(3);
    verify(&world, &[]).expect(0).says(&["never ran"]);
    world.run(&[]).expect(0);
    world.job(&JOB.replace("sum(body_bytes_sent)", "max(body_bytes_sent)"));
    verify(&world, &[]).expect(1).says(&["the job was changed", "reduce.measures.bytes was"]);
}

#[test]
fn an_output_that_has_nothing_yet_is_no_difference() {
    let world = World::with_lines(3);
    world.run(&[]).expect(0);
    world.job(
        &JOB.replace("out/hits.db", "out/other.db")
            .replace("path = \"out/hits\"", "path = \"out/new\""),
    );
    let found = report(&world, 0, &[]);
    assert_eq!(output(&found, "summary")["not_compared"], 1, "{found}");
    verify(&world, &[]).expect(0).says(&["sqlite:hits: nothing was delivered yet"]);
}

#[test]
fn rows_that_memory_cannot_hold_are_compared_too() {
    let world = windowed(3000);
    world.job(&WINDOWED.replace("by = [\"status\"", "by = [\"request_uri\", \"status\""));
    world.run(&[]).expect(0);
    let found = report(&world, 0, &["--memory", "64KiB"]);
    assert_eq!(output(&found, "sqlite:hits")["groups"], 3000);
    sqlite(&world, "UPDATE hits SET hits = 7 WHERE request_uri = '/page/1234'");
    let found = report(&world, 1, &["--memory", "64KiB"]);
    assert_eq!(counts(output(&found, "sqlite:hits")), [0, 0, 1]);
}

#[test]
fn the_work_can_be_done_in_another_folder_and_leaves_nothing_there() {
    let world = windowed(100);
    world.run(&[]).expect(0);
    std::fs::create_dir(world.path("room")).expect("a folder");
    report(&world, 0, &["--scratch", "room"]);
    assert_eq!(std::fs::read_dir(world.path("room")).expect("a folder").count(), 0);
    verify(&world, &["--scratch", "job.toml"]).expect(1).says(&["--scratch"]);
}

/// How many times a job under `watch` is compared.
fn trials() -> usize {
    let trials = std::env::var("LOGMILL_VERIFY_TRIALS").ok();
    trials.map_or(4, |trials| trials.parse().expect("LOGMILL_VERIFY_TRIALS is a number"))
}

#[test]
fn a_job_under_watch_is_equal_at_any_moment() {
    let world = windowed(500);
    let mut watch = world.command(&["watch", "job.toml", "--every", "100ms", "--refresh", "1s"]);
    let mut watch = watch.stderr(std::process::Stdio::null()).spawn().expect("it starts");
    let mut compared = 0;
    for trial in 0..trials() {
        let begun = std::time::Instant::now();
        let mut from = 500 + 1000 * trial;
        std::thread::scope(|scope| {
            let verify = scope.spawn(|| verify(&world, &["--json"]));
            while !verify.is_finished() || begun.elapsed().as_millis() < 700 {
                world.append("logs/a.log", lines(from, 3));
                from += 3;
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            let done = verify.join().expect("it runs");
            // The first may come before the first batch.
            if done.out.is_empty() && trial == 0 {
                return done.says(&["never ran"]);
            }
            let report = done.expect(0).json();
            compared += output(&report, "store")["groups"].as_u64().unwrap_or(0);
            Done { status: 0, out: String::new(), err: String::new() }
        });
        world.rename("logs/a.log", &format!("logs/a.log.{}", trials() - trial));
        world.write("logs/a.log", lines(500_000 * (trial + 1), 40));
    }
    watch.kill().expect("killed");
    watch.wait().expect("it ended");
    assert!(compared > 0);
}

#[test]
fn every_change_in_a_servers_table_is_found_and_named() {
    let place = Place::new();
    let world = &place.world;
    world.append("logs/a.log", line(3, 404) + &line(4, 301));
    place.run(&crate::databases::server()).expect(0);
    let verify = |status| {
        let mut command = world.command(&["verify", "job.toml", "--json"]);
        Done::of(command.env("DATABASE", crate::databases::server())).expect(status).json()
    };
    let name = format!("mysql:{}", place.table);
    assert_eq!(output(&verify(0), &name)["groups"], 3);
    place.query("UPDATE {t} SET bytes = bytes + 1 WHERE status = 200");
    place.query("DELETE FROM {t} WHERE status = 301");
    let report = verify(1);
    assert_eq!(counts(output(&report, "sqlite:hits")), [0, 0, 0]);
    let found = output(&report, &name);
    assert_eq!(counts(found), [1, 0, 1], "{found}");
    assert_eq!(found["differences"][0]["columns"]["bytes"], json!({"expected": 303, "found": 304}));
    assert_eq!(found["differences"][1]["key"], json!({"status": 301}));
    place.query(
        "INSERT INTO {t} (logmill_key, status, hits, bytes) VALUES (REPEAT('x', 32), 999, 1, 1)",
    );
    let report = verify(1);
    assert_eq!(counts(output(&report, &name)), [1, 1, 1], "{report}");
    assert_eq!(output(&report, &name)["differences"][2]["key"], json!({"status": 999}));
    let mut command = world.command(&["verify", "job.toml"]);
    let done = Done::of(command.env("DATABASE", "mysql://u:sesame@127.0.0.1:1/d"));
    done.expect(0).says(&["nothing was delivered yet"]).hides("sesame");
}
