//! The mapper: chunks of lines into the group tables of one worker. Each worker has one for its whole life.

use std::rc::Rc;

use bumpalo::Bump;

use super::accumulator;
use super::arguments::Evaluated;
use super::block::{Block, Source};
use super::grouping::{BlockPlace, Scratch};
pub use super::lines::Lines;
use super::poison;
pub use super::poison::MapPanic;
use super::records::Records;
use super::reject::{Counters, Reject, Rejects};
use super::table::GroupTable;
use crate::data::Column;
use crate::format::{BYTE_ORDER_MARK, Converter, RawBlock, TOO_LONG, TimeCache, Tokenizer};
use crate::limits::{BLOCK_RECORDS, REJECT_SAMPLE_BYTES};
use crate::plan::{AggregatePlan, Plan, ReducePlan};
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
    /// One table, for the worker's whole life; none where the job has no groups.
    pub tables: Vec<GroupTable>,
    /// What became of the lines.
    pub counters: Counters,
    /// Rejected lines.
    pub rejects: Rejects,
    /// One a raw field: what a text means depends on the field's layout.
    caches: Vec<TimeCache>,
    arena: Bump,
    scratch: Scratch,
    /// An event before this time (µs) is late.
    late_before: Option<i64>,
}

/// An empty table for a plan; none where the job has no groups.
pub fn empty_tables(reduce: Option<&ReducePlan>) -> Vec<GroupTable> {
    reduce.into_iter().map(table).collect()
}

/// An empty table, in which calls with the same state have it once, such as two quantiles of one argument.
fn table(reduce: &ReducePlan) -> GroupTable {
    let (mut calls, mut places) = (Vec::<&AggregatePlan>::new(), Vec::new());
    for call in &reduce.aggregates {
        places.push(
            calls.iter().position(|known| have_one_state(known, call)).unwrap_or(calls.len()),
        );
        if places.last() == Some(&calls.len()) {
            calls.push(call);
        }
    }
    GroupTable::sharing(calls.into_iter().map(empty).collect(), places)
}

fn have_one_state(a: &AggregatePlan, b: &AggregatePlan) -> bool {
    // Expressions are compared by what they print, as `plan` does to tell calls apart.
    let inputs = |call: &AggregatePlan| format!("{:?} {:?}", call.arg, call.filter);
    accumulator::have_one_state(a.function, b.function) && inputs(a) == inputs(b)
}

fn empty(call: &AggregatePlan) -> Box<dyn accumulator::Accumulator> {
    accumulator::new(call.function, call.arg.as_ref().map(|e| e.ty()))
}

/// Empty accumulators, one an aggregate call.
pub fn accumulators(reduce: &ReducePlan) -> Vec<Box<dyn accumulator::Accumulator>> {
    reduce.aggregates.iter().map(empty).collect()
}

impl<'p> Mapper<'p> {
    /// A worker with empty tables.
    pub fn new(plan: &'p Plan, converters: &'p [Converter]) -> Self {
        Mapper {
            plan,
            converters,
            tables: empty_tables(plan.reduce.as_ref()),
            counters: Counters::default(),
            rejects: Rejects::default(),
            caches: converters.iter().map(|_| TimeCache::default()).collect(),
            arena: Bump::new(),
            scratch: Scratch::default(),
            late_before: None,
        }
    }

    /// Counts records as late whose window had ended by the watermark: the newest event time of the batches before, in
    /// microseconds; `None` where there was none. Without windows nothing is late.
    pub fn with_watermark(mut self, watermark_us: Option<i64>) -> Self {
        let window_us = self.plan.reduce.as_ref().and_then(|reduce| reduce.window_us);
        // `window_start + width <= watermark` holds for all windows before the watermark's own.
        let own_window = |(time, window): (i64, i64)| time - time.rem_euclid(window);
        self.late_before = watermark_us.zip(window_us).map(own_window);
        self
    }

    /// Hands the tables over; the mapper goes on with empty ones.
    pub fn take_tables(&mut self) -> Vec<GroupTable> {
        std::mem::replace(&mut self.tables, empty_tables(self.plan.reduce.as_ref()))
    }

    /// Bytes on the heap for groups, roughly.
    pub fn heap_bytes(&self) -> usize {
        self.tables.iter().map(GroupTable::heap_bytes).sum()
    }

