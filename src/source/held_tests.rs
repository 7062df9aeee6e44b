//! Held files: what is deleted or moved away before it was read is read all the same, once, and then let go.

use std::fs;
use std::time::{Duration, SystemTime};

use super::test_world::World;
use super::*;

const LATER: Duration = Duration::from_secs(11);

/// A world in which `a.log` with this text was written and is held.
fn holding(text: &str) -> World {
    let mut world = World::new();
    world.append("a.log", text);
    world.hold();
    world
}

fn held(world: &World) -> usize {
    world.held.as_ref().map_or(0, Held::len)
}

/// Lines that differ from each other, more than a fingerprint covers.
fn long(tag: &str) -> String {
    (0..400).map(|i| format!("{tag} line number {i}\n")).collect()
}

fn move_away(world: &World) -> tempfile::TempDir {
    let elsewhere = tempfile::tempdir().expect("temporary folder");
    fs::rename(world.path("a.log"), elsewhere.path().join("kept")).expect("the same file system");
    elsewhere
}

#[test]
fn a_file_deleted_unread_or_half_read_is_read_to_its_end_and_then_let_go() {
    for read in [String::new(), "one\n".to_owned(), long("a")] {
        let mut world = holding(&read);
        assert_eq!(world.run_quietly(), read);
        world.append("a.log", "tail\nunfinished");
        world.hold();
        world.remove("a.log");
        assert_eq!(world.run_quietly(), "tail\n");
        assert_eq!((world.run_quietly(), held(&world)), (String::new(), 1));
        world.rules.now += LATER;
        assert_eq!(world.run_quietly(), "unfinished", "quiet for long enough");
        assert_eq!((world.run_quietly(), held(&world)), (String::new(), 0));
        assert_eq!(world.run_quietly(), "");
    }
}

#[test]
fn a_file_renamed_out_of_the_globs_is_followed() {
    let mut world = holding("one\n");
    let _elsewhere = move_away(&world);
    world.append("a.log", "two\n");
    assert_eq!(world.run_quietly(), "one\ntwo\n");
    world.rules.now += LATER;
    assert_eq!(world.run_quietly(), "");
    assert_eq!(held(&world), 1, "the new file only");
}

#[test]
fn a_file_renamed_within_the_globs_is_not_missing() {
    let mut world = holding("one\n");
    world.rename("a.log", "a.log.1");
    assert_eq!(world.run_quietly(), "one\n");
    assert_eq!((held(&world), world.last.spent.len()), (1, 0));
}

#[test]
fn a_deleted_file_that_is_still_written_to_is_followed_as_long_as_it_is() {
    let mut world = holding("one\n");
    let mut writer = fs::File::options().append(true).open(world.path("a.log")).expect("opened");
    world.remove("a.log");
    assert_eq!(world.run_quietly(), "one\n");
    world.rules.now += LATER;
    assert_eq!(world.run_quietly(), "");
    assert_eq!((world.last.spent.len(), held(&world)), (1, 1), "somebody may write yet");
    std::io::Write::write_all(&mut writer, b"two\n").expect("written");
    assert_eq!(world.run_quietly(), "two\n");
    drop(writer);
    world.rules.now += LATER;
    assert_eq!(world.run_quietly(), "");
    assert_eq!(held(&world), 0);
}

#[test]
fn several_generations_deleted_between_two_runs_are_all_read() {
    let mut world = World::new();
    for n in 0..20 {
        world.append("a.log", &format!("generation {n}\n"));
        world.hold();
        world.remove("a.log");
    }
    let mut lines: Vec<String> = world.run_quietly().lines().map(str::to_owned).collect();
    lines.sort_by_key(|line| line[11..].parse::<u32>().expect("a number"));
    assert_eq!(lines, (0..20).map(|n| format!("generation {n}")).collect::<Vec<_>>());
    world.rules.now += LATER;
    assert_eq!((world.run_quietly(), held(&world)), (String::new(), 0));
}

#[test]
fn of_a_held_file_that_was_compressed_and_deleted_nothing_is_doubled() {
    for text in ["short\n".to_owned(), long("a")] {
        for known in [false, true] {
            let mut world = holding(&text);
            if known {
                assert_eq!(world.run_quietly(), text);
            }
            world.append("a.log", "tail\n");
            world.rename("a.log", "a.log.1");
            world.gzip("a.log.1");
            world.append("a.log", "new\n");
            let rest = if known { "tail\nnew\n".to_owned() } else { text.clone() + "tail\nnew\n" };
            assert_eq!(world.run_quietly(), rest, "{known}");
            assert_eq!(world.run_quietly(), "");
            world.rules.now += LATER;
            assert_eq!((world.run_quietly(), held(&world)), (String::new(), 2));
        }
    }
}

#[test]
fn a_compressor_that_keeps_no_time_doubles_nothing_either() {
    for known in [false, true] {
        let mut world = holding("short\n");
        let read = if known { world.run_quietly() } else { String::new() };
        world.rename("a.log", "a.log.1");
        world.gzip("a.log.1");
        let packed = fs::File::options().append(true).open(world.path("a.log.1.gz"));
        let now = SystemTime::now() + Duration::from_secs(1);
        packed.and_then(|file| file.set_modified(now)).expect("set");
        assert_eq!(read + &world.run_quietly(), "short\n");
        for _ in 0..3 {
            world.rules.now += LATER;
            assert_eq!(world.run_quietly(), "");
        }
        assert_eq!(held(&world), 1);
    }
}

