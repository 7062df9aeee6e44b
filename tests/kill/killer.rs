//! Starts runs and kills them.

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use crate::figures::{Figures, Moment};
use crate::input::Random;
use crate::site::Site;

/// Kills of one phase at most; then a run is left in peace.
const KILLS_MAX: u64 = 5;

/// When a run is killed.
enum When {
    /// So long after its start.
    After(Duration),
    /// As soon as a published file is another one than before.
    FirstRename(Duration),
    /// Never.
    Never,
}

/// Decides at random.
pub struct Killer {
    random: Random,
    /// How long a run takes that nobody kills.
    whole_run: Duration,
}

impl Killer {
    pub fn new(trial: u64, whole_run: Duration) -> Self {
        let mut random = Random(trial.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        random.next();
        Killer { random, whole_run }
    }

    /// Runs the job until a run ends by itself, and ends well.
    pub fn run_until_it_succeeds(&mut self, site: &Site, figures: &mut Figures) {
        let before = site.catalog_state().batch;
        for kill in 0.. {
            let when = self.when(kill);
            let mut child = site.start();
            let status = self.wait(&mut child, &when, site);
            if let Some(status) = status {
                assert!(status.success(), "a run ended with {status}");
                figures.ended += 1;
                return;
            }
            figures.killed(moment(site, before));
        }
    }

    /// Mostly anywhere in a run, at times right at its start, at times in the middle of the renames.
    fn when(&mut self, kill: u64) -> When {
        let whole = self.whole_run.as_micros() as u64;
        match self.random.next() % 8 {
            _ if kill >= KILLS_MAX => When::Never,
            0 => When::After(Duration::from_micros(self.random.next() % 10_000)),
            1 | 2 => When::FirstRename(Duration::from_micros(self.random.next() % 2_000)),
            3 => When::FirstRename(Duration::from_micros(self.random.next() % (whole / 2))),
            _ => When::After(Duration::from_micros(self.random.next() % (whole + whole / 10))),
        }
    }

    /// The run's status, unless it was killed.
    fn wait(&self, child: &mut Child, when: &When, site: &Site) -> Option<ExitStatus> {
        let started = Instant::now();
        let names = site.published();
        let mut due = match when {
            When::After(delay) => Some(started + *delay),
            When::FirstRename(_) => None,
            When::Never => return Some(child.wait().expect("a status")),
        };
        loop {
            if let Some(status) = child.try_wait().expect("a child") {
                return Some(status);
            }
            if let (When::FirstRename(delay), None) = (when, due)
                && site.published() != names
            {
                due = Some(Instant::now() + *delay);
            }
            if due.is_some_and(|due| Instant::now() >= due) {
                child.kill().expect("killed");
                let status = child.wait().expect("a status");
                // It may have ended in between.
                return status.code().map(|_| status);
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

fn moment(site: &Site, before: u64) -> Moment {
    let state = site.catalog_state();
    match state {
        state if state.batch == before => Moment::BeforeDecision,
        state if state.renames > 0 => Moment::Publishing,
        state if state.delivered < state.batch => Moment::Delivering,
        _ => Moment::AfterDelivery,
    }
}
