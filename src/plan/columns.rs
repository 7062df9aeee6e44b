//! The names of output columns: what the readers of Parquet and the databases can hold and can tell apart. A name that one
//! of them does not take is refused when the job is compiled, rather than at each run.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Component, Path};

use super::WINDOW_COLUMN;
use crate::error::Diagnostic;
use crate::job::{JobFile, Locate, Partition};

/// The columns of one output, with where the job file names them.
pub(super) struct Columns<'j> {
    job: &'j JobFile,
    all: Vec<(&'j str, &'j Range<usize>)>,
}

/// The hidden column of the primary key in MySQL.
const MYSQL_KEY: &str = "logmill_key";
/// MySQL's and MariaDB's limit for the name of a column, in characters.
const MYSQL_CHARS_MAX: usize = 64;
/// Columns of a table of InnoDB, of which two are logmill's: the hidden key, and the window's.
const MYSQL_COLUMNS_MAX: usize = 1017 - 2;
/// SQLite's SQLITE_MAX_COLUMN, less one for the window.
const SQLITE_COLUMNS_MAX: usize = 2000 - 1;

impl<'j> Columns<'j> {
    /// Names that every output can hold.
    pub(super) fn new(
        job: &'j JobFile,
        all: Vec<(&'j str, &'j Range<usize>)>,
    ) -> Result<Self, Diagnostic> {
        let columns = Columns { job, all };
        let mut seen: HashMap<String, &str> = HashMap::new();
        for &(name, span) in &columns.all {
            columns.is_readable(name, span)?;
            // Neither DuckDB nor the databases tell cases apart.
            if let Some(other) = seen.insert(folded(name), name) {
                let same = other == name;
                let what = if same {
                    format!("two columns are called `{name}`")
                } else {
                    format!("the columns `{other}` and `{name}` differ in case only")
                };
                let why = "DuckDB and the databases can't tell such names apart: rename one";
                let help = if same { "rename one" } else { why };
                return Err(job.at_span(span, what).help(help));
            }
        }
        Ok(columns)
    }

    fn is_readable(&self, name: &str, span: &Range<usize>) -> Result<(), Diagnostic> {
        let refused = |what: &str| {
            let found =
                self.job.at_span(span, format!("the column name `{}` {what}", name.escape_debug()));
            Err(found.help("give it another name"))
        };
        match name {
            "" => Err(self.job.at_span(span, "a column has an empty name").help("give it a name")),
            _ if name.contains(char::is_control) => refused("has a control character in it"),
            _ if name.trim() != name => refused("begins or ends with a space"),
            _ => Ok(()),
        }
    }

    /// The column of windows is the job's own.
    pub(super) fn keep_window_free(&self) -> Result<(), Diagnostic> {
        self.keep_free(WINDOW_COLUMN, "is that of the windows' start")
    }

    /// So many that SQLite can hold them.
    pub(super) fn fit_sqlite(&self) -> Result<(), Diagnostic> {
        self.are_few("[output.sqlite]", SQLITE_COLUMNS_MAX)
    }

    fn are_few(&self, output: &str, most: usize) -> Result<(), Diagnostic> {
        let Some((_, span)) = self.all.get(most) else { return Ok(()) };
        let what = format!("{} columns are too many for {output}", self.all.len());
        let help = format!("its tables have at most {most} keys and measures: make several jobs");
        Err(self.job.at_span(span, what).help(help))
    }

    /// What MySQL and MariaDB can hold.
    pub(super) fn fit_mysql(&self) -> Result<(), Diagnostic> {
        self.are_few("[output.mysql]", MYSQL_COLUMNS_MAX)?;
        self.keep_free(MYSQL_KEY, "is that of the primary key in MySQL")?;
        for &(name, span) in &self.all {
            let refused = |what: &str| self.job.at_span(span, format!("`{name}` {what}"));
            if name.chars().count() > MYSQL_CHARS_MAX {
                let found = refused("is too long a column name for [output.mysql]");
                return Err(found.help("MySQL's and MariaDB's have at most 64 characters"));
            }
            if let Some(found) = name.chars().find(|c| u32::from(*c) > 0xFFFF) {
                let found = refused(&format!(
                    "has the character {found}, which no column name of [output.mysql] can have"
                ));
                return Err(found.help("MySQL's and MariaDB's names end at U+FFFF"));
            }
        }
        Ok(())
    }

