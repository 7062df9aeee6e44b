//! Which file a known segment is, where no device and inode tell: several may have all of it.

use std::time::{Duration, SystemTime};

use super::test_world::World;

const NAMES: [&str; 6] = ["a.log.1", "a.log.bak", "zzz", "0.log", "a.log-20260101", "a.1.log"];

fn lines(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|n| format!("line {n} of a log\n")).collect()
}

#[test]
fn a_log_that_is_another_file_by_now_is_the_log_and_not_the_copy_beside_it() {
    for last in [3, 3000] {
        for name in NAMES {
            for compressed in [false, true] {
                for other_disk in [false, true] {
                    let what = format!("{last} {name} {compressed} {other_disk}");
                    let mut world = World::new();
                    world.append("a.log", &lines(1..=last));
                    world.run_quietly();
                    world.copy("a.log", name);
                    if compressed {
                        world.gzip(name);
                    }
                    match other_disk {
                        true => world.move_to_other_disk(),
                        false => world.replace_by_its_copy("a.log"),
                    }
                    assert_eq!(world.run_quietly(), "", "{what}");
                    world.append("a.log", "more\n");
                    assert_eq!(world.run_quietly(), "more\n", "{what}");
                    world.move_to_other_disk();
                    assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0), "{what}");
                }
            }
        }
    }
}

#[test]
fn segments_with_equal_bytes_find_their_files_again() {
    for names in [["a.log.2", "a.log.1", "a.log"], ["a.2.log", "a.1.log", "a.log"]] {
        for compressed in [false, true] {
            let mut world = World::new();
            for name in names {
                // Written one after the other: each is a log that begins with the same banner.
                world.append("a.log", "banner\n");
                assert_eq!(world.run(), "banner\n");
                if name != "a.log" {
                    world.rename("a.log", name);
                }
            }
            if compressed {
                world.gzip(names[0]);
            }
            let gaps = world.gaps;
            world.move_to_other_disk();
            assert_eq!((world.run(), world.gaps), (String::new(), gaps), "{names:?} {compressed}");
            world.append("a.log", "more\n");
            assert_eq!((world.run(), world.gaps), ("more\n".to_owned(), gaps), "{names:?}");
        }
    }
}

#[test]
fn a_backup_of_a_log_is_not_a_banner_that_vanished() {
    let mut world = World::new();
    world.append("b.log", "line 1 of a log\n");
    world.run_quietly();
    world.append("a.log", &lines(1..=300));
    world.run();
    world.copy("a.log", "backup");
    world.remove("b.log");
    assert_eq!(world.run(), "");
}

/// Moves all files of a log one number on, and removes the oldest.
fn rotate(world: &World, name: impl Fn(u32) -> String, keep: u32) {
    let has = |name: &str| world.path(name).exists();
    if has(&name(keep)) {
        world.remove(&name(keep));
    }
    for n in (1..keep).rev().filter(|n| has(&name(*n))) {
        world.rename(&name(n), &name(n + 1));
    }
    world.rename("a.log", &name(1));
}

#[test]
fn the_oldest_file_of_a_rotation_is_no_gap_wherever_its_number_stands() {
    let names: [fn(u32) -> String; 4] = [
        |n| format!("a.log.{n}"),
        |n| format!("a.{n}.log"),
        |n| format!("a-{n}.log"),
        |n| format!("a_{n}.log"),
    ];
    for name in names {
        for first_seen_rotated in [false, true] {
            let mut world = World::new();
            let mut now = SystemTime::now();
            if first_seen_rotated {
                (1..=2).for_each(|n| world.append(&name(n), &format!("old {n}\n")));
            }
            for n in 1..=8 {
                world.append("a.log", &format!("rotation {n}\n"));
                now += Duration::from_secs(60);
                world.rules.now = now;
                world.run_quietly();
                rotate(&world, name, 2);
            }
            assert_eq!(world.gaps, 0, "{} {first_seen_rotated}", name(1));
        }
    }
}

#[test]
fn logs_that_differ_in_a_number_only_are_logs() {
    let mut world = World::new();
    for n in 1..=2 {
        world.append(&format!("worker.{n}.log"), &lines(n..=n + 30));
    }
    world.run_quietly();
    world.remove("worker.2.log");
    world.append("worker.2.log", "began anew\n");
    assert_eq!((world.run(), world.gaps), ("began anew\n".to_owned(), 1));
}

