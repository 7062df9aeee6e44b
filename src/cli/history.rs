//! `logmill history`

use std::path::PathBuf;

use clap::Args;
use logmill::catalog::Catalog;
use logmill::driver::Layout;
use serde_json::json;

use super::shared::JobOptions;
use super::table::Table;
use super::{Status, output};

/// List the batches of a job, the newest first, with counters and times
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  logmill history jobs/http_traffic.toml --limit 5")]
pub(super) struct History {
    /// The job file
    #[arg(value_name = "JOB")]
    path: PathBuf,
    #[command(flatten)]
    job: JobOptions,
    /// At most so many batches
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u64,
}

impl History {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        let plan = super::job::load(&self.path, &self.job.overrides())?;
        let layout = Layout::new(&self.job.state.dir(Some(&self.path)), &plan);
        let catalog = Catalog::open_existing(&layout.state)?;
        let batches =
            catalog.map_or_else(|| Ok(Vec::new()), |catalog| catalog.history(self.limit))?;
        if self.job.state.json {
            let rows = batches.iter().map(|b| {
                json!({"batch": b.batch, "decided": output::time(b.decided_us), "seconds": b.seconds,
                    "lines": b.counters.lines(), "mapped": b.counters.mapped, "filtered": b.counters.filtered,
                    "rejected": b.counters.rejected, "late": b.counters.late, "retried": b.retried, "bytes": b.counters.bytes, "groups": b.groups,
                    "segments": b.segments, "lost_bytes": b.lost_bytes, "gaps": b.gaps})
            });
            output::json(&json!({"job": plan.name, "batches": rows.collect::<Vec<_>>()}))?;
            return Ok(Status::Done);
        }
        let columns = [
            ("batch", true),
            ("decided (UTC)", false),
            ("lines", true),
            ("mapped", true),
            ("filtered", true),
            ("rejected", true),
            ("late", true),
            ("retried", true),
            ("bytes", true),
            ("groups", true),
            ("files", true),
            ("seconds", true),
        ];
        let mut table = Table::new(columns.map(|(name, right)| (name.to_owned(), right)));
        for b in &batches {
            let c = b.counters;
            table.push(vec![
                b.batch.to_string(),
                output::time(b.decided_us),
                output::count(c.lines()),
                output::count(c.mapped),
                output::count(c.filtered),
                output::count(c.rejected),
                output::count(c.late),
                output::count(b.retried),
                output::bytes(c.bytes),
                output::count(b.groups),
                output::count(b.segments),
                format!("{:.2}", b.seconds),
            ]);
        }
        output::print(&table.render())?;
        Ok(Status::Done)
    }
}
