//! Copies of what was read: they count nothing, whatever they are called, and swallow no log that merely begins alike.

use std::fs;
use std::time::{Duration, SystemTime};

use super::test_world::World;

/// Lines of about so many bytes, with these numbers.
fn lines(bytes: usize, numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|n| format!("line {n} {}\n", "x".repeat(bytes.saturating_sub(8)))).collect()
}

const LINE_BYTES: [usize; 4] = [8, 308, 5_000, 9_000];
const NAMES: [&str; 6] = ["a.log.1", "a.log.bak", "zzz", "a.1.log", "a.log-20260101", "copy of a"];

/// What becomes of the original once it was copied.
type After = fn(&World);

const AFTER: [(&str, After); 4] = [
    ("stays", |_| ()),
    ("is truncated", |world| world.truncate("a.log")),
    ("is deleted", |world| world.remove("a.log")),
    ("is compressed", |world| world.gzip("a.log")),
];

fn each_case(check: impl Fn(&mut World, usize, &str, bool, &str)) {
    for bytes in LINE_BYTES {
        for name in NAMES {
            for compressed in [false, true] {
                for (what, after) in AFTER {
                    let mut world = World::new();
                    world.append("a.log", &lines(bytes, 1..=40));
                    assert_eq!(world.run(), lines(bytes, 1..=40));
                    let what = format!("{bytes} {name} {compressed}: the original {what}");
                    check(&mut world, bytes, name, compressed, &what);
                    after(&world);
                    assert_eq!(world.run(), "", "{what}, and then");
                    assert_eq!(world.run(), "", "{what}, at last");
                }
            }
        }
    }
}

/// Writes a copy of so many bytes of the log.
fn copy(world: &World, name: &str, text: &str, compressed: bool) {
    world.append(name, text);
    if compressed {
        world.gzip(name);
    }
}

#[test]
fn a_copy_of_the_beginning_counts_nothing_whatever_becomes_of_the_original() {
    for part in [40, 39, 30, 5, 1] {
        each_case(|world, bytes, name, compressed, _| {
            copy(world, name, &lines(bytes, 1..=part), compressed);
        });
    }
}

#[test]
fn a_copy_that_ends_within_a_line_counts_nothing() {
    each_case(|world, bytes, name, compressed, _| {
        let text = lines(bytes, 1..=40);
        copy(world, name, &text[..text.len() - 5], compressed);
    });
    each_case(|world, bytes, name, compressed, _| {
        let text = lines(bytes, 1..=20);
        copy(world, name, &text[..text.len() - 5], compressed);
    });
}

#[test]
fn a_copy_that_ends_within_the_first_line_counts_nothing() {
    for bytes in LINE_BYTES {
        for name in NAMES {
            for compressed in [false, true] {
                for (what, after) in AFTER {
                    // No mark stands in a shorter beginning: its original has to be there.
                    let cuts = [5, 70, 300, 4_096, 4_200, 8_500];
                    let is_kept = what == "stays" || what == "is compressed";
                    for cut in cuts.into_iter().filter(|cut| *cut < bytes) {
                        if cut < 64 && !is_kept {
                            continue;
                        }
                        let mut world = World::new();
                        world.rules.final_ = true;
                        world.append("a.log", &lines(bytes, 1..=40));
                        assert_eq!(world.run(), lines(bytes, 1..=40));
                        copy(&world, name, &lines(bytes, 1..=1)[..cut], compressed);
                        after(&world);
                        let what = format!("{cut} of {bytes} {name} {compressed}: {what}");
                        assert_eq!(
                            (world.run(), world.copies_now().len()),
                            (String::new(), 1),
                            "{what}"
                        );
                        assert_eq!(world.run(), "", "{what}, at last");
                    }
                }
            }
        }
    }
}

#[test]
fn a_copy_that_ends_within_the_first_line_and_its_original_are_seen_at_once() {
    for name in ["a.log.bak", "zzz", "copy of a"] {
        let mut world = World::new();
        world.rules.final_ = true;
        world.append(name, &lines(308, 1..=1)[..50]);
        world.append("a.log", &lines(308, 1..=20));
        assert_eq!(world.run(), lines(308, 1..=20), "{name}");
        assert_eq!(world.copies_now(), [name]);
        world.append(name, " goes on otherwise\n");
        assert_eq!(world.run().lines().count(), 1, "{name} is a log of its own");
    }
}

