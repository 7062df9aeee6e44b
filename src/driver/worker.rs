//! The workers of the map phase: each takes splits from a shared cursor until none is left.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::batch::Batch;
use super::durable::Durable;
use super::segment::{Open, Segment, reader_line_bytes};
use super::{RunError, spill};
use crate::catalog::SegmentChange;
use crate::deliver::events::{EventSplit, StagedEvents};
use crate::engine::map::{Lines, Mapper, RecordSink, SegmentContext};
use crate::engine::reject::{Counters, Rejects};
use crate::engine::run_file::SpilledRun;
use crate::engine::table::GroupTable;
use crate::format::Converter;
use crate::limits::{EVENT_SPLIT_BYTES, SPLIT_BYTES, SPLIT_BYTES_MIN, STREAM_BYTES};
use crate::source::{self, Chunk, ChunkBuffer, SegmentTask, SourceError, Split, StreamReader};

/// Decoded chunks that wait to be mapped, where they are small.
const CHUNKS_WAITING: usize = 2;

/// Segments that could not be read, by their index.
pub(super) type Failed = Vec<(usize, SourceError)>;

/// What one worker takes at a time.
pub(super) enum Work {
    /// A split of a plain segment.
    Split(usize, Split),
    /// A compressed segment, which is decoded from its start.
    Stream(usize),
}

/// One pass over all tasks.
pub(super) struct Pass<'b> {
    pub(super) batch: &'b Batch<'b>,
    pub(super) segments: Vec<Segment<'b>>,
    pub(super) work: Vec<Work>,
    pub(super) next: AtomicUsize,
    pub(super) stop: AtomicBool,
    pub(super) failed: Mutex<Failed>,
    pub(super) converters: Vec<Converter>,
}

/// What one worker made.
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
    /// A pass over these tasks.
    pub(super) fn new(batch: &'b Batch<'b>, tasks: &'b [SegmentTask]) -> Self {
        batch.progress.start(tasks.iter().map(file_bytes).sum());
        let (segments, work) = plan_work(tasks, split_bytes(batch));
        Pass {
            batch,
            segments,
            work,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failed: Mutex::new(Vec::new()),
            converters: batch.plan.converters(),
        }
    }

    /// One worker's life: takes work until there is none.
    pub(super) fn worker(&self) -> Result<Part, RunError> {
        match self.batch.plan.outputs.events {
            Some(_) => Durable::scope(|durable| self.life(Some(durable))),
            None => self.life(None),
        }
    }

    fn life(&self, durable: Option<&mut Durable>) -> Result<Part, RunError> {
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
        2 * self.work.len() <= self.batch.options.threads
    }

    /// Whether another worker failed, or the batch is given up.
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.batch.is_stopped()
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
    mapper: Mapper<'p>,
    buffer: ChunkBuffer,
    sink: Option<EventSplit>,
    /// Where events are written: makes their files durable.
    durable: Option<&'d mut Durable>,
    part: Part,
    lines_told: u64,
}

impl<'p, 'd> Worker<'p, 'd> {
    fn new(pass: &'p Pass<'p>, durable: Option<&'d mut Durable>) -> Self {
        let plan = pass.batch.plan;
        Worker {
            pass,
            mapper: Mapper::new(plan, &pass.converters).with_watermark(pass.batch.watermark_us),
            buffer: ChunkBuffer::default(),
            sink: plan.outputs.events.as_ref().map(EventSplit::new),
            durable,
            part: Part::default(),
            lines_told: 0,
        }
    }

