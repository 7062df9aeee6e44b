//! `audit`: the sums of the ledger over a history with everything in it, and a planted wrong number.

use std::io::Write;

use serde_json::Value;

use crate::support::{JOB, World, line, lines};

fn audit(world: &World, status: i32) -> Value {
    world.logmill(&["audit", "job.toml", "--json"]).expect(status).json()
}

fn segment<'r>(report: &'r Value, path: &str) -> &'r Value {
    let segments = report["segments"].as_array().expect("segments");
    segments
        .iter()
        .find(|segment| segment["path"] == path)
        .unwrap_or_else(|| panic!("{path} in {report}"))
}

fn numbers(segment: &Value) -> [u64; 6] {
    ["size", "mapped", "filtered", "rejected", "unread", "lost"]
        .map(|name| segment[name].as_u64().unwrap_or_else(|| panic!("{name} in {segment}")))
}

fn catalog(world: &World, sql: &str) {
    let path = world.path(".logmill/hits/catalog.db");
    rusqlite::Connection::open(path).expect("the catalog").execute_batch(sql).expect(sql);
}

#[test]
fn every_byte_has_a_fate_whatever_the_lines_are_like() {
    let world = World::new();
    world.job(&JOB.replace("[reduce]", "[map]\nwhere = \"status < 500\"\n[reduce]"));
    let crlf = line(1, 200).replace('\n', "\r\n");
    let long = "x".repeat(2 << 20);
    let (mapped, filtered) = (line(0, 200).len() + crlf.len(), line(2, 500).len() + 1 + 2);
    let rejected = "rubbish\n\0\0\0\n".len() + long.len() + 1;
    let text =
        format!("{}{crlf}{}\n\r\nrubbish\n\0\0\0\n{long}\nwaits", line(0, 200), line(2, 500));
    world.write("logs/a.log", &text);
    world.run(&["--split", "64KiB"]).expect(3);
    let report = audit(&world, 0);
    let expected = [text.len(), mapped, filtered, rejected, 5, 0].map(|n| n as u64);
    assert_eq!(numbers(segment(&report, "logs/a.log")), expected);
    assert_eq!(segment(&report, "logs/a.log")["is"], "live");
    world.append("logs/a.log", "\n");
    world.run(&[]).expect(3);
    let report = audit(&world, 0);
    let expected = [text.len() + 1, mapped, filtered, rejected + 6, 0, 0].map(|n| n as u64);
    assert_eq!(numbers(segment(&report, "logs/a.log")), expected);
    assert_eq!(segment(&report, "logs/a.log")["is"], "complete");
    assert_eq!(report["right"], true);
}

#[test]
fn compressed_gone_lost_and_new_logs_are_in_the_ledger() {
    let world = World::with_lines(1000);
    world.run(&[]).expect(0);
    // Half-read, then compressed.
    let all = lines(0, 1005);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(all.as_bytes()).expect("in memory");
    world.write("logs/a.log.1.gz", encoder.finish().expect("in memory"));
    std::fs::remove_file(world.path("logs/a.log")).expect("removed");
    let report = audit(&world, 0);
    let packed = segment(&report, "logs/a.log.1.gz");
    assert_eq!((&packed["is"], &packed["size"]), (&"compressed".into(), &Value::Null), "{packed}");
    // Seen with an unfinished line, and deleted.
    let seen = lines(2000, 10) + "unfinished";
    world.write("logs/b.log", &seen);
    world.run(&[]).expect(0);
    std::fs::remove_file(world.path("logs/b.log")).expect("removed");
    let notices = audit(&world, 0)["notices"].to_string();
    assert!(notices.contains("logs/b.log: 10 bytes were not read and are gone"), "{notices}");
    world.run(&[]).expect(1).says(&["10 bytes were never read and are gone"]);
    world.write("logs/c.log", lines(3000, 7));
    let report = audit(&world, 0);
    let size = all.len() as u64;
    assert_eq!(numbers(segment(&report, "logs/a.log.1.gz")), [size, size, 0, 0, 0, 0]);
    let (size, read) = (seen.len() as u64, seen.len() as u64 - 10);
    assert_eq!(numbers(segment(&report, "logs/b.log")), [size, read, 0, 0, 0, 10]);
    let size = lines(3000, 7).len() as u64;
    assert_eq!(numbers(segment(&report, "logs/c.log")), [size, 0, 0, 0, size, 0]);
    let fates = ["logs/a.log.1.gz", "logs/b.log", "logs/c.log"]
        .map(|path| segment(&report, path)["is"].clone());
    assert_eq!(fates, ["compressed", "gone", "new"]);
    let table = world.logmill(&["audit", "job.toml"]).expect(0).quiet().out;
    assert!(table.contains("logs/b.log") && table.lines().count() == 5, "{table}");
    let status = world.logmill(&["status", "job.toml"]).expect(0).out;
    assert!(status.contains("lost        10 bytes"), "{status}");
}

