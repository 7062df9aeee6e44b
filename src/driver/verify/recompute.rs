//! The groups and records of the bytes that were consumed, computed anew from the logs that still exist.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::super::batch::{Batch, Depth};
use super::super::execute::execute;
use super::super::fold::fold;
use super::super::layout::Layout;
use super::super::locate::locate;
use super::super::progress::Progress;
use super::super::session::Workers;
use super::super::sources::Sources;
use super::super::{Options, RunError};
use super::scratch::Scratch;
use super::store::Store;
use crate::deliver::events::StagedEvents;
use crate::plan::Plan;
use crate::source::{Compression, Fingerprint, Found, IoMode, SegmentState, SegmentTask};

/// How often logs are looked for again that were moved or written to while they were read.
const ATTEMPTS_MAX: usize = 5;

/// What the logs say.
pub(super) struct Recomputed {
    pub(super) store: Store,
    pub(super) events: Vec<StagedEvents>,
    pub(super) segments: u64,
    pub(super) bytes: u64,
    /// Where they were, and how many bytes were consumed.
    pub(super) gone: Vec<(PathBuf, u64)>,
    pub(super) problems: Vec<String>,
    /// Logs that lie under another name than when they were read last.
    pub(super) renamed: bool,
}

/// Reads of each segment what the catalog says was consumed. The plan's outputs lie in the scratch folder.
pub(super) fn recompute(
    plan: &Plan,
    options: &Options,
    known: &[SegmentState],
    scratch: &Scratch,
    progress: &dyn Progress,
) -> Result<Recomputed, RunError> {
    let workers = Workers::new(options.threads);
    let mut options = options.clone();
    for attempt in 1.. {
        let located = tasks(plan, known)?;
        let mut sources = Sources::of_tasks(located.tasks);
        let layout = Layout::new(&scratch.subfolder(&format!("recomputed-{attempt}"))?, plan);
        layout.create()?;
        let batch = Batch {
            plan,
            options: &options,
            layout: &layout,
            names: layout.names(1, 1),
            progress,
            stop: &AtomicBool::new(false),
            pool: workers.pool()?,
            number: 1,
            depth: Depth::Whole,
            watermark_us: None,
            started: Instant::now(),
        };
        let mut executed = execute(&batch, &mut sources)?;
        let mut problems = sources.failures();
        problems.extend(executed.states.iter().filter_map(|change| strange(known, &change.state)));
        if !problems.is_empty() && attempt < ATTEMPTS_MAX {
            // Rotated or written to meanwhile; a map can't be held against a writer.
            options.io = IoMode::Read;
            let _ = std::fs::remove_dir_all(&layout.state);
            continue;
        }
        progress.stage("compare");
        let folded = batch.pool.install(|| fold(&batch, &[], &executed))?;
        return Ok(Recomputed {
            store: Store { folder: layout.stores(), runs: folded.runs },
            events: std::mem::take(&mut executed.events),
            segments: executed.states.len() as u64,
            bytes: executed.counters.bytes,
            gone: located.gone,
            problems,
            renamed: located.renamed,
        });
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
