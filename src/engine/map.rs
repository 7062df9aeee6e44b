//! The mapper: chunks of lines into the group tables of one worker. Each worker has one for its whole life.

use std::rc::Rc;

use bumpalo::Bump;

use super::accumulator::{self, Input, Order};
use super::arguments::Evaluated;
use super::grouping::{Scratch, Selected};
pub use super::lines::Lines;
use super::records::Records;
use super::reject::{Counters, Reject, Rejects};
use super::table::GroupTable;
use crate::data::Column;
use crate::format::{BYTE_ORDER_MARK, Converter, RawBlock, TOO_LONG, TimeCache, Tokenizer};
use crate::limits::{BLOCK_RECORDS, REJECT_SAMPLE_BYTES};
use crate::plan::{Plan, ReducePlan};
use crate::source::Oversize;

/// What a chunk's lines belong to.
pub struct SegmentContext<'s> {
    /// Index of the segment in the batch.
    pub index: usize,
    /// Path as found.
    pub source_file: &'s str,
    /// Rank of the segment in the order of lines: (event time of its first line, hash of its first line).
    pub rank: (i64, u64),
    /// Cuts this segment's lines.
    pub tokenizer: &'s dyn Tokenizer,
}

/// Takes mapped records where a job writes them out.
pub trait RecordSink: Send {
    /// Takes some rows of a block: one column an output column, and the event times where the output is cut by time.
    fn append(&mut self, columns: &[Rc<Column<'_>>], event_time: Option<&[i64]>, rows: &[u32]);
}

/// A worker's part of a batch.
pub struct Mapper<'p> {
    plan: &'p Plan,
    converters: &'p [Converter],
    /// One table a partition of the keys.
    pub tables: Vec<GroupTable>,
    /// What became of the lines.
    pub counters: Counters,
    /// Rejected lines.
    pub rejects: Rejects,
    /// One a raw field: what a text means depends on the field's layout.
    caches: Vec<TimeCache>,
    arena: Bump,
    scratch: Scratch,
}

/// Empty tables for a plan, one a partition.
pub fn empty_tables(reduce: Option<&ReducePlan>, partitions: usize) -> Vec<GroupTable> {
    let reduce = reduce.into_iter();
    reduce.flat_map(|r| (0..partitions).map(|_| GroupTable::new(accumulators(r)))).collect()
}

/// Empty accumulators, one an aggregate call.
pub fn accumulators(reduce: &ReducePlan) -> Vec<Box<dyn accumulator::Accumulator>> {
    let new = |a: &crate::plan::AggregatePlan| {
        accumulator::new(a.function, a.arg.as_ref().map(|e| e.ty()))
    };
    reduce.aggregates.iter().map(new).collect()
}

impl<'p> Mapper<'p> {
    /// A worker with empty tables. `partitions` is a power of two, at most 256.
    pub fn new(plan: &'p Plan, converters: &'p [Converter], partitions: usize) -> Self {
        debug_assert!(partitions.is_power_of_two() && partitions <= 256);
        let mut scratch = Scratch::default();
        scratch.partitions.resize_with(partitions, Selected::default);
        Mapper {
            plan,
            converters,
            tables: empty_tables(plan.reduce.as_ref(), partitions),
            counters: Counters::default(),
            rejects: Rejects::default(),
            caches: converters.iter().map(|_| TimeCache::default()).collect(),
            arena: Bump::new(),
            scratch,
        }
    }

    /// Hands the tables over; the mapper goes on with empty ones.
    pub fn take_tables(&mut self) -> Vec<GroupTable> {
        let partitions = self.scratch.partitions.len();
        std::mem::replace(&mut self.tables, empty_tables(self.plan.reduce.as_ref(), partitions))
    }

    /// Bytes on the heap for groups, roughly.
    pub fn heap_bytes(&self) -> usize {
        self.tables.iter().map(GroupTable::heap_bytes).sum()
    }

