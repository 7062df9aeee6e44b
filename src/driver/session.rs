//! A job that is being worked on: its lock, its catalog, and what was left to finish.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::batch::{Batch, Depth};
use super::execute::Executed;
use super::inputs::Inputs;
use super::layout::Layout;
use super::outbox::Snapshot;
use super::pins::Pins;
use super::progress::Progress;
use super::sources::{Sources, discover};
use super::{Options, Outcome, RunError, recover, refresh};
use crate::catalog::{Catalog, CatalogError, EventFile, JobLock, LockError, OutputRow};
use crate::deliver::sql::SortSpace;
use crate::engine::parquet_file::checksum;
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

/// What is new, and what was made of it so far.
pub(super) struct Round {
    pub(super) sources: Sources,
    pub(super) started: Instant,
    /// The last batch of which it was known when this was planned; none where it does not matter.
    behind: Option<u64>,
    pub(super) turn: Option<Turn>,
    pub(super) mapped: Option<Executed>,
    depth: Depth,
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

/// How far a job may differ from the one that made what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Differing {
    /// Not in what its groups and events mean.
    Nothing,
    /// In how lines become records.
    Parsing,
    /// In anything: it is all made anew.
    Anything,
}

/// A session, or who holds the job.
pub(super) enum Opened<'w> {
    Session(Box<Session<'w>>),
    Busy(String),
}

impl<'w> Session<'w> {
    /// Takes the lock, and finishes what is decided, whatever the job file says by now. What is worth a notice is added
    /// to `notices`.
    pub(super) fn open(
        work: Work<'w>,
        pins: Pins,
        notices: &mut Vec<String>,
    ) -> Result<Opened<'w>, RunError> {
        Session::open_with(work, pins, Differing::Nothing, notices)
    }

    /// The same, of a job that may have been changed.
    pub(super) fn open_with(
        work: Work<'w>,
        pins: Pins,
        differing: Differing,
        notices: &mut Vec<String>,
    ) -> Result<Opened<'w>, RunError> {
        let layout = Layout::new(&work.options.state_dir, work.plan);
        let lock = match JobLock::acquire(&layout.state) {
            Ok(lock) => lock,
            Err(LockError::Busy(holder)) => return Ok(Opened::Busy(holder)),
            Err(LockError::Catalog(error)) => return Err(error.into()),
        };
        let catalog = Catalog::open(&layout.state)?;
        let state_id = catalog.state_id()?;
        let layout = layout.of_state(&state_id);
        if work.options.adopt {
            // What another one wrote is removed for a job only that may run.
            recover::check_job(work.plan, &catalog, differing)?;
        }
        layout.own_outputs(work.options.adopt, || {
            // Another's file may have the name of one of this state's.
            let is_whole = |file: &EventFile| {
                checksum(&file.path).is_ok_and(|found| found == (file.bytes, file.checksum))
            };
            let files = catalog.event_files()?.into_iter().filter(is_whole);
            Ok(files.map(|file| file.path).collect())
        })?;
        let mut session = Session { work, layout, catalog, pins, state_id, _lock: lock };
        recover::roll_forward(&mut session)?;
        recover::check_job(work.plan, &session.catalog, differing)?;
        if differing != Differing::Anything {
            notices.extend(refresh::refresh(&mut session)?.notice);
        }
        Ok(Opened::Session(Box::new(session)))
    }

    /// Reads all that is new, as one batch; decides nothing where there is nothing.
    pub(super) fn batch(
        &mut self,
        depth: Depth,
        inputs: &mut Inputs,
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        let round = self.look(depth, inputs, outcome)?;
        self.settle(round, inputs, outcome)
    }

    /// Finds what is new.
    pub(super) fn look(
        &mut self,
        depth: Depth,
        inputs: &mut Inputs,
        outcome: &mut Outcome,
    ) -> Result<Round, RunError> {
        let started = Instant::now();
        outcome.batch = self.catalog.last_batch()?;
        let sources = discover(self.work.plan, self.work.options, &self.catalog, inputs)?;
        Ok(Round { depth, started, sources, behind: inputs.batch(), turn: None, mapped: None })
    }

    /// Reads what is new, unless somebody has, and decides it.
    pub(super) fn settle(
        &mut self,
        round: Round,
        inputs: &mut Inputs,
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        let turn = match round.turn {
            None if round.sources.has_work() => Some(self.turn_of(&round)?),
            turn => turn,
        };
        let Round { started, mut sources, mapped, .. } = round;
        if let Some(turn) = turn.filter(|_| sources.has_work()) {
            let batch = turn.batch(self.work, &self.layout, started)?;
            batch.run(&mut self.catalog, &self.pins, (&mut sources, mapped), outcome)?;
        }
        if !outcome.decided && !sources.plan.updates.is_empty() {
            self.catalog.update_segments(&sources.changes())?;
            inputs.forget();
        }
        outcome.notices.extend(sources.tell_copies());
        if sources.plan.copies_changed {
            self.catalog.set_copies(&sources.plan.copies)?;
        }
        if outcome.decided || sources.plan.copies_changed {
            inputs.forget();
        }
        sources.report(outcome);
        outcome.notices.extend(self.catalog.tell_once(sources.asides())?);
        Ok(())
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

    /// The turn of what was planned.
    pub(super) fn turn_of(&mut self, round: &Round) -> Result<Turn, RunError> {
        self.turn(round.depth, round.behind)
    }

    /// Takes a fence, and the number behind the batch that the plan was made by. Whoever was overtaken since then knows neither
    /// the offsets nor the files of the batches that came between: what it would read was read.
    fn turn(&mut self, depth: Depth, behind: Option<u64>) -> Result<Turn, RunError> {
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
