//! The groups and records of the bytes that were consumed, computed again from the logs that still exist: by
//! [`engine::reference`](crate::engine::reference), which goes another way than the runs do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::locate::locate;
use super::super::portions::file_bytes;
use super::super::progress::Progress;
use super::super::sources::Sources;
use super::super::{Options, RunError};
use super::events::Content;
use super::expected::Expected;
use super::read;
use super::rows::{Codec, Row};
use super::scratch::Scratch;
use super::sorter::Sorter;
use crate::engine::map::Lines;
use crate::engine::reference::{Groups, Reader, Record, RecordCutter, Segment};
use crate::engine::timepart;
use crate::job::Partition;
use crate::plan::Plan;
use crate::source::{
    self, Before, Chunk, Compression, Fingerprint, Found, IoMode, Rows, SegmentState, SegmentTask,
    SourceError,
};

/// How often logs are looked for again that were moved or written to while they were read.
const ATTEMPTS_MAX: usize = 5;

/// What the logs say.
#[derive(Default)]
pub(super) struct Recomputed {
    pub(super) groups: Expected,
    /// Records by the start of their partition.
    pub(super) events: BTreeMap<i64, Content>,
    pub(super) segments: u64,
    pub(super) bytes: u64,
    /// Where they were, and how many bytes were consumed.
    pub(super) gone: Vec<(PathBuf, u64)>,
    pub(super) problems: Vec<String>,
    /// Logs that lie under another name than when they were read last.
    pub(super) renamed: bool,
}

/// Reads of each segment what the catalog says was consumed.
pub(super) fn recompute(
    plan: &Plan,
    options: &Options,
    known: &[SegmentState],
    scratch: &Scratch,
    progress: &dyn Progress,
) -> Result<Recomputed, RunError> {
    let mut io = options.io;
    for attempt in 1.. {
        let located = tasks(plan, known)?;
        let mut sources = Sources::of_tasks(located.tasks);
        progress.start(sources.plan.tasks.iter().map(file_bytes).sum());
        let pass = loop {
            match Pass::over(plan, &sources.plan.tasks, io, scratch, progress)? {
                Ok(pass) => break pass,
                // Groups can't give records back: it is left out of another pass.
                Err((task, error)) => sources.exclude(task, error),
            }
        };
        let mut problems = sources.failures();
        problems.extend(pass.states.iter().filter_map(|state| strange(known, state)));
        if !problems.is_empty() && attempt < ATTEMPTS_MAX {
            // Rotated or written to meanwhile; a map can't be held against a writer.
            io = IoMode::Read;
            continue;
        }
        progress.stage("compare");
        let (gone, renamed) = (located.gone, located.renamed);
        return Ok(Recomputed { gone, problems, renamed, ..pass.finish(scratch)? });
    }
    unreachable!("the last attempt returns")
}

/// A segment whose bytes are others than when it was read.
fn strange(known: &[SegmentState], state: &SegmentState) -> Option<String> {
    let before = known.iter().find(|segment| segment.id == state.id)?;
    let as_before = before.offset == state.offset && before.anchor == state.anchor;
    (!as_before).then(|| {
        let path = state.path.display();
        format!("{path}: its bytes are not those that were read, or it changed while it was read")
    })
}

/// One pass over all tasks.
struct Pass<'p> {
    plan: &'p Plan,
    reader: Reader<'p>,
    groups: Option<Groups<'p>>,
    /// Groups that memory has no room for.
    sorter: Sorter,
    codec: Option<Codec>,
    events: BTreeMap<i64, Content>,
    states: Vec<SegmentState>,
    bytes: u64,
}

impl<'p> Pass<'p> {
    /// The inner error: a task that can't be read.
    fn over(
        plan: &'p Plan,
        tasks: &[SegmentTask],
        io: IoMode,
        scratch: &Scratch,
        progress: &dyn Progress,
    ) -> Result<Result<Self, (usize, SourceError)>, RunError> {
        let mut pass = Pass {
            plan,
            reader: Reader::new(plan),
            groups: plan.reduce.as_ref().map(Groups::new),
            sorter: Sorter::new(scratch.folder(), 0),
            codec: plan.outputs.events.as_ref().map(Codec::of_events),
            events: BTreeMap::new(),
            states: Vec::new(),
            bytes: 0,
        };
        for (number, task) in tasks.iter().enumerate() {
            match pass.task(task, io, progress) {
                Ok(state) => pass.states.push(state),
                Err(RunError::Source(error)) => return Ok(Err((number, error))),
                Err(error) => return Err(error),
            }
        }
        Ok(Ok(pass))
    }

