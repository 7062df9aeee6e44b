//! The rows of a block, and their groups. The buffers live as long as the worker.

use std::rc::Rc;

use super::accumulator::{Input, Order};
use super::arguments::Evaluated;
use super::codes::Codes;
use super::key;
use super::keys::{Encoded, KeyBuffer, KeyList, Times, Windows};
use super::lines::Lines;
use super::records::Records;
use super::table::GroupTable;
use crate::data::{Column, Values};
use crate::format::RawBlock;
use crate::plan::ReducePlan;

/// Buffers that live from block to block.
#[derive(Default)]
pub(super) struct Scratch {
    keys: KeyBuffer,
    codes: Codes,
    /// The group of each row that is in.
    groups: Vec<u32>,
    offsets: Vec<u64>,
    /// Rows that pass an aggregate's own filter, and their groups.
    kept: Selected,
    no_times: Vec<i64>,
}

/// Where a block stands in the order of lines.
pub(super) struct BlockPlace<'b, 'a> {
    pub(super) lines: &'b Lines<'a>,
    pub(super) raw: &'b RawBlock<'a>,
    /// Of the segment.
    pub(super) rank: (i64, u64),
}

#[derive(Default)]
struct Selected {
    rows: Vec<u32>,
    groups: Vec<u32>,
}

impl Scratch {
    /// Gives each row that is in its group, a new one where its key was not known.
    pub(super) fn group(
        &mut self,
        reduce: &ReducePlan,
        keys: &[Rc<Column<'_>>],
        records: &Records<'_, '_>,
        table: &mut GroupTable,
    ) {
        self.groups.clear();
        let (rows, times) = (&records.rows, reduce.window_us.zip(records.event_time()));
        match (times, keys) {
            (_, []) if rows.is_empty() => {}
            (None, []) => self.groups.resize(rows.len(), table.intern(&[])),
            (Some((width_us, times)), []) => {
                self.group_by_window(Windows::new(width_us), times, rows, table)
            }
            _ => self.group_by_keys(times, keys, rows, table),
        }
        table.grow();
    }

    fn group_by_keys(
        &mut self,
        times: Option<Times<'_>>,
        columns: &[Rc<Column<'_>>],
        rows: &[u32],
        table: &mut GroupTable,
    ) {
        let Scratch { keys, codes, groups, .. } = self;
        if let (None, [only]) = (times, columns)
            && let (None, Values::Text(texts)) = (&only.valid, &only.values)
        {
            return table.intern_texts(texts, rows, groups);
        }
        let group = |row| match keys.encode(times, columns, &[row]) {
            Encoded::Fixed(keys) => table.intern(keys.key(0)),
            Encoded::Ended(keys) => table.intern(keys.key(0)),
        };
        if codes.groups((times, columns, rows), group, groups) {
            return;
        }
        match keys.encode(times, columns, rows) {
            Encoded::Fixed(keys) => table.intern_all(&keys, groups),
            Encoded::Ended(keys) => table.intern_all(&keys, groups),
        }
    }

    /// The window is the whole key: one look at the table for each run of rows in a window.
    fn group_by_window(
        &mut self,
        mut windows: Windows,
        times: &[i64],
        rows: &[u32],
        table: &mut GroupTable,
    ) {
        let mut last = None;
        for &row in rows {
            let time = times[row as usize];
            let group = match last {
                Some(group) if windows.is_in_last(time) => group,
                _ => table.intern(&key::int_part(windows.start_of(time))),
            };
            last = Some(group);
            self.groups.push(group);
        }
    }

    /// Folds the rows into their groups.
    pub(super) fn fold(
        &mut self,
        evaluated: &Evaluated<'_>,
        records: &Records<'_, '_>,
        place: Option<BlockPlace<'_, '_>>,
        table: &mut GroupTable,
    ) {
        if let Some(place) = &place {
            self.locate(place, records);
        }
        let order = place.map(|place| Order {
            event_time: records.event_time().unwrap_or(&self.no_times),
            segment: place.rank,
            offset: &self.offsets,
        });
        let order = order.as_ref();
        for (call, accumulator) in table.updates() {
            let aggregate = &evaluated.aggregates[call];
            let (groups, rows) = match &aggregate.keep {
                None => (&self.groups, &records.rows),
                Some(keep) => self.kept.take(keep, &self.groups, &records.rows),
            };
            accumulator.update(&Input { groups, rows, column: aggregate.arg.as_deref(), order });
        }
    }

    /// The offset of each line of the block in its segment, and a time for those that have none.
    fn locate(&mut self, place: &BlockPlace<'_, '_>, records: &Records<'_, '_>) {
        self.offsets.clear();
        self.offsets.extend(place.raw.lines.iter().map(|line| place.lines.offset_of(line)));
        if records.event_time().is_none() {
            self.no_times.resize(records.len(), 0);
        }
    }
}

impl Selected {
    /// The groups and rows that a filter keeps.
    fn take(&mut self, keep: &[bool], groups: &[u32], rows: &[u32]) -> (&Vec<u32>, &Vec<u32>) {
        self.groups.clear();
        self.rows.clear();
        for (&row, &group) in rows.iter().zip(groups) {
            if keep[row as usize] {
                self.rows.push(row);
                self.groups.push(group);
            }
        }
        (&self.groups, &self.rows)
    }
}
