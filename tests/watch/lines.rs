//! Lines that are told apart by a number, and a source of numbers.

use std::io::Write;
use std::path::Path;

/// `count` lines from number `from` on, one every 50 ms of event time; each seventh has status 500, each 31st is no record.
pub fn text(from: u64, count: u64) -> String {
    (from..from + count).map(line).collect()
}

fn line(n: u64) -> String {
    if n % 31 == 30 {
        return format!("this is line {n}, and no record\n");
    }
    let seconds = n / 20;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let status = if n % 7 == 6 { 500 } else { 200 };
    format!("[22/Nov/2026:{hour:02}:{minute:02}:{second:02} +0000] user{} {status} {n}\n", n % 5)
}

/// Whether a line is counted.
pub fn is_mapped(n: u64) -> bool {
    n % 31 != 30 && n % 7 != 6
}

pub fn append(path: &Path, text: &str) {
    let file = std::fs::File::options().append(true).create(true).open(path);
    file.expect("a log").write_all(text.as_bytes()).expect("written");
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
