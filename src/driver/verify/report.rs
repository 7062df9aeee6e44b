//! What `verify` found.

use std::path::PathBuf;

use crate::data::Scalar;

/// What came of a comparison of all outputs with what the logs say.
#[derive(Debug, Default)]
pub struct Verified {
    /// The batch up to which everything was compared.
    pub batch: u64,
    /// Segments that were read again.
    pub segments: u64,
    /// Their bytes, decompressed.
    pub bytes: u64,
    /// Segments that can't be read any more: where they were seen last, and how many of their bytes were counted.
    pub gone: Vec<(PathBuf, u64)>,
    /// The store, and each output of the groups.
    pub outputs: Vec<VerifiedOutput>,
    /// Parquet of the records.
    pub events: Option<VerifiedEvents>,
    /// Things to know, one line each.
    pub notices: Vec<String>,
    /// What could not be compared, or does not belong there, one line each.
    pub problems: Vec<String>,
    /// Wall time.
    pub seconds: f64,
}

impl Verified {
    /// Whether everything was compared, and nothing differs.
    pub fn is_equal(&self) -> bool {
        self.problems.is_empty() && self.differences() == 0
    }

    /// All differences.
    pub fn differences(&self) -> u64 {
        let events = self.events.iter().map(|events| events.differences.len() as u64);
        self.outputs.iter().map(|output| output.tally.differences()).chain(events).sum()
    }
}

/// An output of the groups.
#[derive(Debug)]
pub struct VerifiedOutput {
    /// Such as `mysql:http_traffic`.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// What was found there.
    pub tally: Tally,
}

/// Groups of an output.
#[derive(Debug, Default)]
pub struct Tally {
    /// That should be there, of those that were compared.
    pub groups: u64,
    /// That were not compared: the job changed them meanwhile, or the output does not have them yet.
    pub skipped: u64,
    /// That are not there.
    pub missing: u64,
    /// That are there and should not be.
    pub surplus: u64,
    /// With another value.
    pub differing: u64,
    /// The first differences, by key.
    pub first: Vec<Difference>,
}

impl Tally {
    /// All differences.
    pub fn differences(&self) -> u64 {
        self.missing + self.surplus + self.differing
    }

    pub(super) fn count(&mut self, kind: Kind) -> &mut u64 {
        match kind {
            Kind::Missing => &mut self.missing,
            Kind::Surplus => &mut self.surplus,
            Kind::Differs => &mut self.differing,
        }
    }
}

/// How a group differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is not there.
    Missing,
    /// It is only there.
    Surplus,
    /// It has another value.
    Differs,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// How.
    pub kind: Kind,
    /// The group's key, by column.
    pub key: Vec<(String, Scalar)>,
    /// The columns that differ: what they should be, and what was found.
    pub columns: Vec<(String, Scalar, Scalar)>,
}

/// Parquet of the records.
#[derive(Debug, Default)]
pub struct VerifiedEvents {
    /// Where it is.
    pub place: String,
    /// Time partitions that were compared.
    pub partitions: u64,
    /// Records that should be in them.
    pub records: u64,
    /// Partitions that differ.
    pub differences: Vec<EventsDifference>,
}

/// A partition whose records are not those that the logs say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsDifference {
    /// Its folder below the output's; empty where there is one only.
    pub partition: String,
    /// Records that should be there.
    pub expected: u64,
    /// Records that are; with as many as expected, they are others.
    pub found: u64,
}
