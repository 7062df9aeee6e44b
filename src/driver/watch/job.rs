//! One job's life under `watch`.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::batch::Depth;
use super::super::compact::compact;
use super::super::inputs::Inputs;
use super::super::open::{Opened, open};
use super::super::pins::Pins;
use super::super::recover::Differing;
use super::super::session::{Session, Work};
use super::super::{Outcome, RunError, bug, refresh};
use super::courier::{self, Closing, Desk};
use super::tick::{self, Tick};
use super::{Beat, WatchEvents, WatchTimes, is_stopped, pause};
use crate::limits::{WATCH_DRAIN, WATCH_NOTE, WATCH_RETRY_MAX, WATCH_RETRY_MIN};

/// Batches that are made after the signal to stop, at most.
const LEAVING_BATCHES_MAX: usize = 3;

/// Works on a job until it is to stop. Whatever fails is told and tried again, from the catalog on.
pub(super) fn watch(
    work: Work<'_>,
    times: WatchTimes,
    events: &dyn WatchEvents,
    index: usize,
    beat: &Beat,
) {
    let desk = Desk::default();
    std::thread::scope(|scope| {
        scope.spawn(|| courier::work(work, &desk, events, index));
        let _closing = Closing(&desk);
        let inputs = Inputs::holding();
        events.begins(index, inputs.deleted());
        let mut life = Life {
            work,
            times,
            events,
            index,
            beat,
            desk: &desk,
            pins: Pins::default(),
            inputs,
            told: HashSet::new(),
            failures: 0,
            is_busy: false,
        };
        while !is_stopped(work.stop) {
            if let Err(error) = bug::caught(|| life.session()) {
                if matches!(error, RunError::Stopped) {
                    return;
                }
                events.trouble(index, &error);
                let wait = WATCH_RETRY_MIN * 2u32.saturating_pow(life.failures);
                life.failures = (life.failures + 1).min(10);
                beat.now();
                pause(Instant::now() + wait.min(WATCH_RETRY_MAX), work.stop);
            }
        }
    });
}

struct Life<'l> {
    work: Work<'l>,
    times: WatchTimes,
    events: &'l dyn WatchEvents,
    index: usize,
    beat: &'l Beat,
    desk: &'l Desk,
    pins: Pins,
    inputs: Inputs,
    /// Messages of the last batch: those that stand are not told again.
    told: HashSet<String>,
    /// In a row.
    failures: u32,
    is_busy: bool,
}

/// When things happened last.
struct Since {
    refresh: Instant,
    note: Instant,
    /// Whether a batch was decided since the last refresh.
    stale: bool,
}

impl Life<'_> {
    /// Opens the job, and makes its batches until the end or an error.
    fn session(&mut self) -> Result<(), RunError> {
        let mut notices = Vec::new();
        let mut session =
            match open(self.work, self.pins.clone(), Differing::Nothing, &mut notices)? {
                Opened::Session(session) => session,
                Opened::Busy(holder) => {
                    if !std::mem::replace(&mut self.is_busy, true) {
                        self.events.busy(self.index, &holder);
                    }
                    self.beat.now();
                    pause(
                        Instant::now() + self.times.every.max(Duration::from_secs(1)),
                        self.work.stop,
                    );
                    return Ok(());
                }
            };
        self.is_busy = false;
        self.inputs.forget();
        self.events.ready(self.index, &notices);
        if session.catalog.last_batch()? > 0 {
            self.desk.submit(session.snapshot()?);
        }
        let now = Instant::now();
        let mut since = Since { refresh: now, note: now, stale: false };
        let mut tick = Tick::new(self.work.plan);
        self.inputs.look(self.work.plan, None)?;
        while !is_stopped(self.work.stop) {
            let began = Instant::now();
            tick.watch(&self.inputs);
            let list = self.inputs.watchlist();
            let (done, came) = tick.during(list, || self.round(&mut session, &mut since));
            self.inputs.take(came);
            match done {
                Err(RunError::Stopped) => break,
                done => done?,
            }
            self.failures = 0;
            let until = tick::next(began, self.times.every);
            tick.wait(until, &mut self.inputs, self.work.stop)?;
            self.beat.now();
        }
        self.end(&mut session)
    }

    /// One batch, if there is anything new, and what is due beside.
    fn round(&mut self, session: &mut Session<'_>, since: &mut Since) -> Result<(), RunError> {
        let mut outcome = Outcome::default();
        let began = Instant::now();
        session.batch(Depth::Changed, &mut self.inputs, &mut outcome)?;
        outcome.seconds = began.elapsed().as_secs_f64();
        if outcome.decided {
            since.stale = true;
            self.desk.submit(session.snapshot()?);
        }
        self.tell(outcome);
        if since.stale && since.refresh.elapsed() >= self.times.refresh {
            refresh::refresh(session)?;
            compact(session)?;
            (since.refresh, since.stale) = (Instant::now(), false);
        }
        if since.note.elapsed() >= WATCH_NOTE {
            session.note_outputs(&self.desk.news())?;
            since.note = Instant::now();
        }
        Ok(())
    }

    /// Reads what goes with this process: files that it holds and nobody else finds. A file that stands for one of them up to
    /// some place is read first, hence several batches.
    fn leave(&mut self, session: &mut Session<'_>) -> Result<(), RunError> {
        static GO_ON: AtomicBool = AtomicBool::new(false);
        if !self.inputs.holds_missing(self.work.plan) {
            self.inputs.deleted().store(0, Ordering::Relaxed);
            return Ok(());
        }
        session.work.stop = &GO_ON;
        self.inputs.leaving = true;
        for _ in 0..LEAVING_BATCHES_MAX {
            let mut outcome = Outcome::default();
            session.batch(Depth::Changed, &mut self.inputs, &mut outcome)?;
            let decided = outcome.decided;
            self.tell(outcome);
            if !decided {
                // All is read.
                self.inputs.deleted().store(0, Ordering::Relaxed);
                break;
            }
            self.desk.submit(session.snapshot()?);
        }
        Ok(())
    }

    /// Brings everything up to the last batch, as far as that is quick.
    fn end(&mut self, session: &mut Session<'_>) -> Result<(), RunError> {
        self.leave(session)?;
        refresh::refresh(session)?;
        self.desk.drain(Instant::now() + WATCH_DRAIN);
        session.note_outputs(&self.desk.news())
    }

    /// Says what was done, and what is wrong since this batch.
    fn tell(&mut self, mut outcome: Outcome) {
        let messages: HashSet<String> =
            outcome.problems.iter().chain(&outcome.notices).cloned().collect();
        outcome.problems.retain(|problem| !self.told.contains(problem));
        outcome.notices.retain(|notice| !self.told.contains(notice));
        self.told = messages;
        if outcome.decided || !outcome.problems.is_empty() || !outcome.notices.is_empty() {
            self.events.batch(self.index, &outcome);
        }
    }
}
