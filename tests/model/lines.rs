//! Lines, and what a run must make of them: a loop over plain values.

use std::collections::{BTreeMap, BTreeSet};

/// `[limits] line` of the job.
pub const LINE_BYTES_MAX: usize = 300;
/// The job's filter: a smaller `n` is dropped.
pub const N_MIN: i64 = 10;

/// The n-th line that is written anywhere: a record, mostly.
pub fn line(number: u64) -> String {
    let ending = if number.is_multiple_of(5) { "\r\n" } else { "\n" };
    let text = match number % 23 {
        3 => String::new(),
        7 => format!("line {number} is no record"),
        11 => format!("line {number} is too long {}", "x".repeat(LINE_BYTES_MAX)),
        _ => format!("{{\"id\":\"line {number}\",\"n\":{}}}", number % 40),
    };
    text + ending
}

/// All bytes ever written to one file, whatever became of it.
#[derive(Debug, Default)]
pub struct Generation {
    pub bytes: Vec<u8>,
    /// Where a run took an unfinished line for a whole one.
    seals: BTreeSet<usize>,
}

impl Generation {
    /// Nothing more will come, says a run: the last line counts as it is.
    pub fn seal(&mut self) {
        self.seals.insert(self.bytes.len());
    }

    /// Whether its last line is whole, or was taken for it.
    pub fn ends_well(&self) -> bool {
        self.bytes.last().is_none_or(|byte| *byte == b'\n')
            || self.seals.contains(&self.bytes.len())
    }

    fn lines(&self) -> Vec<&[u8]> {
        let (mut lines, mut start) = (Vec::new(), 0);
        for seal in self.seals.iter().copied().chain([self.bytes.len()]) {
            lines.extend(self.bytes[start..seal].split_inclusive(|byte| *byte == b'\n'));
            start = seal;
        }
        lines
    }
}

/// What must have been counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Of each id, how often and the sum of `n`.
    pub rows: BTreeMap<String, (i64, i64)>,
    pub mapped: u64,
    pub filtered: u64,
    pub rejected: u64,
    pub bytes: u64,
}

impl Counted {
    /// Counts these files.
    pub fn of<'g>(generations: impl Iterator<Item = &'g Generation>) -> Counted {
        let mut counted = Counted::default();
        for generation in generations {
            generation.lines().into_iter().for_each(|line| counted.line(line));
        }
        counted
    }

    fn line(&mut self, line: &[u8]) {
        self.bytes += line.len() as u64;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            self.filtered += 1;
        } else if let Some((id, n)) = record(line) {
            match n < N_MIN {
                true => self.filtered += 1,
                false => {
                    self.mapped += 1;
                    let row = self.rows.entry(id).or_default();
                    *row = (row.0 + 1, row.1 + n);
                }
            }
        } else {
            self.rejected += 1;
        }
    }
}

fn record(line: &[u8]) -> Option<(String, i64)> {
    let short = line.len() <= LINE_BYTES_MAX;
    let value: serde_json::Value = serde_json::from_slice(line).ok().filter(|_| short)?;
    Some((value.get("id")?.as_str()?.to_owned(), value.get("n")?.as_i64()?))
}
