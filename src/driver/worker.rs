//! The workers of the map phase: each takes splits from a shared cursor until none is left.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::run::Batch;
use super::segment::{Segment, open, reader_line_bytes};
use super::spill::Spilled;
use super::{RunError, spill};
use crate::deliver::events::{EventSplit, StagedEvents};
use crate::engine::map::{Lines, Mapper, RecordSink, SegmentContext};
use crate::engine::reject::{Counters, Rejects};
use crate::engine::table::GroupTable;
use crate::format::Converter;
use crate::limits::{EVENT_SPLIT_BYTES, SPLIT_BYTES};
use crate::source::{
    self, Chunk, ChunkBuffer, SegmentTask, SourceError, Split, StreamEnd, StreamReader,
};

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
    pub(super) partitions: usize,
}

/// What one worker made.
pub(super) struct Part {
    pub(super) tables: Vec<GroupTable>,
    pub(super) counters: Counters,
    pub(super) rejects: Rejects,
    pub(super) events: Vec<StagedEvents>,
    pub(super) spilled: Vec<Spilled>,
    pub(super) ends: Vec<(usize, StreamEnd)>,
}

impl<'b> Pass<'b> {
    /// Opens all segments; those that can't be opened come back.
    pub(super) fn new(batch: &'b Batch<'b>, tasks: &'b [SegmentTask]) -> Result<Self, Failed> {
        let mut failed = Vec::new();
        let mut segments = Vec::new();
        for (index, task) in tasks.iter().enumerate() {
            match open(batch, task) {
                Ok(segment) => segments.push(segment),
                Err(error) => failed.push((index, error)),
            }
        }
        if !failed.is_empty() {
            return Err(failed);
        }
        batch.progress.start(tasks.iter().map(file_bytes).sum());
        let work = plan_work(&segments, split_bytes(batch));
        let threads = batch.options.threads;
        Ok(Pass {
            batch,
            segments,
            work,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failed: Mutex::new(Vec::new()),
            converters: batch.plan.converters(),
            partitions: if threads == 1 {
                1
            } else {
                (2 * threads).next_power_of_two().clamp(4, 256)
            },
        })
    }

    /// One worker's life: takes work until there is none.
    pub(super) fn worker(&self) -> Result<Part, RunError> {
        let mut worker = Worker::new(self);
        while !self.stop.load(Ordering::Relaxed) {
            let Some(work) = self.work.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let (index, result) = match work {
                Work::Split(index, split) => (*index, worker.split(*index, *split)),
                Work::Stream(index) => (*index, worker.stream(*index)),
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
        Ok(worker.finish())
    }

    fn fail(&self, index: usize, error: SourceError) {
        self.stop.store(true, Ordering::Relaxed);
        // Poisoned: another worker panicked, and its panic is what the run ends with.
        if let Ok(mut failed) = self.failed.lock() {
            failed.push((index, error));
        }
    }
}

/// One worker's state.
struct Worker<'p> {
    pass: &'p Pass<'p>,
    mapper: Mapper<'p>,
    buffer: ChunkBuffer,
    sink: Option<EventSplit>,
    part: Part,
    lines_told: u64,
}

impl<'p> Worker<'p> {
    fn new(pass: &'p Pass<'p>) -> Self {
        let plan = pass.batch.plan;
        Worker {
            pass,
            mapper: Mapper::new(plan, &pass.converters, pass.partitions),
            buffer: ChunkBuffer::default(),
            sink: plan.outputs.events.as_ref().map(EventSplit::new),
            part: Part {
                tables: Vec::new(),
                counters: Counters::default(),
                rejects: Rejects::default(),
                events: Vec::new(),
                spilled: Vec::new(),
                ends: Vec::new(),
            },
            lines_told: 0,
        }
    }

