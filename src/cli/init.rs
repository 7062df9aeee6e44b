//! `logmill init`

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use logmill::data::DataType;
use logmill::format::{Detected, FormatSpec, detect};
use logmill::source;

use super::{Status, output};

/// Look at log files, and print a job file that works on them
///
/// Finds the format among those known, guesses types, and proposes counts by the most telling fields. Edit what it
/// prints; `logmill check` says whether it still compiles.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  logmill init /var/log/nginx/access.log > traffic.toml && logmill run traffic.toml
  logmill init app-*.jsonl --name app > app.toml")]
pub(super) struct Init {
    /// Log files, of one format
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Name of the job [default: after the first file]
    #[arg(long)]
    name: Option<String>,
}

impl Init {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        let mut best: Option<(usize, Detected)> = None;
        for path in &self.files {
            let head = source::read_head(path)?;
            let found = detect(&head).with_context(|| {
                format!("{}: is empty, so its format can't be found", path.display())
            });
            match found {
                Ok(found) if best.as_ref().is_none_or(|(matched, _)| found.matched > *matched) => {
                    best = Some((found.matched, found));
                }
                Ok(_) => {}
                Err(error) if self.files.len() == 1 => return Err(error),
                // One empty file among several says nothing against the others.
                Err(_) => {}
            }
        }
        let Some((_, found)) = best else {
            bail!("all files are empty, so their format can't be found")
        };
        let name = self.name.clone().unwrap_or_else(|| job_name(&self.files[0]));
        output::print(&job(&name, &self.globs()?, &found))?;
        Ok(Status::Done)
    }

    /// The files, and for live logs their rotated siblings.
    fn globs(&self) -> anyhow::Result<Vec<String>> {
        let glob = |path: &PathBuf| {
            let text = path.to_str().with_context(|| {
                let path = path.display();
                format!("{path}: the name is not UTF-8, as a job file must be; rename it, or write a glob with ? or *")
            })?;
            let live =
                [".log", "_log", ".json", ".jsonl", ".csv"].iter().any(|end| text.ends_with(end));
            let siblings = if live && self.files.len() == 1 { "*" } else { "" };
            Ok(source::escape_glob(text) + siblings)
        };
        self.files.iter().map(glob).collect()
    }
}

/// A job's name out of a file's: `/var/log/nginx/access.log.1` becomes `access`.
fn job_name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem = file.split('.').find(|part| !part.is_empty()).unwrap_or("log");
    let word = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' };
    let name: String = stem.chars().map(word).take(40).collect();
    let name = name.trim_matches('_').to_owned();
    if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("log_{name}") }
}

/// The job file.
fn job(name: &str, globs: &[String], found: &Detected) -> String {
    let mut out = String::new();
    let paths = globs.iter().map(|glob| quote(glob)).collect::<Vec<_>>().join(", ");
    let share = 100.0 * found.matched as f64 / found.lines.max(1) as f64;
    // Writing to a string can't fail.
    let _ = writeln!(
        out,
        "# Written by `logmill init`: {} of {} lines that were looked at fit the format ({share:.0} %).",
        found.matched, found.lines
    );
    let _ = writeln!(
        out,
        "name = {}\n\n[source]\npaths  = [{paths}]\nformat = {}",
        quote(name),
        found.toml
    );
    if !typed_by_format(&found.spec) && !found.fields.is_empty() {
        let _ = writeln!(out, "{}", fields(found));
    }
    if let Some(time) = &found.time {
        let _ = writeln!(out, "time   = {}", quote(time));
    }
    let (keys, measures) = proposal(found);
    out.push_str("\n[reduce]\n");
    if found.time.is_some() {
        out.push_str("window = \"1h\"\n");
    }
    let keys: Vec<String> = keys.iter().map(|key| quote(key)).collect();
    let _ = writeln!(out, "by     = [{}]\n\n[reduce.measures]", keys.join(", "));
    for (name, measure) in measures {
        let _ = writeln!(out, "{name} = {}", quote(&measure));
    }
    let _ = writeln!(
        out,
        "\n[output.summary]                # Parquet\npath = {}",
        quote(&format!("{name}_out/summary"))
    );
    let _ = writeln!(
        out,
        "\n[output.sqlite]                 # the same table in SQLite\npath = {}",
        quote(&format!("{name}_out/{name}.db"))
    );
    out
}

/// Whether the format gives its fields their types.
fn typed_by_format(spec: &FormatSpec) -> bool {
    match spec {
        FormatSpec::Nginx(_) | FormatSpec::Apache(_) => true,
        FormatSpec::Name(name) => ["common", "combined", "lines"].contains(&name.as_str()),
        FormatSpec::Csv(_) | FormatSpec::Tsv(_) | FormatSpec::Regex(_) => false,
    }
}

