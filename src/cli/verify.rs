//! `logmill verify`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use logmill::data::Scalar;
use logmill::driver::{
    self, Difference, EventsDifference, Kind, Verified, VerifiedEvents, VerifiedOutput,
    VerifyOptions,
};
use serde_json::{Map, Value, json};

use super::progress::{Bar, When};
use super::shared::JobOptions;
use super::{Status, output};

/// Compute everything again, another way, from the logs that still exist, and compare it with every output
///
/// Each group and each measure of the store, the Parquet and the tables is compared to the last bit, and the records of
/// events by time partition. Exactly those bytes are read that were read before: what was appended since says nothing.
/// It changes nothing, and may be run while `watch` works on the job. It computes line by line
/// on one thread, without what makes `run` fast, so that a mistake there is not made twice; so it takes several times as long.
/// It needs room for the rows of all groups in the state directory.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  logmill verify jobs/http_traffic.toml
  logmill verify jobs/http_traffic.toml --from 2026-11-01     where older logs are gone

Exit status: 0 equal, 1 different, or something could not be compared")]
pub(super) struct Verify {
    /// The job file
    #[arg(value_name = "JOB")]
    path: PathBuf,
    #[command(flatten)]
    job: JobOptions,
    /// Compare windows that start at this time or later (RFC 3339, or a date in UTC)
    #[arg(long, value_name = "T", value_parser = time)]
    from: Option<i64>,
    /// Compare windows that start before this time
    #[arg(long, value_name = "T", value_parser = time)]
    to: Option<i64>,
    /// Work in a folder of this one, rather than of the state directory
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// Paths of gone logs that are printed.
const GONE_SHOWN: usize = 5;

/// Microseconds.
fn time(text: &str) -> Result<i64, String> {
    let day = |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|begin| begin.timestamp());
    let time = text.parse::<Timestamp>().ok();
    let time = time.or_else(|| text.parse::<Date>().ok().and_then(day));
    time.map(Timestamp::as_microsecond)
        .ok_or_else(|| "a time is written as 2026-11-22 or 2026-11-22T07:00:00Z".to_owned())
}

impl Verify {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        self.job.log();
        let plan = super::job::load(&self.path, &self.job.overrides())?;
        let name = plan.name.clone();
        let range = (self.from.is_some() || self.to.is_some())
            .then(|| (self.from.unwrap_or(i64::MIN), self.to.unwrap_or(i64::MAX)));
        let wanted = VerifyOptions { range, scratch: self.scratch.clone() };
        let bar = Bar::new(&name, if self.job.quiet { When::Never } else { self.job.progress });
        let options = self.job.work.driver(&self.job.state, &self.path);
        let result = driver::verify(plan, &options, &wanted, &bar);
        bar.finish();
        let verified = match result {
            Ok(Some(verified)) => verified,
            Ok(None) => {
                eprintln!("logmill: {name}: it never ran, so that there is nothing to compare");
                return Ok(Status::Done);
            }
            Err(driver::RunError::Job(diagnostic)) => return Err(diagnostic.into()),
            Err(error) => return Err(error).with_context(|| name),
        };
        self.tell(&name, &verified);
        match self.job.state.json {
            true => output::json(&as_json(&name, &verified))?,
            false => output::print(&as_text(&name, &verified))?,
        }
        Ok(if verified.is_equal() { Status::Done } else { Status::Failed })
    }

    /// Messages, to stderr.
    fn tell(&self, name: &str, verified: &Verified) {
        for problem in &verified.problems {
            eprintln!("logmill: {name}: {problem}");
        }
        if self.job.quiet {
            return;
        }
        if let Some(gone) = about_gone(verified) {
            eprintln!("logmill: {name}: {gone}");
        }
        for notice in &verified.notices {
            eprintln!("logmill: {name}: {notice}");
        }
    }
}