#[test]
fn what_was_written_after_it_was_compressed_is_read_from_the_held_file() {
    for known in [false, true] {
        let mut world = holding(&long("a"));
        let mut read = if known { world.run_quietly() } else { String::new() };
        let mut writer =
            fs::File::options().append(true).open(world.path("a.log")).expect("opened");
        world.rename("a.log", "a.log.1");
        world.gzip("a.log.1");
        std::io::Write::write_all(&mut writer, b"too late\n").expect("written");
        for _ in 0..3 {
            read += &world.run_quietly();
            world.rules.now += LATER;
        }
        assert_eq!(read, long("a") + "too late\n");
    }
}

#[test]
fn a_held_file_is_read_while_its_compressed_form_is_not_whole_yet() {
    let mut world = holding("one\n");
    world.rename("a.log", "a.log.1");
    world.gzip("a.log.1");
    let whole = fs::read(world.path("a.log.1.gz")).expect("read");
    fs::write(world.path("a.log.1.gz"), &whole[..whole.len() - 1]).expect("written");
    assert_eq!(world.run(), "one\n");
    assert_eq!((world.last.problems.len(), world.last.lost.len()), (1, 0));
    fs::write(world.path("a.log.1.gz"), &whole).expect("written");
    assert_eq!(world.run_quietly(), "");
    assert_eq!(world.run_quietly(), "");
}

#[test]
fn a_deleted_log_that_began_like_the_next_one_is_read_too() {
    let mut world = holding("starting\n");
    world.remove("a.log");
    world.append("a.log", "starting\nfine\n");
    world.hold();
    world.remove("a.log");
    world.append("a.log", "starting\n");
    for text in ["starting\nstarting\nfine\nstarting\n", "", ""] {
        assert_eq!(world.run_quietly(), text);
        world.rules.now += LATER;
    }
}

#[test]
fn a_log_deleted_with_its_compressed_form_before_anybody_looked_is_read_once() {
    let mut world = holding("one\n");
    world.gzip("a.log");
    world.hold();
    world.remove("a.log.gz");
    for text in ["one\n", "", ""] {
        assert_eq!(world.run_quietly(), text);
        world.rules.now += LATER;
    }
    assert_eq!(held(&world), 0);
}

#[test]
fn copytruncate_and_then_deletion_loses_nothing() {
    let mut world = holding(&long("a"));
    world.run_quietly();
    world.append("a.log", "tail\n");
    world.copy("a.log", "a.log.1");
    world.truncate("a.log");
    world.append("a.log", "new\n");
    world.hold();
    world.remove("a.log");
    assert_eq!(world.run_quietly(), "new\ntail\n");
    world.rules.now += LATER;
    assert_eq!(world.run_quietly(), "");
}

#[test]
fn a_held_file_that_was_emptied_is_let_go() {
    let mut world = holding("");
    world.remove("a.log");
    world.rules.now += LATER;
    assert_eq!((world.run_quietly(), held(&world)), (String::new(), 0));
}

#[test]
fn a_compressed_file_deleted_unread_is_read() {
    let mut world = World::new();
    world.append("a.log.1", "one\ntwo\n");
    world.gzip("a.log.1");
    world.hold();
    world.remove("a.log.1.gz");
    assert_eq!(world.run_quietly(), "one\ntwo\n");
    world.rules.now += LATER;
    assert_eq!((world.run_quietly(), held(&world)), (String::new(), 0));
}

#[test]
fn never_more_than_the_bound_is_held_and_the_newest_are() {
    let mut world = World::new();
    for n in 0..20 {
        let name = format!("{n}.log");
        world.append(&name, &format!("{n}\n"));
        let file = fs::File::options().append(true).open(world.path(&name)).expect("opened");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + n);
        file.set_modified(time).expect("set");
    }
    world.held = Some(Held::new(5));
    world.hold();
    assert_eq!(held(&world), 5);
    (0..20).for_each(|n| world.remove(&format!("{n}.log")));
    let gone = world.held.as_mut().expect("has one").missing(&[]);
    let names: Vec<_> = gone.iter().map(|found| found.path.clone()).collect();
    assert_eq!(names, (15..20).map(|n| world.path(&format!("{n}.log"))).collect::<Vec<_>>());
    // What is gone is not let go for what is there.
    world.append("new.log", "new\n");
    world.hold();
    assert_eq!(held(&world), 5);
    assert_eq!(world.run_quietly().lines().count(), 6);
    assert_eq!((world.run_quietly(), held(&world)), (String::new(), 0));
    assert_eq!((world.run_quietly(), held(&world)), (String::new(), 1));
}

#[test]
fn a_folder_that_cannot_be_listed_for_a_moment_makes_no_file_missing() {
    let mut world = holding("unfinished");
    assert_eq!(world.held.as_mut().expect("has one").missing(&[]), []);
}

#[test]
fn a_deleted_file_is_opened_by_its_handle() {
    let world = holding("one\n");
    let file = fs::File::open(world.path("a.log")).expect("opened");
    world.remove("a.log");
    let meta = file.metadata().expect("open");
    let held = Some(std::sync::Arc::new(file.try_clone().expect("cloned")));
    let found = Found { held, ..Found::new(&world.path("a.log"), &meta) };
    let opened = found.open().expect("opened");
    assert_eq!(Found::new(&found.path, &opened.metadata().expect("open")), found);
    let task = plan(vec![found], Knowledge::nothing(), &world.rules).tasks.pop().expect("a task");
    assert_eq!(first_line(&task).expect("read"), b"one");
    assert_eq!(task_head(&task).expect("read"), b"one\n");
}
