//! The workers of the map phase: each takes splits from a shared cursor until none is left.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::batch::Batch;
use super::durable::Durable;
use super::portions::{
    Work, chunk_bytes, file_bytes, plan_work, split_bytes, stream_bytes, tables_bytes,
};
use super::segment::{Open, Segment, reader_line_bytes};
use super::{RunError, spill};
use crate::catalog::SegmentChange;
use crate::deliver::events::{EventSplit, StagedEvents};
use crate::engine::common::Common;
use crate::engine::map::{Lines, RecordSink, SegmentContext};
use crate::engine::mappers::Mappers;
use crate::engine::reject::{Counters, Rejects};
use crate::engine::run_file::SpilledRun;
use crate::engine::table::GroupTable;
use crate::limits::SPLIT_BYTES;
use crate::source::{
    self, Chunk, ChunkBuffer, PlainReader, Rows, SegmentState, SegmentTask, SourceError, Split,
    StreamReader, Validated,
};

/// Decoded chunks that wait to be mapped, where they are small.
const CHUNKS_WAITING: usize = 2;

/// Segments that could not be read, by their index.
pub(super) type Failed = Vec<(usize, SourceError)>;

/// One pass over all tasks, for one batch or several that want the same lines.
pub(super) struct Pass<'b> {
    pub(super) batches: &'b [&'b Batch<'b>],
    common: &'b Common<'b>,
    /// The tasks of each batch: the same, but for the numbers that the catalogs know them by.
    tasks: Vec<&'b [SegmentTask]>,
    pub(super) segments: Vec<Segment<'b>>,
    pub(super) work: Vec<Work>,
    pub(super) next: AtomicUsize,
    pub(super) stop: AtomicBool,
    pub(super) failed: Mutex<Failed>,
}

/// What one worker made for one of the batches.
#[derive(Default)]
pub(super) struct Part {
    pub(super) tables: Vec<GroupTable>,
    pub(super) counters: Counters,
    pub(super) rejects: Rejects,
    pub(super) events: Vec<StagedEvents>,
    pub(super) spilled: Vec<SpilledRun>,
    /// New states of the segments whose last split this worker read, by their index.
    pub(super) states: Vec<(usize, SegmentChange)>,
}

impl<'b> Pass<'b> {
    /// A pass over these tasks, of which each batch has its own.
    pub(super) fn new(
        batches: &'b [&'b Batch<'b>],
        common: &'b Common<'b>,
        tasks: Vec<&'b [SegmentTask]>,
    ) -> Self {
        let read = tasks.first().copied().unwrap_or_default();
        let whole = batches.iter().any(|batch| batch.plan.is_multiline());
        let (segments, work) = plan_work(read, (split_bytes(batches), whole), batches.len());
        // Jobs in one pass have one bar, that of the first.
        if let Some(first) = batches.first() {
            first.progress.with_others(batches.len() - 1);
            first.progress.start(read.iter().map(file_bytes).sum());
        }
        Pass {
            batches,
            common,
            tasks,
            segments,
            work,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failed: Mutex::new(Vec::new()),
        }
    }

    /// One worker's life: takes work until there is none. Answers a part a batch.
    pub(super) fn worker(&self) -> Result<Vec<Part>, RunError> {
        match self.batches.iter().any(|batch| batch.plan.outputs.events.is_some()) {
            true => Durable::scope(|durable| self.life(Some(durable))),
            false => self.life(None),
        }
    }