#[test]
fn a_log_of_which_a_whole_file_came_and_went_is_a_gap() {
    for seen_empty in [false, true] {
        for lost in [false, true] {
            let mut world = World::new();
            world.append("a.log", "first\n");
            world.run_quietly();
            world.rename("a.log", "a.log.1");
            if seen_empty {
                world.truncate("a.log");
            }
            world.run_quietly();
            // An inode is used again, but not in the same tick of the clock.
            std::thread::sleep(Duration::from_millis(20));
            if lost {
                // It is filled, rotated and removed, with the one before, between two looks.
                world.append("a.log", "lost\n");
                world.remove("a.log");
                world.append("a.log", "second\n");
                world.rename("a.log", "a.log.2");
                world.remove("a.log.1");
                world.append("a.log", "third\n");
                world.rename("a.log", "a.log.1");
            } else {
                world.append("a.log", "second\n");
                world.remove("a.log.1");
                world.rename("a.log", "a.log.1");
            }
            world.append("a.log", "fourth\n");
            let read = world.run();
            assert!(read.ends_with("fourth\n") && read.starts_with("second\n"), "{read}");
            // Without the empty file nothing tells whether there was another one.
            let is_gap = lost || !seen_empty;
            assert_eq!(world.gaps, usize::from(is_gap), "{seen_empty} {lost}");
            assert_eq!((world.run_quietly(), world.gaps), (String::new(), usize::from(is_gap)));
        }
    }
}

#[test]
fn a_quiet_log_whose_old_files_are_removed_is_no_gap() {
    let mut world = World::new();
    world.append("a.log", "first\n");
    world.run_quietly();
    world.rename("a.log", "a.log.1");
    world.truncate("a.log");
    world.run_quietly();
    // Rotated though it is empty.
    world.remove("a.log.1");
    world.rename("a.log", "a.log.1");
    world.append("a.log", "second\n");
    assert_eq!(world.run_quietly(), "second\n");
}

#[test]
fn a_log_whose_former_file_became_a_backup_goes_on_under_its_name() {
    let names = ["a.log.bak", "a.log~", "0", "a.log.orig", "zzz"];
    // With a rotated name it is told from a rotation by more than a banner.
    let small = ["a.log.bak", "a.log~", "a.log.orig"].map(|name| (name, 1));
    let cases = names.map(|name| (name, 400)).into_iter().chain(small).chain([("a.log.1", 400)]);
    for (name, last) in cases {
        for look_between in [false, true] {
            let what = format!("{name} {last} {look_between}");
            let mut world = World::new();
            world.append("a.log", &lines(1..=last));
            world.run_quietly();
            // As sed -i.bak and vim do it.
            world.rename("a.log", name);
            if look_between {
                world.run_quietly();
            }
            world.copy(name, "a.log");
            assert_eq!(world.run_quietly(), "", "{what}");
            world.append("a.log", "more\n");
            assert_eq!(world.run_quietly(), "more\n", "{what}");
            world.remove(name);
            assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0), "{what}");
        }
    }
}

#[test]
fn a_log_that_is_replaced_and_goes_on_before_the_next_look_is_read_on() {
    for name in ["a.log.bak", "zzz"] {
        let mut world = World::new();
        world.append("a.log", &lines(1..=400));
        world.run_quietly();
        world.rename("a.log", name);
        world.copy(name, "a.log");
        world.append("a.log", "more\n");
        assert_eq!(world.run_quietly(), "more\n", "{name}");
        assert_eq!(
            (world.run_quietly(), world.copies_now()),
            (String::new(), vec![name.to_owned()])
        );
    }
}

#[test]
fn a_backup_that_is_given_the_inode_of_the_log_is_a_backup() {
    for compressed in [false, true] {
        let mut world = World::new();
        world.append("a.log", &lines(1..=400));
        world.run_quietly();
        std::thread::sleep(Duration::from_millis(20));
        // sed -i frees the log's inode.
        world.replace_by_its_copy("a.log");
        world.append("a.log", "more\n");
        match compressed {
            true => world.gzip_keep("a.log"),
            false => world.copy("a.log", "0.full"),
        }
        assert_eq!(world.run_quietly(), "more\n", "{compressed}");
        world.append("a.log", "and more\n");
        assert_eq!(world.run_quietly(), "and more\n", "{compressed}");
    }
}

