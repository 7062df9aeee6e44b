//! The groups that changed since a batch, with all that any run knows of them: what names them is read in whole, the rest
//! only where one of them may stand.

use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{BinaryArray, Int64Array};

use super::cursor::Cursor;
use super::groups::{GroupBlock, GroupError};
use super::parquet_file::FileError;
use super::row_groups::{RowGroups, Wanted};
use super::store::StoreCursor;

/// Changed groups of some runs, merged.
pub(super) struct Lookup {
    changed: Vec<Changed>,
    runs: Vec<StoreCursor>,
    state: Vec<u8>,
}

impl Lookup {
    /// Of the groups of these runs, those that a later batch than `since` changed.
    pub(super) fn open(runs: &[PathBuf], since: u64) -> Result<Self, FileError> {
        let changed = runs.iter().map(|path| Changed::open(path, since));
        let changed = changed.collect::<Result<Vec<_>, _>>()?;
        let runs = if changed.iter().all(|run| run.key().is_none()) { &[] } else { runs };
        let runs = runs.iter().map(|path| StoreCursor::unplaced(path));
        Ok(Lookup { changed, runs: runs.collect::<Result<_, _>>()?, state: Vec::new() })
    }

    /// Fills the block with the next of them; false behind the last.
    pub(super) fn next(&mut self, block: &mut GroupBlock) -> Result<bool, GroupError> {
        block.clear();
        while !block.is_full() {
            let Some(key) = self.changed.iter().filter_map(Changed::key).min() else { break };
            block.push_key(key);
            for changed in &mut self.changed {
                if changed.key() == Some(block.last_key()) {
                    changed.advance()?;
                }
            }
            for run in &mut self.runs {
                run.seek(block.last_key())?;
                block.fold_same(run, &mut self.state)?;
            }
        }
        block.seal();
        Ok(!block.is_empty())
    }

    /// How many row groups were read, of the columns that name groups or of all.
    pub(super) fn row_groups_read(&self) -> usize {
        let names = self.changed.iter().map(|run| run.groups.decoded());
        names.chain(self.runs.iter().map(StoreCursor::row_groups_read)).sum()
    }
}

/// The keys of a run that a later batch than `since` changed, ascending.
struct Changed {
    groups: RowGroups,
    since: u64,
    rows: Option<(BinaryArray, Int64Array)>,
    at: usize,
}

impl Changed {
    fn open(path: &std::path::Path, since: u64) -> Result<Self, FileError> {
        let groups = RowGroups::open(path, &["key", "batch"])?;
        let mut changed = Changed { groups, since, rows: None, at: 0 };
        changed.settle()?;
        Ok(changed)
    }

    fn key(&self) -> Option<&[u8]> {
        self.rows.as_ref().map(|(keys, _)| keys.value(self.at))
    }

    fn advance(&mut self) -> Result<(), FileError> {
        self.at += 1;
        self.settle()
    }

    /// Goes to the first changed group from here on.
    fn settle(&mut self) -> Result<(), FileError> {
        loop {
            if let Some((_, batches)) = &self.rows {
                let mut rest = batches.values()[self.at..].iter();
                if let Some(ahead) = rest.position(|&batch| batch as u64 > self.since) {
                    self.at += ahead;
                    return Ok(());
                }
            }
            (self.rows, self.at) = (None, 0);
            let Some(rows) = self.groups.next(Wanted::Since(self.since))? else { return Ok(()) };
            let read = || {
                let keys = rows.column_by_name("key")?.as_binary_opt()?.clone();
                Some((keys, rows.column_by_name("batch")?.as_primitive_opt::<Int64Type>()?.clone()))
            };
            self.rows = Some(read().ok_or_else(|| self.groups.damaged("its columns"))?);
        }
    }
}
