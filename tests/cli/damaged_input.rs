//! Files that are damaged, cut off, or still being written: said, left out whole, and read when they are whole again.

use std::io::Write;

use crate::support::{World, lines};

/// Noise-like lines, so that the compressed file is long enough to be cut.
fn gzip(count: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(lines(3, count).as_bytes()).expect("in memory");
    encoder.finish().expect("in memory")
}

#[test]
fn a_gzip_file_with_a_flipped_byte_is_left_out_whole_and_named() {
    let world = World::with_lines(3);
    let good = gzip(2000);
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 0x10;
    world.write("logs/b.log.gz", &bad);
    let done = world.run(&["--json"]).expect(1);
    assert_eq!(done.json()["lines"], 3, "nothing of a damaged file counts");
    done.says(&["logs/b.log.gz is damaged near byte", "restore it or take it out of the glob"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    world.write("logs/b.log.gz", &good);
    assert_eq!(world.run_json(&[])["lines"], 2000);
}

#[test]
fn a_gzip_file_with_a_wrong_checksum_is_damaged() {
    let world = World::with_lines(3);
    let mut bad = gzip(100);
    let crc = bad.len() - 6;
    bad[crc] ^= 1;
    world.write("logs/b.log.gz", &bad);
    world.run(&[]).expect(1).says(&["logs/b.log.gz is damaged"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

#[test]
fn a_gzip_file_that_was_cut_off_long_ago_is_an_error() {
    let world = World::with_lines(3);
    let good = gzip(2000);
    world.write("logs/b.log.gz", &good[..good.len() / 2]);
    world.age("logs/b.log.gz");
    let done = world.run(&[]).expect(1);
    done.says(&["logs/b.log.gz ends in the middle of its gzip data", "restore it"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

#[test]
fn a_gzip_file_that_is_being_written_is_a_notice_and_read_when_it_is_whole() {
    let world = World::with_lines(3);
    let good = gzip(2000);
    world.write("logs/b.log.gz", &good[..good.len() / 2]);
    let done = world.run(&[]).expect(0);
    done.says(&[
        "logs/b.log.gz ends in the middle",
        "if it is still being written the next run reads it",
    ]);
    world.write("logs/b.log.gz", &good);
    assert_eq!(world.run_json(&[])["lines"], 2000);
}

#[test]
fn a_log_that_is_being_compressed_is_a_notice_wherever_the_compressor_is() {
    let good = gzip(2000);
    let plain = lines(3, 2000);
    for cut in [12, 40, good.len() / 8, good.len() / 2, good.len() - 1] {
        let world = World::with_lines(3);
        world.write("logs/b.log", &plain);
        world.run(&[]).expect(0);
        std::fs::remove_file(world.path("logs/b.log")).expect("it is there");
        world.write("logs/b.log.gz", &good[..cut]);
        world.run(&[]).expect(0).says(&["logs/b.log.gz ends in the middle of its gzip data"]);
        world.write("logs/b.log.gz", &good);
        assert_eq!(world.run_json(&[])["lines"], 0, "cut at {cut}");
        assert_eq!(world.summary()[0].split('\t').nth(1), Some("2003"));
    }
}

#[test]
fn with_final_a_cut_off_file_is_an_error_however_fresh_it_is() {
    let world = World::with_lines(3);
    let good = gzip(2000);
    world.write("logs/b.log.gz", &good[..good.len() / 2]);
    world.run(&["--final"]).expect(1).says(&["ends in the middle"]);
}

#[test]
fn a_file_that_was_emptied_and_written_anew_is_read_from_its_start() {
    let world = World::with_lines(50);
    world.run(&[]).expect(0);
    world.write("logs/a.log", lines(100, 5));
    let done = world.run(&["--json"]).expect(1).says(&["logs/a.log: a gap: "]);
    let report = done.json();
    assert_eq!((&report["lines"], &report["gaps"]), (&5.into(), &1.into()));
    assert_eq!(world.summary()[0].split('\t').nth(1), Some("55"));
    world.run(&[]).expect(0);
    assert_eq!(world.logmill(&["status", "job.toml", "--json"]).expect(0).json()["gaps"], 1);
    assert_eq!(world.logmill(&["history", "job.toml", "--json"]).json()["batches"][0]["gaps"], 1);
}