#[test]
fn a_file_that_cannot_be_read_and_was_given_the_inode_of_the_log_does_not_block_it() {
    let mut world = World::new();
    world.append("a.log", &lines(1..=4000));
    world.run_quietly();
    std::thread::sleep(Duration::from_millis(20));
    world.replace_by_its_copy("a.log");
    world.append("a.log", "more\n");
    world.gzip_keep("a.log");
    // It is being written.
    let file = std::fs::File::options().write(true).open(world.path("a.log.gz")).expect("opened");
    file.set_len(30).expect("cut");
    assert_eq!(world.run(), "more\n");
}

#[test]
fn a_rotated_file_that_has_the_log_beside_it_and_more_carries_it_on() {
    for name in ["a.log.1", "a.log-20260101", "a.1.log"] {
        for compressed in [false, true] {
            let mut world = World::new();
            world.append("a.log", &lines(1..=200));
            world.run_quietly();
            // A mirror that deletes nothing: the log of the last time is there yet.
            world.append(name, &lines(1..=230));
            if compressed {
                world.gzip(name);
            }
            assert_eq!(world.run_quietly(), lines(201..=230), "{name} {compressed}");
            assert_eq!(world.run_quietly(), "");
            world.append("new", &lines(231..=240));
            world.rename("new", "a.log");
            assert_eq!(world.run_quietly(), lines(231..=240), "{name} {compressed}");
            assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0));
        }
    }
}

#[test]
fn a_snapshot_that_goes_on_where_another_one_ends_carries_it_on() {
    for names in [
        ["s1", "s2", "s3"],
        ["z", "y", "x"],
        ["b.log", "a.log", "c/a.log"],
        ["a.bak", "a.log", "d"],
    ] {
        for compressed in [false, true] {
            for last in [3, 300] {
                let what = format!("{names:?} {compressed} {last}");
                let mut world = World::new();
                for (name, n) in names.into_iter().zip([1, 2, 3]) {
                    let name = &name.replace('/', "-");
                    world.append(name, &lines(1..=n * last));
                    if compressed {
                        world.gzip(name);
                    }
                    assert_eq!(world.run_quietly(), lines((n - 1) * last + 1..=n * last), "{what}");
                    assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0), "{what}");
                }
                assert_eq!(world.copies_now().len(), 2, "{what}");
                assert!(world.last.assumed.is_empty(), "{what}: {:?}", world.last.assumed);
                world.move_to_other_disk();
                assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0), "{what}");
            }
        }
    }
}

#[test]
fn of_several_snapshots_that_are_seen_at_once_the_longest_carries_the_first_one_on() {
    let mut world = World::new();
    world.append("s1", &lines(1..=5));
    world.run_quietly();
    world.append("s2", &lines(1..=9));
    world.append("s4", &lines(1..=20));
    world.append("s3", &lines(1..=14));
    assert_eq!(world.run_quietly(), lines(6..=20));
    assert_eq!((world.run_quietly(), world.copies_now().len()), (String::new(), 3));
}

#[test]
fn logs_with_one_banner_are_both_read_whole_once_they_differ() {
    let mut world = World::new();
    world.append("a.log", "banner\n");
    world.run_quietly();
    world.append("b.log", "banner\nb\n");
    assert_eq!(world.run_quietly(), "b\n", "a.log is the beginning of b.log so far");
    world.append("a.log", "a\n");
    assert_eq!(world.run_quietly(), "banner\na\n");
    world.append("b.log", "more\n");
    assert_eq!((world.run_quietly(), world.gaps), ("more\n".to_owned(), 0));
}

#[test]
fn a_log_that_is_truncated_and_filled_with_anything_past_the_former_place_is_read() {
    let wide: Vec<u8> = (0..60).flat_map(|n| format!("w\0i\0d\0e\0 {n}\n").into_bytes()).collect();
    let zeros = [vec![0; lines(1..=20).len()], b"behind\n".to_vec()].concat();
    for bytes in [wide, zeros] {
        let mut world = World::new();
        world.append("a.log", &lines(1..=20));
        world.run_quietly();
        std::fs::write(world.path("a.log"), &bytes).expect("written in place");
        assert_eq!((world.run().len(), world.gaps), (bytes.len(), 1));
        world.append("a.log", "more\n");
        assert_eq!((world.run_quietly(), world.gaps), ("more\n".to_owned(), 1));
    }
}

#[test]
fn a_log_that_was_seen_empty_counts_the_same_lines_again() {
    let mut world = World::new();
    world.append("a.log", &lines(1..=3));
    world.run_quietly();
    world.truncate("a.log");
    world.run();
    world.append("a.log", &lines(1..=3));
    assert_eq!(world.run_quietly(), lines(1..=3));
    world.append("a.log", "more\n");
    assert_eq!(world.run_quietly(), "more\n");
}

