//! The rows of docs/RELIABILITY.md about segments that want many trials. `LOGMILL_SEGMENT_TRIALS` says how many each
//! test makes instead of its own few.

use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use super::test_world::{World, trials};
use super::*;

/// `count` lines, told apart from all others by `tag`.
fn lines(tag: &str, count: usize) -> String {
    (0..count).map(|n| format!("{tag} line number {n}\n")).collect()
}

/// A number below `bound` that looks random; the same for the same seed.
fn pick(seed: usize, bound: usize) -> usize {
    (xxhash_rust::xxh3::xxh3_64(&seed.to_le_bytes()) % bound as u64) as usize
}

#[test]
fn copytruncate_when_caught_up_loses_and_doubles_nothing() {
    let mut world = World::new();
    for round in 0..trials(150) {
        let text = lines(&format!("{round}"), 1 + pick(round, 300));
        world.append("a.log", &text);
        assert_eq!(world.run_quietly(), text);
        world.copy("a.log", "a.log.1");
        assert_eq!(world.run_quietly(), "", "between the two steps");
        world.truncate("a.log");
        assert_eq!(world.run_quietly(), "");
    }
}

#[test]
fn copytruncate_with_an_unread_tail_reads_it_from_the_copy() {
    let mut world = World::new();
    for round in 0..trials(150) {
        let read = lines(&format!("{round} read"), 1 + pick(round, 200));
        let tail = lines(&format!("{round} tail"), pick(round + 1_000_000, 200));
        let next = lines(&format!("{round} next"), 1 + pick(round + 2_000_000, 200));
        world.append("a.log", &read);
        // The log of the round before was truncated: nobody knows how much had been written since.
        assert_eq!(world.run(), read);
        assert_eq!(world.gaps, round.min(1));
        world.gaps = 0;
        world.append("a.log", &tail);
        world.copy("a.log", "a.log.1");
        if round % 2 == 0 {
            assert_eq!(world.run_quietly(), tail, "between the two steps");
            world.truncate("a.log");
            world.append("a.log", &next);
            assert_eq!(world.run_quietly(), next);
        } else {
            world.truncate("a.log");
            world.append("a.log", &next);
            assert_eq!(world.run_quietly(), tail + &next);
        }
        world.truncate("a.log");
    }
}

#[test]
fn a_log_truncated_and_refilled_is_read_from_its_first_byte_however_much_of_it_is_the_same() {
    for round in 0..trials(150) {
        let mut world = World::new();
        let old = lines("same", 250 + pick(round, 300));
        world.append("a.log", &old);
        assert_eq!(world.run_quietly(), old);
        // Up to the first 4 KiB and far more, but not all.
        let same = [0, 1, 100, 4_096, 4_097, old.len() - 1][round % 6];
        let mut text = old[..same].to_owned();
        text += &lines("other", 500 + pick(round, 500));
        world.truncate("a.log");
        world.append("a.log", &text);
        assert_eq!(world.run(), text, "{same} bytes are the same");
        assert_eq!((world.gaps, world.last.problems.len()), (1, 0));
    }
}

#[test]
fn a_log_deleted_and_created_again_is_another_one_though_it_has_the_same_inode() {
    let mut world = World::new();
    let (mut reused, mut last) = (0, 0);
    let rounds = trials(200);
    for round in 0..rounds {
        let text = lines(&format!("{round}"), 1 + pick(round, 5));
        world.append("a.log", &text);
        assert_eq!((world.run(), world.gaps), (text, round));
        let inode = world.known.last().expect("one").inode;
        reused += usize::from(inode == last);
        last = inode;
        world.remove("a.log");
    }
    println!("{rounds} rounds, the inode was the same {reused} times");
}

#[test]
fn a_log_compressed_at_any_offset_of_its_reading_yields_the_rest() {
    let text = lines("a", 450);
    for round in 0..trials(60) {
        let at = pick(round, text.len() + 1);
        let mut world = World::new();
        world.append("a.log.1", &text[..at]);
        let mut read = world.run_quietly();
        world.append("a.log.1", &text[at..]);
        world.gzip("a.log.1");
        read += &world.run_quietly();
        assert!(read == text, "compressed at {at}");
        assert_eq!(world.run_quietly(), "");
    }
}

/// Three members, of which the second begins in the middle of a line.
fn members(text: &str) -> Vec<u8> {
    let third = text.len() / 3;
    let mut packed = Vec::new();
    for part in [&text[..third], &text[third..2 * third], &text[2 * third..]] {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(part.as_bytes()).expect("memory");
        packed.extend(out.finish().expect("memory"));
    }
    packed
}

#[test]
fn a_gzip_file_looked_at_after_each_byte_of_its_writing_is_read_once_and_whole() {
    let text = lines("a", 30);
    let packed = members(&text);
    let mut world = World::new();
    let mut read = String::new();
    for end in 1..=packed.len() {
        let mut file = File::options().append(true).create(true).open(world.path("a.gz"));
        let file = file.as_mut().expect("opened");
        file.write_all(&packed[end - 1..end]).expect("written");
        // The first bytes of a gzip file are no gzip file yet, and a reader may take them for text.
        if end >= 10 {
            read += &world.run();
        }
    }
    // Where a member ended, what was there was a whole file, and its last line counted.
    let whole = |text: &str| text.replace('\n', "");
    assert_eq!(whole(&read), whole(&text));
    assert!(world.last.problems.is_empty(), "{:?}", world.last.problems);
    assert_eq!(world.run_quietly(), "");
}