    /// The folders of a Parquet output, `name=value`, are columns to DuckDB, Polars and pandas: one of the file with that
    /// name would show the folder's values, or none at all.
    pub(super) fn differ_from_folders(
        &self,
        output: &str,
        path: &Path,
        partition: Partition,
    ) -> Result<(), Diagnostic> {
        let by_time: &[&str] = match partition {
            Partition::None => &[],
            Partition::Hour => &["date", "hour"],
            Partition::Day => &["date"],
            Partition::Month => &["month"],
        };
        let in_path = path.components().filter_map(|part| match part {
            Component::Normal(name) => name.to_str()?.split_once('=').map(|(name, _)| name),
            _ => None,
        });
        let folders: Vec<String> = by_time.iter().copied().chain(in_path).map(folded).collect();
        let taken = |(name, _): &&(&str, &Range<usize>)| folders.contains(&folded(name));
        let Some((name, span)) = self.all.iter().find(taken) else { return Ok(()) };
        let found = self.job.at_span(
            span,
            format!(
                "`{name}` is the name of a column and of the folders `{}=…` of [output.{output}]",
                folded(name)
            ),
        );
        Err(found.help(
            "DuckDB, Polars and pandas read such folders as a column, and would show their values in place of this one's: \
             give it another name, or cut the output otherwise (`partition`)",
        ))
    }

    fn keep_free(&self, own: &str, whose: &str) -> Result<(), Diagnostic> {
        match self.all.iter().find(|(name, _)| folded(name) == own) {
            None => Ok(()),
            Some((name, span)) => Err(self
                .job
                .at_span(span, format!("the column name `{name}` {whose}"))
                .help("give it another name")),
        }
    }
}

