//! Reading: whatever the splits and the way of reading, the same lines come out, each once.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use proptest::prelude::*;

use super::*;

/// What reading a segment yields: the bytes, and the lines that were too long.
#[derive(Debug, PartialEq, Eq, Default)]
struct Yield {
    bytes: Vec<u8>,
    oversize: Vec<(u64, u64, bool, Vec<u8>)>,
}

impl Yield {
    fn take(&mut self, chunk: Chunk<'_>, max: u64) {
        let mut offset = chunk.offset;
        for line in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            // Lines within a chunk may be too long: see `Chunk::bytes`.
            match text.len() as u64 > max {
                true => self.too_long(offset, text, text.len() as u64, line.len() > text.len()),
                false => self.bytes.extend_from_slice(line),
            }
            offset += line.len() as u64;
        }
        if let Some(line) = chunk.oversize {
            assert_eq!(line.offset, offset, "an oversize line follows the chunk's bytes");
            self.too_long(offset, &line.sample, line.length, line.terminated);
        }
    }

    fn too_long(&mut self, offset: u64, text: &[u8], length: u64, terminated: bool) {
        let sample = text[..text.len().min(4096)].to_vec();
        self.oversize.push((offset, length, terminated, sample));
    }
}

/// The model: all lines of a text, from a starting point.
fn model(text: &[u8], start: usize, max: u64) -> Yield {
    let mut all = Yield::default();
    all.take(
        Chunk {
            bytes: &text[start..],
            offset: start as u64,
            oversize: None,
            before: Before::default(),
        },
        max,
    );
    all
}

pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("written");
    path
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).expect("memory");
    out.finish().expect("memory")
}

/// The whole file as a task, with its last line counted.
/// A time at which what was written now has been quiet: only such files are mapped.
pub(super) fn later() -> SystemTime {
    SystemTime::now() + std::time::Duration::from_secs(60)
}

pub(super) fn task(path: &Path) -> SegmentTask {
    let found = Found::new(path, &fs::metadata(path).expect("is there"));
    let rules = SealRules { final_: true, seal_after: None, leaving: false, now: later() };
    let mut planned = plan(vec![found], Knowledge::nothing(), &rules);
    assert!(planned.problems.is_empty(), "{:?}", planned.problems);
    planned.tasks.pop().expect("one task")
}

fn read_plain(task: &SegmentTask, io: IoMode, split_bytes: u64, max: u64) -> Yield {
    let reader = PlainReader::open(task, io, max).expect("opened");
    let mut buffer = ChunkBuffer::default();
    let mut all = Yield::default();
    for split in splits(reader.range().start, reader.range().end, split_bytes) {
        all.take(reader.chunk(split, &mut buffer).expect("read"), max);
    }
    validate_plain(task, &reader).expect("nothing changed");
    all
}

fn read_stream(task: &SegmentTask, split_bytes: u64, max: u64) -> Yield {
    let mut reader = StreamReader::open(task, split_bytes, max).expect("opened");
    let mut buffer = ChunkBuffer::default();
    let mut all = Yield::default();
    while let Some(chunk) = reader.next_chunk(&mut buffer).expect("read") {
        all.take(chunk, max);
    }
    let state = validate_stream(task, reader.finish().expect("ended")).expect("unchanged").state;
    assert_eq!(state.complete, task.settled);
    all
}

/// The same, decoded on another thread.
fn read_stream_ahead(task: &SegmentTask, split_bytes: u64, max: u64) -> Yield {
    let reader = StreamReader::open(task, split_bytes, max).expect("opened");
    let mut all = Yield::default();
    let take = |chunk: &Chunk<'_>| {
        let oversize = chunk.oversize.clone();
        all.take(
            Chunk { bytes: chunk.bytes, offset: chunk.offset, oversize, before: chunk.before },
            max,
        );
        Ok::<_, SourceError>(true)
    };
    let reader = read_ahead(reader, split_bytes as usize % 3, take).expect("read");
    validate_stream(task, reader.finish().expect("ended")).expect("unchanged");
    all
}

fn all_ways_agree(text: &[u8], split_sizes: impl Iterator<Item = u64> + Clone, max: u64) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let plain = task(&write(folder.path(), "a.log", text));
    let packed = task(&write(folder.path(), "b.log.gz", &gzip(text)));
    let expected = model(text, 0, max);
    for split in split_sizes {
        for io in [IoMode::Mmap, IoMode::Read] {
            assert_eq!(read_plain(&plain, io, split, max), expected, "{io:?} {split} {max}");
        }
        assert_eq!(read_stream(&packed, split, max), expected, "stream {split} {max}");
        let ahead = read_stream_ahead(&packed, split, max);
        assert_eq!(ahead, expected, "stream ahead {split} {max}");
    }
}

