//! Copytruncate, and what others lost or doubled by it.

use std::fs;

use crate::site::{Site, lines, number};

fn trials(few: u64) -> u64 {
    number("LOGMILL_SEGMENT_TRIALS", few)
}

#[test]
fn copytruncate_when_caught_up_counts_each_line_once() {
    let site = Site::new();
    let trials = trials(40);
    for n in 0..trials {
        site.append("a.log", &lines(&format!("trial {n}"), 3));
        assert_eq!(site.run_quietly(), 3);
        fs::copy(site.path("logs/a.log"), site.path("logs/a.log.1")).expect("copied");
        assert_eq!(site.run_quietly(), 0);
        site.truncate("a.log");
        assert_eq!(site.run_quietly(), 0);
    }
    site.assert_each_once(3 * trials as usize);
}

/// Others lost 50 of these 150 lines, or counted all of them twice.
#[test]
fn copytruncate_with_fifty_of_150_lines_unread_counts_each_once() {
    for (read, unread) in [(100, 50), (5, 1), (300, 300)] {
        let site = Site::new();
        site.append("a.log", &lines("read", read));
        site.run_quietly();
        site.append("a.log", &lines("unread", unread));
        fs::copy(site.path("logs/a.log"), site.path("logs/a.log.1")).expect("copied");
        site.truncate("a.log");
        site.append("a.log", &lines("new", 7));
        assert_eq!(site.run_quietly(), unread as u64 + 7);
        assert_eq!(site.run_quietly(), 0);
        site.assert_each_once(read + unread + 7);
    }
}

/// An offset behind the end of the file: others waited for the file to grow that far.
#[test]
fn a_log_shorter_than_what_was_read_of_it_is_read_from_its_start() {
    let site = Site::new();
    site.append("a.log", &lines("old", 1_000));
    site.run_quietly();
    site.truncate("a.log");
    for n in 0..50 {
        site.append("a.log", &lines(&format!("new {n}"), 1));
        let outcome = site.run(false);
        assert_eq!(outcome.counters.lines(), 1, "at once, not when it is as long as it was");
        assert_eq!(outcome.gaps, u64::from(n == 0), "{outcome:?}");
    }
    site.assert_each_once(1_050);
}

/// Logs that begin alike: others took the first bytes for proof of a rename, and skipped what was new.
#[test]
fn a_new_log_that_begins_as_a_rotated_one_is_counted_whole() {
    let banner: String =
        (0..100).map(|n| format!("{{\"banner\":\"{n}, the same in all\"}}\n")).collect();
    let site = Site::new();
    for n in 0..5 {
        if n > 0 {
            for at in (1..n).rev() {
                let (from, to) = (format!("logs/a.log.{at}"), format!("logs/a.log.{}", at + 1));
                fs::rename(site.path(&from), site.path(&to)).expect("renamed");
            }
            fs::rename(site.path("logs/a.log"), site.path("logs/a.log.1")).expect("renamed");
        }
        site.append("a.log", &banner);
        site.append("a.log", &lines(&format!("log {n}"), 10));
        assert_eq!(site.run_quietly(), 110);
    }
    let (rows, nulls) = (site.rows(), 5 * 100);
    assert_eq!((rows.len(), rows.values().sum::<i64>()), (51, 50 + nulls));
}

#[test]
fn a_second_gzip_member_is_counted_and_so_is_one_that_is_appended_later() {
    use std::io::Write;
    let member = |text: &str| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text.as_bytes()).expect("memory");
        out.finish().expect("memory")
    };
    let site = Site::new();
    let two = [member(&lines("first", 10)), member(&lines("second", 10))].concat();
    fs::write(site.path("logs/a.gz"), two).expect("written");
    assert_eq!(site.run_quietly(), 20);
    let mut file = fs::File::options().append(true).open(site.path("logs/a.gz")).expect("opened");
    file.write_all(&member(&lines("third", 10))).expect("written");
    assert_eq!(site.run_quietly(), 10);
    site.assert_each_once(30);
}
