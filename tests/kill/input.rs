//! The logs: the same in every trial. Three phases; a run, or several that are killed, come behind each.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

/// How often there is something new.
pub const PHASES: usize = 3;
/// Lines of one file of one phase.
const LINES: u64 = 30_000;

/// What the logs get in a phase: a live file that grows, stops in the middle of a line and is rotated; a compressed one.
pub fn write(logs: &Path, phase: usize) {
    write_lines(logs, phase, LINES, 3);
}

/// The same with so many lines, so many seconds apart.
pub fn write_lines(logs: &Path, phase: usize, count: u64, seconds: u64) {
    let live = logs.join("access.log");
    let lines = |seed, count| lines(seed, count, seconds);
    let text = lines(phase as u64, count);
    match phase {
        0 => append(&live, &text[..text.len() - 20]),
        1 => {
            let first = lines(0, count);
            append(&live, &first[first.len() - 20..]);
            fs::rename(&live, logs.join("access.log.1")).expect("rotated");
            append(&live, &text);
        }
        _ => append(&live, &text),
    }
    let packed = File::create(logs.join(format!("old-{phase}.log.gz"))).expect("created");
    let mut encoder = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    encoder.write_all(lines(10 + phase as u64, count / 2).as_bytes()).expect("compressed");
    encoder.finish().expect("compressed");
}

fn append(path: &Path, text: &str) {
    let file = File::options().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("appended");
}

/// Lines over some hours, with a few that are filtered, empty, late or broken.
fn lines(seed: u64, count: u64, seconds: u64) -> String {
    let mut random = Random(seed + 1);
    let mut text = String::new();
    for n in 0..count {
        let r = random.next();
        if r.is_multiple_of(97) {
            text.push_str(if r.is_multiple_of(2) { "\n" } else { "no record\n" });
            continue;
        }
        let second = (n * seconds + r % 50) % 21_600;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let (user, status, bytes) = (r % 23, 200 + 100 * (r % 4), r % 5_000);
        let _ = writeln!(
            text,
            "[22/Nov/2026:{hour:02}:{minute:02}:{second:02} +0000] u{user} {status} {bytes} 0.{:03}",
            r % 1_000
        );
    }
    text
}

/// Xorshift.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}