    fn task(
        &mut self,
        task: &SegmentTask,
        io: IoMode,
        progress: &dyn Progress,
    ) -> Result<SegmentState, RunError> {
        let tokenizer = read::tokenizer(self.plan, task)?;
        let needs_order = self.plan.reduce.as_ref().is_some_and(|reduce| reduce.needs_order());
        let first_time = match needs_order {
            true => self.reader.first_time(tokenizer.as_ref(), &source::first_line(task)?),
            false => 0,
        };
        let source_file = task.found.path.to_string_lossy();
        let segment = Segment {
            source_file: &source_file,
            hash: task.rank,
            first_time,
            tokenizer: tokenizer.as_ref(),
        };
        // Records of several lines are cut here, out of lines.
        let (whole, rows): (Option<Rows>, Option<Rows>) = match tokenizer.rows() {
            Some(rows) if rows.multiline => (Some(rows), None),
            rows => (None, rows),
        };
        let mut cutter = whole.map(|rows| (rows, RecordCutter::new(rows, task.start)));
        let state = read::read(self.plan, (task, rows), io, progress, &mut |chunk| {
            // A line that is too long is a reject, and nothing but its length is known of it.
            let long = chunk.oversize.as_ref().map(|line| line.length + u64::from(line.terminated));
            self.bytes += chunk.bytes.len() as u64 + long.unwrap_or(0);
            let Some((rows, cutter)) = &mut cutter else {
                let Chunk { bytes, offset, before, .. } = *chunk;
                return self.chunk(segment, Lines { bytes, offset, before }, progress);
            };
            let mut each = |at, record: &_| self.whole(segment, *rows, (at, record), progress);
            cutter.lines(chunk.bytes, &mut each)?;
            long.map_or(Ok(()), |long| cutter.end(long, &mut each))
        })?;
        if let Some((rows, cutter)) = &mut cutter {
            cutter.end(0, |at, record| self.whole(segment, *rows, (at, record), progress))?;
        }
        Ok(state)
    }

    /// One record of several lines.
    fn whole(
        &mut self,
        segment: Segment<'_>,
        rows: Rows,
        (offset, bytes): (u64, &[u8]),
        progress: &dyn Progress,
    ) -> Result<(), RunError> {
        let before = Before { open: None, preamble: rows.preamble_bytes.saturating_sub(offset) };
        self.chunk(segment, Lines { bytes, offset, before }, progress)
    }

    fn chunk(
        &mut self,
        segment: Segment<'_>,
        chunk: Lines<'_>,
        progress: &dyn Progress,
    ) -> Result<(), RunError> {
        let Pass { plan, reader, groups, codec, events, .. } = self;
        let partition = plan.outputs.events.as_ref().map_or(Partition::None, |e| e.partition);
        let mut lines = 0;
        reader.records(segment, chunk, |record: Record| {
            lines += 1;
            if let Some(groups) = groups {
                groups.add(&record);
            }
            if let Some(codec) = codec {
                let time = record.event_time.unwrap_or(0);
                let content = events.entry(timepart::start(partition, time)).or_default();
                content.add(&codec.row(Vec::new(), &record.events));
            }
            Ok::<(), RunError>(())
        })?;
        progress.lines(lines);
        // The sorters of tables that were read before have their parts of the memory, too.
        let memory = usize::try_from(self.plan.limits.memory_bytes / 4).unwrap_or(usize::MAX);
        let is_full = self.groups.as_ref().is_some_and(|groups| groups.heap_bytes() > memory);
        if is_full { self.spill() } else { Ok(()) }
    }

    /// Moves the groups to a file.
    fn spill(&mut self) -> Result<(), RunError> {
        match &mut self.groups {
            Some(groups) => self.sorter.run(groups.drain().map(|(bytes, key)| Row { bytes, key })),
            None => Ok(()),
        }
    }

    fn finish(mut self, scratch: &Scratch) -> Result<Recomputed, RunError> {
        self.spill()?;
        let mut expected = Expected::default();
        if let (Some(groups), Some(reduce)) = (&self.groups, &self.plan.reduce) {
            let (codec, states) = (Codec::of_groups(reduce), self.sorter.finish()?);
            expected = Expected::write(groups, reduce, &codec, states, scratch.folder())?;
        }
        Ok(Recomputed {
            groups: expected,
            events: self.events,
            segments: self.states.len() as u64,
            bytes: self.bytes,
            ..Recomputed::default()
        })
    }
}

struct Tasks {
    tasks: Vec<SegmentTask>,
    gone: Vec<(PathBuf, u64)>,
    renamed: bool,
}

/// What was consumed of each segment that can still be read.
fn tasks(plan: &Plan, known: &[SegmentState]) -> Result<Tasks, RunError> {
    let located = locate(plan, None, known)?.segments;
    let mut all = Tasks { tasks: Vec::new(), gone: Vec::new(), renamed: false };
    for (segment, place) in known.iter().zip(located).filter(|(known, _)| known.consumed() > 0) {
        // A tail that only a held file had is gone with it.
        match place.filter(|_| segment.origin == 0) {
            Some(place) => {
                all.renamed |= place.found.path != segment.path;
                all.tasks.push(task(segment, place.found, place.compression));
            }
            None => all.gone.push((segment.path.clone(), segment.consumed())),
        }
    }
    Ok(all)
}

/// Everything up to the offset.
fn task(segment: &SegmentState, found: Found, compression: Compression) -> SegmentTask {
    let is_plain = !compression.is_compressed();
    SegmentTask {
        known: Some(segment.id),
        found,
        compression,
        head: segment.head,
        anchor: Fingerprint::of(b""),
        rank: segment.rank,
        first_path: segment.first_path.clone(),
        origin: 0,
        start: 0,
        end: Some(segment.offset),
        end_anchor: is_plain.then_some(segment.anchor),
        waiting_bytes: 0,
        resumes_mid_line: false,
        settled: false,
    }
}
