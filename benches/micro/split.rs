//! Reading a file into chunks of whole lines.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;

use criterion::{Criterion, Throughput};
use logmill::source::{
    ChunkBuffer, IoMode, Knowledge, PlainReader, SealRules, discover, plan, splits,
};

use crate::logs;

/// By reads and by a map.
pub fn benches(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let log = logs::access();
    std::fs::write(&path, &log).expect("written");
    let found = discover(&[path.display().to_string()], Path::new(".")).expect("found");
    let rules = SealRules {
        final_: true,
        seal_after: None,
        leaving: false,
        now: std::time::SystemTime::now(),
    };
    let task = plan(found.files, Knowledge::nothing(), &rules).tasks.remove(0);
    let mut group = c.benchmark_group("split");
    group.throughput(Throughput::Bytes(log.len() as u64));
    for (name, io) in [("read", IoMode::Read), ("map", IoMode::Mmap)] {
        group.bench_function(name, |b| {
            let reader = PlainReader::open(&task, io, 1 << 20).expect("opened");
            let mut buffer = ChunkBuffer::default();
            b.iter(|| {
                for split in splits(0, log.len() as u64, 4 << 20) {
                    black_box(reader.chunk(split, &mut buffer).expect("read").bytes.len());
                }
            });
        });
    }
}

/// What the kernel's copy takes, by how far the memory lies behind the file's bytes within a page: `source/placed.rs` goes by it.
pub fn distances(c: &mut Criterion) {
    const READ: usize = 1 << 20;
    const PAGE: usize = 4096;
    let file = tempfile::NamedTempFile::new().expect("a file");
    let log = logs::access();
    std::fs::write(file.path(), &log).expect("written");
    let file = File::open(file.path()).expect("opened");
    let mut memory = vec![1; READ + 2 * PAGE];
    let page = memory.as_ptr().align_offset(PAGE);
    let mut group = c.benchmark_group("distance");
    group.throughput(Throughput::Bytes((log.len() / READ * READ) as u64));
    for distance in [0, 1, 16, 31, 32, 64, 512, 2048, 4095] {
        let into = &mut memory[page + distance..][..READ];
        group.bench_function(distance.to_string(), |b| {
            b.iter(|| {
                for at in (0..log.len() / READ).map(|n| n * READ) {
                    file.read_exact_at(into, at as u64).expect("read");
                }
            });
        });
    }
}
