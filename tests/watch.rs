//! `logmill watch` as a process: killed at random moments while its logs are written, rotated, truncated and compressed;
//! stopped by SIGTERM; several jobs in one process; a server that goes away and comes back.
//!
//! `LOGMILL_WATCH_KILLS` says how often it is killed (20); `scripts/test --long` sets 1,000.

#[path = "watch/ends.rs"]
mod ends;
#[path = "watch/lines.rs"]
mod lines;
#[path = "watch/looks.rs"]
mod looks;
#[path = "watch/site.rs"]
mod site;
#[path = "watch/writer.rs"]
mod writer;

use std::time::Duration;

use looks::Looks;
use site::Site;
use writer::Writer;

fn count(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_doubles_nothing() {
    let kills = count("LOGMILL_WATCH_KILLS", 20);
    let site = Site::new("watch_kill", true);
    let writer = Writer::start(&site.logs(), Duration::from_millis(5));
    let looks = Looks::start(&site, &writer);
    let mut random = lines::Random::new(20_261_122);
    let often = ["--every", "200ms", "--refresh", "700ms"];
    let mut watch = site.watch(&often);
    for kill in 0..kills {
        std::thread::sleep(Duration::from_millis(random.below(700) + 20));
        watch.kill();
        // Now and then somebody runs it from cron in between.
        if kill % 7 == 3 {
            site.run(&[]);
        }
        watch = site.watch(&often);
    }
    let written = writer.stop();
    site.wait_for_lines(written.lines, Duration::from_secs(60));
    site.terminate(watch);
    let seen = looks.stop().unwrap_or_else(|wrong| panic!("{wrong}"));
    let batches = site.compare_with_one_batch(written);
    println!(
        "{kills} kills, {} lines, {} rotations, {batches} batches, {seen} looks: equal",
        written.lines, written.rotations
    );
}

#[test]
fn what_is_deleted_or_moved_away_unread_is_read_all_the_same() {
    let site = Site::new("watch_held", false);
    let log = site.logs().join("a.log");
    std::fs::write(&log, lines::text(0, 10)).expect("written");
    let watch = site.watch(&["--every", "1s"]);
    site.wait_for_lines(10, Duration::from_secs(30));
    for round in 0..5 {
        let from = 10 + round * 20;
        lines::append(&log, &lines::text(from, 10));
        std::fs::remove_file(&log).expect("removed");
        std::fs::write(&log, lines::text(from + 10, 10)).expect("written");
        std::thread::sleep(Duration::from_millis(200));
        if round % 2 == 0 {
            std::fs::rename(&log, site.path().join(format!("elsewhere-{round}"))).expect("moved");
            std::fs::write(&log, "").expect("written");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    site.wait_for_lines(110, Duration::from_secs(30));
    site.terminate(watch);
    assert_eq!(site.totals().lost_bytes, 0);
}
