//! Planning against a real folder: whatever happens to the files between two runs, each line is read once.

use std::fs;
use std::time::{Duration, SystemTime};

use super::test_world::World;
use super::*;

/// Lines that differ from each other, more than a fingerprint covers.
fn long(tag: &str) -> String {
    (0..400).map(|i| format!("{tag} line number {i}\n")).collect()
}

#[test]
fn a_file_that_grows_is_read_on_from_where_it_was_left() {
    let mut world = World::new();
    world.append("a.log", "one\n");
    assert_eq!(world.run_quietly(), "one\n");
    assert_eq!(world.run_quietly(), "");
    world.append("a.log", "two\nthr");
    assert_eq!(world.run_quietly(), "two\n");
    assert_eq!(world.last.waiting[0].bytes, 3);
    world.append("a.log", "ee\n");
    assert_eq!(world.run_quietly(), "three\n");
}

#[test]
fn an_unfinished_line_is_looked_through_once_however_often_it_grows() {
    use std::os::unix::fs::FileExt;
    let mut world = World::new();
    world.append("a.log", "one\n12345");
    assert_eq!(world.run_quietly(), "one\n");
    let file = fs::File::options().write(true).open(world.path("a.log")).expect("opened");
    file.write_all_at(b"\n", 6).expect("overwritten");
    world.append("a.log", "678");
    assert_eq!((world.run_quietly(), world.last.waiting[0].bytes), (String::new(), 8));
    world.append("a.log", "9\n");
    assert_eq!(world.run_quietly(), "12\n456789\n");
    world.append("a.log", "x");
    world.rules.final_ = true;
    assert_eq!(world.run_quietly(), "x");
}

#[test]
fn a_head_that_was_short_grows_with_the_file() {
    let mut world = World::new();
    for part in ["one\n", "two\n", &long("a"), "end\n"] {
        world.append("a.log", part);
        assert_eq!(world.run_quietly(), *part);
    }
    assert_eq!(world.known.len(), 1);
    assert_eq!(world.known[0].head.len, 4096);
}

#[test]
fn renamed_files_and_several_rotations_are_followed() {
    let mut world = World::new();
    world.append("a.log", "1\n");
    assert_eq!(world.run_quietly(), "1\n");
    for (last, first) in [("2\n", "3\n"), ("4\n", "5\n")] {
        world.append("a.log", last);
        if world.path("a.log.1").exists() {
            world.rename("a.log.1", "a.log.2");
        }
        world.rename("a.log", "a.log.1");
        world.append("a.log", first);
    }
    assert_eq!(world.run_quietly(), "2\n3\n4\n5\n");
    assert_eq!(world.run_quietly(), "");
}

#[test]
fn copytruncate_with_an_unread_tail_reads_it_from_the_copy() {
    let mut world = World::new();
    world.append("a.log", &long("a"));
    world.run_quietly();
    world.append("a.log", "tail\n");
    world.copy("a.log", "a.log.1");
    world.truncate("a.log");
    world.append("a.log", "new\n");
    assert_eq!(world.run_quietly(), "tail\nnew\n");
}

#[test]
fn truncation_with_an_unread_tail_and_no_copy_is_told_once() {
    let mut world = World::new();
    world.append("a.log", "one\nunfinish");
    assert_eq!(world.run_quietly(), "one\n");
    world.truncate("a.log");
    world.append("a.log", "x\n");
    assert_eq!(world.run(), "x\n");
    assert_eq!(world.run(), "");
    assert_eq!(world.lost_bytes, 8);
}

#[test]
fn a_file_deleted_before_it_was_read_to_its_end_is_told_once() {
    let mut world = World::new();
    world.append("a.log", "one\n");
    world.run_quietly();
    world.append("a.log", "two");
    world.run_quietly();
    fs::remove_file(world.path("a.log")).expect("deleted");
    world.run();
    world.run();
    assert_eq!(world.lost_bytes, 3);
}

#[test]
fn a_segment_whose_file_is_gone_is_noted_once_and_known_again_when_it_comes_back() {
    let mut world = World::new();
    world.append("a.log", &long("a"));
    let text = world.run_quietly();
    world.remove("a.log");
    assert_eq!(world.run_quietly(), "");
    let gone = world.known[0].gone_us.expect("gone");
    world.rules.now += Duration::from_secs(5);
    assert_eq!((world.run_quietly(), world.known[0].gone_us), (String::new(), Some(gone)));
    world.append("restored.log", &text);
    world.append("restored.log", "more\n");
    assert_eq!((world.run_quietly(), world.known[0].gone_us), ("more\n".to_owned(), None));
}