    fn life(&self, durable: Option<&mut Durable>) -> Result<Vec<Part>, RunError> {
        let mut worker = Worker::new(self, durable);
        while !self.is_over() {
            let Some(work) = self.work.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let index = match work {
                Work::Split(index, _) | Work::Stream(index) => *index,
            };
            if self.segments[index].is_given_up() {
                continue;
            }
            let result = match work {
                Work::Split(_, split) => worker.split(index, *split),
                Work::Stream(_) => worker.stream(index),
            };
            match result {
                Ok(()) => {}
                Err(RunError::Source(error)) => self.fail(index, error),
                Err(error) => {
                    self.stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        worker.finish()
    }

    /// Whether streams are decoded on threads of their own: where workers would be idle otherwise.
    fn reads_ahead(&self) -> bool {
        self.batches.iter().all(|batch| 2 * self.work.len() <= batch.options.threads)
    }

    /// What is read and mapped at a time.
    fn chunk_bytes(&self) -> u64 {
        let jobs = self.batches.len() as u64;
        self.batches.iter().map(|batch| chunk_bytes(batch, jobs)).min().unwrap_or(SPLIT_BYTES)
    }

    fn open(&self, segment: &Segment<'_>) -> Result<Arc<Open>, SourceError> {
        segment.open(self.batches[0], self.common)
    }

    fn tell_read(&self, bytes: u64) {
        self.batches[0].progress.read(bytes);
    }

    /// Whether another worker failed, or the batch is given up.
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.batches.iter().any(|batch| batch.is_stopped())
    }

    /// The others are read on, so that one pass finds all that can't be read.
    fn fail(&self, index: usize, error: SourceError) {
        self.segments[index].give_up();
        // Poisoned: another worker panicked, and its panic is what the run ends with.
        if let Ok(mut failed) = self.failed.lock() {
            failed.push((index, error));
        }
    }
}

/// One worker's state.
struct Worker<'p, 'd> {
    pass: &'p Pass<'p>,
    mappers: Mappers<'p>,
    buffer: ChunkBuffer,
    /// One a batch.
    sinks: Vec<Option<EventSplit>>,
    /// Where events are written: makes their files durable.
    durable: Option<&'d mut Durable>,
    /// One a batch.
    parts: Vec<Part>,
}

impl<'p, 'd> Worker<'p, 'd> {
    fn new(pass: &'p Pass<'p>, durable: Option<&'d mut Durable>) -> Self {
        let mut mappers = Mappers::new(pass.common);
        for (mapper, batch) in mappers.each.iter_mut().zip(pass.batches) {
            mapper.set_watermark(batch.watermark_us);
        }
        let sink = |batch: &&Batch<'_>| batch.plan.outputs.events.as_ref().map(EventSplit::new);
        Worker {
            pass,
            mappers,
            buffer: ChunkBuffer::default(),
            sinks: pass.batches.iter().map(sink).collect(),
            durable,
            parts: pass.batches.iter().map(|_| Part::default()).collect(),
        }
    }

    fn split(&mut self, index: usize, split: Split) -> Result<(), RunError> {
        let segment = &self.pass.segments[index];
        let open = self.pass.open(segment)?;
        let Some(reader) = &open.plain else { return Ok(()) };
        if let Some(rows) = open.tokenizer.rows().filter(|rows| rows.multiline) {
            return self.records(index, &open, (reader, rows));
        }
        for part in source::splits(split.start, split.end, self.pass.chunk_bytes()) {
            let mut buffer = std::mem::take(&mut self.buffer);
            let result =
                reader.chunk(part, &mut buffer).map_err(RunError::from).and_then(|chunk| {
                    self.map(index, &open, &chunk)?;
                    self.after_chunk()
                });
            self.buffer = buffer;
            result?;
        }
        self.stage_events(index, split.start)?;
        self.pass.tell_read(split.end - split.start);
        if segment.split_done() { self.plain_done(index, reader) } else { Ok(()) }
    }

    /// Only what was read from an unchanged file counts.
    fn plain_done(&mut self, index: usize, reader: &PlainReader) -> Result<(), RunError> {
        let segment = &self.pass.segments[index];
        let read = source::validate_plain(segment.task, reader)?;
        self.read_to_end(index, &read);
        segment.close();
        Ok(())
    }

    /// A plain segment of which a record may have several lines: all of it.
    fn records(
        &mut self,
        index: usize,
        open: &Open,
        (reader, rows): (&PlainReader, Rows),
    ) -> Result<(), RunError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let step = stream_bytes(self.pass.batches);
        let read = reader.records((rows, step), &mut buffer, |chunk| {
            let goes_on = self.stream_chunk(index, open, chunk)?;
            self.pass.tell_read(chunk.bytes.len() as u64);
            Ok::<_, RunError>(goes_on)
        });
        self.buffer = buffer;
        if read? { self.plain_done(index, reader) } else { Ok(()) }
    }

    fn stream(&mut self, index: usize) -> Result<(), RunError> {
        let segment = &self.pass.segments[index];
        let open = self.pass.open(segment)?;
        let limits = self.pass.batches[0].plan.limits;
        let bytes = stream_bytes(self.pass.batches);
        let mut reader = StreamReader::with_rows(
            segment.task,
            bytes,
            reader_line_bytes(limits),
            open.tokenizer.rows(),
        )?;
        if self.pass.reads_ahead() {
            let waiting = if self.durable.is_none() { CHUNKS_WAITING } else { 0 };
            let each = |chunk: &Chunk<'_>| self.stream_chunk(index, &open, chunk);
            reader = source::read_ahead(reader, waiting, each)?;
        } else {
            let mut buffer = std::mem::take(&mut self.buffer);
            while let Some(chunk) = reader.next_chunk(&mut buffer)?
                && self.stream_chunk(index, &open, &chunk)?
            {}
            self.buffer = buffer;
        }
        self.pass.tell_read(segment.task.found.size);
        if !self.pass.is_over() {
            let end = reader.finish()?;
            let read = source::validate_stream(segment.task, end)?;
            self.read_to_end(index, &read);
        }
        segment.close();
        Ok(())
    }

    /// Whether the next one is wanted.
    fn stream_chunk(
        &mut self,
        index: usize,
        open: &Open,
        chunk: &Chunk<'_>,
    ) -> Result<bool, RunError> {
        self.map(index, open, chunk)?;
        self.after_chunk()?;
        self.stage_events(index, chunk.offset)?;
        Ok(!self.pass.is_over())
    }

    /// Notes the state behind the last split, in each batch's own numbers.
    fn read_to_end(&mut self, index: usize, validated: &Validated) {
        let ledgers = self.pass.segments[index].ledgers();
        let parts = self.parts.iter_mut().zip(&self.pass.tasks).zip(ledgers);
        for ((part, tasks), read) in parts {
            let id = tasks[index].known.unwrap_or(0);
            let state = SegmentState { id, ..validated.state.clone() };
            let marks = validated.marks.clone();
            part.states.push((index, SegmentChange { state, read, marks }));
        }
    }

    fn map(&mut self, index: usize, segment: &Open, chunk: &Chunk<'_>) -> Result<(), RunError> {
        let context = |&rank| SegmentContext {
            index,
            source_file: &segment.source_file,
            rank,
            tokenizer: segment.tokenizer.as_ref(),
        };
        let contexts: Vec<SegmentContext<'_>> = segment.ranks.iter().map(context).collect();
        let lines = Lines { bytes: chunk.bytes, offset: chunk.offset, before: chunk.before };
        let mut sinks: Vec<Option<&mut dyn RecordSink>> = Vec::new();
        for sink in &mut self.sinks {
            sinks.push(sink.as_mut().map(|sink| sink as _));
        }
        self.mappers.chunk(&contexts, &lines, &mut sinks)?;
        let mappers = self.mappers.each.iter_mut().zip(&contexts).zip(&mut self.parts);
        for (job, ((mapper, context), part)) in mappers.enumerate() {
            if let Some(line) = &chunk.oversize {
                mapper.oversize(context, line);
            }
            let counters = mapper.take_counters();
            self.pass.segments[index].count(job, &counters);
            part.counters.add(&counters);
            if job == 0 {
                self.pass.batches[job].progress.lines(counters.lines());
            }
        }
        Ok(())
    }

    /// Spills what is too much for memory.
    fn after_chunk(&mut self) -> Result<(), RunError> {
        let limit = self.pass.batches.iter().map(|batch| tables_bytes(batch)).min();
        for _ in 0..self.parts.len() {
            if self.mappers.heap_bytes() as u64 <= limit.unwrap_or(u64::MAX) {
                break;
            }
            self.spill(self.mappers.largest())?;
        }
        Ok(())
    }

    /// Writes the events of what was taken at a time.
    fn stage_events(&mut self, index: usize, offset: u64) -> Result<(), RunError> {
        (0..self.parts.len()).try_for_each(|job| self.stage_events_of(job, index, offset))
    }

    fn stage_events_of(&mut self, job: usize, index: usize, offset: u64) -> Result<(), RunError> {
        let batch = self.pass.batches[job];
        let (Some(sink), Some(output)) = (&mut self.sinks[job], &batch.plan.outputs.events) else {
            return Ok(());
        };
        let name = |partition_us| {
            let what = format!("events-{index}-{offset}-{partition_us}");
            batch.names.staged(&output.path, &what)
        };
        let mut unsynced = Vec::new();
        self.parts[job].events.extend(sink.stage(index, offset, name, &mut unsynced)?);
        if let Some(durable) = &mut self.durable {
            // The disk writes while the next split is mapped.
            durable.add(unsynced);
            durable.hand_over();
        }
        Ok(())
    }

    fn spill(&mut self, job: usize) -> Result<(), RunError> {
        let tables = self.mappers.each[job].take_tables();
        self.parts[job].spilled.extend(spill::spill(self.pass.batches[job], tables)?);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Part>, RunError> {
        for job in 0..self.parts.len() {
            // What is left goes the way of the rest: then the merge needs a block of each run, and no table.
            if !self.parts[job].spilled.is_empty() && !self.pass.is_over() {
                self.spill(job)?;
            }
        }
        for (part, mapper) in self.parts.iter_mut().zip(self.mappers.each) {
            part.tables = mapper.tables;
            part.rejects = mapper.rejects;
        }
        Ok(self.parts)
    }
}
