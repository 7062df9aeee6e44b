//! A segment of a pass: opened by the worker that comes first, closed by the one that is done last. So descriptors and
//! leases are bounded by the number of workers, however many files there are.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::batch::Batch;
use crate::catalog::SegmentLedger;
use crate::engine::common::Common;
use crate::engine::map::first_time;
use crate::engine::reject::Counters;
use crate::format::Tokenizer;
use crate::plan::{Limits, Plan};
use crate::source::{self, PlainReader, SegmentTask, SourceError};

/// What is to be read, and the open file as long as somebody reads it.
pub(super) struct Segment<'t> {
    pub(super) task: &'t SegmentTask,
    splits_left: AtomicUsize,
    failed: AtomicBool,
    /// What became of its bytes, by job.
    read: Mutex<Vec<SegmentLedger>>,
    open: Mutex<Option<Arc<Open>>>,
}

/// An open segment.
pub(super) struct Open {
    /// Plain files; compressed ones are opened by the one worker that decodes them.
    pub(super) plain: Option<PlainReader>,
    pub(super) tokenizer: Box<dyn Tokenizer>,
    pub(super) source_file: String,
    /// Its place in file order, by job.
    pub(super) ranks: Vec<(i64, u64)>,
}

impl<'t> Segment<'t> {
    /// A segment that is read in so many splits, for so many jobs.
    pub(super) fn new(task: &'t SegmentTask, splits: usize, jobs: usize) -> Self {
        Segment {
            task,
            splits_left: AtomicUsize::new(splits),
            failed: AtomicBool::new(false),
            read: Mutex::new(vec![SegmentLedger::default(); jobs]),
            open: Mutex::new(None),
        }
    }

    /// The open segment; opens it if nobody has.
    pub(super) fn open(
        &self,
        batch: &Batch<'_>,
        common: &Common<'_>,
    ) -> Result<Arc<Open>, SourceError> {
        // A panic in `open` leaves `None` behind, which is as good as before.
        let mut slot = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(open) => Ok(Arc::clone(open)),
            None => Ok(Arc::clone(slot.insert(Arc::new(open(batch, common, self.task)?)))),
        }
    }

    /// Notes what became of the bytes of a chunk in one of the jobs.
    pub(super) fn count(&self, job: usize, counters: &Counters) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let read = &mut read[job];
        read.mapped_bytes += counters.mapped_bytes;
        read.filtered_bytes += counters.filtered_bytes;
        read.rejected_bytes += counters.rejected_bytes;
    }

    /// What became of the bytes that led behind the last split, by job.
    pub(super) fn ledgers(&self) -> Vec<SegmentLedger> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that a split was read; true for the last one.
    pub(super) fn split_done(&self) -> bool {
        self.splits_left.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Closes the file, once the last worker lets go of it.
    pub(super) fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Nothing more of it is to be read in this pass.
    pub(super) fn give_up(&self) {
        self.failed.store(true, Ordering::Relaxed);
        self.close();
    }

    /// Whether it was given up.
    pub(super) fn is_given_up(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// Opens a task's file, and makes what cuts its lines.
fn open(batch: &Batch<'_>, common: &Common<'_>, task: &SegmentTask) -> Result<Open, SourceError> {
    let plan = batch.plan;
    let plain = match task.compression.is_compressed() {
        false => Some(PlainReader::open(task, batch.options.io, reader_line_bytes(plan.limits))?),
        true => None,
    };
    let head = if plan.format.looks_at_head() { source::task_head(task)? } else { Vec::new() };
    let tokenizer = plan
        .format
        .tokenizer(&common.wanted(), &head)
        .map_err(|e| SourceError::Header { path: task.found.path.clone(), what: e.to_string() })?;
    let plain = plain.map(|reader| reader.with_rows(tokenizer.rows()));
    let mut ranks = Vec::new();
    for time in first_times(common, task, tokenizer.as_ref())? {
        ranks.push((time, task.rank));
    }
    let source_file = task.found.path.to_string_lossy().into_owned();
    Ok(Open { plain, tokenizer, source_file, ranks })
}

/// The event time of a segment's first line, by job: an order of segments that is the same in every batch. Asked for only
/// where `first` or `last` need it.
fn first_times(
    common: &Common<'_>,
    task: &SegmentTask,
    tokenizer: &dyn Tokenizer,
) -> Result<Vec<i64>, SourceError> {
    let needed = |plan: &Plan| plan.reduce.as_ref().is_some_and(|reduce| reduce.needs_order());
    let slots: Vec<Option<usize>> =
        common.plans().map(|plan| plan.map.event_time.filter(|_| needed(plan))).collect();
    if slots.iter().all(Option::is_none) {
        return Ok(vec![0; slots.len()]);
    }
    let line = source::first_line(task)?;
    let time = |(plan, slot): (usize, &Option<usize>)| {
        first_time(common, (plan, (*slot)?), tokenizer, &line)
    };
    Ok(slots.iter().enumerate().map(|slot| time(slot).unwrap_or(0)).collect())
}

/// The longest line that readers hand out whole. They measure lines with a byte order mark (3 bytes) and a carriage return;
/// tokenizers, which know the line without them, decide about those in between.
pub(super) fn reader_line_bytes(limits: Limits) -> u64 {
    limits.line_bytes_max.saturating_add(4)
}