fn about_gone(verified: &Verified) -> Option<String> {
    let gone = &verified.gone;
    let shown = gone.iter().take(GONE_SHOWN).map(|(path, _)| path.display().to_string());
    let shown: Vec<String> = shown.collect();
    let more = if gone.len() > GONE_SHOWN { ", …" } else { "" };
    (!gone.is_empty()).then(|| {
        format!(
            "{} ({}{more}) can't be read again, and the groups they were counted in will differ; --from leaves old \
             windows out",
            output::counted(gone.len() as u64, "gone log"),
            shown.join(", ")
        )
    })
}

fn as_text(name: &str, verified: &Verified) -> String {
    let mut out = format!(
        "{name}: {} ({}) computed again up to batch {}, in {:.2} s\n",
        output::counted(verified.segments, "log"),
        output::bytes(verified.bytes),
        verified.batch,
        verified.seconds
    );
    for found in &verified.outputs {
        out += &output_text(found);
    }
    if let Some(events) = &verified.events {
        out += &events_text(events);
    }
    out += match (verified.is_equal(), verified.differences()) {
        (true, _) => "equal\n",
        (false, 0) => "not all could be compared\n",
        (false, _) => HELP,
    };
    if verified.differences() > 0 {
        out += if verified.gone.is_empty() { HELP_STORE } else { HELP_GONE };
    }
    out
}

/// What to do about differences.
const HELP: &str = "DIFFERENT
  An output that differs from the store is made anew: remove its file, or drop its table, and run the job
  (with --adopt where nothing is new: a server is not asked without need).
";
const HELP_STORE: &str = "  A store that differs from the logs is made anew, outputs and all, by `logmill run JOB --rebuild`.
";
const HELP_GONE: &str = "  A store differs from the logs that are left where gone ones were counted, as it should: it has what they brought.
  Compare from a time on of which all logs are there, with --from.
";

fn output_text(found: &VerifiedOutput) -> String {
    let tally = &found.tally;
    let mut parts = Vec::new();
    for (count, what) in [
        (tally.missing, "missing"),
        (tally.surplus, "only there"),
        (tally.differing, "with other values"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", output::count(count)));
        }
    }
    let verdict = if parts.is_empty() { "equal".to_owned() } else { parts.join(", ") };
    let skipped = match tally.skipped {
        0 => String::new(),
        skipped => format!(
            "; {} not compared, since they changed meanwhile or wait",
            output::count(skipped)
        ),
    };
    let groups = output::counted(tally.groups, "group");
    let mut out = format!("  {}: {groups}, {verdict}{skipped}\n", found.name);
    for difference in &tally.first {
        out += &format!("    {}\n", difference_text(difference));
    }
    if let Some(more @ 1..) = tally.differences().checked_sub(tally.first.len() as u64) {
        out += &format!("    and {} more\n", output::count(more));
    }
    out
}

fn difference_text(difference: &Difference) -> String {
    let key = difference.key.iter().map(|(name, value)| format!("{name} = {}", text(value)));
    let key: Vec<String> = key.collect();
    let key = if key.is_empty() { "the only group".to_owned() } else { key.join(", ") };
    match difference.kind {
        Kind::Missing => format!("{key}: missing"),
        Kind::Surplus => format!("{key}: only there, no log has it"),
        Kind::Differs => {
            let one = |(name, expected, found): &(String, Scalar, Scalar)| {
                format!("{name} is {} and should be {}", text(found), text(expected))
            };
            let columns: Vec<String> = difference.columns.iter().map(one).collect();
            format!("{key}: {}", columns.join("; "))
        }
    }
}

