//! The map phase: workers take splits from a shared cursor until none is left. A segment that turns out unreadable or
//! changed is left out, and the phase is run again without it: a table can't give lines back.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::run::Batch;
use super::sources::Sources;
use super::spill::Spilled;
use super::{RunError, spill};
use crate::deliver::events::{EventSplit, StagedEvents};
use crate::engine::map::{Lines, Mapper, RecordSink, SegmentContext};
use crate::engine::reduce::Delta;
use crate::engine::reject::{Counters, Reject, Rejects};
use crate::engine::table::GroupTable;
use crate::format::{Converter, Tokenizer};
use crate::limits::{EVENT_SPLIT_BYTES, SPLIT_BYTES};
use crate::plan::{Limits, MapPlan, Plan, SlotKind};
use crate::source::{
    self, Chunk, ChunkBuffer, PlainReader, SegmentState, SegmentTask, SourceError, Split,
    StreamEnd, StreamReader,
};

/// What the map phase made.
pub(super) struct Executed {
    /// All groups that fit into memory.
    pub(super) delta: Delta,
    /// Groups that did not.
    pub(super) spilled: Vec<Spilled>,
    /// What became of the lines.
    pub(super) counters: Counters,
    /// Events, in the order of segments and splits.
    pub(super) events: Vec<StagedEvents>,
    /// New states of the segments that were read.
    pub(super) states: Vec<SegmentState>,
    /// These, and of those that were only seen elsewhere.
    pub(super) all_states: Vec<SegmentState>,
    rejects: Rejects,
    paths: Vec<PathBuf>,
}

impl Executed {
    /// The rejected lines, with the path of each.
    pub(super) fn take_rejects(&mut self) -> Vec<(PathBuf, Reject)> {
        let rejects = std::mem::take(&mut self.rejects).finish();
        rejects.into_iter().map(|reject| (self.paths[reject.segment].clone(), reject)).collect()
    }
}

/// Maps all tasks; those that fail are moved to the problems of `sources`.
pub(super) fn execute(batch: &Batch<'_>, sources: &mut Sources) -> Result<Executed, RunError> {
    loop {
        match attempt(batch, &sources.plan.tasks)? {
            Ok(mut executed) => {
                executed.all_states = executed.states.clone();
                executed.all_states.extend(sources.plan.updates.iter().cloned());
                return Ok(executed);
            }
            Err(mut failed) => {
                failed.sort_by_key(|(task, _)| std::cmp::Reverse(*task));
                failed.dedup_by_key(|(task, _)| *task);
                failed.into_iter().for_each(|(task, error)| sources.exclude(task, error));
                spill::clear(batch.layout)?;
            }
        }
    }
}

type Failed = Vec<(usize, SourceError)>;

fn attempt(batch: &Batch<'_>, tasks: &[SegmentTask]) -> Result<Result<Executed, Failed>, RunError> {
    let pass = match Pass::new(batch, tasks) {
        Ok(pass) => pass,
        Err(failed) => return Ok(Err(failed)),
    };
    let workers = batch.pool.broadcast(|_| pass.worker());
    let failed = pass.failed.into_inner().unwrap_or_default();
    if !failed.is_empty() {
        return Ok(Err(failed));
    }
    let mut parts = Vec::new();
    for worker in workers {
        parts.push(worker?);
    }
    let states = match validate(&pass.segments, &mut parts) {
        Ok(states) => states,
        Err(failed) => return Ok(Err(failed)),
    };
    let paths = tasks.iter().map(|task| task.found.path.clone()).collect();
    Ok(Ok(batch.pool.install(|| join(parts, states, paths))))
}

/// The workers' parts as one.
fn join(parts: Vec<Part>, states: Vec<SegmentState>, paths: Vec<PathBuf>) -> Executed {
    let mut counters = Counters::default();
    let (mut rejects, mut events, mut spilled) = (Rejects::default(), Vec::new(), Vec::new());
    let mut tables = Vec::new();
    for part in parts {
        counters.add(&part.counters);
        rejects.append(part.rejects);
        events.extend(part.events);
        spilled.extend(part.spilled);
        tables.push(part.tables);
    }
    events.sort_by_key(|e| (e.segment, e.offset, e.partition_us));
    let delta = Delta::reduce(tables);
    Executed { delta, spilled, counters, events, states, all_states: Vec::new(), rejects, paths }
}