/// `fields = { … }` with all that is not text.
fn fields(found: &Detected) -> String {
    let typed = found.fields.iter().filter(|(_, ty)| *ty != DataType::Text);
    let typed: Vec<String> = typed.map(|(name, ty)| format!("{} = \"{ty}\"", key(name))).collect();
    format!("fields = {{ {} }}", typed.join(", "))
}

/// Group keys and measures that say something about nearly any log of the format.
fn proposal(found: &Detected) -> (Vec<String>, Vec<(String, String)>) {
    let has = |name: &str| found.fields.iter().any(|(field, _)| field == name);
    let mut measures = vec![("lines".to_owned(), "count(*)".to_owned())];
    if has("status") && has("body_bytes_sent") {
        measures.push(("errors".to_owned(), "count(*) FILTER (WHERE status >= 500)".to_owned()));
        measures.push(("bytes".to_owned(), "sum(body_bytes_sent)".to_owned()));
        if has("remote_addr") {
            measures.push(("visitors".to_owned(), "approx_distinct(remote_addr)".to_owned()));
        }
        if has("request_time") {
            measures.push(("p99".to_owned(), "approx_quantile(request_time, 0.99)".to_owned()));
        }
        let keys = ["method", "status"].into_iter().filter(|key| has(key)).map(str::to_owned);
        return (keys.collect(), measures);
    }
    let numbers = found.fields.iter().filter(|(_, ty)| ty.is_numeric());
    for (name, _) in numbers.take(3) {
        let column = column(name);
        measures.push((format!("avg_{column}"), format!("avg({})", reference(name))));
        measures.push((format!("max_{column}"), format!("max({})", reference(name))));
    }
    (keys(found), measures)
}

/// Up to two text fields whose names are known to have few values.
fn keys(found: &Detected) -> Vec<String> {
    const TELLING: [&str; 14] = [
        "level",
        "severity",
        "status",
        "method",
        "event",
        "eventid",
        "event_type",
        "type",
        "logger",
        "service",
        "station",
        "host",
        "name",
        "category",
    ];
    let is_key = |name: &&&str| {
        found.fields.iter().any(|(field, ty)| field == **name && *ty != DataType::Timestamp)
    };
    let mut keys: Vec<String> =
        TELLING.iter().filter(is_key).take(2).map(|name| reference(name)).collect();
    if keys.is_empty() {
        let first = found.fields.iter().find(|(name, ty)| *ty == DataType::Text && name != "line");
        keys.extend(first.map(|(name, _)| {
            let (reference, column) = (reference(name), column(name));
            if reference == column { column } else { format!("{reference} AS {column}") }
        }));
    }
    keys
}

/// A field in an expression: quoted unless it is a plain word (keywords are quoted too, to be safe).
fn reference(name: &str) -> String {
    let plain = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    const KEYWORDS: [&str; 16] = [
        "user",
        "group",
        "order",
        "end",
        "from",
        "to",
        "select",
        "case",
        "when",
        "table",
        "time",
        "timestamp",
        "date",
        "interval",
        "current_user",
        "position",
    ];
    let word = name.split('.').all(|part| plain(part) && !KEYWORDS.contains(&part));
    if word { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A column's name for a field.
fn column(name: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let column: String = name.chars().map(word).take(50).collect();
    column.trim_matches('_').to_owned()
}

/// A TOML key.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { string(name) }
}

/// A value as a TOML string. What looks like a variable is text.
fn quote(text: &str) -> String {
    string(&text.replace("${", "$${"))
}

/// A TOML string: literal where that is possible, so that patterns stand as they are.
fn string(text: &str) -> String {
    if text.contains(['"', '\\']) && !text.contains(|c: char| c == '\'' || c.is_control()) {
        return format!("'{text}'");
    }
    // JSON's strings are TOML's, but for one character that TOML wants escaped.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_jobs_come_from_names_of_files() {
        assert_eq!(job_name(Path::new("/var/log/nginx/access.log.1")), "access");
        assert_eq!(job_name(Path::new("2024-01-01.log")), "log_2024_01_01");
        assert_eq!(job_name(Path::new("Ünï Cödé.csv")), "n__c_d");
    }

    #[test]
    fn fields_that_are_no_plain_words_are_quoted() {
        assert_eq!(reference("http.status"), "http.status");
        assert_eq!(reference("@timestamp"), "\"@timestamp\"");
        assert_eq!(reference("user.id"), "\"user.id\"");
        assert_eq!(quote("a\"b"), "'a\"b'");
    }

    #[test]
    fn strings_come_back_from_toml_as_they_were() {
        let odd = ["a", "a\"b", "a\\[b\\]", "'\"", "a\nb", "\t\u{7f}\u{1}é\\", "\"\"\"", "'\n"];
        for text in odd {
            let line = format!("key = {}", quote(text));
            let table: toml::Table = line.parse().expect(&line);
            assert_eq!(table["key"].as_str(), Some(text), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
        assert_eq!((quote("a${B}"), key("a${B}")), ("\"a$${B}\"".into(), "\"a${B}\"".into()));
    }
}
