//! How much workers take, read and keep at a time.

use super::batch::Batch;
use super::segment::Segment;
use crate::limits::{EVENT_SPLIT_BYTES, SPLIT_BYTES, SPLIT_BYTES_MIN, STREAM_BYTES};
use crate::source::{self, SegmentTask, Split};

/// What one worker takes at a time.
pub(super) enum Work {
    /// A split of a plain segment.
    Split(usize, Split),
    /// A compressed segment, which is decoded from its start.
    Stream(usize),
}

/// Of batches that are mapped together, the least that one of them wants.
pub(super) fn split_bytes(batches: &[&Batch<'_>]) -> u64 {
    let jobs = batches.len() as u64;
    let of_batch = |batch: &&Batch<'_>| {
        let events = batch.plan.outputs.events.is_some();
        let default = if events { EVENT_SPLIT_BYTES } else { chunk_bytes(batch, jobs) };
        batch.options.split_bytes.unwrap_or(default)
    };
    batches.iter().map(of_batch).min().unwrap_or(SPLIT_BYTES)
}

/// What a stream hands out at a time. Where each chunk becomes files of events, as much as a split.
pub(super) fn stream_bytes(batches: &[&Batch<'_>]) -> u64 {
    let as_split = |batch: &&Batch<'_>| {
        batch.plan.outputs.events.is_some() || batch.options.split_bytes.is_some()
    };
    let split = split_bytes(batches);
    if batches.iter().any(as_split) { split } else { split.min(STREAM_BYTES) }
}

/// What the tables of one worker may take before they are spilled. What is left of the memory is for sorting, for the tables
/// that the reduce makes of them, for merging and writing.
pub(super) fn tables_bytes(batch: &Batch<'_>) -> u64 {
    batch.plan.limits.memory_bytes / 8 * 3 / batch.options.threads.max(1) as u64
}

/// What is read and mapped at a time. A chunk that could fill a worker's share of the memory at once, with the groups of so
/// many jobs, would be more than that.
pub(super) fn chunk_bytes(batch: &Batch<'_>, jobs: u64) -> u64 {
    let threads = batch.options.threads.max(1) as u64;
    let share = batch.plan.limits.memory_bytes / 32 / threads / jobs;
    share.clamp(SPLIT_BYTES_MIN, SPLIT_BYTES)
}

/// What the progress counts: bytes of the file.
pub(super) fn file_bytes(task: &SegmentTask) -> u64 {
    let plain = task.end.filter(|_| !task.compression.is_compressed());
    plain.map_or(task.found.size, |end| end - task.start)
}

/// Streams first: they can't be shared, so none should begin last. A segment with records of several lines (`whole`) is one
/// split.
pub(super) fn plan_work(
    tasks: &[SegmentTask],
    (split_bytes, whole): (u64, bool),
    jobs: usize,
) -> (Vec<Segment<'_>>, Vec<Work>) {
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
            Some(end) if whole => {
                splits.push(Work::Split(index, Split { start: task.start, end }));
            }
            Some(end) => {
                let parts = source::splits(task.start, end, split_bytes);
                splits.extend(parts.map(|split| Work::Split(index, split)));
            }
        }
        segments.push(Segment::new(task, splits.len() - before, jobs));
    }
    streams.append(&mut splits);
    (segments, streams)
}