#[test]
fn a_copy_that_was_seen_beside_its_original_is_one_afterwards() {
    each_case(|world, bytes, name, compressed, what| {
        copy(world, name, &lines(bytes, 1..=30), compressed);
        assert_eq!(world.run(), "", "{what}");
        assert_eq!(world.copies_now().len(), 1, "{what}");
    });
}

#[test]
fn what_lies_behind_the_consumed_bytes_counts() {
    for bytes in LINE_BYTES {
        for name in NAMES {
            for compressed in [false, true] {
                let mut world = World::new();
                world.append("a.log", &lines(bytes, 1..=20));
                world.run();
                copy(&world, name, &lines(bytes, 1..=30), compressed);
                world.truncate("a.log");
                world.append("a.log", &lines(bytes, 41..=42));
                let mut read: Vec<String> = world.run().lines().map(str::to_owned).collect();
                let mut expected: Vec<String> = [lines(bytes, 21..=30), lines(bytes, 41..=42)]
                    .concat()
                    .lines()
                    .map(str::to_owned)
                    .collect();
                read.sort();
                expected.sort();
                assert_eq!(read, expected, "{bytes} {name} {compressed}");
                assert_eq!((world.run_quietly(), world.lost_bytes), (String::new(), 0));
            }
        }
    }
}

#[test]
fn a_copy_of_more_than_was_consumed_waits_for_its_original() {
    for name in NAMES {
        let mut world = World::new();
        world.append("a.log", &lines(8, 1..=20));
        world.run();
        world.append("a.log", &lines(8, 21..=40));
        world.append(name, &lines(8, 1..=30));
        assert_eq!(world.run_quietly(), lines(8, 21..=40), "{name}");
        assert_eq!(world.run_quietly(), "");
        world.append(name, "of its own\n");
        assert_eq!(world.run_quietly(), lines(8, 1..=30) + "of its own\n", "{name}");
    }
}

#[test]
fn of_several_copies_the_longest_carries_the_log_on() {
    for order in [["b1", "b2", "b3"], ["b3", "b2", "b1"], ["b2", "b3", "b1"]] {
        let mut world = World::new();
        world.append("a.log", &lines(8, 1..=20));
        world.run();
        for (name, last) in order.into_iter().zip([25, 30, 40]) {
            copy(&world, name, &lines(8, 1..=last), last == 30);
        }
        world.remove("a.log");
        assert_eq!(world.run_quietly(), lines(8, 21..=40));
        assert_eq!(world.run_quietly(), "");
        assert_eq!(world.copies_now().len(), 2);
    }
}

#[test]
fn of_a_log_and_its_copy_that_are_seen_at_once_the_log_is_the_original() {
    // Not names of a rotated log: beside that, a log with the same few lines is a new one.
    for name in ["a.log.bak", "zzz", "a.1.log", "copy of a"] {
        for first in ["a.log", name] {
            let mut world = World::new();
            world.append(first, &lines(8, 1..=20));
            std::thread::sleep(Duration::from_millis(20));
            let copy = if first == name { "a.log" } else { name };
            world.append(copy, &lines(8, 1..=20));
            assert_eq!(world.run_quietly(), lines(8, 1..=20));
            assert_eq!(world.copies_now(), [copy], "what was created later");
            world.append(first, &lines(8, 21..=22));
            assert_eq!(world.run_quietly(), lines(8, 21..=22), "{first} and its copy {copy}");
        }
    }
}

#[test]
fn two_live_logs_with_one_head_are_both_read_whole() {
    let mut world = World::new();
    world.append("a.log", &lines(8, 1..=40));
    world.append("b.log", &lines(8, 1..=40));
    let first = world.run_quietly();
    assert_eq!((first.as_str(), world.copies_now().len()), (lines(8, 1..=40).as_str(), 1));
    world.append("a.log", "a\n");
    world.append("b.log", "b\n");
    let second = world.run_quietly();
    assert_eq!(second.lines().count(), 42, "the other one counts from its first byte");
    assert_eq!((world.run_quietly(), world.copies_now().len()), (String::new(), 0));
    world.append("a.log", "a2\n");
    world.append("b.log", "b2\n");
    assert_eq!(world.run_quietly(), "a2\nb2\n");
}