    fn split(&mut self, index: usize, split: Split) -> Result<(), RunError> {
        let segment = &self.pass.segments[index];
        let open = segment.open(self.pass.batch)?;
        let Some(reader) = &open.plain else { return Ok(()) };
        for part in source::splits(split.start, split.end, chunk_bytes(self.pass.batch)) {
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
        self.pass.batch.progress.read(split.end - split.start);
        if segment.split_done() {
            // Only what was read from an unchanged file counts.
            let state = source::validate_plain(segment.task, reader)?;
            self.part.states.push((index, segment.change(state)));
            segment.close();
        }
        Ok(())
    }

    fn stream(&mut self, index: usize) -> Result<(), RunError> {
        let (batch, segment) = (self.pass.batch, &self.pass.segments[index]);
        let open = segment.open(batch)?;
        let limits = batch.plan.limits;
        let mut reader =
            StreamReader::open(segment.task, stream_bytes(batch), reader_line_bytes(limits))?;
        if self.pass.reads_ahead() {
            let waiting = if self.sink.is_none() { CHUNKS_WAITING } else { 0 };
            let each = |chunk: &Chunk<'_>| self.stream_chunk(index, &open, chunk);
            reader = source::read_ahead(reader, waiting, each)?;
        } else {
            let mut buffer = std::mem::take(&mut self.buffer);
            while let Some(chunk) = reader.next_chunk(&mut buffer)?
                && self.stream_chunk(index, &open, &chunk)?
            {}
            self.buffer = buffer;
        }
        batch.progress.read(segment.task.found.size);
        if !self.pass.is_over() {
            let end = reader.finish()?;
            let state = source::validate_stream(segment.task, &end)?;
            self.part.states.push((index, segment.change(state)));
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

    fn map(&mut self, index: usize, segment: &Open, chunk: &Chunk<'_>) -> Result<(), RunError> {
        let context = SegmentContext {
            index,
            source_file: &segment.source_file,
            rank: segment.rank,
            tokenizer: segment.tokenizer.as_ref(),
        };
        let lines = Lines { bytes: chunk.bytes, offset: chunk.offset };
        let sink = self.sink.as_mut().map(|sink| sink as &mut dyn RecordSink);
        self.mapper.chunk(&context, &lines, sink)?;
        if let Some(line) = &chunk.oversize {
            self.mapper.oversize(&context, line);
        }
        let counters = self.mapper.take_counters();
        self.pass.segments[index].count(&counters);
        self.part.counters.add(&counters);
        Ok(())
    }

    /// Spills what is too much for memory, tells the progress.
    fn after_chunk(&mut self) -> Result<(), RunError> {
        let batch = self.pass.batch;
        if self.mapper.heap_bytes() as u64 > tables_bytes(batch) {
            self.spill()?;
        }
        let lines = self.part.counters.lines();
        batch.progress.lines(lines - self.lines_told);
        self.lines_told = lines;
        Ok(())
    }

    /// Writes the events of what was taken at a time.
    fn stage_events(&mut self, index: usize, offset: u64) -> Result<(), RunError> {
        let batch = self.pass.batch;
        let (Some(sink), Some(output)) = (&mut self.sink, &batch.plan.outputs.events) else {
            return Ok(());
        };
        let name = |partition_us| {
            let what = format!("events-{index}-{offset}-{partition_us}");
            batch.names.staged(&output.path, &what)
        };
        let mut unsynced = Vec::new();
        self.part.events.extend(sink.stage(index, offset, name, &mut unsynced)?);
        if let Some(durable) = &mut self.durable {
            // The disk writes while the next split is mapped.
            durable.add(unsynced);
            durable.hand_over();
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), RunError> {
        let tables = self.mapper.take_tables();
        self.part.spilled.extend(spill::spill(self.pass.batch, tables)?);
        Ok(())
    }

    fn finish(mut self) -> Result<Part, RunError> {
        // What is left goes the way of the rest: then the merge needs a block of each run, and no table.
        if !self.part.spilled.is_empty() && !self.pass.is_over() {
            self.spill()?;
        }
        self.part.tables = self.mapper.take_tables();
        self.part.rejects = self.mapper.rejects;
        Ok(self.part)
    }
}

fn split_bytes(batch: &Batch<'_>) -> u64 {
    let events = batch.plan.outputs.events.is_some();
    let default = if events { EVENT_SPLIT_BYTES } else { chunk_bytes(batch) };
    batch.options.split_bytes.unwrap_or(default)
}

/// What a stream hands out at a time. Where each chunk becomes files of events, as much as a split.
fn stream_bytes(batch: &Batch<'_>) -> u64 {
    match batch.plan.outputs.events {
        None if batch.options.split_bytes.is_none() => split_bytes(batch).min(STREAM_BYTES),
        _ => split_bytes(batch),
    }
}

/// What the tables of one worker may take before they are spilled. What is left of the memory is for sorting, for the tables
/// that the reduce makes of them, for merging and writing.
pub(super) fn tables_bytes(batch: &Batch<'_>) -> u64 {
    batch.plan.limits.memory_bytes / 8 * 3 / batch.options.threads.max(1) as u64
}

/// What is read and mapped at a time. A chunk that could fill a worker's share of the memory at once would be more than that.
fn chunk_bytes(batch: &Batch<'_>) -> u64 {
    let share = batch.plan.limits.memory_bytes / 32 / batch.options.threads.max(1) as u64;
    share.clamp(SPLIT_BYTES_MIN, SPLIT_BYTES)
}

/// What the progress counts: bytes of the file.
fn file_bytes(task: &SegmentTask) -> u64 {
    let plain = task.end.filter(|_| !task.compression.is_compressed());
    plain.map_or(task.found.size, |end| end - task.start)
}

/// Streams first: they can't be shared, so none should begin last.
fn plan_work(tasks: &[SegmentTask], split_bytes: u64) -> (Vec<Segment<'_>>, Vec<Work>) {
    let (mut streams, mut splits, mut segments) = (Vec::new(), Vec::new(), Vec::new());
    for (index, task) in tasks.iter().enumerate() {
        let before = splits.len();
        match task.end {
            _ if task.compression.is_compressed() => streams.push(Work::Stream(index)),
            None => {}
            // A range without bytes is a split too: somebody has to look at the file and note its state.
            Some(end) if end <= task.start => {
                splits.push(Work::Split(index, Split { start: task.start, end: task.start }));
            }
            Some(end) => {
                let parts = source::splits(task.start, end, split_bytes);
                splits.extend(parts.map(|split| Work::Split(index, split)));
            }
        }
        segments.push(Segment::new(task, splits.len() - before));
    }
    streams.append(&mut splits);
    (segments, streams)
}
