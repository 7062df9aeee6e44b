//! The mapper: chunks of lines into the group tables of one worker. Each worker has one for its whole life.

use std::rc::Rc;

use bumpalo::Bump;

use super::accumulator::{self, Input, Order};
use super::key;
use super::records::{Records, keep_true};
use super::reject::{Counters, Reject, Rejects};
use super::table::{GroupTable, hash_key};
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

/// Whole lines of a segment.
pub struct Lines<'c> {
    /// The bytes; the last line may lack its newline.
    pub bytes: &'c [u8],
    /// Offset of the first of them in the segment.
    pub offset: u64,
}

/// Takes mapped records where a job writes them out.
pub trait RecordSink: Send {
    /// Takes some rows of a block: one column an output column, and the event times where the output is cut by time.
    fn append(&mut self, columns: &[Rc<Column<'_>>], event_time: Option<&[i64]>, rows: &[u32]);
    /// Bytes on the heap, roughly.
    fn heap_bytes(&self) -> usize;
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

/// Buffers that live from block to block.
#[derive(Default)]
struct Scratch {
    keys: Vec<u8>,
    ends: Vec<u32>,
    partitions: Vec<Selected>,
    filtered: Vec<u32>,
    offsets: Vec<u64>,
    groups_of: Vec<u32>,
}

/// The rows of a block that fall into one partition, and their groups.
#[derive(Default)]
struct Selected {
    rows: Vec<u32>,
    groups: Vec<u32>,
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
        let (segment, offset) = (segment.index, line.offset + mark as u64);
        self.reject(Reject { segment, offset, length, reason: TOO_LONG.into(), sample });
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
            self.reject_line(segment.index, lines, reject.line, reject.reason.into());
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
            self.reject_line(segment.index, lines, raw.lines[failure.row as usize], failure.reason);
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
        segment: usize,
        lines: &Lines<'_>,
        line: &[u8],
        reason: std::borrow::Cow<'static, str>,
    ) {
        let sample = line[..line.len().min(REJECT_SAMPLE_BYTES)].to_vec();
        let offset = lines.offset + position(lines.bytes, line);
        self.reject(Reject { segment, offset, length: line.len() as u64, reason, sample });
    }

    fn reject(&mut self, reject: Reject) {
        self.counters.rejected += 1;
        self.rejects.push(reject);
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
    raw.clear();
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

/// Where a line that is a part of the chunk begins in it.
fn position(chunk: &[u8], line: &[u8]) -> u64 {
    (line.as_ptr() as usize).saturating_sub(chunk.as_ptr() as usize) as u64
}

/// The keys and the aggregates' arguments of a block.
struct Evaluated<'a> {
    keys: Vec<Rc<Column<'a>>>,
    aggregates: Vec<Aggregate<'a>>,
}

struct Aggregate<'a> {
    arg: Option<Rc<Column<'a>>>,
    /// Rows that pass its own filter: true for rows of the block; `None` where it has none.
    keep: Option<Vec<bool>>,
}

impl<'a> Evaluated<'a> {
    fn new(reduce: &'a ReducePlan, records: &mut Records<'_, 'a>) -> Self {
        let keys = reduce.keys.iter().map(|key| records.evaluate(&key.expr)).collect();
        let aggregates = reduce.aggregates.iter().map(|aggregate| {
            let passing = aggregate.filter.as_ref().map(|filter| {
                let column = records.evaluate(filter);
                let mut rows = records.rows.clone();
                keep_true(&column, &mut rows);
                rows
            });
            let arg = aggregate.arg.as_ref().map(|arg| match &passing {
                Some(rows) => records.evaluate_some(arg, rows),
                None => records.evaluate(arg),
            });
            let keep = passing.map(|rows| flags(&rows, records));
            Aggregate { arg, keep }
        });
        let aggregates = aggregates.collect();
        Evaluated { keys, aggregates }
    }
}

fn flags(rows: &[u32], records: &Records<'_, '_>) -> Vec<bool> {
    let mut keep = vec![false; records.len()];
    rows.iter().for_each(|&row| keep[row as usize] = true);
    keep
}

impl Selected {
    /// The rows that a filter keeps, and their groups, in the given buffers.
    fn only<'b>(
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
    fn encode_keys(
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
            self.ends.push(self.keys.len() as u32);
        }
    }

    /// Gives each row its partition and its group there.
    fn intern(&mut self, rows: &[u32], tables: &mut [GroupTable]) {
        self.partitions.iter_mut().for_each(|p| {
            p.rows.clear();
            p.groups.clear();
        });
        let shift = 64 - tables.len().trailing_zeros();
        let mut start = 0;
        for (&row, &end) in rows.iter().zip(&self.ends) {
            let key = &self.keys[start as usize..end as usize];
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
    fn locate(&mut self, lines: &Lines<'_>, raw: &RawBlock<'_>) {
        self.offsets.clear();
        let offsets = raw.lines.iter().map(|line| lines.offset + position(lines.bytes, line));
        self.offsets.extend(offsets);
    }
}