#[test]
fn a_gzip_file_with_any_byte_changed_is_damaged_or_has_the_same_text() {
    let text = lines("a", 30);
    let packed = members(&text);
    let folder = tempfile::tempdir().expect("temporary folder");
    for at in 3..packed.len() {
        let mut bad = packed.clone();
        bad[at] ^= 1 << pick(at, 8);
        let path = folder.path().join("a.gz");
        fs::write(&path, bad).expect("written");
        let found = Found::new(&path, &fs::metadata(&path).expect("is there"));
        let rules = SealRules {
            final_: true,
            seal_after: None,
            leaving: false,
            now: std::time::SystemTime::now(),
        };
        let planned = plan(vec![found], Knowledge::nothing(), &rules);
        let read = planned.tasks.iter().map(try_read).collect::<Result<Vec<_>, _>>();
        match read {
            Ok(read) if planned.problems.is_empty() => assert!(read == [text.as_bytes()], "{at}"),
            _ => {}
        }
    }
}

fn try_read(task: &SegmentTask) -> Result<Vec<u8>, SourceError> {
    let mut reader = StreamReader::open(task, 1_000, 1 << 20)?;
    let (mut buffer, mut bytes) = (ChunkBuffer::default(), Vec::new());
    while let Some(chunk) = reader.next_chunk(&mut buffer)? {
        bytes.extend_from_slice(chunk.bytes);
    }
    validate_stream(task, reader.finish()?)?;
    Ok(bytes)
}

#[test]
fn logs_restored_to_another_file_system_with_their_times_are_not_read_again() {
    let mut world = World::new();
    for n in 0..50 {
        world.append(&format!("{n}.log"), &lines(&format!("{n}"), 1 + 8 * n));
    }
    world.run_quietly();
    let memory = std::path::Path::new("/dev/shm");
    let elsewhere =
        if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let elsewhere = elsewhere.expect("temporary folder");
    for n in 0..50 {
        let name = format!("{n}.log");
        fs::copy(world.path(&name), elsewhere.path().join(&name)).expect("copied");
        let time = fs::metadata(world.path(&name)).and_then(|meta| meta.modified());
        let file = File::options().append(true).open(elsewhere.path().join(&name));
        file.and_then(|file| file.set_modified(time.expect("a time"))).expect("set");
    }
    world.folder = elsewhere;
    assert_eq!(world.run_quietly(), "");
    world.append("7.log", "more\n");
    assert_eq!(world.run_quietly(), "more\n");
}

#[test]
fn a_text_written_in_two_parts_is_read_once_wherever_it_is_cut() {
    let text = "one\r\ntwo\n\nthree \u{1f4a9}\r\n\r\nfour\n";
    for at in 0..=text.len() {
        let mut world = World::new();
        fs::write(world.path("a.log"), &text.as_bytes()[..at]).expect("written");
        let first = world.run_quietly();
        let file = File::options().append(true).open(world.path("a.log"));
        file.and_then(|mut f| f.write_all(&text.as_bytes()[at..])).expect("written");
        assert!(first.is_empty() || first.ends_with('\n'), "cut at {at}: {first:?}");
        assert_eq!(first + &world.run_quietly(), text, "cut at {at}");
    }
}

/// Reads what is there now under a map where the kernel grants one; `None` when the file changed meanwhile.
fn try_read_mapped(path: &std::path::Path) -> Option<Vec<u8>> {
    let found = Found::new(path, &fs::metadata(path).ok()?);
    let rules = SealRules {
        final_: true,
        seal_after: None,
        leaving: false,
        now: super::read_tests::later(),
    };
    let task = plan(vec![found], Knowledge::nothing(), &rules).tasks.pop()?;
    let reader = PlainReader::open(&task, IoMode::Mmap, 100).ok()?;
    let (mut buffer, mut bytes) = (ChunkBuffer::default(), Vec::new());
    for split in splits(reader.range().start, reader.range().end, 2_000) {
        bytes.extend_from_slice(reader.chunk(split, &mut buffer).ok()?.bytes);
    }
    buffer.release();
    validate_plain(&task, &reader).ok().map(|_| bytes)
}

/// Truncates the file while it is read, to a length and, if asked, lets it grow again with other bytes.
fn races(length: u64, refilled: bool) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("a.log");
    let (old, new) = (b"an old line\n".repeat(60_000), b"a new one!!\n".repeat(60_000));
    let mut spoilt = 0;
    let rounds = trials(40);
    for round in 0..rounds {
        fs::write(&path, &old).expect("written");
        let read = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_micros(pick(round, 1_000) as u64));
                let mut file = File::options().write(true).open(&path).expect("opened");
                file.set_len(length).expect("truncated");
                if refilled {
                    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(length))
                        .expect("sought");
                    file.write_all(&new[length as usize..]).expect("written");
                }
            });
            try_read_mapped(&path)
        });
        let Some(read) = read else {
            spoilt += 1;
            continue;
        };
        // What is trusted is the file as it was before or, where it was looked at later, a beginning of the new one.
        let mut after = old[..length as usize].to_vec();
        after.extend_from_slice(if refilled { &new[length as usize..] } else { b"" });
        assert!(read == old || after.starts_with(&read), "round {round}: a mixture");
    }
    println!(
        "truncated to {length}, refilled {refilled}: {rounds} races, {spoilt} seen and dropped"
    );
}

#[test]
fn a_file_truncated_under_its_map_kills_nobody_and_yields_no_mixture() {
    for (length, refilled) in [(0, false), (100_001, false), (0, true), (100_001, true)] {
        races(length, refilled);
    }
}
