//! The store of the groups at one moment: its runs under names of our own, so that a job that goes on may remove them.

use std::io;
use std::path::{Path, PathBuf};

use super::super::RunError;
use super::rows::{Codec, Row, Rows};
use super::sorter::Sorter;
use crate::catalog::{Catalog, Run};
use crate::engine::groups::GroupError;
use crate::engine::parquet_file::FileError;
use crate::engine::summary_reader::SummaryReader;
use crate::plan::ReducePlan;

/// How often a look is repeated when the job changed what was looked at.
pub(super) const LOOKS_MAX: usize = 20;

/// Runs of the store.
pub(super) struct Store {
    pub(super) folder: PathBuf,
    pub(super) runs: Vec<Run>,
}

/// What a block of groups becomes before it is compared.
pub(super) type Shape<'s> =
    &'s dyn Fn(arrow_array::RecordBatch) -> Result<arrow_array::RecordBatch, RunError>;

impl Store {
    /// The store as of now, linked into `folder`, which is emptied first.
    pub(super) fn link(catalog: &Catalog, stores: &Path, folder: &Path) -> Result<Self, RunError> {
        for _ in 0..LOOKS_MAX {
            let runs = catalog.runs()?;
            if link_all(&runs, stores, folder)? {
                return Ok(Store { folder: folder.to_owned(), runs });
            }
        }
        let what = "its runs are not those that the catalog names".into();
        Err(FileError::Damaged { path: stores.to_owned(), what }.into())
    }

    /// The starts of its partitions, ascending.
    pub(super) fn partitions(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.runs.iter().map(|run| run.partition_us).collect();
        all.dedup();
        all
    }

    /// The rows of the groups that a later batch than `since` changed; all where it is 0. Of all partitions, or of one.
    pub(super) fn rows<'r>(
        &self,
        reduce: &'r ReducePlan,
        codec: &'r Codec,
        partition: Option<i64>,
        since: u64,
    ) -> Rows<'r> {
        let blocks = self.blocks(reduce, partition, since);
        let rows = move |block: Result<_, RunError>| block.and_then(|block| of(codec, &block));
        Box::new(blocks.flat_map(move |block| match rows(block) {
            Ok(rows) => Box::new(rows.into_iter().map(Ok)) as Rows<'_>,
            Err(error) => Box::new(std::iter::once(Err(error))),
        }))
    }

    /// The same of all partitions, as somebody else shows them, and sorted by that.
    pub(super) fn shaped(
        &self,
        reduce: &ReducePlan,
        codec: &Codec,
        since: u64,
        shape: Shape<'_>,
        mut sorter: Sorter,
    ) -> Result<Rows<'static>, RunError> {
        for block in self.blocks(reduce, None, since) {
            sorter.extend(of(codec, &shape(block?)?)?)?;
        }
        sorter.finish()
    }

    fn blocks<'r>(
        &self,
        reduce: &'r ReducePlan,
        partition: Option<i64>,
        since: u64,
    ) -> impl Iterator<Item = Result<arrow_array::RecordBatch, RunError>> + use<'r> {
        let of_partition = self.runs.chunk_by(|a, b| a.partition_us == b.partition_us);
        let wanted = of_partition.filter(|runs| {
            partition.is_none_or(|wanted| runs[0].partition_us == wanted)
                && runs.iter().any(|run| run.batch > since)
        });
        let file = |run: &Run| self.folder.join(&run.file);
        let partitions: Vec<Vec<PathBuf>> =
            wanted.map(|runs| runs.iter().map(file).collect()).collect();
        partitions.into_iter().flat_map(move |files| {
            let mut reader = Some(SummaryReader::open(reduce, &files, since));
            std::iter::from_fn(move || {
                let next = next(reader.as_mut()?);
                if !matches!(next, Ok(Some(_))) {
                    reader = None;
                }
                next.transpose()
            })
        })
    }
}

fn next(
    reader: &mut Result<SummaryReader<'_>, GroupError>,
) -> Result<Option<arrow_array::RecordBatch>, RunError> {
    match reader {
        Ok(reader) => Ok(reader.next_rows()?.map(|found| found.rows)),
        Err(error) => Err(RunError::Other(error.to_string())),
    }
}

fn of(codec: &Codec, block: &arrow_array::RecordBatch) -> Result<Vec<Row>, RunError> {
    codec.rows(block).map_err(RunError::Other)
}

/// Whether all were there.
fn link_all(runs: &[Run], stores: &Path, folder: &Path) -> Result<bool, RunError> {
    for run in runs {
        let (from, to) = (stores.join(&run.file), folder.join(&run.file));
        match link(&from, &to) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            linked => linked.map_err(FileError::io("read", &from))?,
        }
    }
    Ok(true)
}

/// A second name for a file that is never changed, only replaced; where the file system has none, a copy.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(e),
        Err(_) => std::fs::copy(from, to).map(drop),
        Ok(()) => Ok(()),
    }
}
