//! What a batch is about: the context that each of its steps borrows. What is done with it is in [`super::commit`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::Options;
use super::layout::{Layout, Names};
use super::progress::Progress;
use crate::catalog::SegmentChange;
use crate::plan::Plan;

/// How much of what a batch touches is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The touched partitions: one run each, and their visible files.
    Whole,
    /// All there is: nothing of what was known before is kept.
    Anew,
    /// What changed: a run of it, merged with the smaller ones before. What is visible follows in a refresh.
    Changed,
}

/// What a batch changes beside its groups and events.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// What happened to segments: first those of the mapped tasks.
    pub(super) segments: Vec<SegmentChange>,
    /// Formerly rejected lines that are merged.
    pub(super) rejects_resolved: Vec<i64>,
    /// Bytes that nobody can read any more.
    pub(super) lost_bytes: u64,
    /// Logs that ended with a gap.
    pub(super) gaps: u64,
}

/// A batch that is being made.
pub(super) struct Batch<'r> {
    pub(super) plan: &'r Plan,
    pub(super) options: &'r Options,
    pub(super) layout: &'r Layout,
    pub(super) names: Names<'r>,
    pub(super) progress: &'r dyn Progress,
    pub(super) stop: &'r AtomicBool,
    /// The workers.
    pub(super) pool: &'r rayon::ThreadPool,
    /// Its number.
    pub(super) number: u64,
    pub(super) depth: Depth,
    /// The newest event time of the batches before.
    pub(super) watermark_us: Option<i64>,
    pub(super) started: Instant,
}

impl Batch<'_> {
    /// Whether the batch is to be given up.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
