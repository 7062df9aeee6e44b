//! `logmill rejects`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use logmill::catalog::{Catalog, RejectRow};
use logmill::driver::{self, Layout, Retried};
use logmill::plan::Plan;
use serde_json::json;

use super::progress::{Bar, When};
use super::shared::JobOptions;
use super::{Status, output};

/// List the rejected lines of a job, the newest batch first: file, offset, reason, line
///
/// With --retry, those that can be read by now (the job's format, fields, time or limits were mended) are merged into the
/// outputs, each once, and are rejects no more.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  logmill rejects jobs/http_traffic.toml
  logmill rejects jobs/http_traffic.toml --json --limit 100000 | jq -r .reason | sort | uniq -c
  logmill rejects jobs/http_traffic.toml --retry           after the job was mended")]
pub(super) struct Rejects {
    /// The job file
    #[arg(value_name = "JOB")]
    path: PathBuf,
    #[command(flatten)]
    job: JobOptions,
    /// At most so many lines
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: u64,
    /// Merge the rejected lines that can be read by now
    #[arg(long, conflicts_with = "limit")]
    retry: bool,
}

impl Rejects {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        let plan = super::job::load(&self.path, &self.job.overrides())?;
        if self.retry {
            self.job.log();
            return self.retry(&plan);
        }
        let layout = Layout::new(&self.job.state.dir(Some(&self.path)), &plan);
        let Some(catalog) = Catalog::open_existing(&layout.state)? else {
            return Ok(Status::Done);
        };
        for row in catalog.rejects(self.limit)? {
            if self.job.state.json {
                output::json(&as_json(&row))?;
            } else {
                output::print(&as_text(&row))?;
            }
        }
        Ok(Status::Done)
    }

    fn retry(&self, plan: &Plan) -> anyhow::Result<Status> {
        let when = if self.job.quiet { When::Never } else { self.job.progress };
        let bar = Bar::new(&plan.name, when);
        let options = self.job.work.driver(&self.job.state, &self.path);
        let result = driver::retry(plan, &options, &bar);
        bar.finish();
        let retried = match result {
            Ok(retried) => retried,
            Err(driver::RunError::Job(diagnostic)) => return Err(diagnostic.into()),
            Err(error) => return Err(error).with_context(|| plan.name.clone()),
        };
        let name = &plan.name;
        super::run::tell_problems(name, &retried.outcome);
        for notice in retried.outcome.notices.iter().filter(|_| !self.job.quiet) {
            eprintln!("logmill: {name}: {notice}");
        }
        if self.job.state.json {
            output::json(&report(plan, &retried))?;
        }
        if let Some(holder) = &retried.outcome.busy {
            eprintln!("logmill: {name}: another run holds this job ({holder}); nothing was done");
            return Ok(Status::Failed);
        }
        if !self.job.state.json && !self.job.quiet {
            output::print(&in_words(name, &retried))?;
        }
        Ok(super::run::status(plan, &retried.outcome))
    }
}

/// What was merged, and what was not and why.
fn in_words(name: &str, retried: &Retried) -> String {
    let counters = retried.outcome.counters;
    let mut text = format!("{name}: ");
    if retried.outcome.decided {
        text += &format!("batch {}: ", retried.outcome.batch);
    }
    text += &format!(
        "{} of {} merged ({} mapped, {} filtered), {} can't be read yet\n",
        output::count(retried.merged),
        output::counted(retried.tried, "rejected line"),
        output::count(counters.mapped),
        output::count(counters.filtered),
        output::count(retried.left()),
    );
    let others = [
        (
            retried.unreadable,
            "whose file is gone or another one by now, which more than 4 KiB of them or a header is in",
        ),
        (retried.without_text, "of which only the place was kept"),
        (retried.not_kept, "that were only counted"),
    ];
    for (lines, which) in others.into_iter().filter(|(lines, _)| *lines > 0) {
        text += &format!("{name}: not tried: {} {which}\n", output::counted(lines, "line"));
    }
    text
}

/// What `--retry --json` prints.
fn report(plan: &Plan, retried: &Retried) -> serde_json::Value {
    let (outcome, counters) = (&retried.outcome, retried.outcome.counters);
    let outputs = outcome.outputs.iter().map(|o| {
        json!({"name": o.name, "place": o.place, "rows": o.rows, "batch": o.batch, "error": o.error})
    });
    json!({
        "job": plan.name, "batch": outcome.batch, "decided": outcome.decided, "busy": outcome.busy,
        "retried": retried.merged, "mapped": counters.mapped, "filtered": counters.filtered,
        "left": retried.left(), "unreadable": retried.unreadable, "without_text": retried.without_text,
        "not_kept": retried.not_kept, "groups": outcome.groups, "seconds": outcome.seconds,
        "outputs": outputs.collect::<Vec<_>>(), "notices": outcome.notices, "problems": outcome.problems,
    })
}

fn as_json(row: &RejectRow) -> serde_json::Value {
    json!({"batch": row.batch, "file": row.path.to_string_lossy(), "offset": row.offset, "length": row.length,
        "reason": row.reason, "line": String::from_utf8_lossy(&row.sample)})
}

fn as_text(row: &RejectRow) -> String {
    let line = String::from_utf8_lossy(&row.sample);
    // Control characters of a log must not reach a terminal.
    let line: String = line
        .chars()
        .take(200)
        .flat_map(|c| {
            let escaped: Vec<char> =
                if c.is_control() { c.escape_default().collect() } else { vec![c] };
            escaped
        })
        .collect();
    let length = output::bytes(row.length);
    format!("{}:{}: {} ({length})\n    {line}\n", row.path.display(), row.offset, row.reason)
}