#[test]
fn a_file_that_was_away_unchanged_is_there_again() {
    let mut world = World::new();
    world.append("a.log", "one\n");
    world.rules.now += Duration::from_secs(5);
    world.run_quietly();
    let elsewhere = tempfile::tempdir().expect("temporary folder");
    let away = elsewhere.path().join("a.log");
    fs::rename(world.path("a.log"), &away).expect("the same file system");
    world.run_quietly();
    assert!(world.known[0].gone_us.is_some() && world.known[0].inode != 0);
    fs::rename(&away, world.path("a.log")).expect("the same file system");
    assert_eq!((world.run_quietly(), world.known[0].gone_us), (String::new(), None));
}

#[test]
fn many_segments_that_are_gone_change_nothing() {
    let mut world = World::new();
    world.append("a.log", &long("a"));
    world.run_quietly();
    let of_old = |n: u64| SegmentState {
        id: n + 2,
        path: world.path(&format!("a.log-2023{:04}.{n}.gz", n % 1000)),
        inode: n + 1_000_000_000,
        head: Fingerprint { len: 4096, hash: n },
        gone_us: Some(1),
        ..world.known[0].clone()
    };
    let many: Vec<SegmentState> = (0..50_000).map(of_old).collect();
    world.known.extend(many);
    world.append("a.log", "more\n");
    world.append("b.log", &long("b"));
    let found = discover(&["*".to_owned()], world.folder.path()).expect("fine");
    // Some 50 ms; quadratic work would take minutes.
    let planned = world.plan(found.files);
    assert_eq!((planned.tasks.len(), planned.updates.len()), (2, 0));
}

#[test]
fn a_file_truncated_and_refilled_past_the_old_offset_is_a_new_generation() {
    let mut world = World::new();
    world.append("a.log", &long("same"));
    world.run_quietly();
    let mut text = long("same");
    text.truncate(5_000);
    text += "\n";
    text += &long("other");
    world.truncate("a.log");
    world.append("a.log", &text);
    assert_eq!((world.run(), world.gaps), (text, 1));
    assert_eq!(world.known.len(), 2);
}

#[test]
fn an_inode_that_another_file_got_is_another_segment() {
    let mut world = World::new();
    world.append("a.log", "one\n");
    world.run_quietly();
    world.truncate("a.log");
    world.rename("a.log", "b.log");
    world.append("b.log", "other\n");
    assert_eq!((world.run().as_str(), world.gaps), ("other\n", 1));
    world.append("b.log", "more\n");
    assert_eq!(world.run_quietly(), "more\n");
}

#[test]
fn gzip_of_a_half_read_file_yields_the_rest_and_of_a_read_one_nothing() {
    for unread in ["", "rest\n", "no newline"] {
        for read in [long("a"), "short\n".to_owned()] {
            let mut world = World::new();
            world.append("a.log.1", &read);
            assert_eq!(world.run_quietly(), read);
            world.append("a.log.1", unread);
            world.gzip("a.log.1");
            assert_eq!(world.run_quietly(), unread);
            world.rename("a.log.1.gz", "a.log.2.gz");
            assert_eq!(world.run_quietly(), "");
        }
    }
}

#[test]
fn gzip_that_keeps_its_input_or_is_at_work_doubles_nothing() {
    let mut world = World::new();
    world.append("a.log.1", &long("a"));
    world.gzip_keep("a.log.1");
    let whole = fs::read(world.path("a.log.1.gz")).expect("read");
    assert_eq!(world.run_quietly(), long("a"), "both are new");
    assert_eq!(world.copies_now(), ["a.log.1.gz"]);
    fs::write(world.path("a.log.1.gz"), &whole[..whole.len() / 2]).expect("written");
    assert_eq!(world.run(), "", "half of it is there");
    assert_eq!(world.last.problems.len(), 1);
    fs::write(world.path("a.log.1.gz"), &whole).expect("written");
    assert_eq!(world.run_quietly(), "", "it is done");
    fs::remove_file(world.path("a.log.1")).expect("deleted");
    assert_eq!(world.run_quietly(), "", "the input is gone");
}

#[test]
fn nothing_is_lost_while_the_compressed_file_is_not_whole_yet() {
    let mut world = World::new();
    world.append("a.log.1", "one\nunfinished");
    world.run_quietly();
    world.gzip("a.log.1");
    let whole = fs::read(world.path("a.log.1.gz")).expect("read");
    fs::write(world.path("a.log.1.gz"), &whole[..whole.len() - 1]).expect("written");
    assert_eq!(world.run(), "");
    assert_eq!((world.last.problems.len(), world.last.lost.len()), (1, 0));
    fs::write(world.path("a.log.1.gz"), &whole).expect("written");
    assert_eq!(world.run_quietly(), "unfinished");
}

