//! Records, compared by time partition: how many there are, and whether they are the same ones in whatever order.

use std::collections::BTreeMap;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::super::RunError;
use super::compare::Range;
use super::report::{EventsDifference, Verified, VerifiedEvents};
use super::rows::{Codec, Row};
use super::snapshot::Shown;
use crate::engine::parquet_file;
use crate::engine::timepart;
use crate::job::Partition;
use crate::limits::STORE_BLOCK_ROWS;
use crate::plan::EventsOutput;

/// Records of a partition: their number, and the sum of their hashes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content {
    records: u64,
    sum: u128,
}

impl Content {
    /// Takes a record in.
    pub(super) fn add(&mut self, row: &Row) {
        self.records += 1;
        self.sum = self.sum.wrapping_add(xxh3_128(&row.bytes));
    }
}

/// Compares what was computed with what is visible or decided to be.
pub(super) fn compare(
    output: &EventsOutput,
    expected: &BTreeMap<i64, Content>,
    found: &[Shown],
    range: Option<Range>,
    verified: &mut Verified,
) -> Result<VerifiedEvents, RunError> {
    let codec = Codec::of_events(output);
    let mut result = VerifiedEvents::default();
    let mut contents: BTreeMap<String, (Content, Content)> = BTreeMap::new();
    let mut outside = Vec::new();
    for (&partition_us, content) in expected {
        let label = timepart::label(output.partition, partition_us);
        if !is_within(output.partition, partition_us, range) {
            outside.push(label);
            continue;
        }
        contents.entry(label).or_default().0 = *content;
    }
    for shown in found {
        let is_whole = range.is_none() || contents.contains_key(&shown.label);
        if !is_whole || outside.contains(&shown.label) {
            continue;
        }
        let content = &mut contents.entry(shown.label.clone()).or_default().1;
        if let Err(error) = add(&codec, &shown.file, content) {
            verified.problems.push(format!("{}: {error}", shown.path.display()));
        }
    }
    for (partition, (expected, found)) in contents {
        result.partitions += 1;
        result.records += expected.records;
        if expected != found {
            let (expected, found) = (expected.records, found.records);
            result.differences.push(EventsDifference { partition, expected, found });
        }
    }
    Ok(result)
}

/// Whether all records of a partition are of interest.
fn is_within(partition: Partition, start_us: i64, range: Option<Range>) -> bool {
    let Some((from, to)) = range else { return true };
    timepart::end(partition, start_us).is_some_and(|end_us| from <= start_us && end_us <= to)
}

fn add(codec: &Codec, file: &Path, content: &mut Content) -> Result<(), RunError> {
    for batch in parquet_file::open(file, STORE_BLOCK_ROWS)? {
        let batch = batch.map_err(|e| RunError::Other(e.to_string()))?;
        for row in codec.rows(&batch).map_err(RunError::Other)? {
            content.add(&row);
        }
    }
    Ok(())
}
