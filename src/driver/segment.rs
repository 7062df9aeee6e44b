//! A segment that is open for reading, with all that a worker needs to know of it.

use super::run::Batch;
use crate::format::Tokenizer;
use crate::plan::{Limits, MapPlan, Plan, SlotKind};
use crate::source::{self, PlainReader, SegmentTask, SourceError};

/// An open segment.
pub(super) struct Segment<'t> {
    pub(super) task: &'t SegmentTask,
    pub(super) plain: Option<PlainReader>,
    pub(super) tokenizer: Box<dyn Tokenizer>,
    pub(super) source_file: String,
    pub(super) rank: (i64, u64),
}

/// Opens a task's file, and makes what cuts its lines.
pub(super) fn open<'t>(
    batch: &Batch<'_>,
    task: &'t SegmentTask,
) -> Result<Segment<'t>, SourceError> {
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

/// The longest line that readers hand out whole. They measure lines with a byte order mark (3 bytes) and a carriage return;
/// tokenizers, which know the line without them, decide about those in between.
pub(super) fn reader_line_bytes(limits: Limits) -> u64 {
    limits.line_bytes_max.saturating_add(4)
}