#[test]
fn a_rotated_log_is_read_though_the_new_one_begins_with_the_same_bytes() {
    let mut world = World::new();
    world.append("a.log.1", "one\n");
    world.append("a.log", "o");
    let time = fs::metadata(world.path("a.log.1")).and_then(|meta| meta.modified());
    let file = fs::File::options().append(true).open(world.path("a.log")).expect("opened");
    file.set_modified(time.expect("a time")).expect("set");
    assert_eq!(world.run_quietly(), "one\n");
}

#[test]
fn a_rotated_log_with_few_bytes_that_the_new_one_has_too_is_read() {
    let mut world = World::new();
    world.append("a.log.1", "starting\n");
    std::thread::sleep(Duration::from_millis(20));
    world.append("a.log", "starting\n");
    let time = fs::metadata(world.path("a.log")).and_then(|meta| meta.modified());
    let file = fs::File::options().append(true).open(world.path("a.log.1")).expect("opened");
    file.set_modified(time.expect("a time")).expect("set");
    assert_eq!(world.run_quietly(), "starting\nstarting\n");
}

#[test]
fn an_older_gzip_beside_a_new_file_of_its_name_is_read() {
    let mut world = World::new();
    world.append("a.log.1", "old\n");
    world.gzip("a.log.1");
    world.append("a.log.1", "new\n");
    let mut lines: Vec<String> = world.run_quietly().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["new", "old"]);
}

#[test]
fn an_older_gzip_with_few_bytes_that_a_new_file_begins_with_is_read_too() {
    let mut world = World::new();
    world.append("a.log.1", "starting\n");
    let old = fs::File::open(world.path("a.log.1")).expect("opened");
    old.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("set");
    world.gzip("a.log.1");
    world.append("a.log.1", "starting\nnew\n");
    assert_eq!(world.run_quietly().matches("starting").count(), 2);
}

#[test]
fn a_segment_in_a_folder_outside_the_globs_of_today_is_not_lost() {
    let mut world = World::new();
    world.append("a.log", "one\nunfinished");
    world.run_quietly();
    let found = discover(&["b*".to_owned()], world.folder.path()).expect("fine");
    let planned = world.plan(found.files);
    assert!(planned.lost.is_empty() && planned.updates.is_empty());
}

#[test]
fn two_live_files_with_the_same_head_are_both_read_whole() {
    let mut world = World::new();
    let (a, b) = (long("same") + "a\n", long("same") + "b\n");
    world.append("a.log", &a);
    world.append("b.log", &b);
    assert_eq!(world.run_quietly(), a + &b);
    world.append("a.log", "1\n");
    world.append("b.log", "2\n");
    assert_eq!(world.run_quietly(), "1\n2\n");
}

#[test]
fn a_log_that_begins_with_all_of_one_that_is_gone_is_taken_for_it_with_a_word() {
    let mut world = World::new();
    world.append("a.log", "starting\n");
    world.run_quietly();
    fs::remove_file(world.path("a.log")).expect("deleted");
    world.append("keeps-the-inode", "starting\n");
    world.append("b.log", "starting\nfine\n");
    fs::remove_file(world.path("keeps-the-inode")).expect("deleted");
    assert_eq!(world.run_quietly(), "fine\n");
    assert_eq!(world.last.assumed[0].path, world.path("b.log"));
}

#[test]
fn a_log_that_begins_anew_after_it_was_seen_to_be_gone_is_read_from_its_first_byte() {
    let mut world = World::new();
    world.append("a.log", "starting\n");
    world.run_quietly();
    world.remove("a.log");
    world.run_quietly();
    // The clock of a file system ticks a few times in ten milliseconds: by that, the file could be older than the look.
    std::thread::sleep(std::time::Duration::from_millis(20));
    world.append("a.log", "starting\nfine\n");
    assert_eq!((world.run().as_str(), world.gaps), ("starting\nfine\n", 1));
}

#[test]
fn a_restored_copy_on_another_device_is_not_read_again() {
    let mut world = World::new();
    world.append("a.log", "one\n");
    world.append("b.log", &long("b"));
    world.run_quietly();
    for segment in &mut world.known {
        segment.device += 1;
    }
    assert_eq!(world.run_quietly(), "");
    world.append("a.log", "two\n");
    assert_eq!(world.run_quietly(), "two\n");
}

#[test]
fn an_unfinished_last_line_waits_until_its_file_is_sealed() {
    let hour = Duration::from_secs(3600);
    type Seal = fn(&mut World);
    let seals: [Seal; 4] = [
        |world| world.rules.final_ = true,
        |world| world.rules.seal_after = Some(Duration::from_secs(1800)),
        |world| world.gzip("a.log.1"),
        |world| world.append("a.log", ""),
    ];
    for (at, seal) in seals.into_iter().enumerate() {
        let mut world = World::new();
        world.append("a.log.1", "whole\nunfinished");
        assert_eq!(world.run_quietly(), "whole\n");
        world.rules.now += hour;
        assert_eq!(world.run_quietly(), "", "nothing seals it yet");
        seal(&mut world);
        assert_eq!(world.run_quietly(), "unfinished", "seal {at}");
        assert_eq!(world.run_quietly(), "");
    }
}

