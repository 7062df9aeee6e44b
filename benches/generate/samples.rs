//! The files of `data/samples/`: small, and the same bytes each time.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder};

use crate::access::{self, AccessOptions};
use crate::clock::START;
use crate::sink::Sink;
use crate::{app, sensors};

/// Writes all samples into a folder, which is made if it isn't there.
pub(crate) fn write(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join("access.log.2.gz"), gzip(&access_log(0, 24, 3000)?)?)?;
    fs::write(dir.join("access.log.1"), access_log(1, 24, 3000)?)?;
    fs::write(dir.join("access.log"), access_log(2, 12, 2400)?)?;

    let mut sink = Sink::create(&dir.join("app.jsonl"))?;
    app::write(2500, 48, 4, true, &mut sink)?;
    sink.finish()?;

    let mut sink = Sink::create(&dir.join("sensors.csv"))?;
    sensors::write(20_000, 5, &mut sink)?;
    sink.finish().map(drop)
}

/// The log of one day, rotated at midnight; 11 lines of it are odd, one of each kind.
fn access_log(day: u64, hours: u64, lines: u64) -> io::Result<Vec<u8>> {
    let options = AccessOptions {
        lines,
        broken: 11,
        request_time: true,
        paths: 600,
        clients: 400,
        start: START + day * 86_400,
        hours,
        seed: day + 1,
    };
    let mut sink = Sink::memory();
    access::write(&options, &mut sink)?;
    sink.finish()
}

/// Compressed without a time stamp or a name, which would change from run to run.
fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}
