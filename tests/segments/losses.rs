//! Losses that nobody could have prevented: they are told, once, with a number.

use std::fs;

use crate::site::{Site, lines};

/// A site whose log ends in an unfinished line of so many bytes, which was seen.
fn with_half_a_line(bytes: usize) -> Site {
    let site = Site::new();
    site.append("a.log", &lines("whole", 5));
    site.append("a.log", &"x".repeat(bytes));
    assert_eq!(site.run_quietly(), 5);
    site
}

fn assert_told_once(site: &Site, bytes: u64) {
    let told = site.run(false);
    assert_eq!((told.lost_bytes, told.problems.len()), (bytes, 1), "{told:?}");
    assert!(told.problems[0].contains(&format!("at least {bytes} bytes")), "{told:?}");
    let after = site.run(false);
    assert_eq!((after.lost_bytes, after.problems.len()), (0, 0), "{after:?}");
    let catalog = logmill::catalog::Catalog::open(&site.path("state/hits")).expect("a catalog");
    assert_eq!(catalog.totals().expect("totals").lost_bytes, bytes);
}

#[test]
fn a_log_copied_out_of_the_globs_and_truncated_tells_what_is_lost() {
    let site = with_half_a_line(500);
    fs::copy(site.path("logs/a.log"), site.path("kept")).expect("copied");
    site.truncate("a.log");
    site.append("a.log", &lines("new", 5));
    assert_told_once(&site, 500);
    site.assert_each_once(10);
}

#[test]
fn a_log_deleted_unread_tells_what_is_lost() {
    let site = with_half_a_line(321);
    fs::remove_file(site.path("logs/a.log")).expect("deleted");
    site.append("b.log", &lines("other", 1));
    assert_told_once(&site, 321);
}

#[test]
fn a_log_whose_inode_another_one_got_tells_what_is_lost() {
    let site = with_half_a_line(77);
    site.truncate("a.log");
    fs::rename(site.path("logs/a.log"), site.path("logs/z.log")).expect("renamed");
    site.append("z.log", &lines("other", 100));
    assert_told_once(&site, 77);
    site.assert_each_once(105);
}

#[test]
fn a_log_deleted_after_it_was_read_is_no_loss() {
    let site = Site::new();
    site.append("a.log", &lines("whole", 5));
    assert_eq!(site.run_quietly(), 5);
    fs::remove_file(site.path("logs/a.log")).expect("deleted");
    for _ in 0..3 {
        assert_eq!(site.run_quietly(), 0);
    }
}

#[test]
fn a_last_line_without_its_newline_is_counted_once_when_it_is_sealed() {
    let site = Site::new();
    site.append("a.log", lines("line", 3).trim_end());
    assert_eq!(site.run_quietly(), 2);
    assert_eq!(site.run_quietly(), 0);
    assert_eq!(site.run(true).counters.lines(), 1);
    assert_eq!(site.run(true).counters.lines(), 0);
    site.append("a.log", "\n");
    assert_eq!(site.run(false).counters.rejected, 0, "its newline is no line");
    site.assert_each_once(3);
}