const TRICKY: [&[u8]; 9] = [
    b"one\r\ntwo\r\n\r\nthree\r\n",
    b"\n\n\n",
    b"\n",
    b"x",
    b"no last newline\nat all",
    b"a line that is rather longer than most of the splits here\nb\nc\n\nd",
    b"\na\n\nb\n\n\nc a bit longer\n",
    b"\xff\xfe\x00bytes\n\xf0\x9f\x92\xa9\n\x00\n",
    b"0123456789\r",
];

#[test]
fn no_line_is_lost_or_doubled_for_any_split_size() {
    for text in TRICKY {
        all_ways_agree(text, 1..64, 1 << 20);
    }
}

#[test]
fn lines_that_are_too_long_are_the_same_for_any_split_size_and_limit() {
    for text in TRICKY {
        for max in [0, 1, 2, 3, 9, 10, 11, 56, 57] {
            all_ways_agree(text, 1..64, max);
        }
    }
}

#[test]
fn a_line_of_many_splits_is_measured_and_sampled_but_not_kept() {
    let long = vec![b'x'; 700_000];
    let text = [b"before\n", &long[..], b"\nafter\n"].concat();
    all_ways_agree(&text, [1_000, 65_536, 1 << 20].into_iter(), 20_000);

    let folder = tempfile::tempdir().expect("temporary folder");
    let plain = task(&write(folder.path(), "a.log", &text));
    let reader = PlainReader::open(&plain, IoMode::Read, 20_000).expect("opened");
    let mut buffer = ChunkBuffer::default();
    reader.chunk(Split { start: 0, end: 1_000 }, &mut buffer).expect("read");
    assert!(buffer.bytes.len() < 50_000, "{} bytes kept", buffer.bytes.len());
}

#[test]
fn a_line_just_as_long_as_allowed_is_kept_and_one_byte_more_is_not() {
    let text = [&[b'x'; 100][..], b"\n", &[b'y'; 101][..], b"\nz\n"].concat();
    let expected = model(&text, 0, 100);
    assert_eq!((expected.bytes.len(), expected.oversize.len()), (103, 1));
    all_ways_agree(&text, [1, 50, 100, 101, 102, 1_000].into_iter(), 100);
}

/// Lines of all lengths from 0 on, so many bytes together.
fn lines(bytes: usize) -> Vec<u8> {
    let all = (0..).flat_map(|n: usize| {
        (0..n % 300).map(move |at| b'a' + ((n + at) % 26) as u8).chain([b'\n'])
    });
    all.take(bytes).collect()
}

#[test]
fn files_and_splits_that_end_beside_a_page_are_read_to_the_byte() {
    let beside = |page: u64| [page - 1, page, page + 1];
    let sizes = [4_096, 8_192, 65_536].into_iter().flat_map(beside).chain([1, 2, 2_047, 2_048]);
    for size in sizes {
        let splits = [2_048, 4_096, 65_536].into_iter().flat_map(beside);
        all_ways_agree(&lines(size as usize), splits, 1 << 20);
    }
}

#[test]
fn what_is_read_lies_where_the_kernel_copies_fast_whatever_the_buffer_held_before() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let long = [&lines(10_000)[..], &[b'x'; 90_000], b"\n", &lines(5_000)].concat();
    let texts = [b"x".to_vec(), lines(3_000_000), long, lines(4_097)];
    let mut buffer = ChunkBuffer::default();
    for (n, text) in texts.iter().enumerate() {
        let packed = task(&write(folder.path(), &format!("{n}.gz"), &gzip(text)));
        let mut stream = StreamReader::open(&packed, 5_000, 1 << 20).expect("opened");
        stream.next_chunk(&mut buffer).expect("read");
        let plain = task(&write(folder.path(), &format!("{n}.log"), text));
        let reader = PlainReader::open(&plain, IoMode::Read, 1 << 20).expect("opened");
        for split in splits(0, text.len() as u64, 1_000_003) {
            let chunk = reader.chunk(split, &mut buffer).expect("read");
            let memory = chunk.bytes.as_ptr().addr() as u64;
            assert_eq!(memory.wrapping_sub(chunk.offset) % 4096, 2048, "{n} {split:?}");
            let from = chunk.offset as usize;
            assert_eq!(chunk.bytes, &text[from..from + chunk.bytes.len()]);
        }
    }
}

