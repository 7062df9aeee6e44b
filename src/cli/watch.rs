//! `logmill watch`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Args;
use logmill::driver::{self, Outcome, OutputReport, RunError, WatchEvents, WatchTimes};
use logmill::job::parse_duration;
use logmill::plan::Plan;
use sd_notify::NotifyState;

use super::run::{report, summary_line, tell_problems};
use super::shared::JobOptions;
use super::{Status, output, signals};

/// Read all that is new every few seconds, until SIGTERM
///
/// The same batches as those of `run`, small ones. Each batch is in the SQL outputs at once; the Parquet follows after
/// --refresh at the latest, and at the end. A file that is deleted or rotated away before it was read is read all the
/// same. Made for a systemd service of Type=notify.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  logmill watch jobs/http_traffic.toml
  logmill watch jobs/*.toml --every 1s --refresh 30s
  logmill watch traffic.toml --every 200ms --quiet          as a service")]
pub(super) struct Watch {
    /// Job files
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<PathBuf>,
    /// From the start of one batch to the start of the next: 100ms, 5s, 1m
    #[arg(long, default_value = "5s", value_name = "TIME", value_parser = every)]
    every: Duration,
    /// Bring the visible Parquet up to the last batch at least this often
    #[arg(long, default_value = "1m", value_name = "TIME", value_parser = time)]
    refresh: Duration,
    #[command(flatten)]
    job: JobOptions,
}

/// A shorter interval would be all overhead.
const EVERY_MIN: Duration = Duration::from_millis(100);

fn time(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

fn every(text: &str) -> Result<Duration, String> {
    let every = time(text)?;
    if every < EVERY_MIN { Err("at least 100ms".to_owned()) } else { Ok(every) }
}

impl Watch {
    /// Ends by a signal only: with its status.
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        self.job.log();
        if self.job.work.final_ {
            eprintln!(
                "logmill: --final says that no file grows any more, and watch waits for that: use `logmill run --final`"
            );
            return Ok(Status::Usage);
        }
        let overrides = self.job.overrides();
        let mut plans = Vec::new();
        for path in &self.jobs {
            plans.push((super::job::load(path, &overrides)?, path.as_path()));
        }
        let options: Vec<_> = plans
            .iter()
            .map(|(_, path): &(Plan, &Path)| self.job.work.driver(&self.job.state, path))
            .collect();
        let jobs: Vec<_> =
            plans.iter().zip(&options).map(|((plan, _), options)| (plan, options)).collect();
        let stop = signals::stop_gently(stopping);
        let teller = Teller {
            plans: plans.iter().map(|(plan, _)| plan).collect(),
            command: self,
            is_terminal: std::io::stderr().is_terminal(),
            service: Mutex::new(Service::new(plans.len())),
        };
        for plan in &teller.plans {
            teller.note(&plan.name, &plan.notices);
        }
        let times = WatchTimes { every: self.every, refresh: self.refresh };
        driver::watch(&jobs, times, &teller, stop.flag);
        signals::tell_deleted();
        Ok(Status::Signal(stop.signal.load(Ordering::Relaxed)))
    }
}

/// Tells people on stderr, scripts on stdout, and the service manager.
struct Teller<'t> {
    plans: Vec<&'t Plan>,
    command: &'t Watch,
    is_terminal: bool,
    service: Mutex<Service>,
}

/// What the service manager was told.
struct Service {
    /// Jobs that are not under lock yet.
    unready: Vec<bool>,
    status: Vec<String>,
    watchdog: Option<Duration>,
    told: Instant,
}

impl Service {
    fn new(jobs: usize) -> Self {
        Service {
            unready: vec![true; jobs],
            status: vec!["starting".to_owned(); jobs],
            watchdog: sd_notify::watchdog_enabled(),
            told: Instant::now(),
        }
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        // Nobody listens where there is no service manager.
        let _ = sd_notify::notify(states);
    }
}

impl Teller<'_> {
    fn note(&self, name: &str, notices: &[String]) {
        if !self.command.job.quiet {
            notices.iter().for_each(|notice| eprintln!("logmill: {name}: {notice}"));
        }
    }

    /// Changes the status line of a job.
    fn status(&self, job: usize, text: String) {
        let Ok(mut service) = self.service.lock() else { return };
        service.status[job] = format!("{}: {text}", self.plans[job].name);
        let line = service.status.join("; ");
        service.tell(&[NotifyState::Status(&line)]);
    }
}

impl WatchEvents for Teller<'_> {
    fn ready(&self, job: usize, notices: &[String]) {
        self.note(&self.plans[job].name, notices);
        if let Ok(mut service) = self.service.lock() {
            service.unready[job] = false;
            if !service.unready.contains(&true) {
                service.tell(&[NotifyState::Ready]);
            }
        }
        self.status(job, "ready".to_owned());
    }

    fn begins(&self, _: usize, deleted: Arc<AtomicUsize>) {
        signals::note_deleted(deleted);
    }

    fn busy(&self, job: usize, holder: &str) {
        let name = &self.plans[job].name;
        eprintln!("logmill: {name}: another run holds this job ({holder}); waiting for it");
        self.status(job, format!("waits for {holder}"));
    }

    fn batch(&self, job: usize, outcome: &Outcome) {
        let plan = self.plans[job];
        tell_problems(&plan.name, outcome);
        self.note(&plan.name, &outcome.notices);
        if outcome.decided {
            if self.command.job.state.json {
                // Where nobody reads any more, the work goes on.
                let _ = output::json(&report(plan, outcome));
            }
            let line = summary_line(plan, outcome);
            if !self.command.job.quiet && (self.is_terminal || self.command.job.verbose > 0) {
                eprintln!("{line}");
            }
            let lines = output::counted(outcome.counters.lines(), "line");
            self.status(job, format!("batch {}, {lines}", outcome.batch));
        }
    }

    fn delivered(&self, job: usize, report: &OutputReport) {
        let name = &self.plans[job].name;
        match &report.error {
            Some(error) => {
                eprintln!("logmill: {name}: {error} (it waits in the outbox and is tried again)");
                self.status(job, format!("{} waits: {error}", report.name));
            }
            None => tracing::info!(
                job = name,
                output = report.name,
                batch = report.batch,
                rows = report.rows,
                "delivered"
            ),
        }
    }

    fn trouble(&self, job: usize, error: &RunError) {
        let name = &self.plans[job].name;
        eprintln!("logmill: {name}: {error} (tried again in a moment)");
        self.status(job, format!("in trouble: {error}"));
    }

    fn alive(&self) {
        let Ok(mut service) = self.service.lock() else { return };
        let Some(limit) = service.watchdog else { return };
        if service.told.elapsed() >= limit / 3 {
            service.tell(&[NotifyState::Watchdog]);
            service.told = Instant::now();
        }
    }
}

/// Tells the service manager that the end has come.
fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}
