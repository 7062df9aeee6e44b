//! `logmill check`

use std::path::PathBuf;

use clap::Args;
use logmill::plan::{Plan, SlotKind};
use logmill::{driver, job};
use serde_json::json;

use super::shared::JobOptions;
use super::table::Table;
use super::{Status, output};

/// Compile jobs without running them: fields and types, tables, files that would be read
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  logmill check jobs/*.toml
  logmill check jobs/http_traffic.toml --ddl        the statements that make the SQL tables
  logmill check --schema > logmill.schema.json      for editors that complete TOML")]
pub(super) struct Check {
    /// Job files
    #[arg(required_unless_present = "schema", value_name = "JOB")]
    jobs: Vec<PathBuf>,
    #[command(flatten)]
    job: JobOptions,
    /// Print the statements that create the SQL tables
    #[arg(long)]
    ddl: bool,
    /// Print the JSON Schema of a job file
    #[arg(long)]
    schema: bool,
}

impl Check {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        if self.schema {
            let schema = serde_json::to_string_pretty(&job::json_schema())?;
            output::print(&(schema + "\n"))?;
            return Ok(Status::Done);
        }
        let mut status = Status::Done;
        for path in &self.jobs {
            match super::job::load(path, &self.job.overrides()) {
                Ok(plan) => self.show(&plan)?,
                // All jobs are looked at, so that one round finds all mistakes.
                Err(error) => status = status.worse(super::fail(&error.into())),
            }
        }
        Ok(status)
    }

    fn show(&self, plan: &Plan) -> anyhow::Result<()> {
        if self.ddl {
            return output::print(&ddl(plan));
        }
        let files = driver::look(plan);
        let problems = match &files {
            Ok(found) => [found.problems.as_slice(), found.asides.as_slice()].concat(),
            Err(error) => vec![error.to_string()],
        };
        let files = files.map(|found| found.files).unwrap_or_default();
        if self.job.state.json {
            return output::json(&as_json(plan, &files, &problems));
        }
        output::print(&as_text(plan, &files, &problems))
    }
}

fn ddl(plan: &Plan) -> String {
    let outputs = driver::sql_outputs(plan).into_iter();
    let texts = outputs.map(|(name, output)| match output {
        Ok(output) => format!("-- {name}: {}\n{}\n", output.describe(), output.ddl().trim_end()),
        Err(error) => format!("-- {name}: {error}\n"),
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// The summary's and the events' columns, with their types.
fn columns(plan: &Plan) -> Vec<(&'static str, Vec<(String, String)>)> {
    let mut found = Vec::new();
    if let Some(reduce) = &plan.reduce {
        let columns = reduce.columns().into_iter().map(|(name, ty)| (name, ty.to_string()));
        found.push(("summary", columns.collect()));
    }
    if let Some(events) = &plan.outputs.events {
        let columns = events.columns.iter().map(|c| (c.name.clone(), c.expr.ty().to_string()));
        found.push(("events", columns.collect()));
    }
    found
}

fn as_json(plan: &Plan, files: &[(PathBuf, u64)], problems: &[String]) -> serde_json::Value {
    let pair = |(name, ty): (String, String)| json!({"name": name, "type": ty});
    let columns: serde_json::Map<_, _> = columns(plan)
        .into_iter()
        .map(|(what, list)| (what.to_owned(), list.into_iter().map(pair).collect()))
        .collect();
    let fields = plan.map.known_fields.iter().map(|f| pair((f.name.clone(), f.ty.to_string())));
    let files = files.iter().map(|(path, bytes)| json!({"path": path, "bytes": bytes}));
    json!({
        "job": plan.name, "fields": fields.collect::<Vec<_>>(), "parsed": plan.map.fields,
        "columns": columns, "files": files.collect::<Vec<_>>(), "notices": plan.notices, "problems": problems,
    })
}

fn as_text(plan: &Plan, files: &[(PathBuf, u64)], problems: &[String]) -> String {
    let mut out = format!("{}: {} compiles\n", plan.path.display(), plan.name);
    let names =
        |fields: Vec<String>| if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
    let known = plan.map.known_fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    out += &format!("\nfields      {}\n", names(known));
    let slots = plan.map.slots.iter().filter(|slot| matches!(slot.kind, SlotKind::Let(_)));
    out += &format!(
        "let         {}\n",
        names(slots.map(|s| format!("{} {}", s.name, s.ty)).collect())
    );
    for (what, columns) in columns(plan) {
        let columns = columns.into_iter().map(|(name, ty)| format!("{name} {ty}")).collect();
        out += &format!("{what:<11} {}\n", names(columns));
    }
    let total: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    out += &format!(
        "\n{} of {} would be read\n",
        output::counted(files.len() as u64, "file"),
        output::bytes(total)
    );
    let mut table = Table::new([("file".to_owned(), false), ("size".to_owned(), true)]);
    files.iter().for_each(|(path, bytes)| {
        table.push(vec![path.display().to_string(), output::bytes(*bytes)])
    });
    if !files.is_empty() {
        out += &table.render();
    }
    for line in plan.notices.iter().chain(problems) {
        out += &format!("note: {line}\n");
    }
    out + "\n"
}
