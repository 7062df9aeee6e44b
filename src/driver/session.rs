//! A job that is being worked on: its lock, its catalog, and the number of its next batch.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::batch::{Batch, Depth};
use super::layout::Layout;
use super::outbox::Snapshot;
use super::pins::Pins;
use super::progress::Progress;
use super::{Options, RunError};
use crate::catalog::{Catalog, CatalogError, JobLock, OutputRow};
use crate::deliver::sql::SortSpace;
use crate::plan::Plan;

/// The threads that all jobs of a process share; started when there is work.
pub struct Workers {
    threads: usize,
    pool: OnceLock<rayon::ThreadPool>,
}

impl Workers {
    /// So many, later.
    pub fn new(threads: usize) -> Self {
        Workers { threads, pool: OnceLock::new() }
    }

    /// The threads, started.
    pub(super) fn pool(&self) -> Result<&rayon::ThreadPool, RunError> {
        if let Some(pool) = self.pool.get() {
            return Ok(pool);
        }
        let threads = self.threads;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool =
            pool.map_err(|e| RunError::Other(format!("can't start {threads} threads: {e}")))?;
        Ok(self.pool.get_or_init(|| pool))
    }
}

/// What a session works with.
#[derive(Clone, Copy)]
pub(super) struct Work<'w> {
    pub(super) plan: &'w Plan,
    pub(super) options: &'w Options,
    pub(super) workers: &'w Workers,
    pub(super) progress: &'w dyn Progress,
    /// Set when the batch at hand is to be given up.
    pub(super) stop: &'w AtomicBool,
}

/// A job under lock.
pub(super) struct Session<'w> {
    pub(super) work: Work<'w>,
    pub(super) layout: Layout,
    pub(super) catalog: Catalog,
    pub(super) pins: Pins,
    state_id: String,
    _lock: JobLock,
}

/// What a batch has of the catalog: nobody else makes the one with this number under this fence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    depth: Depth,
    fence: u64,
    number: u64,
    watermark_us: Option<i64>,
}

impl Turn {
    /// The batch.
    pub(super) fn batch<'b>(
        self,
        work: Work<'b>,
        layout: &'b Layout,
        started: Instant,
    ) -> Result<Batch<'b>, RunError> {
        Ok(Batch {
            plan: work.plan,
            options: work.options,
            layout,
            names: layout.names(self.fence, self.number),
            progress: work.progress,
            stop: work.stop,
            pool: work.workers.pool()?,
            number: self.number,
            depth: self.depth,
            watermark_us: self.watermark_us,
            started,
        })
    }
}

impl<'w> Session<'w> {
    /// Of a job that was opened; `lock` is held as long as it lives.
    pub(super) fn new(
        work: Work<'w>,
        (layout, lock): (Layout, JobLock),
        catalog: Catalog,
        pins: Pins,
        state_id: String,
    ) -> Self {
        Session { work, layout, catalog, pins, state_id, _lock: lock }
    }

    /// The next batch behind the one that `work` was planned by.
    pub(super) fn with_batch<T>(
        &mut self,
        (depth, behind): (Depth, u64),
        started: Instant,
        work: impl FnOnce(&Batch<'_>, &mut Catalog, &Pins) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let batch = self.turn(depth, Some(behind))?.batch(self.work, &self.layout, started)?;
        work(&batch, &mut self.catalog, &self.pins)
    }

    /// Takes a fence, and the number behind the batch that the plan was made by. Whoever was overtaken since then knows neither
    /// the offsets nor the files of the batches that came between: what it would read was read.
    pub(super) fn turn(&mut self, depth: Depth, behind: Option<u64>) -> Result<Turn, RunError> {
        let (fence, last) = (self.catalog.take_fence()?, self.catalog.last_batch()?);
        if behind.is_some_and(|behind| behind != last) {
            return Err(CatalogError::Overtaken { batch: last }.into());
        }
        let number = last + 1;
        let watermark_us = if depth == Depth::Anew { None } else { self.catalog.watermark_us()? };
        Ok(Turn { depth, fence, number, watermark_us })
    }

    /// What the outputs are to show, with the files that say so kept as long as it lives.
    pub(super) fn snapshot(&mut self) -> Result<Snapshot, RunError> {
        let batch = self.catalog.last_batch()?;
        let runs = self.catalog.runs()?;
        let fence = self.catalog.take_fence()?;
        let memory_bytes = self.work.plan.limits.memory_bytes;
        let sort = SortSpace {
            memory_bytes: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
            file: self.layout.names(fence, batch).rows(),
        };
        Ok(Snapshot {
            job: self.work.plan.name.clone(),
            batch,
            token: self.catalog.token(batch)?.unwrap_or_default(),
            rebuilt: self.catalog.rebuilt_batch()?,
            state_id: self.state_id.clone(),
            fence,
            folder: self.layout.stores(),
            sort,
            _pinned: self.pins.pin(runs.iter().map(|run| run.file.clone()).collect()),
            runs,
        })
    }

    /// Stores how deliveries went, where that is news.
    pub(super) fn note_outputs(&mut self, rows: &[OutputRow]) -> Result<(), RunError> {
        if rows.is_empty() {
            return Ok(());
        }
        Ok(self.catalog.set_outputs(rows)?)
    }
}
