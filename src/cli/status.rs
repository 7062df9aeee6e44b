//! `logmill status`

use std::path::{Path, PathBuf};

use clap::Args;
use logmill::catalog::{Catalog, JobLock, OutputRow, Totals};
use logmill::driver::{self, Layout};
use logmill::plan::Plan;
use serde_json::json;

use super::shared::JobOptions;
use super::{Status as Exit, output};

/// Show the last batch, the lag in bytes and seconds, what each output has, and rejects
///
/// Without a JOB: all jobs of the state directory, as far as their catalogs know.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  logmill status jobs/*.toml\n  logmill status --state-dir /var/lib/logmill --json"
)]
pub(super) struct Status {
    /// Job files
    #[arg(value_name = "JOB")]
    jobs: Vec<PathBuf>,
    #[command(flatten)]
    job: JobOptions,
}

impl Status {
    pub(super) fn run(&self) -> anyhow::Result<Exit> {
        if self.jobs.is_empty() {
            return self.all();
        }
        for path in &self.jobs {
            let plan = super::job::load(path, &self.job.overrides())?;
            let dir = self.job.state.dir(Some(path));
            let layout = Layout::new(&dir, &plan);
            self.one(&plan.name, &layout.state, Some(&plan))?;
        }
        Ok(Exit::Done)
    }

    fn all(&self) -> anyhow::Result<Exit> {
        let dir = self.job.state.dir(None);
        let entries = std::fs::read_dir(&dir).map_err(|e| {
            anyhow::anyhow!(
                "can't read the state directory {}: {e}; name a job, or give --state-dir",
                dir.display()
            )
        })?;
        let mut jobs: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.join("catalog.db").exists())
            .collect();
        jobs.sort();
        for state in jobs {
            let name = state.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.one(&name, &state, None)?;
        }
        Ok(Exit::Done)
    }

    fn one(&self, name: &str, state: &Path, plan: Option<&Plan>) -> anyhow::Result<()> {
        let catalog = Catalog::open_existing(state)?;
        let lag = plan.map(|plan| driver::lag(plan, catalog.as_ref())).transpose()?;
        let Some(catalog) = catalog else {
            return if self.job.state.json {
                output::json(&json!({
                    "job": name, "batch": 0, "lag_files": lag.map(|l| l.files),
                    "lag_bytes": lag.map(|l| l.bytes), "lag_seconds": null,
                }))
            } else {
                let lag = lag.map(|lag| format!("; {}", lag_text(lag))).unwrap_or_default();
                output::print(&format!("{name}: never ran{lag}\n"))
            };
        };
        let outputs = plan.map(|plan| outputs(plan, &catalog)).transpose()?.unwrap_or_default();
        if self.job.state.json {
            return output::json(&as_json(name, &catalog, lag, &outputs)?);
        }
        output::print(&as_text(name, &catalog, lag, &outputs)?)
    }
}

fn outputs(plan: &Plan, catalog: &Catalog) -> anyhow::Result<Vec<OutputRow>> {
    let names = driver::sql_outputs(plan).into_iter().map(|(name, _)| name);
    Ok(names.map(|name| catalog.output(&name)).collect::<Result<_, _>>()?)
}

fn as_json(
    name: &str,
    catalog: &Catalog,
    lag: Option<driver::Lag>,
    outputs: &[OutputRow],
) -> anyhow::Result<serde_json::Value> {
    let Totals { counters: totals, lost_bytes, gaps } = catalog.totals()?;
    let last = catalog.history(1)?;
    let outputs =
        outputs.iter().map(|o| json!({"name": o.name, "batch": o.delivered, "error": o.error}));
    let stores = catalog.runs()?;
    Ok(json!({
        "job": name,
        "batch": catalog.last_batch()?,
        "decided": last.first().map(|b| output::time(b.decided_us)),
        "lag_files": lag.map(|l| l.files), "lag_bytes": lag.map(|l| l.bytes),
        "lag_seconds": lag.and_then(|l| l.seconds),
        "lines": totals.lines(), "mapped": totals.mapped, "filtered": totals.filtered,
        "rejected": totals.rejected, "late": totals.late, "bytes": totals.bytes, "lost_bytes": lost_bytes,
        "gaps": gaps,
        "held_by": JobLock::holder(catalog.folder()),
        "groups": stores.iter().map(|s| s.groups).sum::<u64>(),
        "outputs": outputs.collect::<Vec<_>>(),
    }))
}

/// Before a first batch nothing was read: then there is no time since when.
fn lag_text(lag: driver::Lag) -> String {
    let bytes = output::bytes(lag.bytes);
    match lag.seconds {
        Some(seconds) => format!("{bytes}, {} s", output::count(seconds)),
        None if lag.bytes == 0 => "nothing was read yet, and nothing waits to be".to_owned(),
        None => {
            let files = output::counted(lag.files, "file");
            format!("nothing was read yet: {bytes} in {files} wait for the first batch")
        }
    }
}

fn as_text(
    name: &str,
    catalog: &Catalog,
    lag: Option<driver::Lag>,
    outputs: &[OutputRow],
) -> anyhow::Result<String> {
    let Totals { counters: totals, lost_bytes, gaps } = catalog.totals()?;
    let batch = catalog.last_batch()?;
    let mut out = format!("{name}\n");
    if let Some(holder) = JobLock::holder(catalog.folder()) {
        out += &format!("  held by     {holder}\n");
    }
    match catalog.history(1)?.first() {
        Some(last) => {
            let lines = output::counted(last.counters.lines(), "line");
            out += &format!(
                "  last batch  {batch}, {} UTC, {lines} in {:.2} s\n",
                output::time(last.decided_us),
                last.seconds
            );
        }
        None => out += "  last batch  none yet\n",
    }
    if let Some(lag) = lag {
        out += &format!("  lag         {}\n", lag_text(lag));
    }
    out += &format!(
        "  lines       {} = {} mapped + {} filtered + {} rejected; {}\n",
        output::count(totals.lines()),
        output::count(totals.mapped),
        output::count(totals.filtered),
        output::count(totals.rejected),
        output::bytes(totals.bytes)
    );
    if totals.late > 0 {
        out += &format!("  late        {}\n", output::counted(totals.late, "line"));
    }
    if lost_bytes > 0 {
        out += &format!(
            "  lost        {}; `logmill audit` names the logs\n",
            output::counted(lost_bytes, "byte")
        );
    }
    if gaps > 0 {
        out += &format!(
            "  gaps        {}: lines of them that no run saw are gone; `logmill history` has the batches\n",
            output::counted(gaps, "log")
        );
    }
    for row in outputs {
        let state = match &row.error {
            Some(error) => format!("waits: {error}"),
            None if row.delivered == batch => "up to date".to_owned(),
            None => "behind".to_owned(),
        };
        out += &format!("  {}  batch {}, {state}\n", row.name, row.delivered);
    }
    for (reason, count) in catalog.reject_reasons()?.into_iter().take(5) {
        out += &format!("  rejected    {} × {reason}\n", output::count(count));
    }
    Ok(out)
}