    fn split(&mut self, index: usize, split: Split) -> Result<(), RunError> {
        let segment = &self.pass.segments[index];
        let Some(reader) = &segment.plain else { return Ok(()) };
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = reader.chunk(split, &mut buffer).map_err(RunError::from).and_then(|chunk| {
            self.map(index, &chunk);
            self.after_chunk(index, split.start)
        });
        self.buffer = buffer;
        self.pass.batch.progress.read(split.end - split.start);
        result
    }

    fn stream(&mut self, index: usize) -> Result<(), RunError> {
        let (batch, segment) = (self.pass.batch, &self.pass.segments[index]);
        let limits = batch.plan.limits;
        let mut reader =
            StreamReader::open(segment.task, split_bytes(batch), reader_line_bytes(limits))?;
        let mut buffer = std::mem::take(&mut self.buffer);
        while !self.pass.stop.load(Ordering::Relaxed) {
            let Some(chunk) = reader.next_chunk(&mut buffer)? else { break };
            let offset = chunk.offset;
            self.map(index, &chunk);
            self.after_chunk(index, offset)?;
        }
        self.buffer = buffer;
        batch.progress.read(segment.task.found.size);
        if !self.pass.stop.load(Ordering::Relaxed) {
            self.part.ends.push((index, reader.finish()?));
        }
        Ok(())
    }

    fn map(&mut self, index: usize, chunk: &Chunk<'_>) {
        let segment = &self.pass.segments[index];
        let context = SegmentContext {
            index,
            source_file: &segment.source_file,
            rank: segment.rank,
            tokenizer: segment.tokenizer.as_ref(),
        };
        let lines = Lines { bytes: chunk.bytes, offset: chunk.offset };
        let sink = self.sink.as_mut().map(|sink| sink as &mut dyn RecordSink);
        self.mapper.chunk(&context, &lines, sink);
        if let Some(line) = &chunk.oversize {
            self.mapper.oversize(&context, line);
        }
    }

    /// Writes the chunk's events, spills what is too much for memory, tells the progress.
    fn after_chunk(&mut self, index: usize, offset: u64) -> Result<(), RunError> {
        let batch = self.pass.batch;
        if let (Some(sink), Some(output)) = (&mut self.sink, &batch.plan.outputs.events) {
            let name = |partition_us| {
                let what = format!("events-{index}-{offset}-{partition_us}");
                batch.layout.staged(&output.path, batch.number, &what)
            };
            self.part.events.extend(sink.stage(index, offset, name)?);
        }
        let budget = batch.plan.limits.memory_bytes / batch.options.threads as u64;
        if self.mapper.heap_bytes() as u64 > budget {
            let tables = self.mapper.take_tables();
            self.part.spilled.extend(spill::spill(batch, tables)?);
        }
        let lines = self.mapper.counters.lines();
        batch.progress.lines(lines - self.lines_told);
        self.lines_told = lines;
        Ok(())
    }

    fn finish(mut self) -> Part {
        self.part.tables = self.mapper.take_tables();
        self.part.counters = self.mapper.counters;
        self.part.rejects = self.mapper.rejects;
        self.part
    }
}

fn split_bytes(batch: &Batch<'_>) -> u64 {
    let events = batch.plan.outputs.events.is_some();
    let default = if events { EVENT_SPLIT_BYTES } else { SPLIT_BYTES };
    batch.options.split_bytes.unwrap_or(default)
}

/// What the progress counts: bytes of the file.
fn file_bytes(task: &SegmentTask) -> u64 {
    task.end.map_or(task.found.size, |end| end - task.start)
}

/// Streams first: they can't be shared, so none should begin last.
fn plan_work(segments: &[Segment<'_>], split_bytes: u64) -> Vec<Work> {
    let streams = segments.iter().enumerate().filter(|(_, s)| s.plain.is_none());
    let mut work: Vec<Work> = streams.map(|(index, _)| Work::Stream(index)).collect();
    for (index, segment) in segments.iter().enumerate() {
        if let Some(reader) = &segment.plain {
            let range = reader.range();
            let splits = source::splits(range.start, range.end, split_bytes);
            work.extend(splits.map(|split| Work::Split(index, split)));
        }
    }
    work
}
