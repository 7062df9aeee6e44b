//! From a path to a [`JobSpec`], or to a [`Diagnostic`] that shows the place.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::DeTable;

use super::interpolate::{Lookup, Unset, interpolate};
use super::{At, JobSpec};
use crate::error::{Diagnostic, nearest};

/// A job file that was read: its words, and what is needed to point at them.
#[derive(Debug, Clone)]
pub struct JobFile {
    /// As given.
    pub path: PathBuf,
    /// The file's text.
    pub text: String,
    /// Its words.
    pub spec: JobSpec,
    /// Outputs that are left out: (`output.mysql`, the unset variable).
    pub skipped: Vec<(String, String)>,
}

/// Makes diagnostics that point into a job file.
pub trait Locate {
    /// Points at a byte range of the file.
    fn at_span(&self, span: &Range<usize>, message: impl Into<String>) -> Diagnostic;
    /// Points at a byte range *inside* a string value, such as an expression.
    fn inside(
        &self,
        text: &At<String>,
        inner: &Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic;
}

impl Locate for JobFile {
    fn at_span(&self, span: &Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::span(&self.path, &self.text, span, message)
    }

    fn inside(
        &self,
        text: &At<String>,
        inner: &Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic {
        // Where the file writes the text as it is (no escapes, no variables), the caret goes to the very place.
        let source = self.text.get(text.span.clone()).unwrap_or_default();
        match source.find(text.value.as_str()).filter(|_| !text.value.is_empty()) {
            Some(quote) => {
                let start = text.span.start + quote;
                self.at_span(&(start + inner.start..start + inner.end), message)
            }
            None if text.value.is_empty() => self.at_span(&text.span, message),
            None => {
                let mut found = self.at_span(&text.span, message);
                let place = crate::error::Position::locate(&text.value, inner);
                if let Some(at) = &mut found.at {
                    (at.text, at.column, at.width) = (place.text, place.column, place.width);
                }
                found
            }
        }
    }
}

/// Reads and checks a job file. Variables come from the environment.
pub fn load(path: &Path) -> Result<JobFile, Diagnostic> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let file = Diagnostic::file(path, format!("can't read the job file: {e}"));
        match e.kind() {
            std::io::ErrorKind::NotFound => {
                file.help("`logmill init LOGFILE > job.toml` writes one that fits a log file")
            }
            _ => file,
        }
    })?;
    parse(path, text, &|name| std::env::var(name).ok())
}

/// Reads a job file's text.
pub fn parse(path: &Path, text: String, lookup: Lookup<'_>) -> Result<JobFile, Diagnostic> {
    let (spec, skipped) = read_spec(path, &text, lookup)?;
    Ok(JobFile { path: path.to_owned(), spec, skipped, text })
}

type Read = (JobSpec, Vec<(String, String)>);

fn read_spec(path: &Path, text: &str, lookup: Lookup<'_>) -> Result<Read, Diagnostic> {
    let mut table = DeTable::parse(text).map_err(|e| explain(path, text, &e))?;
    let skipped =
        interpolate(table.get_mut(), lookup).map_err(|e| explain_unset(path, text, &e))?;
    let spec = JobSpec::deserialize(toml::de::Deserializer::from(table))
        .map_err(|e| explain(path, text, &e))?;
    Ok((spec, skipped))
}

fn explain_unset(path: &Path, text: &str, unset: &Unset) -> Diagnostic {
    let name = &unset.name;
    let at = |message| Diagnostic::span(path, text, &unset.span, message);
    if name.starts_with("${") {
        return at("a `${` without its `}`".to_owned()).help("write `$${` for a literal `${`");
    }
    at(format!("the variable {name} is not set"))
        .help(format!("set it: `export {name}=…`, or write `$${{` for a literal `${{`"))
}

/// toml's message, with the place, and with the nearest key for an unknown one.
fn explain(path: &Path, text: &str, error: &toml::de::Error) -> Diagnostic {
    let message = error.message();
    let (first, known) = match message.split_once(", expected ") {
        Some((first, known)) if first.starts_with("unknown field") => (first, known),
        _ => (message, ""),
    };
    let message = first.replacen("unknown field", "unknown key", 1);
    // serde's words for TOML's things.
    let message = message.replace("expected a sequence", "expected a list: [...]");
    let message = message.replace("expected a map", "expected a table");
    let place = match error.span() {
        Some(span) => Diagnostic::span(path, text, &span, message.trim_end()),
        None => Diagnostic::file(path, message.trim_end()),
    };
    let names: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let word = first.split('`').nth(1).unwrap_or_default();
    match nearest(word, names.iter().copied()) {
        Some(name) => place.help(format!("did you mean `{name}`?")),
        None if !names.is_empty() => place.help(format!("known here: {}", names.join(", "))),
        None => place,
    }
}

/// The JSON Schema of a job file, for editors.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(JobSpec);
    schema.insert("title".into(), "logmill job".into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "name = \"a\"\n[source]\npaths = [\"x\"]\nformat = \"combined\"\n[map.let]\nz = \"1\"\na = \"2\"\n[output.mysql]\nurl = \"${URL}\"\noptional = true\n";

    fn read(text: &str) -> Result<JobFile, Diagnostic> {
        parse(Path::new("j.toml"), text.to_owned(), &|_| None)
    }

    #[test]
    fn lets_keep_the_order_of_the_file() {
        let job = read(JOB).expect("reads");
        let names: Vec<&str> = job.spec.map.lets.0.iter().map(|(k, _)| k.value.as_str()).collect();
        assert_eq!(names, ["z", "a"]);
    }

    #[test]
    fn an_optional_output_with_an_unset_variable_is_skipped_and_named() {
        let job = read(JOB).expect("reads");
        assert_eq!(job.skipped, [("output.mysql".to_owned(), "URL".to_owned())]);
        assert!(job.spec.output.mysql.is_none());
        let error = read(&JOB.replace("optional = true", "")).expect_err("must be set").to_string();
        assert!(error.contains("j.toml:9:7: the variable URL is not set"), "{error}");
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_key() {
        let error = read(&JOB.replace("paths", "pats")).expect_err("unknown").to_string();
        assert!(error.starts_with("j.toml:3:1: unknown key `pats`"), "{error}");
        assert!(error.contains("did you mean `paths`?"), "{error}");
    }

    #[test]
    fn the_schema_names_every_part() {
        let schema = json_schema().to_string();
        for word in ["seal_after", "reject_ratio", "partition", "nginx", "measures"] {
            assert!(schema.contains(word), "{word}");
        }
    }
}
