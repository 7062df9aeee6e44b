//! `logmill run`

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use logmill::driver::{self, Job, Loss, Outcome, RunError};
use logmill::plan::Plan;
use serde_json::json;

use super::progress::{Bar, When};
use super::shared::JobOptions;
use super::table::{Table, cell, is_number};
use super::{Status, output};

/// Read all that is new, once, and bring every output up to date
///
/// What was read before is not read again; with nothing new it ends in milliseconds. Made for cron, systemd timers and
/// people. On a terminal it shows the busiest groups afterwards.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  logmill run jobs/http_traffic.toml
  logmill run jobs/*.toml --quiet                          from cron
  logmill run traffic.toml --rebuild                       after a change of the job's meaning
  logmill run traffic.toml --input 'old/*.gz' --output /tmp/out --state-dir /tmp/state --final")]
pub(super) struct Run {
    /// Job files
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<PathBuf>,
    #[command(flatten)]
    job: JobOptions,
    /// Compute everything anew from the logs that still exist, with the job as it is now
    #[arg(long)]
    rebuild: bool,
    /// With --rebuild: give up what came from logs that are gone
    #[arg(long, requires = "rebuild")]
    accept_loss: bool,
}

/// How many groups are shown.
const BUSIEST: usize = 10;

/// Problems of one run that are printed; a folder with other permissions has thousands.
const PROBLEMS_SHOWN: usize = 20;

impl Run {
    /// Compiles all jobs first, so that a mistake in the last one stops nothing half-way.
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        self.job.log();
        let overrides = self.job.overrides();
        let mut plans = Vec::new();
        for path in &self.jobs {
            plans.push(super::job::load(path, &overrides)?);
        }
        Ok(if self.rebuild { self.rebuild_all(&plans) } else { self.run_all(&plans) })
    }

    fn run_all(&self, plans: &[Plan]) -> Status {
        let (bars, options) = (self.bars(plans), self.options(plans));
        let mut jobs: Vec<Job<'_>> = Vec::new();
        for ((plan, options), bar) in plans.iter().zip(&options).zip(&bars) {
            jobs.push(Job { plan, options, progress: bar });
        }
        let mut status = Status::Done;
        driver::run_all(&jobs, |job, result| {
            bars[job].finish();
            status = status.worse(self.told(&plans[job], &options[job], result));
        });
        status
    }

    fn rebuild_all(&self, plans: &[Plan]) -> Status {
        let loss = if self.accept_loss { Loss::Accept } else { Loss::Refuse };
        let mut status = Status::Done;
        for ((plan, options), bar) in plans.iter().zip(self.options(plans)).zip(self.bars(plans)) {
            let result = driver::rebuild(plan, &options, loss, &bar);
            bar.finish();
            status = status.worse(self.told(plan, &options, result));
        }
        status
    }

    fn bars(&self, plans: &[Plan]) -> Vec<Bar> {
        let when = if self.job.quiet { When::Never } else { self.job.progress };
        plans.iter().map(|plan| Bar::new(&plan.name, when)).collect()
    }

    fn options(&self, plans: &[Plan]) -> Vec<driver::Options> {
        let paths = self.jobs[..plans.len()].iter();
        paths.map(|path| self.job.work.driver(&self.job.state, path)).collect()
    }

    /// Tells what became of a job.
    fn told(
        &self,
        plan: &Plan,
        options: &driver::Options,
        result: Result<Outcome, RunError>,
    ) -> Status {
        self.outcome(plan, options, result).unwrap_or_else(|error| super::fail(&error))
    }

    fn outcome(
        &self,
        plan: &Plan,
        options: &driver::Options,
        result: Result<Outcome, RunError>,
    ) -> anyhow::Result<Status> {
        // The error stays on top of the chain: the exit status is chosen by its kind.
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(RunError::Job(diagnostic)) => return Err(diagnostic.into()),
            Err(error) => return Err(error).with_context(|| plan.name.clone()),
        };
        self.tell(plan, &outcome);
        if self.job.state.json {
            output::json(&report(plan, &outcome))?;
        } else if !self.job.quiet && std::io::stdout().is_terminal() {
            show_busiest(plan, options)?;
        }
        // A script that asked for a rebuild must learn that there was none.
        let refused = self.rebuild && outcome.busy.is_some();
        if refused && self.job.quiet {
            eprintln!("logmill: {}: another run holds this job; nothing was done", plan.name);
        }
        Ok(if refused { Status::Failed } else { status(plan, &outcome) })
    }

    /// Messages, to stderr.
    fn tell(&self, plan: &Plan, outcome: &Outcome) {
        let name = &plan.name;
        tell_problems(name, outcome);
        if above_ratio(plan, outcome) {
            let counters = outcome.counters;
            eprintln!(
                "logmill: {name}: rejected {} of {}, more than reject_ratio {} allows; `logmill rejects {}` shows them",
                output::count(counters.rejected),
                output::counted(counters.lines(), "line"),
                plan.limits.reject_ratio,
                plan.path.display()
            );
        }
        if self.job.quiet {
            return;
        }
        for notice in &outcome.notices {
            eprintln!("logmill: {name}: {notice}");
        }
        if let Some(holder) = &outcome.busy {
            eprintln!("logmill: {name}: another run holds this job ({holder}); nothing was done");
        } else if std::io::stderr().is_terminal() || self.job.verbose > 0 {
            eprintln!("{}", summary_line(plan, outcome));
        }
    }
}

/// What went wrong, to stderr.
pub(super) fn tell_problems(name: &str, outcome: &Outcome) {
    for problem in outcome.problems.iter().take(PROBLEMS_SHOWN) {
        eprintln!("logmill: {name}: {problem}");
    }
    if let Some(more @ 1..) = outcome.problems.len().checked_sub(PROBLEMS_SHOWN) {
        eprintln!("logmill: {name}: and {more} more problems like these; --json lists all");
    }
    for report in &outcome.outputs {
        if let Some(error) = &report.error {
            eprintln!(
                "logmill: {name}: {error} (it waits in the outbox; the next run tries again)"
            );
        }
    }
}

/// The last line: what was done.
pub(super) fn summary_line(plan: &Plan, outcome: &Outcome) -> String {
    let name = &plan.name;
    if !outcome.decided {
        return format!("{name}: nothing new since batch {}", outcome.batch);
    }
    let c = outcome.counters;
    let seconds = outcome.seconds.max(0.001);
    format!(
        "{name}: batch {}: {} ({} mapped, {} filtered, {} rejected) of {}, {} in {seconds:.2} s; {}",
        outcome.batch,
        output::counted(c.lines(), "line"),
        output::count(c.mapped),
        output::count(c.filtered),
        output::count(c.rejected),
        output::counted(outcome.segments, "file"),
        output::bytes(c.bytes),
        places(plan, outcome)
    )
}

fn places(plan: &Plan, outcome: &Outcome) -> String {
    let summary = plan.outputs.summary.iter().map(|s| s.path.display().to_string());
    let events = plan.outputs.events.iter().map(|e| e.path.display().to_string());
    let tables = outcome.outputs.iter().filter(|o| o.error.is_none()).map(|o| o.place.clone());
    let groups = plan.reduce.as_ref().map(|_| output::counted(outcome.groups, "group"));
    let places: Vec<String> = summary.chain(events).chain(tables).collect();
    match groups {
        Some(groups) => format!("{groups} in {}", places.join(", ")),
        None => places.join(", "),
    }
}

fn above_ratio(plan: &Plan, outcome: &Outcome) -> bool {
    let lines = outcome.counters.lines();
    lines > 0 && outcome.counters.rejected as f64 > plan.limits.reject_ratio * lines as f64
}

pub(super) fn status(plan: &Plan, outcome: &Outcome) -> Status {
    if !outcome.problems.is_empty() {
        Status::Failed
    } else if outcome.waits() {
        Status::OutputWaits
    } else if above_ratio(plan, outcome) {
        Status::ManyRejects
    } else {
        Status::Done
    }
}

/// What `--json` prints.
pub(super) fn report(plan: &Plan, outcome: &Outcome) -> serde_json::Value {
    let c = outcome.counters;
    let mut outputs: Vec<serde_json::Value> = Vec::new();
    outputs.extend(plan.outputs.summary.iter().map(|s| json!({"name": "summary", "path": s.path})));
    outputs.extend(plan.outputs.events.iter().map(|e| json!({"name": "events", "path": e.path})));
    outputs.extend(outcome.outputs.iter().map(|o| {
        json!({"name": o.name, "place": o.place, "rows": o.rows, "batch": o.batch, "error": o.error})
    }));
    json!({
        "job": plan.name, "batch": outcome.batch, "decided": outcome.decided, "busy": outcome.busy,
        "lines": c.lines(), "mapped": c.mapped, "filtered": c.filtered, "rejected": c.rejected,
        "late": c.late, "groups": outcome.groups, "bytes": c.bytes, "segments": outcome.segments,
        "lost_bytes": outcome.lost_bytes, "gaps": outcome.gaps, "seconds": outcome.seconds, "outputs": outputs,
        "notices": outcome.notices, "problems": outcome.problems,
    })
}

/// A newcomer's first result: the busiest groups.
fn show_busiest(plan: &Plan, options: &driver::Options) -> anyhow::Result<()> {
    let Some(found) = driver::busiest(plan, &options.state_dir, BUSIEST)? else { return Ok(()) };
    let fields = found.schema.fields().iter();
    let mut table = Table::new(fields.map(|f| (f.name().clone(), is_number(f.data_type()))));
    for (_, row) in &found.rows {
        table.push((0..row.num_columns()).map(|column| cell(row, column, 0)).collect());
    }
    let shown = found.rows.len() as u64;
    let title = format!(
        "\n{} of {}, by {}\n\n",
        output::count(shown),
        output::counted(found.groups, "group"),
        found.by
    );
    output::print(&(title + &table.render()))
}
