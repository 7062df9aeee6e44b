//! The reducer's result: the groups of all workers, by ascending key.

use super::cursor::{Cursor, TableCursor, TableSlice};
use super::key::leading_int;
use super::ranges::{Sorted, merge};
use super::table::GroupTable;
use super::timepart;
use crate::job::Partition;

/// All groups of a batch: tables of ascending ranges of keys, each with its groups' ids by ascending key.
pub struct Delta {
    tables: Vec<Sorted>,
}

impl Delta {
    /// Merges the tables of all workers.
    pub fn reduce(workers: Vec<Vec<GroupTable>>) -> Delta {
        let tables = workers.into_iter().flatten().filter(|table| !table.is_empty());
        Delta { tables: merge(tables.collect()) }
    }

    /// How many groups.
    pub fn groups(&self) -> u64 {
        self.tables.iter().map(|(table, _)| table.len() as u64).sum()
    }

    /// The time partitions that have groups, by their start, ascending.
    pub fn partitions(&self, partition: Partition) -> Vec<i64> {
        let mut starts = std::collections::BTreeSet::new();
        for (table, order) in &self.tables {
            let start = |group: u32| partition_of(partition, table.key(group));
            let mut rest = order.as_slice();
            while let Some(&first) = rest.first() {
                starts.insert(start(first));
                rest = &rest[rest.partition_point(|&group| start(group) <= start(first))..];
            }
        }
        starts.into_iter().collect()
    }

    /// How many groups one time partition has, those of several tables counted more than once.
    pub fn count(&self, partition: Partition, start: i64) -> u64 {
        let counts = self.tables.iter().map(|entry| cut(entry, partition, start));
        counts.map(|(from, to)| (to - from) as u64).sum()
    }

    /// The groups of one time partition, ascending from slice to slice.
    pub fn slices(&self, partition: Partition, start: i64) -> Vec<TableSlice<'_>> {
        let slices = self.tables.iter().map(|entry| {
            let (from, to) = cut(entry, partition, start);
            TableSlice { table: &entry.0, order: &entry.1[from..to] }
        });
        slices.filter(|slice| !slice.order.is_empty()).collect()
    }

    /// Cursors over the groups of one time partition.
    pub fn cursors(
        &self,
        partition: Partition,
        start: i64,
        batch: u64,
    ) -> Vec<Box<dyn Cursor + '_>> {
        let slices = self.slices(partition, start).into_iter();
        slices
            .map(|TableSlice { table, order }| {
                Box::new(TableCursor::new(table, order, batch)) as Box<dyn Cursor>
            })
            .collect()
    }
}

/// Where the groups of a time partition are in a table's order.
fn cut((table, order): &Sorted, partition: Partition, start: i64) -> (usize, usize) {
    let from = order.partition_point(|&g| partition_of(partition, table.key(g)) < start);
    let to = order.partition_point(|&g| partition_of(partition, table.key(g)) <= start);
    (from, to)
}

/// The time partition of one group after another: most have the window of the one before.
pub struct PartitionOf {
    partition: Partition,
    /// Of the window.
    part: Vec<u8>,
    start: i64,
}

impl PartitionOf {
    /// For partitions of one kind.
    pub fn new(partition: Partition) -> Self {
        PartitionOf { partition, part: Vec::new(), start: 0 }
    }

    /// The start of the next group's.
    pub fn key(&mut self, key: &[u8]) -> i64 {
        // A tag and eight bytes; without partitions there need not be a window.
        let part = key.get(..9).unwrap_or(key);
        if self.partition != Partition::None && self.part != part {
            self.start = partition_of(self.partition, key);
            self.part.clear();
            self.part.extend_from_slice(part);
        }
        self.start
    }
}

/// The time partition of a group, by its window.
pub fn partition_of(partition: Partition, key: &[u8]) -> i64 {
    if partition == Partition::None {
        0
    } else {
        timepart::start(partition, leading_int(key).unwrap_or(0))
    }
}