#[test]
fn a_snapshot_that_ends_within_a_line_is_carried_on_and_may_grow() {
    let mut world = World::new();
    world.append("s1", &(lines(1..=3) + "line 4"));
    assert_eq!(world.run_quietly(), lines(1..=3));
    world.append("s2", &lines(1..=8));
    assert_eq!(world.run_quietly(), lines(4..=8));
    // It was fetched in part, and is fetched on.
    world.append("s1", " of a log\n");
    assert_eq!(world.run_quietly(), "");
    world.append("s1", &lines(5..=6));
    assert_eq!(world.run_quietly(), "");
    world.append("s1", &lines(7..=9));
    assert_eq!((world.run_quietly(), world.gaps), (lines(9..=9), 0));
    assert_eq!((world.run_quietly(), world.copies_now()), (String::new(), vec!["s2".to_owned()]));
}

#[test]
fn a_log_that_begins_anew_with_all_that_its_compressed_file_has_is_read_whole() {
    let mut world = World::new();
    world.append("a.log", "ok\n");
    assert_eq!(world.run_quietly(), "ok\n");
    world.rename("a.log", "a.log.1");
    world.append("a.log", "");
    world.gzip("a.log.1");
    assert_eq!(world.run_quietly(), "");
    world.append("a.log", "ok\nok\n");
    assert_eq!((world.run_quietly(), world.gaps), ("ok\nok\n".to_owned(), 0));
}

#[test]
fn of_logs_with_equal_bytes_a_copy_of_the_younger_one_carries_none_on() {
    let mut world = World::new();
    world.append("a.log", "ok\n");
    world.run_quietly();
    world.rename("a.log", "a.log.1");
    world.append("a.log", "ok\n");
    assert_eq!(world.run_quietly(), "ok\n");
    world.append("a.log", "fail\n");
    world.copy("a.log", "b");
    assert_eq!(world.run_quietly(), "fail\n");
    assert_eq!((world.run_quietly(), world.copies_now()), (String::new(), vec!["b".to_owned()]));
}

#[test]
fn a_log_that_was_seen_empty_is_remembered_while_its_first_line_grows() {
    let mut world = World::new();
    world.append("a.log", "ok\n");
    world.run_quietly();
    world.truncate("a.log");
    world.run();
    for part in ["o", "k"] {
        world.append("a.log", part);
        assert_eq!(world.run_quietly(), "");
    }
    world.append("a.log", "\nok\n");
    assert_eq!(world.run_quietly(), "ok\nok\n");
}

#[test]
fn a_log_that_was_seen_empty_and_got_the_same_lines_counts_when_it_was_rotated_since() {
    let mut world = World::new();
    world.append("a.log", &lines(1..=3));
    world.run_quietly();
    world.truncate("a.log");
    world.run();
    world.append("a.log", &lines(1..=3));
    world.rename("a.log", "a.log.1");
    world.append("a.log", "");
    assert_eq!(world.run(), lines(1..=3));
    assert_eq!(world.run_quietly(), String::new());
}

#[test]
fn a_copy_of_a_log_that_was_emptied_and_began_alike_is_not_what_the_log_was_before() {
    let mut world = World::new();
    world.append("a.log", &lines(1..=1));
    world.run();
    world.truncate("a.log");
    world.run();
    world.append("a.log", &lines(1..=1));
    assert_eq!(world.run(), lines(1..=1));
    world.append("a.log", &lines(2..=2));
    world.copy("a.log", "a.log.1");
    assert_eq!(world.run(), lines(2..=2));
    world.truncate("a.log");
    assert_eq!(world.run(), String::new());
}

/// Compresses into a file that is there, as a shell's `>` does.
fn gzip_into(world: &World, from: &str, to: &str) {
    let bytes = std::fs::read(world.path(from)).unwrap_or_default();
    let file = std::fs::File::create(world.path(to)).expect("a file");
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &bytes).expect("written");
    encoder.finish().expect("written");
}

#[test]
fn a_compressed_file_of_nothing_that_becomes_a_copy_is_one() {
    for last in [5, 2_000] {
        let mut world = World::new();
        gzip_into(&world, "none", "a.log.1.gz");
        world.append("a.log", &lines(1..=last));
        assert_eq!(world.run_quietly(), lines(1..=last));
        let segments = world.known.len();
        world.run_quietly();
        assert_eq!(world.known.len(), segments);
        gzip_into(&world, "a.log", "a.log.1.gz");
        assert_eq!(world.run_quietly(), String::new());
        world.truncate("a.log");
        assert_eq!(world.run_quietly(), String::new());
    }
}

