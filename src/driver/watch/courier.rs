//! The courier: brings the SQL outputs of a job up to the newest snapshot, beside the reading of logs, which never waits
//! for a server. Only the newest snapshot counts: what an output lacks is found there, however many batches that were.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::RunError;
use super::super::outbox::{Outbox, OutputReport, Snapshot};
use super::super::session::Work;
use super::WatchEvents;
use crate::catalog::{Catalog, OutputRow};
use crate::limits::{WATCH_NAP, WATCH_RETRY_MAX, WATCH_RETRY_MIN};

/// Between a job's thread and its courier.
#[derive(Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: Option<Snapshot>,
    news: Vec<OutputRow>,
    is_idle: bool,
    is_closed: bool,
}

impl Desk {
    /// Something new to deliver.
    pub(super) fn submit(&self, snapshot: Snapshot) {
        let mut state = self.lock();
        // What the former one pinned is let go once the lock is given back.
        let former = state.next.replace(snapshot);
        state.is_idle = false;
        drop(state);
        self.changed.notify_all();
        drop(former);
    }

    /// What the catalog should know of the outputs.
    pub(super) fn news(&self) -> Vec<OutputRow> {
        std::mem::take(&mut self.lock().news)
    }

    /// Waits until everything is delivered or waits for a server that is down, or the time is over.
    pub(super) fn drain(&self, until: Instant) {
        let mut state = self.lock();
        while !state.is_idle && Instant::now() < until {
            let wait = self.changed.wait_timeout(state, WATCH_NAP);
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next snapshot, or `None` once it is closed or the time has come to try again.
    fn take(&self, until: Option<Instant>) -> Option<Snapshot> {
        let mut state = self.lock();
        loop {
            if state.next.is_some() || state.is_closed {
                return state.next.take();
            }
            let nap = until
                .map_or(Duration::from_secs(1), |at| at.saturating_duration_since(Instant::now()));
            if nap.is_zero() {
                return None;
            }
            state.is_idle = true;
            self.changed.notify_all();
            let wait = self.changed.wait_timeout(state, nap);
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn is_closed(&self) -> bool {
        self.lock().is_closed
    }
}

/// A pause between tries that doubles, with full jitter.
#[derive(Default)]
struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    fn is_due(&self) -> bool {
        self.not_before.is_none_or(|at| at <= Instant::now())
    }

    fn failed(&mut self) {
        let longest = (WATCH_RETRY_MIN * 2u32.saturating_pow(self.failures)).min(WATCH_RETRY_MAX);
        self.failures = (self.failures + 1).min(10);
        let fraction = (crate::catalog::random() >> 11) as f64 / (1u64 << 53) as f64;
        self.not_before = Some(Instant::now() + longest.mul_f64(fraction).max(WATCH_NAP));
    }
}

/// The courier's life.
pub(super) fn work(work: Work<'_>, desk: &Desk, events: &dyn WatchEvents, index: usize) {
    let mut courier =
        Courier { work, desk, events, index, outbox: None, backoffs: Vec::new(), told: Vec::new() };
    let mut current: Option<Snapshot> = None;
    while !desk.is_closed() {
        if let Some(newer) = desk.take(courier.next_try(current.is_some())) {
            current = Some(newer);
        }
        let Some(snapshot) = &current else { continue };
        match courier.deliver(snapshot) {
            Ok(true) => current = None,
            Ok(false) => {}
            Err(error) => {
                events.trouble(index, &error);
                std::thread::sleep(WATCH_RETRY_MIN);
            }
        }
    }
}

struct Courier<'c> {
    work: Work<'c>,
    desk: &'c Desk,
    events: &'c dyn WatchEvents,
    index: usize,
    /// With a connection to the catalog that only reads.
    outbox: Option<(Outbox<'c>, Catalog)>,
    backoffs: Vec<Backoff>,
    /// What was told of each output last.
    told: Vec<Option<String>>,
}

impl Courier<'_> {
    /// When an output that failed is to be tried again.
    fn next_try(&self, has_something: bool) -> Option<Instant> {
        let times = self.backoffs.iter().filter_map(|backoff| backoff.not_before);
        times.min().filter(|_| has_something)
    }

    /// Whether every output has it.
    fn deliver(&mut self, snapshot: &Snapshot) -> Result<bool, RunError> {
        self.open()?;
        let Some((outbox, catalog)) = &mut self.outbox else { return Ok(true) };
        let mut is_done = true;
        for at in 0..outbox.len() {
            if !self.backoffs[at].is_due() {
                is_done = false;
                continue;
            }
            let up_to_date = outbox.deliver_one(at, snapshot, &|batch| catalog.token(batch));
            match up_to_date {
                true => self.backoffs[at] = Backoff::default(),
                false => self.backoffs[at].failed(),
            }
            is_done &= up_to_date;
        }
        self.desk.lock().news.extend(outbox.news());
        let reports = outbox.reports();
        self.tell(&reports);
        Ok(is_done)
    }

    fn open(&mut self) -> Result<(), RunError> {
        if self.outbox.is_none() {
            let state = self.work.options.state_dir.join(&self.work.plan.name);
            let Some(catalog) = Catalog::open_existing(&state)? else { return Ok(()) };
            let outbox = Outbox::open(self.work.plan, self.work.options, &catalog)?;
            self.backoffs.resize_with(outbox.len(), Backoff::default);
            self.told.resize(outbox.len(), None);
            self.outbox = Some((outbox, catalog));
        }
        Ok(())
    }

    /// Says what is new: rows, an error, or that one is over.
    fn tell(&mut self, reports: &[OutputReport]) {
        for (report, told) in reports.iter().zip(&mut self.told) {
            if report.rows > 0 || report.error != *told {
                self.events.delivered(self.index, report);
                told.clone_from(&report.error);
            }
        }
    }
}

/// Stops the courier whatever happens to the job's thread.
pub(super) struct Closing<'d>(pub(super) &'d Desk);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_between_tries_are_bounded() {
        let mut backoff = Backoff::default();
        assert!(backoff.is_due());
        for _ in 0..100 {
            backoff.failed();
            let at = backoff.not_before.expect("a time");
            assert!(at <= Instant::now() + WATCH_RETRY_MAX);
        }
        assert!(!backoff.is_due() || backoff.not_before.is_some());
    }
}