#[test]
fn a_rotated_file_that_is_not_quiet_yet_is_not_sealed() {
    let mut world = World::new();
    world.append("a.log.1", "unfinished");
    world.append("a.log", "x\n");
    world.rules.now = SystemTime::now() + Duration::from_secs(8);
    assert_eq!(world.run_quietly(), "x\n");
    world.rules.now += Duration::from_secs(3);
    assert_eq!(world.run_quietly(), "unfinished");
}

#[test]
fn a_file_that_grows_after_its_sealed_line_goes_on_in_the_middle_of_that_line() {
    let mut world = World::new();
    world.rules.final_ = true;
    world.append("a.log", "one");
    assert_eq!(world.run_quietly(), "one");
    world.append("a.log", "half\n");
    let found = discover(&["*".to_owned()], world.folder.path()).expect("fine");
    let planned = world.plan(found.files);
    assert!(planned.tasks[0].resumes_mid_line);
    assert_eq!(world.run_quietly(), "half\n");
}

#[test]
fn an_empty_file_is_no_task_and_no_problem() {
    let mut world = World::new();
    world.append("a.log", "");
    assert_eq!(world.run_quietly(), "");
    assert!(world.known.is_empty() && world.last.waiting.is_empty());
}

#[test]
fn a_quiet_known_file_is_not_even_opened() {
    let mut world = World::new();
    world.rules.now += Duration::from_secs(5);
    world.append("a.log", "one\n");
    world.run_quietly();
    // With the same size and time, only the hints can say that it is known.
    let time = fs::metadata(world.path("a.log")).and_then(|meta| meta.modified());
    fs::write(world.path("a.log"), "two\n").expect("written");
    let file = fs::File::options().append(true).open(world.path("a.log"));
    file.and_then(|file| file.set_modified(time.expect("has one"))).expect("set");
    assert_eq!(world.run_quietly(), "");
    assert!(world.known[0].complete);
}

#[test]
fn a_file_rewritten_within_a_tick_of_the_clock_is_looked_at() {
    let mut world = World::new();
    world.append("a.log", "one\n");
    world.run_quietly();
    let time = fs::metadata(world.path("a.log")).and_then(|meta| meta.modified());
    fs::write(world.path("a.log"), "two\n").expect("written");
    let file = fs::File::options().append(true).open(world.path("a.log"));
    file.and_then(|file| file.set_modified(time.expect("has one"))).expect("set");
    assert_eq!((world.run().as_str(), world.gaps), ("two\n", 1));
}

#[test]
fn one_bad_file_is_a_problem_and_the_others_are_read() {
    let mut world = World::new();
    world.append("a.log", "one\n");
    fs::write(world.path("b.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff]).expect("written");
    assert_eq!(world.run(), "one\n");
    assert_eq!(world.last.problems.len(), 1);
    assert_eq!(world.last.problems[0].path, world.path("b.gz"));
}

/// A whole log that was read, and has been quiet since.
fn quiet_world(name: &str) -> World {
    let mut world = World::new();
    world.append(name, &long("a"));
    world.rules.now = SystemTime::now() + Duration::from_secs(60);
    assert_eq!(world.run(), long("a"));
    assert_eq!(world.run(), "");
    world
}

#[test]
fn a_log_that_is_compressed_between_the_list_and_the_look_is_not_read_twice() {
    let mut world = quiet_world("a.log.1");
    world.gzip_keep("a.log.1");
    assert_eq!(world.run_while(|world| world.remove("a.log.1")), "");
    assert_eq!((world.lost_bytes, world.gaps), (0, 0));
    assert_eq!((world.run_quietly(), world.last.unsettled), (String::new(), false));
}

#[test]
fn a_log_that_is_truncated_between_the_list_and_the_look_is_not_read_twice_from_its_copy() {
    let mut world = quiet_world("a.log");
    world.copy("a.log", "a.log.1");
    assert_eq!(world.run_while(|world| world.truncate("a.log")), "");
    assert_eq!((world.lost_bytes, world.gaps), (0, 0));
    world.append("a.log", &long("b"));
    assert_eq!((world.run(), world.last.unsettled), (long("b"), false));
}

#[test]
fn a_log_that_is_rotated_between_the_list_and_the_look_loses_nothing() {
    let mut world = quiet_world("a.log");
    world.append("a.log", "tail\n");
    let read = world.run_while(|world| {
        world.rename("a.log", "a.log.1");
        world.append("a.log", &long("b"));
    });
    assert_eq!(read, "");
    assert_eq!(world.lost_bytes, 0);
    assert_eq!(world.run(), format!("tail\n{}", long("b")));
}
