//! The bytes of a segment, read in order by one thread.

use super::super::RunError;
use super::super::progress::Progress;
use super::super::segment::reader_line_bytes;
use crate::format::Tokenizer;
use crate::plan::Plan;
use crate::source::{
    self, Chunk, ChunkBuffer, IoMode, PlainReader, Rows, SegmentState, SegmentTask, SourceError,
    StreamReader,
};

/// What is read at a time.
const CHUNK_BYTES: u64 = 1 << 20;

/// Takes whole lines.
pub(super) type Take<'t> = &'t mut dyn FnMut(&Chunk<'_>) -> Result<(), RunError>;

/// What cuts a segment's lines.
pub(super) fn tokenizer(
    plan: &Plan,
    task: &SegmentTask,
) -> Result<Box<dyn Tokenizer>, SourceError> {
    let head = if plan.format.looks_at_head() { source::task_head(task)? } else { Vec::new() };
    plan.tokenizer(&head)
        .map_err(|e| SourceError::Header { path: task.found.path.clone(), what: e.to_string() })
}

/// Reads all of a task; answers what the segment was.
pub(super) fn read(
    plan: &Plan,
    (task, rows): (&SegmentTask, Option<Rows>),
    io: IoMode,
    progress: &dyn Progress,
    take: Take<'_>,
) -> Result<SegmentState, RunError> {
    match task.compression.is_compressed() {
        true => stream(plan, (task, rows), progress, take),
        false => plain(plan, (task, rows), io, progress, take),
    }
}

fn plain(
    plan: &Plan,
    (task, rows): (&SegmentTask, Option<Rows>),
    io: IoMode,
    progress: &dyn Progress,
    take: Take<'_>,
) -> Result<SegmentState, RunError> {
    let reader = PlainReader::open(task, io, reader_line_bytes(plan.limits))?.with_rows(rows);
    let mut buffer = ChunkBuffer::default();
    let end = task.end.unwrap_or(task.found.size);
    for split in source::splits(task.start, end, CHUNK_BYTES) {
        let chunk = reader.chunk(split, &mut buffer)?;
        take(&chunk)?;
        progress.read(split.end - split.start);
    }
    Ok(source::validate_plain(task, &reader)?.state)
}

fn stream(
    plan: &Plan,
    (task, rows): (&SegmentTask, Option<Rows>),
    progress: &dyn Progress,
    take: Take<'_>,
) -> Result<SegmentState, RunError> {
    let line_bytes_max = reader_line_bytes(plan.limits);
    let mut reader = StreamReader::with_rows(task, CHUNK_BYTES, line_bytes_max, rows)?;
    let mut buffer = ChunkBuffer::default();
    while let Some(chunk) = reader.next_chunk(&mut buffer)? {
        take(&chunk)?;
    }
    progress.read(task.found.size);
    Ok(source::validate_stream(task, reader.finish()?)?.state)
}