    /// Maps a chunk: parses its lines, drops those that the filter drops, folds the rest into the tables.
    pub fn chunk(
        &mut self,
        segment: &SegmentContext<'_>,
        lines: &Lines<'_>,
        sink: Option<&mut (dyn RecordSink + '_)>,
    ) {
        let mut arena = std::mem::take(&mut self.arena);
        self.blocks(segment, lines, sink, &arena);
        arena.reset();
        self.arena = arena;
    }

    /// A line that is longer than the limit, found by the reader: the same reject that the tokenizer makes of one that
    /// lies within a chunk.
    pub fn oversize(&mut self, segment: &SegmentContext<'_>, line: &Oversize) {
        self.counters.bytes += line.length + u64::from(line.terminated);
        if line.offset == 0 && self.is_header(segment, line) {
            self.counters.filtered += 1;
            return;
        }
        let marked = line.offset == 0 && line.sample.starts_with(BYTE_ORDER_MARK);
        let mark = if marked { BYTE_ORDER_MARK.len() } else { 0 };
        let length = line.length - mark as u64 - u64::from(line.ends_in_cr);
        let kept = REJECT_SAMPLE_BYTES.min(usize::try_from(length).unwrap_or(usize::MAX));
        let sample = line.sample[mark..].iter().copied().take(kept).collect();
        let offset = line.offset + mark as u64;
        self.reject(segment, offset, length, TOO_LONG.into(), sample);
    }

    /// Whether the format passes over the segment's first line, however long.
    fn is_header(&self, segment: &SegmentContext<'_>, line: &Oversize) -> bool {
        let (arena, mut raw) = (Bump::new(), RawBlock::default());
        segment.tokenizer.tokenize(&line.sample, true, 1, &arena, &mut raw);
        raw.skipped > 0 && raw.lines.is_empty() && raw.rejects.is_empty()
    }

    fn blocks(
        &mut self,
        segment: &SegmentContext<'_>,
        lines: &Lines<'_>,
        mut sink: Option<&mut (dyn RecordSink + '_)>,
        arena: &Bump,
    ) {
        let mut raw = RawBlock::default();
        let mut at = 0;
        self.counters.bytes += lines.bytes.len() as u64;
        while at < lines.bytes.len() {
            raw.clear();
            let at_start = lines.offset == 0 && at == 0;
            let rest = &lines.bytes[at..];
            at += segment.tokenizer.tokenize(rest, at_start, BLOCK_RECORDS, arena, &mut raw);
            self.block(segment, lines, &raw, sink.as_deref_mut(), arena);
        }
    }

    fn block<'a>(
        &mut self,
        segment: &SegmentContext<'a>,
        lines: &Lines<'a>,
        raw: &RawBlock<'a>,
        sink: Option<&mut (dyn RecordSink + '_)>,
        arena: &'a Bump,
    ) where
        'p: 'a,
    {
        let plan: &'a Plan = self.plan;
        self.counters.filtered += raw.skipped;
        for reject in &raw.rejects {
            self.reject_line(segment, lines, reject.line, reject.reason.into());
        }
        let mut records = Records::new(&plan.map, self.converters, segment.source_file, arena, raw);
        records.load(&plan.map.filter_slots, &mut self.caches);
        if let Some(condition) = &plan.map.filter {
            self.counters.filtered += records.filter(condition);
        }
        records.load(&plan.map.rest_slots, &mut self.caches);
        let reduced = plan.reduce.as_ref().map(|reduce| Evaluated::new(reduce, &mut records));
        let events = plan.outputs.events.as_ref().map(|events| {
            events.columns.iter().map(|c| records.evaluate(&c.expr)).collect::<Vec<_>>()
        });
        // Only now is it known which rows are whole: nothing of a rejected line may reach a table.
        if let (Some(evaluated), Some(reduce)) = (reduced, &plan.reduce) {
            self.fold(segment, lines, raw, &records, reduce, &evaluated);
        }
        if let (Some(columns), Some(sink)) = (events, sink) {
            sink.append(&columns, records.event_time(), &records.rows);
        }
        self.counters.mapped += records.rows.len() as u64;
        let mut failures = records.failures;
        failures.sort_by_key(|f| f.row);
        for failure in failures {
            self.reject_line(segment, lines, raw.lines[failure.row as usize], failure.reason);
        }
    }

    /// Folds the rows that are in into the tables.
    fn fold(
        &mut self,
        segment: &SegmentContext<'_>,
        lines: &Lines<'_>,
        raw: &RawBlock<'_>,
        records: &Records<'_, '_>,
        reduce: &ReducePlan,
        evaluated: &Evaluated<'_>,
    ) {
        let scratch = &mut self.scratch;
        scratch.encode_keys(reduce, &evaluated.keys, records);
        scratch.intern(&records.rows, &mut self.tables);
        let no_time;
        let order = if reduce.needs_order() {
            scratch.locate(lines, raw);
            let event_time = match records.event_time() {
                Some(times) => times,
                None => {
                    no_time = vec![0; raw.lines.len()];
                    &no_time
                }
            };
            Some(Order { event_time, segment: segment.rank, offset: &scratch.offsets })
        } else {
            None
        };
        for (table, selected) in self.tables.iter_mut().zip(&scratch.partitions) {
            if selected.rows.is_empty() {
                continue;
            }
            table.grow();
            for (aggregate, accumulator) in evaluated.aggregates.iter().zip(&mut table.accumulators)
            {
                let column = aggregate.arg.as_deref();
                let order = order.as_ref();
                match &aggregate.keep {
                    None => {
                        let (groups, rows) = (&selected.groups, &selected.rows);
                        accumulator.update(&Input { groups, rows, column, order });
                    }
                    Some(keep) => {
                        let (groups, rows) =
                            selected.only(keep, &mut scratch.groups_of, &mut scratch.filtered);
                        accumulator.update(&Input { groups, rows, column, order });
                    }
                }
            }
        }
    }

    fn reject_line(
        &mut self,
        segment: &SegmentContext<'_>,
        lines: &Lines<'_>,
        line: &[u8],
        reason: std::borrow::Cow<'static, str>,
    ) {
        let sample = line[..line.len().min(REJECT_SAMPLE_BYTES)].to_vec();
        let offset = lines.offset_of(line);
        self.reject(segment, offset, line.len() as u64, reason, sample);
    }

    fn reject(
        &mut self,
        segment: &SegmentContext<'_>,
        offset: u64,
        length: u64,
        reason: std::borrow::Cow<'static, str>,
        sample: Vec<u8>,
    ) {
        self.counters.rejected += 1;
        let (segment, rank) = (segment.index, segment.rank);
        self.rejects.push(Reject { segment, rank, offset, length, reason, sample });
    }
}

/// The event time of a single line, where it has one. `field` is the raw field that holds it.
pub fn first_time(
    tokenizer: &dyn Tokenizer,
    converter: &Converter,
    field: usize,
    line: &[u8],
) -> Option<i64> {
    let arena = Bump::new();
    let mut raw = RawBlock::default();
    tokenizer.tokenize(line, true, 1, &arena, &mut raw);
    let column = converter.convert(
        &mut TimeCache::default(),
        raw.fields.get(field)?,
        &[0][..raw.lines.len().min(1)],
        &arena,
        &mut Vec::new(),
    );
    if column.is_empty() {
        return None;
    }
    match column.scalar(0) {
        crate::data::Scalar::Timestamp(time) => Some(time),
        _ => None,
    }
}