    /// Hands the counters over; the mapper goes on from zero. For those of a single chunk.
    pub fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }

    /// Maps a chunk: parses its lines, drops those that the filter drops, folds the rest into the tables. A line that makes
    /// this program panic is a reject; after an error the tables are of no use.
    pub fn chunk(
        &mut self,
        segment: &SegmentContext<'_>,
        lines: &Lines<'_>,
        sink: Option<&mut (dyn RecordSink + '_)>,
    ) -> Result<(), MapPanic> {
        let mut arena = std::mem::take(&mut self.arena);
        let done = self.blocks(segment, lines, sink, &arena);
        arena.reset();
        self.arena = arena;
        done
    }

    /// A line that is longer than the limit, found by the reader: the same reject that the tokenizer makes of one that
    /// lies within a chunk.
    pub fn oversize(&mut self, segment: &SegmentContext<'_>, line: &Oversize) {
        let bytes = line.length + u64::from(line.terminated);
        self.counters.bytes += bytes;
        if line.offset == 0 && self.is_header(segment, line) {
            self.counters.filtered += 1;
            self.counters.filtered_bytes += bytes;
            return;
        }
        let marked = line.offset == 0 && line.sample.starts_with(BYTE_ORDER_MARK);
        let mark = if marked { BYTE_ORDER_MARK.len() } else { 0 };
        self.counters.filtered_bytes += mark as u64;
        self.counters.rejected_bytes += bytes - mark as u64;
        let length = line.length - mark as u64 - u64::from(line.ends_in_cr);
        let kept = REJECT_SAMPLE_BYTES.min(usize::try_from(length).unwrap_or(usize::MAX));
        let sample = line.sample[mark..].iter().copied().take(kept).collect();
        let offset = line.offset + mark as u64;
        self.reject(segment, offset, length, TOO_LONG.into(), sample);
    }

    /// Whether the format passes over the segment's first line, however long.
    fn is_header(&self, segment: &SegmentContext<'_>, line: &Oversize) -> bool {
        let (arena, mut raw) = (Bump::new(), RawBlock::default());
        let tokenize = || segment.tokenizer.tokenize(&line.sample, true, 1, &arena, &mut raw);
        poison::catch(tokenize).is_ok()
            && raw.skipped > 0
            && raw.lines.is_empty()
            && raw.rejects.is_empty()
    }

    fn blocks<'a>(
        &mut self,
        segment: &SegmentContext<'a>,
        lines: &Lines<'a>,
        mut sink: Option<&mut (dyn RecordSink + '_)>,
        arena: &'a Bump,
    ) -> Result<(), MapPanic>
    where
        'p: 'a,
    {
        let source = Source { plan: self.plan, converters: self.converters, segment, lines, arena };
        let (mut raw, mut caches) = (RawBlock::default(), std::mem::take(&mut self.caches));
        let (mut at, mut one_by_one) = (0, 0);
        self.counters.bytes += lines.bytes.len() as u64;
        while at < lines.bytes.len() {
            let at_start = lines.offset == 0 && at == 0;
            let (line, whole) = lines.line_from(at);
            let input = if one_by_one > 0 { whole } else { &lines.bytes[at..] };
            match source.block(input, at_start, &mut caches, &mut raw) {
                Ok(block) => {
                    at += block.bytes as usize;
                    self.take(&source, block, sink.as_deref_mut())?;
                    one_by_one = usize::saturating_sub(one_by_one, 1);
                }
                // One of its lines is to blame: nothing of the block has reached a table, and its lines are tried alone.
                Err(_) if one_by_one == 0 => one_by_one = BLOCK_RECORDS,
                Err(panic) => {
                    let line = self.unmarked(line, at_start);
                    self.reject_line(segment, lines, line, poison::reason(&panic).into());
                    at += whole.len();
                    one_by_one -= 1;
                }
            }
        }
        self.caches = caches;
        Ok(())
    }

    /// The line without a byte order mark, whose bytes count as filtered.
    fn unmarked<'a>(&mut self, line: &'a [u8], at_start: bool) -> &'a [u8] {
        match line.strip_prefix(BYTE_ORDER_MARK).filter(|_| at_start) {
            Some(rest) => {
                self.counters.filtered_bytes += BYTE_ORDER_MARK.len() as u64;
                rest
            }
            None => line,
        }
    }

    /// Takes a block in: into the tables, the events, the counters and the rejects.
    fn take(
        &mut self,
        source: &Source<'_, '_>,
        block: Block<'_, '_>,
        sink: Option<&mut (dyn RecordSink + '_)>,
    ) -> Result<(), MapPanic> {
        let (raw, lines, segment) = (block.raw, source.lines, source.segment);
        // Only now is it known which rows are whole: nothing of a rejected line may reach a table.
        poison::catch(|| self.fold(source, &block, sink)).map_err(|message| {
            let first = raw.lines.first().map_or(lines.offset, |line| lines.offset_of(line));
            MapPanic { message, path: source.segment.source_file.to_owned(), offset: first }
        })?;
        self.count_times(&block.records);
        self.counters.mapped += block.records.rows.len() as u64;
        self.counters.filtered += raw.skipped + block.dropped;
        let before = self.counters.rejected_bytes;
        for reject in &raw.rejects {
            self.reject_line(segment, lines, reject.line, reject.reason.into());
        }
        let rows = block.records.rows;
        let mut failures = block.records.failures;
        failures.sort_by_key(|f| f.row);
        for failure in failures {
            self.reject_line(segment, lines, raw.lines[failure.row as usize], failure.reason);
        }
        // What is neither mapped nor rejected is filtered. Without a filter nobody needs to look at the lines for that.
        let all = block.bytes - (self.counters.rejected_bytes - before);
        let mapped = match self.plan.map.filter {
            None => all - raw.skipped_bytes,
            Some(_) => rows.iter().map(|&r| lines.bytes_of(raw.lines[r as usize], raw.crlf)).sum(),
        };
        self.counters.mapped_bytes += mapped;
        self.counters.filtered_bytes += all - mapped;
        Ok(())
    }

    /// The newest event time, and how many are late.
    fn count_times(&mut self, records: &Records<'_, '_>) {
        let Some(times) = records.event_time() else { return };
        let times = records.rows.iter().map(|&row| times[row as usize]);
        self.counters.newest_us = self.counters.newest_us.max(times.clone().max());
        if let Some(late_before) = self.late_before {
            self.counters.late += times.filter(|&time| time < late_before).count() as u64;
        }
    }

    /// Folds the rows that are in into the tables, and hands them to the events.
    fn fold(
        &mut self,
        source: &Source<'_, '_>,
        block: &Block<'_, '_>,
        sink: Option<&mut (dyn RecordSink + '_)>,
    ) {
        if let (Some(reduced), Some(reduce)) = (&block.reduced, &self.plan.reduce) {
            self.group(source, block, reduce, reduced);
        }
        if let (Some(columns), Some(sink)) = (&block.events, sink) {
            sink.append(columns, block.records.event_time(), &block.records.rows);
        }
    }

    fn group(
        &mut self,
        source: &Source<'_, '_>,
        block: &Block<'_, '_>,
        reduce: &ReducePlan,
        evaluated: &Evaluated<'_>,
    ) {
        let (scratch, records) = (&mut self.scratch, &block.records);
        let Some(table) = self.tables.first_mut() else { return };
        scratch.group(reduce, &evaluated.keys, records, table);
        let (lines, raw, rank) = (source.lines, block.raw, source.segment.rank);
        let place = reduce.needs_order().then_some(BlockPlace { lines, raw, rank });
        scratch.fold(evaluated, records, place, table);
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
        self.counters.rejected_bytes += lines.bytes_of(line, true);
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
    // A line that panics becomes a reject when it is mapped; until then it has no time.
    poison::catch(|| time_of(tokenizer, converter, field, line)).ok().flatten()
}

fn time_of(
    tokenizer: &dyn Tokenizer,
    converter: &Converter,
    field: usize,
    line: &[u8],
) -> Option<i64> {
    let arena = Bump::new();
    let mut raw = RawBlock::default();
    tokenizer.tokenize(line, true, 1, &arena, &mut raw);
    if raw.lines.is_empty() {
        return None;
    }
    let column = converter.convert(
        &mut TimeCache::default(),
        raw.column(field),
        &[0],
        &arena,
        &mut Vec::new(),
    );
    match column.scalar(0) {
        crate::data::Scalar::Timestamp(time) => Some(time),
        _ => None,
    }
}