fn events_text(events: &VerifiedEvents) -> String {
    let verdict = match events.differences.len() as u64 {
        0 if events.partitions == 0 => "nothing to compare".to_owned(),
        0 => "equal".to_owned(),
        differing => format!("{} with other records", output::count(differing)),
    };
    let mut out = format!(
        "  events: {} in {}, {verdict}\n",
        output::counted(events.records, "record"),
        output::counted(events.partitions, "partition")
    );
    for EventsDifference { partition, expected, found } in &events.differences {
        let partition = if partition.is_empty() { "the only partition" } else { partition };
        out += &match expected == found {
            true => format!("    {partition}: {} records, but others\n", output::count(*found)),
            false => format!(
                "    {partition}: {} and should be {}\n",
                output::counted(*found, "record"),
                output::count(*expected)
            ),
        };
    }
    out
}

fn text(value: &Scalar) -> String {
    match value {
        Scalar::Null => "NULL".to_owned(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Decimal(value, scale) => decimal(*value, *scale),
        Scalar::Float(value) => format!("{value:?}"),
        Scalar::Text(value) => format!("{value:?}"),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Timestamp(value) => timestamp(*value),
    }
}

fn decimal(unscaled: i128, scale: u8) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, part) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{part}")
}

fn timestamp(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |time| time.to_string())
}

fn as_json(name: &str, verified: &Verified) -> Value {
    let gone = verified.gone.iter().map(|(path, bytes)| json!({"path": path, "bytes": bytes}));
    json!({
        "job": name, "batch": verified.batch, "equal": verified.is_equal(), "segments": verified.segments,
        "bytes": verified.bytes, "gone": gone.collect::<Vec<_>>(),
        "outputs": verified.outputs.iter().map(output_json).collect::<Vec<_>>(),
        "events": verified.events.as_ref().map(events_json),
        "notices": verified.notices, "problems": verified.problems, "seconds": verified.seconds,
    })
}

fn output_json(found: &VerifiedOutput) -> Value {
    let tally = &found.tally;
    json!({
        "name": found.name, "place": found.place, "groups": tally.groups, "not_compared": tally.skipped,
        "missing": tally.missing, "only_there": tally.surplus, "other_values": tally.differing,
        "differences": tally.first.iter().map(difference_json).collect::<Vec<_>>(),
    })
}

fn difference_json(difference: &Difference) -> Value {
    let key = difference.key.iter().map(|(name, value)| (name.clone(), value_json(value)));
    let columns = difference.columns.iter().map(|(name, expected, found)| {
        (name.clone(), json!({"expected": value_json(expected), "found": value_json(found)}))
    });
    let kind = match difference.kind {
        Kind::Missing => "missing",
        Kind::Surplus => "only_there",
        Kind::Differs => "other_values",
    };
    json!({
        "kind": kind, "key": key.collect::<Map<_, _>>(), "columns": columns.collect::<Map<_, _>>(),
    })
}

fn events_json(events: &VerifiedEvents) -> Value {
    let one = |d: &EventsDifference| json!({"partition": d.partition, "expected": d.expected, "found": d.found});
    json!({
        "place": events.place, "partitions": events.partitions, "records": events.records,
        "differences": events.differences.iter().map(one).collect::<Vec<_>>(),
    })
}

fn value_json(value: &Scalar) -> Value {
    match value {
        Scalar::Null => Value::Null,
        Scalar::Int(value) => json!(value),
        Scalar::Bool(value) => json!(value),
        Scalar::Text(value) => json!(value),
        Scalar::Float(value) if value.is_finite() => json!(value),
        other => json!(text(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_people_write_them() {
        assert_eq!(decimal(-5, 3), "-0.005");
        assert_eq!(decimal(1234, 2), "12.34");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(timestamp(1_795_331_045_000_000), "2026-11-22T07:04:05Z");
        assert_eq!(text(&Scalar::Float(1.0)), "1.0");
    }

    #[test]
    fn times_are_dates_or_timestamps() {
        assert_eq!(time("1970-01-02"), Ok(86_400_000_000));
        assert_eq!(time("1970-01-01T01:00:00+01:00"), Ok(0));
        assert!(time("yesterday").is_err());
    }
}
