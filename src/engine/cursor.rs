//! Sorted sequences of groups: a worker's table, a file of the store, a spilled run.

use super::parquet_file::FileError;
use super::table::GroupTable;

/// How far ahead of a cursor keys are prefetched: they lie in the table in the order of their first appearance.
const AHEAD: usize = 8;

/// A place in a sequence of groups that ascends by key.
pub trait Cursor: Send {
    /// The key here; `None` behind the last.
    fn key(&self) -> Option<&[u8]>;
    /// Appends the group's state.
    fn state(&self, out: &mut Vec<u8>);
    /// The batch that changed the group last.
    fn batch(&self) -> u64;
    /// Goes to the next group.
    fn advance(&mut self) -> Result<(), FileError>;
    /// Goes forward to the first key that is not below this one.
    fn seek(&mut self, key: &[u8]) -> Result<(), FileError> {
        while self.key().is_some_and(|here| here < key) {
            self.advance()?;
        }
        Ok(())
    }
}

/// Some groups of a table, by ascending key.
#[derive(Clone, Copy)]
pub struct TableSlice<'t> {
    /// The table.
    pub table: &'t GroupTable,
    /// Their ids.
    pub order: &'t [u32],
}

/// Groups of a table, in the order given.
pub struct TableCursor<'t> {
    table: &'t GroupTable,
    order: &'t [u32],
    key: Option<&'t [u8]>,
    batch: u64,
}

impl<'t> TableCursor<'t> {
    /// `order`: group ids by ascending key. `batch`: the one that is being made.
    pub fn new(table: &'t GroupTable, order: &'t [u32], batch: u64) -> Self {
        let key = order.first().map(|&group| table.key(group));
        TableCursor { table, order, key, batch }
    }
}

impl Cursor for TableCursor<'_> {
    fn key(&self) -> Option<&[u8]> {
        self.key
    }

    fn state(&self, out: &mut Vec<u8>) {
        if let Some(&group) = self.order.first() {
            self.table.state(group, &mut Vec::new(), out);
        }
    }

    fn batch(&self) -> u64 {
        self.batch
    }

    fn advance(&mut self) -> Result<(), FileError> {
        let table = self.table;
        if let Some(&group) = self.order.get(2 * AHEAD) {
            table.prefetch_place(group);
        }
        if let Some(&group) = self.order.get(AHEAD) {
            table.prefetch_key(group);
            table.prefetch_states(group);
        }
        self.order = self.order.get(1..).unwrap_or_default();
        self.key = self.order.first().map(|&group| table.key(group));
        Ok(())
    }

    fn seek(&mut self, key: &[u8]) -> Result<(), FileError> {
        let below = self.order.partition_point(|&group| self.table.key(group) < key);
        *self = TableCursor::new(self.table, &self.order[below..], self.batch);
        Ok(())
    }
}
