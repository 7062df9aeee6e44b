//! The mapper: blocks of lines into the group tables of one worker. Each worker has one a job, for its whole life.

use std::rc::Rc;

use bumpalo::Bump;

use super::accumulator;
use super::arguments::Evaluated;
use super::block::{Block, Source};
use super::common::{Common, Places, Reader};
use super::grouping::{BlockPlace, Scratch};
pub use super::lines::{Lines, SegmentContext};
use super::poison;
pub use super::poison::MapPanic;
use super::reading::Reading;
use super::records::Records;
use super::reject::{Counters, Reject, Rejects};
use super::table::GroupTable;
use crate::data::Column;
use crate::format::{BYTE_ORDER_MARK, RawBlock, TOO_LONG, TimeCache, Tokenizer, line_at};
use crate::limits::REJECT_SAMPLE_BYTES;
use crate::plan::{AggregatePlan, Plan, ReducePlan};
use crate::source::{Before, Oversize, Rows};

/// Takes mapped records where a job writes them out.
pub trait RecordSink: Send {
    /// Takes some rows of a block, at least one: one column an output column, and the event times where the output is cut by time.
    fn append(&mut self, columns: &[Rc<Column<'_>>], event_time: Option<&[i64]>, rows: &[u32]);
}

/// A chunk, as one of the mappers takes it.
pub(super) struct Chunk<'c, 's, 'k> {
    pub(super) segment: &'c SegmentContext<'s>,
    pub(super) lines: &'c Lines<'s>,
    pub(super) sink: Option<&'c mut (dyn RecordSink + 'k)>,
}

/// Lines of a chunk, whether they are the segment's first, and what comes before them.
pub(super) type Input<'s> = (&'s [u8], bool, Before);

/// A worker's part of a batch.
pub struct Mapper<'p> {
    plan: &'p Plan,
    common: &'p Common<'p>,
    places: &'p Places,
    /// One table, for the worker's whole life; none where the job has no groups.
    pub tables: Vec<GroupTable>,
    /// What became of the lines.
    pub counters: Counters,
    /// Rejected lines.
    pub rejects: Rejects,
    /// For what is computed of a block.
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
    accumulator::have_one_state(a.function, b.function) && a.input == b.input
}

fn empty(call: &AggregatePlan) -> Box<dyn accumulator::Accumulator> {
    accumulator::new(call.function, call.arg.as_ref().map(|e| e.ty()))
}

/// Empty accumulators, one an aggregate call.
pub fn accumulators(reduce: &ReducePlan) -> Vec<Box<dyn accumulator::Accumulator>> {
    reduce.aggregates.iter().map(|call| empty(call)).collect()
}

impl<'p> Mapper<'p> {
    /// A worker with empty tables, for one of the plans.
    pub(super) fn new(common: &'p Common<'p>, number: usize) -> Self {
        let plan = common.plan(number);
        Mapper {
            plan,
            common,
            places: common.places(number),
            tables: empty_tables(plan.reduce.as_ref()),
            counters: Counters::default(),
            rejects: Rejects::default(),
            arena: Bump::new(),
            scratch: Scratch::default(),
            late_before: None,
        }
    }

