//! Reading files to which others write meanwhile: nobody dies, and nothing false is trusted.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::read_tests::{later, task, write};
use super::*;

#[test]
fn a_file_that_nobody_writes_to_is_mapped_and_one_that_is_written_to_is_read() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write(folder.path(), "a.log", &b"a line\n".repeat(100_000));
    let open = || PlainReader::open(&task(&path), IoMode::Mmap, 100).expect("opened");
    let writer = fs::OpenOptions::new().append(true).open(&path).expect("opened");
    assert!(!open().is_mapped());
    drop(writer);
    assert!(open().is_mapped(), "this needs a file system with leases and one's own file");
}

#[test]
fn a_writer_that_comes_while_a_file_is_mapped_spoils_it_but_kills_nobody() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write(folder.path(), "a.log", &b"a line\n".repeat(100_000));
    let task = task(&path);
    let reader = PlainReader::open(&task, IoMode::Mmap, 100).expect("opened");
    let mut buffer = ChunkBuffer::default();
    reader.chunk(Split { start: 0, end: 100 }, &mut buffer).expect("read");
    let truncated = std::thread::scope(|scope| {
        let writer = scope.spawn(|| fs::File::create(&path).expect("truncated"));
        while reader.is_mapped() {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The chunk that is still held keeps its bytes, and the writer waits for it.
        assert!(!writer.is_finished());
        buffer.map = None;
        writer.join().expect("the writer lives")
    });
    assert_eq!(truncated.metadata().expect("open").len(), 0);
    let gone = reader.chunk(Split { start: 100, end: 200 }, &mut buffer);
    assert!(matches!(gone, Err(SourceError::Changed { .. })), "{gone:?}");
    let spoilt = validate_plain(&task, &reader);
    assert!(matches!(spoilt, Err(SourceError::Changed { .. })), "{spoilt:?}");
}

#[test]
fn a_file_that_was_opened_for_writing_while_it_was_mapped_is_not_trusted_though_it_looks_the_same()
{
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write(folder.path(), "a.log", &b"a line\n".repeat(100_000));
    let task = task(&path);
    let reader = PlainReader::open(&task, IoMode::Mmap, 100).expect("opened");
    assert!(reader.is_mapped());
    std::thread::scope(|scope| {
        scope.spawn(|| fs::File::options().append(true).open(&path));
        while reader.is_mapped() {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let spoilt = validate_plain(&task, &reader);
    assert!(matches!(spoilt, Err(SourceError::Changed { .. })), "{spoilt:?}");
}

/// Reads what is there now; `None` when the file changed meanwhile.
fn try_read(path: &Path) -> Option<Vec<u8>> {
    let found = Found::new(path, &fs::metadata(path).ok()?);
    let rules = SealRules { final_: true, seal_after: None, leaving: false, now: later() };
    let task = plan(vec![found], Knowledge::nothing(), &rules).tasks.pop()?;
    let reader = PlainReader::open(&task, IoMode::Mmap, 100).ok()?;
    let mut buffer = ChunkBuffer::default();
    let mut bytes = Vec::new();
    for split in splits(reader.range().start, reader.range().end, 50_000) {
        let chunk = reader.chunk(split, &mut buffer).ok()?;
        bytes.extend_from_slice(chunk.bytes);
    }
    validate_plain(&task, &reader).ok().map(|_| bytes)
}

#[test]
fn a_file_truncated_and_refilled_again_and_again_kills_nobody_and_yields_no_mixture() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write(folder.path(), "a.log", b"");
    let stop = AtomicBool::new(false);
    let mut read = 0;
    let started = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in 0.. {
                let text = format!("version {version}\n").repeat(40_000);
                fs::write(&path, text).expect("written");
                std::thread::sleep(Duration::from_micros(version % 7 * 1_000));
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        while read < 100 && started.elapsed() < Duration::from_secs(5) {
            let Some(bytes) = try_read(&path) else {
                continue;
            };
            let first = bytes.split(|byte| *byte == b'\n').next().expect("has one");
            let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            // The last line may be half written.
            let mixed = lines.find(|line| !first.starts_with(line));
            if mixed.is_some() {
                stop.store(true, Ordering::Relaxed);
            }
            assert_eq!(mixed, None);
            read += 1;
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(read > 0, "never caught the file at rest");
}

#[test]
fn a_file_overwritten_while_it_is_read_is_not_trusted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write(folder.path(), "a.log", &b"a line\n".repeat(1_000));
    let task = task(&path);
    let reader = PlainReader::open(&task, IoMode::Read, 100).expect("opened");
    fs::write(&path, b"b line\n".repeat(2_000)).expect("overwritten");
    assert!(matches!(validate_plain(&task, &reader), Err(SourceError::Changed { .. })));
}
