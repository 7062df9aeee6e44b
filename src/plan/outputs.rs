//! `[output.*]`, resolved.

use std::path::{Path, PathBuf};

use super::{KeyPlan, Overrides};
use crate::error::Diagnostic;
use crate::job::{At, JobFile, Locate, MysqlSpec, Partition, normalize_path};

/// Where results go.
pub struct Outputs {
    /// Parquet of the groups.
    pub summary: Option<SummaryOutput>,
    /// Parquet of the records.
    pub events: Option<EventsOutput>,
    /// SQLite table of the groups.
    pub sqlite: Option<SqliteOutput>,
    /// MySQL or MariaDB table of the groups.
    pub mysql: Option<MysqlOutput>,
}

/// `[output.summary]`
#[derive(Debug, Clone)]
pub struct SummaryOutput {
    /// Folder.
    pub path: PathBuf,
    /// How it is cut by time.
    pub partition: Partition,
}

/// `[output.events]`
pub struct EventsOutput {
    /// Folder.
    pub path: PathBuf,
    /// How it is cut by time.
    pub partition: Partition,
    /// Columns, over the record's slots.
    pub columns: Vec<KeyPlan>,
}

/// `[output.sqlite]`
#[derive(Debug, Clone)]
pub struct SqliteOutput {
    /// The database file.
    pub path: PathBuf,
    /// The table.
    pub table: String,
}

/// `[output.mysql]`
#[derive(Clone)]
pub struct MysqlOutput {
    /// With its password: never printed.
    pub url: String,
    /// The table.
    pub table: String,
}

/// What a table's name may have at most: with `_batches` behind it, it is as long as MySQL's and MariaDB's may be.
const TABLE_CHARS_MAX: usize = 56;

/// Resolves relative paths of a job.
pub(super) struct Resolver<'j> {
    pub(super) job: &'j JobFile,
    pub(super) overrides: &'j Overrides,
}

impl Resolver<'_> {
    /// The job file's folder.
    pub(super) fn job_dir(&self) -> PathBuf {
        let parent = self.job.path.parent().unwrap_or(Path::new(""));
        if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() }
    }

    /// An output path: relative ones against `--output`, else against the job file's folder.
    pub(super) fn output(&self, at: &At<String>) -> Result<PathBuf, Diagnostic> {
        if at.value.is_empty() {
            return Err(self.job.at_span(&at.span, "an empty path"));
        }
        let dir = self.overrides.output_dir.clone().unwrap_or_else(|| self.job_dir());
        Ok(normalize_path(&dir.join(&at.value)))
    }

    /// A table's name: the job's unless given; letters, digits and `_`. Those of the tables that logmill makes beside are
    /// not to be had, so that no two outputs meet.
    fn table(&self, table: Option<&At<String>>) -> Result<String, Diagnostic> {
        let at = table.unwrap_or(&self.job.spec.name);
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if at.value.is_empty() || at.value.len() > TABLE_CHARS_MAX || !at.value.chars().all(word) {
            let help = match at.value.contains('.') {
                true => {
                    "letters, digits and _; at most 56 characters; the database or schema stands in `url`"
                }
                false => "letters, digits and _; at most 56 characters",
            };
            return Err(self.no_table(at, help));
        }
        let name = at.value.to_ascii_lowercase();
        if name.ends_with("_batches") {
            return Err(self.no_table(
                at,
                "logmill's tables of batches end in _batches; give the output another `table`",
            ));
        }
        if name.contains("__logmill_") {
            return Err(self.no_table(at, "logmill's own tables have __logmill_ in their names"));
        }
        Ok(at.value.clone())
    }

    fn no_table(&self, at: &At<String>, help: &str) -> Diagnostic {
        self.job.at_span(&at.span, format!("`{}` is no table name", at.value)).help(help)
    }

    /// The table of the SQLite output.
    pub(super) fn sqlite_table(&self, table: Option<&At<String>>) -> Result<String, Diagnostic> {
        let name = self.table(table)?;
        match name.to_ascii_lowercase().starts_with("sqlite_") {
            false => Ok(name),
            true => Err(self.no_table(
                table.unwrap_or(&self.job.spec.name),
                "SQLite keeps names that begin with sqlite_ to itself; give the output another `table`",
            )),
        }
    }

    /// Whether the job has a MySQL output, be it skipped today.
    pub(super) fn has_mysql(&self) -> bool {
        let skipped = self.job.skipped.iter().any(|(output, _)| output == "output.mysql");
        skipped || self.job.spec.output.mysql.is_some()
    }

    /// The URL of a MySQL output, from the job file or from the file it names.
    pub(super) fn mysql(&self, at: &At<MysqlSpec>) -> Result<MysqlOutput, Diagnostic> {
        let spec = &at.value;
        let url = match (&spec.url, &spec.url_file) {
            (Some(url), None) => url.value.clone(),
            (None, Some(file)) => self.secret(file)?,
            _ => {
                let found =
                    self.job.at_span(&at.span, "[output.mysql] needs one of `url` and `url_file`");
                return Err(found.help("url = \"mysql://user:password@host:3306/database\""));
            }
        };
        Ok(MysqlOutput { url, table: self.table(spec.table.as_ref())? })
    }

    /// A secret's file: as named, beside the job file, or a systemd credential of that name.
    fn secret(&self, file: &At<String>) -> Result<String, Diagnostic> {
        let beside = self.job_dir().join(&file.value);
        let credential = std::env::var_os("CREDENTIALS_DIRECTORY")
            .map(|dir| Path::new(&dir).join(&file.value))
            .filter(|path| path.exists());
        let path = credential.unwrap_or(beside);
        let text = std::fs::read_to_string(&path).map_err(|e| {
            self.job.at_span(&file.span, format!("can't read {}: {e}", path.display()))
        })?;
        Ok(text.trim().to_owned())
    }
}