    /// Counts records as late whose window had ended by the watermark: the newest event time of the batches before, in
    /// microseconds; `None` where there was none. Without windows nothing is late.
    pub fn set_watermark(&mut self, watermark_us: Option<i64>) {
        let window_us = self.plan.reduce.as_ref().and_then(|reduce| reduce.window_us);
        // `window_start + width <= watermark` holds for all windows before the watermark's own.
        let own_window = |(time, window): (i64, i64)| time - time.rem_euclid(window);
        self.late_before = watermark_us.zip(window_us).map(own_window);
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

    /// A line that is longer than the limit, found by the reader: the same reject that the tokenizer makes of one that
    /// lies within a chunk.
    pub fn oversize(&mut self, segment: &SegmentContext<'_>, line: &Oversize) {
        let bytes = line.length + u64::from(line.terminated);
        self.counters.bytes += bytes;
        let is_preamble = |rows: Rows| line.offset < rows.preamble_bytes;
        if segment.tokenizer.rows().is_some_and(is_preamble) {
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

    /// Takes a block that is cut, and whose bytes are these.
    pub(super) fn block<'s>(
        &mut self,
        chunk: &mut Chunk<'_, 's, '_>,
        input: Input<'s>,
        raw: &RawBlock<'s>,
        reading: &mut Reading<'s>,
    ) -> Result<(), MapPanic>
    where
        'p: 's,
    {
        let done = self.try_block(chunk, input.0.len() as u64, raw, reading)?;
        // One of its lines is to blame: nothing of the block has reached a table, and its lines are tried alone.
        done.or_else(|_| self.one_by_one(chunk, input).map(drop))
    }

    /// The inner error is a panic's message; then it is as if nobody had tried.
    fn try_block<'s>(
        &mut self,
        chunk: &mut Chunk<'_, '_, '_>,
        bytes: u64,
        raw: &RawBlock<'s>,
        reading: &mut Reading<'s>,
    ) -> Result<Result<(), String>, MapPanic> {
        let mut arena = std::mem::take(&mut self.arena);
        let (plan, places) = (self.plan, self.places);
        let source =
            Source { plan, places, segment: chunk.segment, lines: chunk.lines, arena: &arena };
        let block = source.block(bytes, raw, reading);
        let sink = chunk.sink.as_deref_mut();
        let done = block.map(|block| self.take(&source, block, sink));
        arena.reset();
        self.arena = arena;
        match done {
            Ok(taken) => taken.map(Ok),
            Err(panic) => Ok(Err(panic)),
        }
    }

    /// Maps each line alone; one that makes this program panic is a reject. Answers what then comes before the next one.
    pub(super) fn one_by_one<'s>(
        &mut self,
        chunk: &mut Chunk<'_, 's, '_>,
        (input, at_start, mut before): Input<'s>,
    ) -> Result<Before, MapPanic>
    where
        'p: 's,
    {
        let tokenizer = chunk.segment.tokenizer;
        let mut at = 0;
        while at < input.len() {
            let arena = Bump::new();
            let (line, next) = line_at(input, at);
            let (whole, at_start) = (&input[at..next], at_start && at == 0);
            let mut raw = RawBlock::behind(before);
            let mut reading = Reading::new(self.common, Vec::new(), &arena);
            let cut = poison::catch(|| tokenizer.tokenize(whole, at_start, 1, &arena, &mut raw));
            reading.begin(raw.lines.len());
            let done = match cut {
                Ok(bytes) => self.try_block(chunk, bytes as u64, &raw, &mut reading)?,
                Err(panic) => Err(panic),
            };
            if let Err(panic) = done {
                let line = self.unmarked(line, at_start);
                let reason = poison::reason(&panic).into();
                self.reject_line(chunk.segment, chunk.lines, line, reason);
            }
            before = raw.before;
            at = next;
        }
        Ok(before)
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
            self.reject_line(segment, lines, reject.line, reject.reason.clone());
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

    /// Folds the rows that are in into the tables, and hands them to the events. A block of which no line became a record
    /// ends here, so that nothing behind has to think of keys and values that are not there.
    fn fold(
        &mut self,
        source: &Source<'_, '_>,
        block: &Block<'_, '_>,
        sink: Option<&mut (dyn RecordSink + '_)>,
    ) {
        if block.records.rows.is_empty() {
            return;
        }
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

/// The event time of a single line by one of the plans, where it has one. `slot`: of that plan.
pub fn first_time(
    common: &Common<'_>,
    (plan, slot): (usize, usize),
    tokenizer: &dyn Tokenizer,
    line: &[u8],
) -> Option<i64> {
    let reader = common.reader(plan, slot)?;
    // A line that panics becomes a reject when it is mapped; until then it has no time.
    poison::catch(|| time_of(tokenizer, reader, line)).ok().flatten()
}

fn time_of(tokenizer: &dyn Tokenizer, reader: &Reader, line: &[u8]) -> Option<i64> {
    let arena = Bump::new();
    let preamble = tokenizer.rows().map_or(0, |rows| rows.preamble_bytes);
    let mut raw = RawBlock::behind(Before { preamble, open: None });
    tokenizer.tokenize(line, true, 1, &arena, &mut raw);
    if raw.lines.is_empty() {
        return None;
    }
    let (values, cache) = (raw.column(reader.field), &mut TimeCache::default());
    let column = reader.converter.convert(cache, values, &[0], &arena, &mut Vec::new());
    match column.scalar(0) {
        crate::data::Scalar::Timestamp(time) => Some(time),
        _ => None,
    }
}