#[test]
fn a_log_that_was_truncated_and_begins_with_the_same_lines_counts_once_it_grows() {
    for more in [lines(8, 6..=8), "other\n".to_owned()] {
        let mut world = World::new();
        world.append("a.log", &lines(8, 1..=40));
        world.run_quietly();
        world.truncate("a.log");
        world.append("a.log", &lines(8, 1..=5));
        let first = world.run();
        assert_eq!(
            (first.as_str(), world.gaps),
            ("", 1),
            "a backup that was restored looks the same"
        );
        world.append("a.log", &more);
        assert_eq!(world.run_quietly(), lines(8, 1..=5) + &more);
    }
}

#[test]
fn a_log_that_was_seen_empty_counts_whatever_it_begins_with() {
    let mut world = World::new();
    world.append("a.log", &lines(8, 1..=40));
    world.run_quietly();
    world.truncate("a.log");
    world.run();
    world.append("a.log", &lines(8, 1..=5));
    assert_eq!(world.run_quietly(), lines(8, 1..=5));
}

#[test]
fn a_log_that_was_rotated_may_begin_with_the_same_lines_again() {
    for begin in [1, 5, 40] {
        let mut world = World::new();
        world.append("a.log", &lines(8, 1..=40));
        world.run_quietly();
        world.rename("a.log", "a.log.1");
        world.append("a.log", &lines(8, 1..=begin));
        assert_eq!(world.run_quietly(), lines(8, 1..=begin));
    }
}

#[test]
fn a_restored_backup_under_the_logs_own_name_is_a_copy() {
    for bytes in LINE_BYTES {
        let mut world = World::new();
        world.append("a.log", &lines(bytes, 1..=40));
        world.run_quietly();
        world.append("x", &lines(bytes, 1..=30));
        world.rename("x", "a.log");
        assert_eq!(world.run(), "", "{bytes}");
    }
}

#[test]
fn an_editor_that_writes_the_file_again_with_a_line_more_adds_that_line() {
    for bytes in LINE_BYTES {
        let mut world = World::new();
        world.append("a.log", &lines(bytes, 1..=40));
        world.run_quietly();
        world.append("x", &lines(bytes, 1..=41));
        world.rename("x", "a.log");
        assert_eq!(world.run_quietly(), lines(bytes, 41..=41), "{bytes}");
    }
}

#[test]
fn a_copy_that_is_not_looked_into_again_is_not_told_again() {
    let mut world = World::new();
    world.append("a.log", &lines(8, 1..=40));
    world.run_quietly();
    world.append("b", &lines(8, 1..=30));
    world.rules.now = SystemTime::now() + Duration::from_secs(60);
    world.run_quietly();
    assert_eq!(world.told, 1);
    assert_eq!(world.run_quietly(), "");
    assert!(!world.last.copies_changed, "{:?}", world.last.copies);
    world.rename("b", "c");
    assert_eq!(world.run_quietly(), "");
    assert_eq!((world.copies_now(), world.told), (vec!["c".to_owned()], 1));
}

#[test]
fn a_log_that_goes_on_without_what_was_read_of_it_is_a_gap_told_once() {
    type Loss = fn(&World);
    let losses: [(&str, Loss); 4] = [
        ("truncated", |world| {
            world.truncate("a.log");
            world.append("a.log", "new\n");
        }),
        ("truncated and empty", |world| world.truncate("a.log")),
        ("replaced", |world| {
            world.append("x", "new\n");
            world.rename("x", "a.log");
        }),
        ("rotated twice, and one is kept", |world| {
            world.remove("a.log");
            world.append("a.log.1", "between\n");
            world.append("a.log", "new\n");
        }),
    ];
    for quiet in [0, 60] {
        for (what, loss) in &losses {
            let mut world = World::new();
            world.append("a.log", "one\n");
            world.rules.now = SystemTime::now() + Duration::from_secs(quiet);
            world.run_quietly();
            world.run_quietly();
            loss(&world);
            world.run();
            assert_eq!((world.gaps, world.lost_bytes), (1, 0), "{what}, {quiet}");
            world.run_quietly();
            world.append("a.log", "more\n");
            world.run_quietly();
        }
    }
}

