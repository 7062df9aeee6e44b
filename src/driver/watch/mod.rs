//! `watch`: the same batches as `run`'s, small ones, as long as the process lives. One thread a job makes its batches, one
//! delivers them, and all share the workers.

mod courier;
mod job;
mod tick;

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::session::{Work, Workers};
use super::{Options, Outcome, OutputReport, Progress, RunError};
use crate::limits::WATCH_NAP;
use crate::plan::Plan;

/// How often things happen.
#[derive(Debug, Clone, Copy)]
pub struct WatchTimes {
    /// From the start of one batch to the start of the next.
    pub every: Duration,
    /// After which what is visible as Parquet is brought up to the store, at the latest.
    pub refresh: Duration,
}

/// Gets word of what a watch does. Called from the jobs' threads; `job` is the index of the job.
pub trait WatchEvents: Sync {
    /// The job is under lock, and what was left to finish is finished.
    fn ready(&self, job: usize, notices: &[String]);
    /// The job begins. `deleted` is how many deleted files it holds that may have more lines, as that changes.
    fn begins(&self, job: usize, deleted: Arc<AtomicUsize>);
    /// Another process holds the job; it is waited for.
    fn busy(&self, job: usize, holder: &str);
    /// A batch was decided, or there is something new to say.
    fn batch(&self, job: usize, outcome: &Outcome);
    /// An output got something, or began to wait.
    fn delivered(&self, job: usize, report: &OutputReport);
    /// Something failed as a whole; it is tried again.
    fn trouble(&self, job: usize, error: &RunError);
    /// The job's thread and its workers are at work.
    fn alive(&self);
}

/// Watches jobs until `stop` is set. Batches that are not decided by then are given up.
pub fn watch(
    jobs: &[(&Plan, &Options)],
    times: WatchTimes,
    events: &dyn WatchEvents,
    stop: &AtomicBool,
) {
    let threads = jobs.iter().map(|(_, options)| options.threads).max().unwrap_or(1);
    let workers = Workers::new(threads);
    let beats: Vec<Beat> = jobs.iter().map(|_| Beat::default()).collect();
    std::thread::scope(|scope| {
        let mut loops = Vec::new();
        for (index, ((plan, options), beat)) in jobs.iter().zip(&beats).enumerate() {
            let work = Work { plan, options, workers: &workers, progress: beat, stop };
            loops.push(scope.spawn(move || job::watch(work, times, events, index, beat)));
        }
        while loops.iter().any(|one| !one.is_finished()) {
            if beats.iter().all(Beat::is_fresh) {
                events.alive();
            }
            std::thread::sleep(WATCH_NAP);
        }
        for one in loops {
            if let Err(panic) = one.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// Whether the process is to end.
fn is_stopped(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}

/// Waits, at most until `stop` is set.
fn pause(until: Instant, stop: &AtomicBool) {
    while !is_stopped(stop) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(WATCH_NAP));
    }
}

/// When a job's thread, or a worker at work for it, gave a sign of life last.
pub(super) struct Beat(Mutex<Instant>);

/// Without a sign of life for so long, a job hangs: a service manager may start the process anew.
const HANGS_AFTER: Duration = Duration::from_secs(60);

impl Default for Beat {
    fn default() -> Self {
        Beat(Mutex::new(Instant::now()))
    }
}

impl Beat {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_fresh(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < HANGS_AFTER
    }
}

impl Progress for Beat {
    fn start(&self, _: u64) {
        self.now();
    }
    fn read(&self, _: u64) {
        self.now();
    }
    fn lines(&self, _: u64) {
        self.now();
    }
    fn stage(&self, _: &'static str) {
        self.now();
    }
}
