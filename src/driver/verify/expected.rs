//! The groups that the logs say there are: their rows in files, one a time partition, ascending by key.

use std::path::Path;

use super::super::RunError;
use super::rows::{Codec, Row, Rows};
use super::sorter::{RowFile, Sorter};
use super::store::Shape;
use crate::engine::key::leading_int;
use crate::engine::reference::Groups;
use crate::engine::timepart;
use crate::limits::STORE_BLOCK_ROWS;
use crate::plan::ReducePlan;

/// Rows by the start of their partition.
#[derive(Default)]
pub(super) struct Expected {
    parts: Vec<(i64, RowFile)>,
}

impl Expected {
    /// Of groups whose states come sorted by key, some in several parts.
    pub(super) fn write(
        groups: &Groups<'_>,
        reduce: &ReducePlan,
        codec: &Codec,
        states: Rows<'_>,
        folder: &Path,
    ) -> Result<Self, RunError> {
        let mut expected = Expected::default();
        let mut states = states.peekable();
        while let Some(first) = states.next().transpose()? {
            let mut same = vec![first];
            while let Some(Ok(next)) = states.peek()
                && next.key() == same[0].key()
                && let Some(next) = states.next().transpose()?
            {
                same.push(next);
            }
            let key = same[0].key();
            let parts: Vec<&[u8]> = same.iter().map(|row| &row.bytes[row.key..]).collect();
            let group = groups.finish(key, &parts).map_err(RunError::Other)?;
            let window = leading_int(&group.key).filter(|_| reduce.window_us.is_some());
            let partition_us = window.map_or(0, |window| timepart::start(reduce.partition, window));
            expected.push(partition_us, &codec.row(group.key, &group.values), folder)?;
        }
        expected.parts.iter_mut().try_for_each(|(_, rows)| rows.finish())?;
        Ok(expected)
    }

    fn push(&mut self, partition_us: i64, row: &Row, folder: &Path) -> Result<(), RunError> {
        if self.parts.last().is_none_or(|(last, _)| *last != partition_us) {
            self.parts.push((partition_us, RowFile::create(folder)?));
        }
        match self.parts.last_mut() {
            Some((_, rows)) => rows.push(row),
            None => Ok(()),
        }
    }

    /// The starts of its partitions, ascending.
    pub(super) fn partitions(&self) -> Vec<i64> {
        self.parts.iter().map(|part| part.0).collect()
    }

    /// The rows of all partitions, or of one.
    pub(super) fn rows(&self, partition: Option<i64>) -> Rows<'_> {
        let wanted = move |part: &&(i64, RowFile)| partition.is_none_or(|wanted| wanted == part.0);
        let files = self.parts.iter().filter(wanted);
        Box::new(files.flat_map(|(_, rows)| match rows.rows() {
            Ok(rows) => rows,
            Err(error) => Box::new(std::iter::once(Err(error))) as Rows<'_>,
        }))
    }

    /// The rows of all partitions, as somebody else shows them, and sorted by that.
    pub(super) fn shaped(
        &self,
        codec: &Codec,
        shape: Shape<'_>,
        mut sorter: Sorter,
    ) -> Result<Rows<'static>, RunError> {
        let mut rows = self.rows(None);
        loop {
            let block: Vec<Row> = rows.by_ref().take(STORE_BLOCK_ROWS).collect::<Result<_, _>>()?;
            if block.is_empty() {
                return sorter.finish();
            }
            let shaped = shape(codec.batch(&block)?)?;
            sorter.extend(codec.rows(&shaped).map_err(RunError::Other)?)?;
        }
    }
}