#[test]
fn what_was_put_away_after_it_was_read_is_no_gap() {
    let mut world = World::new();
    world.append("a.log", "one\n");
    world.append("b.log", "two\n");
    world.rules.now = SystemTime::now() + Duration::from_secs(60);
    world.run_quietly();
    world.remove("a.log");
    assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0));
    world.append("a.log", "again\n");
    assert_eq!((world.run(), world.gaps), ("again\n".to_owned(), 1), "the log goes on");
}

#[test]
fn a_rotated_file_that_is_removed_at_last_is_no_gap() {
    for name in ["a.log.1", "a.log-20260101", "a.log.3.gz"] {
        let mut world = World::new();
        world.append("a.log", "live\n");
        world.append("x", "old\n");
        match name.strip_suffix(".gz") {
            Some(plain) => {
                world.rename("x", plain);
                world.gzip(plain);
            }
            None => world.rename("x", name),
        }
        world.rules.now = SystemTime::now() + Duration::from_secs(60);
        world.run_quietly();
        world.remove(name);
        assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0), "{name}");
    }
}

/// What shred(1) writes over a file, a whole block of it.
fn shred(world: &World, name: &str) {
    let garbage: Vec<u8> =
        (0..8192u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let file = fs::File::options().write(true).open(world.path(name)).expect("opened");
    std::os::unix::fs::FileExt::write_all_at(&file, &garbage, 0).expect("written");
}

#[test]
fn a_compressed_log_that_is_overwritten_and_removed_is_read_once() {
    let mut world = World::new();
    world.append("a.log", &lines(8, 1..=20));
    world.run_quietly();
    world.rename("a.log", "a.log.1");
    world.append("a.log", "new\n");
    world.run_quietly();
    world.gzip_keep("a.log.1");
    shred(&world, "a.log.1");
    assert_eq!(world.run(), "", "while it lies there");
    world.remove("a.log.1");
    assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0));
}

#[test]
fn a_held_file_that_is_overwritten_and_removed_is_not_read_again() {
    let mut world = World::new();
    world.append("a.log", &lines(8, 1..=600));
    world.hold();
    world.run_quietly();
    world.rename("a.log", "a.log.1");
    world.append("a.log", "new\n");
    world.run_quietly();
    shred(&world, "a.log.1");
    assert_eq!(world.run(), "", "while it lies there");
    world.remove("a.log.1");
    assert_eq!((world.run(), world.lost_bytes), (String::new(), 0));
}

#[test]
fn a_tail_that_only_a_held_file_has_is_read_when_the_process_ends() {
    let mut world = World::new();
    world.append("a.log", &lines(8, 1..=40));
    world.hold();
    world.run_quietly();
    world.copy("a.log", "a.log.1");
    world.append("a.log", "tail\nunfinished");
    world.hold();
    world.remove("a.log");
    world.append("a.log", "new\n");
    assert_eq!(world.run_quietly(), "new\n");
    world.rules.leaving = true;
    let rest = world.run_quietly();
    assert_eq!(rest, "tail\nunfinished");
    let tail = world.known.last().expect("a segment of its own");
    assert_eq!((tail.origin, tail.consumed()), (lines(8, 1..=40).len() as u64, rest.len() as u64));
    assert_eq!(world.run_quietly(), "");
    (world.held, world.rules.leaving) = (None, false);
    assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0), "all of it was read");
}

#[test]
fn a_deleted_log_that_was_read_to_its_end_by_a_process_that_ends_is_no_gap() {
    let mut world = World::new();
    world.append("a.log", &lines(8, 1..=40));
    world.hold();
    world.run_quietly();
    world.remove("a.log");
    world.append("a.log", "new\n");
    assert_eq!(world.run_quietly(), "new\n");
    world.rules.leaving = true;
    assert_eq!(world.run_quietly(), "");
    (world.held, world.rules.leaving) = (None, false);
    assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0));
}