#[test]
fn a_backup_stays_a_copy_when_another_log_vanishes_that_began_alike() {
    let mut world = World::new();
    world.append("a.log", &lines(1..=5));
    world.copy("a.log", "a.log.bak");
    world.append("a.log", "more\n");
    assert_eq!(world.run(), lines(1..=5) + "more\n");
    world.rename("a.log", "a.log.1");
    world.append("a.log", &lines(1..=3));
    assert_eq!(world.run(), lines(1..=3));
    world.remove("a.log");
    world.append("a.log", "");
    assert_eq!(world.run(), String::new());
    assert_eq!(world.run(), String::new());
}

#[test]
fn a_copy_of_a_log_that_was_emptied_and_got_more_is_no_former_log() {
    let mut world = World::new();
    world.append("a.log", &lines(1..=2));
    world.run();
    world.truncate("a.log");
    world.run();
    world.append("a.log", &lines(1..=4));
    world.copy("a.log", "a.log.bak");
    assert_eq!(world.run(), lines(1..=4));
    assert_eq!(world.run(), String::new());
}

#[test]
fn a_copy_of_a_log_that_began_as_its_rotated_file_carries_that_on_no_more_than_the_log_does() {
    let mut world = World::new();
    world.append("a.log", &lines(1..=5));
    world.run();
    world.rename("a.log", "a.log.1");
    world.append("a.log", &lines(1..=5));
    assert_eq!(world.run(), lines(1..=5));
    world.rename("a.log.1", "a.log.2");
    world.rename("a.log", "a.log.1");
    world.append("a.log", &(lines(1..=5) + "more\n"));
    world.copy("a.log", "a.log.bak");
    assert_eq!(world.run(), lines(1..=5) + "more\n");
    assert_eq!(world.run(), String::new());
}

#[test]
fn a_compressed_file_with_its_originals_time_is_known_under_its_next_name() {
    let mut world = World::new();
    world.append("a.log", &lines(1..=2_000));
    world.append("a.log", "more\n");
    world.rename("a.log", "a.log.1");
    // The file is to be younger than its time by more than a tick of the file system's clock.
    std::thread::sleep(std::time::Duration::from_millis(20));
    world.gzip("a.log.1");
    world.append("a.log", "");
    assert_eq!(world.run_quietly(), lines(1..=2_000) + "more\n");
    world.append("a.log", &lines(1..=2_000));
    assert_eq!(world.run_quietly(), lines(1..=2_000));
    world.rename("a.log.1.gz", "a.log.2.gz");
    world.gzip_keep("a.log");
    world.rename("a.log.gz", "a.log.1.gz");
    assert_eq!(world.run_quietly(), String::new());
}

#[test]
fn a_log_that_is_emptied_again_and_again_counts_the_same_lines_each_time() {
    let mut world = World::new();
    for _ in 0..3 {
        world.append("a.log", &lines(1..=2));
        assert_eq!(world.run(), lines(1..=2));
        world.truncate("a.log");
        world.run();
    }
}

#[test]
fn a_backup_carries_on_no_log_that_was_emptied_and_began_alike() {
    let mut world = World::new();
    world.append("a.log", &lines(1..=6));
    world.copy("a.log", "a.log.bak");
    world.append("a.log", &lines(7..=7));
    assert_eq!(world.run(), lines(1..=7));
    world.truncate("a.log");
    world.run();
    world.append("a.log", &lines(1..=1));
    assert_eq!(world.run(), lines(1..=1));
    assert_eq!(world.run_quietly(), String::new());
}

#[test]
fn a_file_that_is_given_the_inode_of_an_empty_one_is_no_log_begun_anew() {
    for _ in 0..10 {
        let mut world = World::new();
        world.append("a.log", &lines(1..=3));
        world.run_quietly();
        world.copy("a.log", "a.log.2");
        world.truncate("a.log");
        world.rename("a.log", "a.log.1");
        world.append("a.log", &lines(4..=6));
        assert_eq!(world.run_quietly(), lines(4..=6));
        world.remove("a.log.1");
        world.gzip("a.log.2");
        assert_eq!((world.run_quietly(), world.gaps), (String::new(), 0));
    }
}
