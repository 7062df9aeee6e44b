//! `logmill explain`

use std::path::PathBuf;

use clap::Args;
use logmill::job::Partition;
use logmill::plan::{Plan, SlotKind};

use super::shared::JobOptions;
use super::{Status, output};

/// Show the plan of a job: what is parsed, filtered, combined, partitioned, written
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  logmill explain jobs/http_traffic.toml")]
pub(super) struct Explain {
    /// The job file
    #[arg(value_name = "JOB")]
    path: PathBuf,
    #[command(flatten)]
    job: JobOptions,
}

impl Explain {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        let plan = super::job::load(&self.path, &self.job.overrides())?;
        let steps = steps(&plan);
        if self.job.state.json {
            let steps: serde_json::Map<_, _> =
                steps.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
            output::json(&serde_json::json!({"job": plan.name, "steps": steps}))?;
        } else {
            let lines = steps.iter().map(|(name, text)| format!("{name:<10} {text}\n"));
            output::print(&lines.collect::<String>())?;
        }
        Ok(Status::Done)
    }
}

fn steps(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut steps = vec![("read", plan.source.globs.join(", "))];
    if plan.is_multiline() {
        let text = "a record ends where no quote is open; each file is read by one thread";
        steps.push(("records", text.to_owned()));
    }
    let slot = |&at: &usize| plan.map.slots[at].name.as_str();
    let list = |slots: &[usize]| slots.iter().map(slot).collect::<Vec<_>>().join(", ");
    steps.push((
        "parse",
        match plan.map.fields.as_slice() {
            [] => "line ends only".to_owned(),
            fields => fields.join(", "),
        },
    ));
    if plan.map.filter.is_some() {
        steps.push((
            "filter",
            format!("on {}, before anything else is computed", list(&plan.map.filter_slots)),
        ));
    }
    let lets = plan.map.slots.iter().filter(|s| matches!(s.kind, SlotKind::Let(_)));
    let lets: Vec<String> = lets.map(|s| format!("{} {}", s.name, s.ty)).collect();
    if !lets.is_empty() {
        steps.push(("let", lets.join(", ")));
    }
    reduce_steps(plan, &mut steps);
    steps.push(("write", outputs(plan).join("; ")));
    steps.push((
        "limits",
        format!(
            "memory {}, line {}, reject_ratio {}, earliest {}, latest {}, partitions {}",
            output::size(plan.limits.memory_bytes),
            output::size(plan.limits.line_bytes_max),
            plan.limits.reject_ratio,
            bound(plan.limits.earliest_us),
            bound(plan.limits.latest_us),
            plan.limits.partitions_max
        ),
    ));
    steps
}

/// A time as a job file may say it.
fn bound(time_us: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(time_us).unwrap_or_default()
}

fn reduce_steps(plan: &Plan, steps: &mut Vec<(&'static str, String)>) {
    let Some(reduce) = &plan.reduce else { return };
    if let Some(window) = reduce.window_us {
        steps.push(("window", format!("{} s, tumbling, on event_time", window as f64 / 1e6)));
    }
    let keys: Vec<String> =
        reduce.keys.iter().map(|k| format!("{} {}", k.name, k.expr.ty())).collect();
    steps.push(("group by", if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") }));
    let calls = reduce.aggregates.iter().map(|call| call.identity().to_string());
    steps.push(("combine", calls.collect::<Vec<_>>().join(", ")));
    let measures = reduce.measures.iter().map(|m| format!("{} {}", m.name, m.value.ty()));
    steps.push(("measures", measures.collect::<Vec<_>>().join(", ")));
    steps.push((
        "partition",
        "by hash of the key, a table a worker and partition; reduced without locks".to_owned(),
    ));
    steps.push(("store", format!("cut by {}", partition(reduce.partition))));
}

fn partition(partition: Partition) -> &'static str {
    match partition {
        Partition::None => "nothing (one file)",
        Partition::Hour => "hour",
        Partition::Day => "day",
        Partition::Month => "month",
    }
}

fn outputs(plan: &Plan) -> Vec<String> {
    let o = &plan.outputs;
    let summary = o.summary.iter().map(|s| {
        format!("summary Parquet in {}, cut by {}", s.path.display(), partition(s.partition))
    });
    let events = o.events.iter().map(|e| {
        format!("events Parquet in {}, cut by {}", e.path.display(), partition(e.partition))
    });
    let sqlite =
        o.sqlite.iter().map(|s| format!("SQLite table {} in {}", s.table, s.path.display()));
    let mysql = o.mysql.iter().map(|m| format!("MySQL table {}", m.table));
    summary.chain(events).chain(sqlite).chain(mysql).collect()
}
