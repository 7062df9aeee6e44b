//! `logmill audit`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use logmill::driver::{self, Audit as Ledger, AuditRow, Fate};
use serde_json::{Value, json};

use super::shared::JobOptions;
use super::table::Table;
use super::{Status, output};

/// Show what became of every byte of every log, and check the sums
///
/// Each log that was ever read, gone ones included: how many of its bytes were mapped, filtered and rejected, how many are
/// not read yet, and how many were lost. Bytes are those of the decompressed content.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  logmill audit jobs/http_traffic.toml

Exit status: 0 all sums are right, 1 one is wrong")]
pub(super) struct Audit {
    /// The job file
    #[arg(value_name = "JOB")]
    path: PathBuf,
    #[command(flatten)]
    job: JobOptions,
}

impl Audit {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        self.job.log();
        let plan = super::job::load(&self.path, &self.job.overrides())?;
        let options = self.job.work.driver(&self.job.state, &self.path);
        let ledger = driver::audit(&plan, &options).with_context(|| plan.name.clone())?;
        let Some(ledger) = ledger else {
            eprintln!("logmill: {}: it never ran, so that there is nothing to audit", plan.name);
            return Ok(Status::Done);
        };
        for wrong in &ledger.wrong {
            eprintln!("logmill: {}: {wrong}", plan.name);
        }
        if !self.job.quiet {
            for notice in &ledger.notices {
                eprintln!("logmill: {}: {notice}", plan.name);
            }
        }
        match self.job.state.json {
            true => output::json(&as_json(&plan.name, &ledger))?,
            false => output::print(&as_text(&ledger))?,
        }
        Ok(if ledger.wrong.is_empty() { Status::Done } else { Status::Failed })
    }
}

fn as_text(ledger: &Ledger) -> String {
    let numbers = ["size", "mapped", "filtered", "rejected", "unread", "lost"];
    let header =
        [("log", false), ("is", false)].into_iter().chain(numbers.map(|name| (name, true)));
    let mut table = Table::new(header.map(|(name, right)| (name.to_owned(), right)));
    let maybe = |bytes: Option<u64>| bytes.map_or("?".to_owned(), output::count);
    for row in &ledger.rows {
        let read = row.ledger;
        table.push(vec![
            row.path.display().to_string(),
            word(row.fate).to_owned(),
            maybe(row.size),
            output::count(read.mapped_bytes),
            output::count(read.filtered_bytes),
            output::count(read.rejected_bytes),
            maybe(row.unread),
            output::count(read.lost_bytes),
        ]);
    }
    let former = ledger.former;
    if former.segments > 0 || former.ledger.lost_bytes > 0 {
        let (bytes, read) = (former.bytes, former.ledger);
        table.push(vec![
            "forgotten logs".to_owned(),
            word(Fate::Gone).to_owned(),
            output::count(bytes + read.lost_bytes),
            output::count(read.mapped_bytes),
            output::count(read.filtered_bytes),
            output::count(read.rejected_bytes),
            output::count(0),
            output::count(read.lost_bytes),
        ]);
    }
    let sum = |of: fn(&AuditRow) -> u64, former: u64| {
        output::count(former + ledger.rows.iter().map(of).sum::<u64>())
    };
    table.push(vec![
        "all".to_owned(),
        String::new(),
        sum(own_bytes, former.bytes + former.ledger.lost_bytes),
        sum(|row| row.ledger.mapped_bytes, former.ledger.mapped_bytes),
        sum(|row| row.ledger.filtered_bytes, former.ledger.filtered_bytes),
        sum(|row| row.ledger.rejected_bytes, former.ledger.rejected_bytes),
        sum(|row| row.unread.unwrap_or(0), 0),
        sum(|row| row.ledger.lost_bytes, former.ledger.lost_bytes),
    ]);
    table.render()
}

/// The size, but nothing for what is counted with its original.
fn own_bytes(row: &AuditRow) -> u64 {
    match row.fate {
        Fate::Copy => 0,
        _ => row.size.unwrap_or(row.consumed),
    }
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Live => "live",
        Fate::Complete => "complete",
        Fate::Compressed => "compressed",
        Fate::Gone => "gone",
        Fate::New => "new",
        Fate::Copy => "copy",
    }
}

fn as_json(name: &str, ledger: &Ledger) -> Value {
    let row = |row: &AuditRow| {
        json!({
            "path": row.path, "is": word(row.fate), "size": row.size, "consumed": row.consumed,
            "mapped": row.ledger.mapped_bytes, "filtered": row.ledger.filtered_bytes,
            "rejected": row.ledger.rejected_bytes, "unread": row.unread, "lost": row.ledger.lost_bytes,
        })
    };
    json!({
        "job": name, "batch": ledger.batch, "right": ledger.wrong.is_empty(),
        "forgotten": {
            "segments": ledger.former.segments, "consumed": ledger.former.bytes,
            "lost": ledger.former.ledger.lost_bytes,
        },
        "segments": ledger.rows.iter().map(row).collect::<Vec<_>>(),
        "wrong": ledger.wrong, "notices": ledger.notices,
    })
}
