//! The visible files of the summary.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::super::RunError;
use super::super::layout::summary_path;
use super::Groups;
use super::report::{Tally, VerifiedOutput};
use super::rows::Rows;
use super::scratch::Scratch;
use super::snapshot::Shown;
use super::sorter::Sorter;
use crate::engine::parquet_file;
use crate::limits::STORE_BLOCK_ROWS;
use crate::plan::SummaryOutput;

/// Compares each partition's file, and tells of files that are none of the job's.
pub(super) fn compare(
    groups: &Groups<'_>,
    output: &SummaryOutput,
    scratch: &Scratch,
    memory: usize,
    problems: &mut Vec<String>,
) -> Result<VerifiedOutput, RunError> {
    let mut shown: HashMap<PathBuf, &Shown> =
        groups.snapshot.summary.iter().map(|shown| (shown.path.clone(), shown)).collect();
    let mut tally = Tally::default();
    let stored = groups.snapshot.store.partitions();
    let partitions: BTreeSet<i64> =
        groups.expected.partitions().into_iter().chain(stored).collect();
    for partition_us in partitions {
        let path = summary_path(&output.path, groups.reduce.partition, partition_us);
        let found = match shown.remove(&path) {
            None => Box::new(std::iter::empty()) as Rows<'_>,
            Some(shown) => match read(groups, &shown.file, scratch.folder(), memory) {
                Ok(rows) => rows,
                Err(error) => {
                    problems.push(format!("{}: {error}", path.display()));
                    continue;
                }
            },
        };
        partition(groups, partition_us, &path, found, &mut tally)?;
    }
    let mut foreign: Vec<&PathBuf> = shown.keys().collect();
    foreign.sort();
    problems.extend(foreign.into_iter().map(|path| {
        format!(
            "{} is none of the files of this job, and whoever reads all files of the folder reads it too",
            path.display()
        )
    }));
    let place = output.path.display().to_string();
    Ok(VerifiedOutput { name: "summary".into(), place, tally })
}

/// Under `watch`, a file is behind the store until the next refresh.
fn partition(
    groups: &Groups<'_>,
    partition_us: i64,
    path: &Path,
    found: Rows<'_>,
    tally: &mut Tally,
) -> Result<(), RunError> {
    let (reduce, codec) = (groups.reduce, groups.comparison.codec);
    let since = groups.snapshot.facts.visible.get(path).map_or(0, |file| file.batch);
    let expected = groups.expected.rows(Some(partition_us));
    let skip = groups.snapshot.store.rows(reduce, codec, Some(partition_us), since);
    groups.comparison.run(expected, found, skip, tally)
}

fn read(
    groups: &Groups<'_>,
    file: &Path,
    scratch: &Path,
    memory: usize,
) -> Result<Rows<'static>, RunError> {
    let mut sorter = Sorter::new(scratch, memory);
    for batch in parquet_file::open(file, STORE_BLOCK_ROWS)? {
        let batch = batch.map_err(|e| RunError::Other(format!("it can't be read: {e}")))?;
        sorter.extend(groups.comparison.codec.rows(&batch).map_err(RunError::Other)?)?;
    }
    sorter.finish()
}