#[test]
fn a_wrong_number_is_found_and_its_log_is_named() {
    let world = World::with_lines(10);
    world.run(&[]).expect(0);
    let read = lines(0, 10).len();
    catalog(&world, "UPDATE segments SET mapped_bytes = mapped_bytes - 1");
    let done = world.logmill(&["audit", "job.toml"]).expect(1);
    done.says(&[
        &format!(
            "logs/a.log: mapped + filtered + rejected are {} bytes, and {read} were consumed",
            read - 1
        ),
        &format!("the segments tell the fate of {} bytes, and the batches read {read}", read - 1),
    ]);
    catalog(&world, "UPDATE segments SET mapped_bytes = mapped_bytes + 1");
    audit(&world, 0);
    catalog(&world, "UPDATE segments SET lost_bytes = 5");
    let report = audit(&world, 1);
    assert!(report["wrong"].to_string().contains("5 bytes of the segments were lost"), "{report}");
    std::fs::remove_file(world.path("logs/a.log")).expect("removed");
    let report = audit(&world, 1);
    assert!(report["wrong"].to_string().contains("logs/a.log: consumed + lost are"), "{report}");
}

#[test]
fn a_job_that_never_ran_has_no_ledger() {
    let world = World::with_lines(1);
    world.logmill(&["audit", "job.toml"]).expect(0).says(&["never ran"]);
}

#[test]
fn status_says_who_holds_a_job() {
    let world = World::with_lines(1);
    world.run(&[]).expect(0);
    let held = |world: &World| {
        world.logmill(&["status", "job.toml", "--json"]).expect(0).json()["held_by"].clone()
    };
    assert_eq!(held(&world), Value::Null);
    let lock = logmill::catalog::JobLock::acquire(&world.path(".logmill/hits")).expect("free");
    let holder = format!("process {} since ", std::process::id());
    assert!(held(&world).as_str().is_some_and(|text| text.starts_with(&holder)));
    let status = world.logmill(&["status", "job.toml"]).expect(0).out;
    assert!(status.contains(&format!("held by     {holder}")), "{status}");
    drop(lock);
    assert_eq!(held(&world), Value::Null);
}

#[test]
fn sums_and_outputs_are_right_after_a_loss_a_retry_and_a_rebuild() {
    let world = World::with_lines(20);
    world.append("logs/a.log", "rubbish\n");
    world.write("logs/b.log", lines(100, 10) + "unfinished");
    world.run(&["--quiet"]).expect(0);
    std::fs::remove_file(world.path("logs/b.log")).expect("removed");
    world.run(&[]).expect(1).says(&["10 bytes were never read and are gone"]);
    audit(&world, 0);
    world.logmill(&["rejects", "job.toml", "--retry"]).expect(0);
    audit(&world, 0);
    world.run(&["--rebuild", "--accept-loss", "--quiet"]).expect(0);
    let report = audit(&world, 0);
    // Those of before, and what could be read then and can't now.
    assert_eq!(report["forgotten"]["lost"], 10 + lines(100, 10).len(), "{report}");
    world.logmill(&["verify", "job.toml"]).expect(0);
    world.append("logs/a.log", lines(20, 5));
    world.run(&[]).expect(0);
    audit(&world, 0);
    world.logmill(&["verify", "job.toml"]).expect(0);
}