/// Equal for names that differ in case only.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use crate::job::parse;

    /// Compiles a job with these keys, measures and outputs.
    fn compiled(reduce: &str, outputs: &str) -> Result<(), String> {
        let text = format!(
            "name = \"t\"\n[source]\npaths = [\"x\"]\nformat = \"combined\"\n[reduce]\n{reduce}\n{outputs}\n"
        );
        let job = parse("t.toml".as_ref(), text, &|_| None).map_err(|error| error.to_string())?;
        let plan = crate::plan::compile(&job, &crate::plan::Overrides::default(), None);
        plan.map(drop).map_err(|error| error.to_string())
    }

    const SQLITE: &str = "[output.sqlite]\npath = \"t.db\"";
    const MYSQL: &str = "[output.mysql]\nurl = \"mysql://u@h/d\"";

    #[track_caller]
    fn says(result: Result<(), String>, words: &str) {
        let text = result.expect_err("it is refused");
        assert!(text.contains(words), "no {words:?} in {text}");
    }

    #[test]
    fn a_column_may_not_have_the_name_of_a_folder_that_exists() {
        let key = |name: &str, partition: &str| {
            let reduce = format!("window = \"1h\"\nby = [\"status AS \\\"{name}\\\"\"]");
            compiled(
                &reduce,
                &format!("[output.summary]\npath = \"s\"\npartition = \"{partition}\""),
            )
        };
        for (name, partition) in [
            ("date", "day"),
            ("date", "hour"),
            ("hour", "hour"),
            ("month", "month"),
            ("Date", "day"),
            ("HOUR", "hour"),
        ] {
            says(key(name, partition), "is the name of a column and of the folders");
        }
        for (name, partition) in [
            ("hour", "day"),
            ("month", "day"),
            ("date", "month"),
            ("hour", "month"),
            ("date", "none"),
            ("day", "day"),
        ] {
            assert_eq!(key(name, partition), Ok(()), "{name} {partition}");
        }
        let measure = "window = \"1h\"\n[reduce.measures]\ndate = \"count(*)\"";
        says(
            compiled(measure, "[output.summary]\npath = \"s\""),
            "folders `date=…` of [output.summary]",
        );
        // Nothing is cut into folders.
        assert_eq!(compiled(measure, SQLITE), Ok(()));
        let named = "[output.summary]\npath = \"data/service=web/s\"\npartition = \"none\"";
        says(compiled("by = [\"status AS service\"]", named), "folders `service=…`");
    }

    #[test]
    fn a_column_of_events_may_not_either() {
        let events = |columns: &str, partition: &str| {
            let output = format!(
                "[output.events]\npath = \"e\"\ncolumns = [{columns}]\npartition = \"{partition}\""
            );
            compiled("by = [\"status\"]", &format!("{SQLITE}\n{output}"))
        };
        says(events("\"status AS hour\"", "hour"), "folders `hour=…` of [output.events]");
        says(events("\"status AS Date\"", "day"), "folders `date=…`");
        assert_eq!(events("\"status AS hour\"", "day"), Ok(()));
        says(events("\"status\", \"path AS Status\"", "none"), "differ in case only");
        says(events("\"status AS \\\" a\\\"\"", "none"), "begins or ends with a space");
    }

    #[test]
    fn names_that_no_reader_could_tell_apart_are_refused() {
        let measures = |names: &[&str]| {
            let lines: Vec<_> =
                names.iter().map(|name| format!("\"{name}\" = \"count(*)\"")).collect();
            compiled(&format!("by = [\"status\"]\n[reduce.measures]\n{}", lines.join("\n")), SQLITE)
        };
        says(measures(&["hits", "Hits"]), "`hits` and `Hits` differ in case only");
        says(measures(&["hitsÉ", "hitsé"]), "differ in case only");
        says(measures(&["status"]), "two columns are called `status`");
        says(measures(&["Status"]), "differ in case only");
        says(measures(&[""]), "a column has an empty name");
        says(measures(&["n "]), "`n ` begins or ends with a space");
        says(measures(&["\\u00a0n"]), "begins or ends with a space");
        says(measures(&["a\\u0000b"]), "`a\\0b` has a control character in it");
        says(measures(&["a\\tb"]), "control character");
        says(measures(&["window_start"]), "that of the windows' start");
        says(measures(&["Window_Start"]), "that of the windows' start");
        for name in ["order", "a`b'c", "http.status", "hits per hour", "🚀", "logmill_key", "é"]
        {
            assert_eq!(measures(&[name]), Ok(()), "{name}");
        }
        assert_eq!(measures(&["a".repeat(300).as_str()]), Ok(()));
    }

    #[test]
    fn mysql_holds_fewer_names() {
        let measure = |name: &str| {
            let reduce = format!("by = [\"status\"]\n[reduce.measures]\n\"{name}\" = \"count(*)\"");
            compiled(&reduce, MYSQL)
        };
        says(measure(&"a".repeat(65)), "is too long a column name for [output.mysql]");
        says(measure(&"é".repeat(65)), "is too long");
        says(measure("rocket 🚀"), "has the character 🚀");
        says(measure("LogMill_Key"), "that of the primary key in MySQL");
        for name in
            ["é".repeat(64).as_str(), "order", "a`b'c", "http.status", "hits per hour", "％"]
        {
            assert_eq!(measure(name), Ok(()), "{name}");
        }
        // An output that is skipped today is there tomorrow.
        let skipped = "[output.mysql]\nurl = \"${NOWHERE}\"\noptional = true\n[output.sqlite]\npath = \"t.db\"";
        says(compiled("by = [\"status AS logmill_key\"]", skipped), "primary key");
    }
}