/// An open segment.
struct Segment<'t> {
    task: &'t SegmentTask,
    plain: Option<PlainReader>,
    tokenizer: Box<dyn Tokenizer>,
    source_file: String,
    rank: (i64, u64),
}

/// What one worker takes at a time.
enum Work {
    /// A split of a plain segment.
    Split(usize, Split),
    /// A compressed segment, which is decoded from its start.
    Stream(usize),
}

/// One pass over all tasks.
struct Pass<'b> {
    batch: &'b Batch<'b>,
    segments: Vec<Segment<'b>>,
    work: Vec<Work>,
    next: AtomicUsize,
    stop: AtomicBool,
    failed: Mutex<Failed>,
    converters: Vec<Converter>,
    partitions: usize,
}

/// What one worker made.
struct Part {
    tables: Vec<GroupTable>,
    counters: Counters,
    rejects: Rejects,
    events: Vec<StagedEvents>,
    spilled: Vec<Spilled>,
    ends: Vec<(usize, StreamEnd)>,
}

impl<'b> Pass<'b> {
    fn new(batch: &'b Batch<'b>, tasks: &'b [SegmentTask]) -> Result<Self, Failed> {
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
    fn worker(&self) -> Result<Part, RunError> {
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

/// The longest line that readers hand out whole. They measure lines with a byte order mark (3 bytes) and a carriage return;
/// tokenizers, which know the line without them, decide about those in between.
fn reader_line_bytes(limits: Limits) -> u64 {
    limits.line_bytes_max.saturating_add(4)
}

/// What the progress counts: bytes of the file.
fn file_bytes(task: &SegmentTask) -> u64 {
    task.end.map_or(task.found.size, |end| end - task.start)
}

fn open<'t>(batch: &Batch<'_>, task: &'t SegmentTask) -> Result<Segment<'t>, SourceError> {
    let plan = batch.plan;
    let plain = match task.end {
        Some(_) => Some(PlainReader::open(task, batch.options.io, reader_line_bytes(plan.limits))?),
        None => None,
    };
    let head =
        if plan.format.needs_head() { source::read_head(&task.found.path)? } else { Vec::new() };
    let wanted: Vec<&str> = plan.map.fields.iter().map(String::as_str).collect();
    let tokenizer = plan
        .format
        .tokenizer(&wanted, &head)
        .map_err(|e| SourceError::Header { path: task.found.path.clone(), what: e.to_string() })?;
    let rank = (first_time(plan, task, tokenizer.as_ref())?, task.rank);
    let source_file = task.found.path.to_string_lossy().into_owned();
    Ok(Segment { task, plain, tokenizer, source_file, rank })
}

/// The event time of a segment's first line: an order of segments that is the same in every batch. Asked for only where
/// `first` or `last` need it.
fn first_time(
    plan: &Plan,
    task: &SegmentTask,
    tokenizer: &dyn Tokenizer,
) -> Result<i64, SourceError> {
    let needed = plan.reduce.as_ref().is_some_and(|reduce| reduce.needs_order());
    let Some(field) =
        plan.map.event_time.filter(|_| needed).and_then(|slot| time_field(&plan.map, slot))
    else {
        return Ok(0);
    };
    let line = source::first_line(task)?;
    let converters = plan.converters();
    Ok(crate::engine::map::first_time(tokenizer, &converters[field], field, &line).unwrap_or(0))
}

/// The raw field that the event time is read from.
fn time_field(map: &MapPlan, slot: usize) -> Option<usize> {
    match &map.slots[slot].kind {
        SlotKind::EventTime(of) => time_field(map, *of),
        SlotKind::Field(field) => Some(*field),
        _ => None,
    }
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

/// Looks at every segment again: only what was read from an unchanged file counts.
fn validate(segments: &[Segment<'_>], parts: &mut [Part]) -> Result<Vec<SegmentState>, Failed> {
    let mut ends: Vec<Option<StreamEnd>> = segments.iter().map(|_| None).collect();
    for (index, end) in parts.iter_mut().flat_map(|part| part.ends.drain(..)) {
        ends[index] = Some(end);
    }
    let mut failed = Vec::new();
    let mut states = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let state = match (&segment.plain, &ends[index]) {
            (Some(reader), _) => source::validate_plain(segment.task, reader),
            (None, Some(end)) => source::validate_stream(segment.task, end),
            (None, None) => continue,
        };
        match state {
            Ok(state) => states.push(state),
            Err(error) => failed.push((index, error)),
        }
    }
    if failed.is_empty() { Ok(states) } else { Err(failed) }
}
