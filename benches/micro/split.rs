//! Reading a file into chunks of whole lines.

use std::hint::black_box;
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