#[test]
fn a_file_that_grows_between_two_splits_is_read_to_its_planned_end() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let text = lines(12_289);
    let path = write(folder.path(), "a.log", &text);
    let task = task(&path);
    let mut writer = fs::OpenOptions::new().append(true).open(&path).expect("opened");
    let (mut buffer, mut all) = (ChunkBuffer::default(), Yield::default());
    let reader = PlainReader::open(&task, IoMode::Read, 1_000).expect("opened");
    for split in splits(0, text.len() as u64, 4_096) {
        writer.write_all(&lines(3_333)).expect("appended");
        all.take(reader.chunk(split, &mut buffer).expect("read"), 1_000);
    }
    assert_eq!(all, model(&text, 0, 1_000));
}

#[test]
fn a_task_that_starts_in_the_middle_reads_the_rest_only() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let text = b"one\ntwo\nthree\nfour";
    let mut plain = task(&write(folder.path(), "a.log", text));
    let mut packed = task(&write(folder.path(), "b.log.gz", &gzip(text)));
    for task in [&mut plain, &mut packed] {
        task.start = 8;
        task.anchor = Fingerprint::of(&text[..8]);
    }
    let expected = model(text, 8, 100);
    for split in 1..20 {
        assert_eq!(read_plain(&plain, IoMode::Mmap, split, 100), expected);
        assert_eq!(read_plain(&plain, IoMode::Read, split, 100), expected);
        assert_eq!(read_stream(&packed, split, 100), expected);
    }
    packed.anchor = Fingerprint::of(b"another text");
    let refused = StreamReader::open(&packed, 10, 100).err().expect("refused");
    assert!(matches!(refused, SourceError::Changed { .. }), "{refused}");
}

#[test]
fn a_hole_is_one_line_of_zeros() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write(folder.path(), "a.log", b"one\n");
    let file = fs::File::options().write(true).open(&path).expect("opened");
    let hole = 4 << 30;
    file.write_all_at(b"\nlast\n", 4 + hole).expect("written");
    drop(file);
    // Read byte by byte it would take minutes.
    let all = read_plain(&task(&path), IoMode::Read, 32 << 20, 1 << 20);
    assert_eq!(all.bytes, b"one\nlast\n");
    assert_eq!(all.oversize, [(4, hole, true, vec![0; 4096])]);
}

#[test]
fn a_file_that_only_grew_is_trusted_as_far_as_it_was_planned() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write(folder.path(), "a.log", b"one\n");
    let task = task(&path);
    let reader = PlainReader::open(&task, IoMode::Read, 100).expect("opened");
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut f| f.write_all(b"two\n"))
        .expect("ok");
    let state = validate_plain(&task, &reader).expect("fine").state;
    assert_eq!((state.offset, state.size), (4, 4));
}

#[test]
fn the_first_line_is_the_first_whatever_the_task_starts_with() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let text = b"#Fields: a b\r\none\n";
    let mut packed = task(&write(folder.path(), "a.gz", &gzip(text)));
    packed.start = 14;
    assert_eq!(first_line(&packed).expect("read"), b"#Fields: a b");
    assert_eq!(read_head(&packed.found.path).expect("read"), text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_read_alike_in_all_ways(
        lines in prop::collection::vec("[a-z\r]{0,40}", 0..40),
        last in "[a-z]{1,30}",
        split in 1u64..200,
        max in 0u64..60,
    ) {
        let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>() + &last;
        all_ways_agree(text.as_bytes(), std::iter::once(split), max);
    }
}

#[test]
fn what_is_decoded_ahead_ends_with_the_errors_of_either_side() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let text = b"one line\n".repeat(50_000);
    let packed = gzip(&text);
    let whole = task(&write(folder.path(), "a.log.gz", &packed));
    let open = |task: &SegmentTask| StreamReader::open(task, 1000, 100).expect("opened");
    let mut chunks = 0;
    let stopped = read_ahead(open(&whole), 1, |_| {
        chunks += 1;
        Ok::<_, SourceError>(chunks < 5)
    });
    assert!(stopped.is_ok() && chunks == 5, "{chunks} chunks");
    let failed = read_ahead(open(&whole), 1, |_| {
        Err::<bool, _>(SourceError::Changed { path: "x".into(), what: "enough" })
    });
    assert!(matches!(failed, Err(SourceError::Changed { .. })));
    let cut = task(&write(folder.path(), "b.log.gz", &packed[..packed.len() / 2]));
    let mut bytes = 0;
    let failed = read_ahead(open(&cut), 1, |chunk| {
        bytes += chunk.bytes.len();
        Ok::<_, SourceError>(true)
    });
    assert!(matches!(failed, Err(SourceError::Truncated { .. })));
    assert!(bytes > 0 && bytes < text.len(), "what came before the error is handed out");
}
