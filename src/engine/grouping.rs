//! The rows of a block, sorted into partitions and groups. The buffers live as long as the worker.

use std::rc::Rc;

use super::key;
use super::lines::Lines;
use super::records::Records;
use super::table::{GroupTable, hash_key};
use crate::data::Column;
use crate::format::RawBlock;
use crate::plan::ReducePlan;

/// Buffers that live from block to block.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) keys: Vec<u8>,
    pub(super) ends: Vec<usize>,
    pub(super) partitions: Vec<Selected>,
    pub(super) filtered: Vec<u32>,
    pub(super) offsets: Vec<u64>,
    pub(super) groups_of: Vec<u32>,
}

/// The rows of a block that fall into one partition, and their groups.
#[derive(Default)]
pub(super) struct Selected {
    pub(super) rows: Vec<u32>,
    pub(super) groups: Vec<u32>,
}

impl Selected {
    /// The rows that a filter keeps, and their groups, in the given buffers.
    pub(super) fn only<'b>(
        &self,
        keep: &[bool],
        groups: &'b mut Vec<u32>,
        rows: &'b mut Vec<u32>,
    ) -> (&'b [u32], &'b [u32]) {
        groups.clear();
        rows.clear();
        for (&row, &group) in self.rows.iter().zip(&self.groups) {
            if keep[row as usize] {
                rows.push(row);
                groups.push(group);
            }
        }
        (groups, rows)
    }
}

impl Scratch {
    /// Writes the key of each row that is in: window, then parts.
    pub(super) fn encode_keys(
        &mut self,
        reduce: &ReducePlan,
        keys: &[Rc<Column<'_>>],
        records: &Records<'_, '_>,
    ) {
        self.keys.clear();
        self.ends.clear();
        let times = records.event_time();
        for &row in &records.rows {
            if let (Some(window), Some(times)) = (reduce.window_us, times) {
                let time = times[row as usize];
                key::encode_int(time - time.rem_euclid(window), &mut self.keys);
            }
            for column in keys {
                key::encode(column, row as usize, &mut self.keys);
            }
            self.ends.push(self.keys.len());
        }
    }

    /// Gives each row its partition and its group there.
    pub(super) fn intern(&mut self, rows: &[u32], tables: &mut [GroupTable]) {
        self.partitions.iter_mut().for_each(|p| {
            p.rows.clear();
            p.groups.clear();
        });
        let shift = 64 - tables.len().trailing_zeros();
        let mut start = 0;
        for (&row, &end) in rows.iter().zip(&self.ends) {
            let key = &self.keys[start..end];
            let hash = hash_key(key);
            // A shift by 64 (one partition) is no shift in Rust: `checked_shr` makes it 0.
            let partition = hash.checked_shr(shift).unwrap_or(0) as usize;
            let selected = &mut self.partitions[partition];
            selected.rows.push(row);
            selected.groups.push(tables[partition].intern(hash, key));
            start = end;
        }
    }

    /// The offset of each line of the block in its segment.
    pub(super) fn locate(&mut self, lines: &Lines<'_>, raw: &RawBlock<'_>) {
        self.offsets.clear();
        let offsets = raw.lines.iter().map(|line| lines.offset_of(line));
        self.offsets.extend(offsets);
    }
}
