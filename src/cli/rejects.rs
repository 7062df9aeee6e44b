//! `logmill rejects`

use std::path::PathBuf;

use clap::Args;
use logmill::catalog::{Catalog, RejectRow};
use logmill::driver::Layout;
use serde_json::json;

use super::shared::JobOptions;
use super::{Status, output};

/// List the rejected lines of a job, the newest batch first: file, offset, reason, line
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  logmill rejects jobs/http_traffic.toml
  logmill rejects jobs/http_traffic.toml --json --limit 100000 | jq -r .reason | sort | uniq -c")]
pub(super) struct Rejects {
    /// The job file
    #[arg(value_name = "JOB")]
    path: PathBuf,
    #[command(flatten)]
    job: JobOptions,
    /// At most so many lines
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: u64,
}

impl Rejects {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        let plan = super::job::load(&self.path, &self.job.overrides())?;
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
