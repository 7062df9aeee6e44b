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

    /// A table's name: the job's unless given; letters, digits and `_`.
    pub(super) fn table(&self, table: Option<&At<String>>) -> Result<String, Diagnostic> {
        let at = table.unwrap_or(&self.job.spec.name);
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if at.value.is_empty() || at.value.len() > 56 || !at.value.chars().all(word) {
            let found = self.job.at_span(&at.span, format!("`{}` is no table name", at.value));
            return Err(found.help("letters, digits and _; at most 56 characters"));
        }
        Ok(at.value.clone())
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
