//! Where the files of a job are.

use std::path::{Path, PathBuf};

use crate::engine::parquet_file::{FileError, create_folder};
use crate::engine::timepart;
use crate::job::Partition;
use crate::plan::Plan;

/// Folder below each Parquet output for files that are not decided yet. Not `*.parquet` in it: a name that begins with
/// a dot hides nothing from DuckDB and Polars.
const STAGING: &str = ".logmill-staging";

/// Paths of one job.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Its state folder.
    pub state: PathBuf,
    /// Marks this state's staged files.
    prefix: String,
    summary: Option<PathBuf>,
    events: Option<PathBuf>,
}

impl Layout {
    /// For a job in a state directory.
    pub fn new(state_dir: &Path, plan: &Plan) -> Self {
        Layout {
            state: state_dir.join(&plan.name),
            prefix: format!("{}-", plan.name),
            summary: plan.outputs.summary.as_ref().map(|s| absolute(&s.path)),
            events: plan.outputs.events.as_ref().map(|e| absolute(&e.path)),
        }
    }

    /// Marks staged files as those of one state, so that another state directory with the same job and outputs does not
    /// take them for leftovers of its own.
    pub(super) fn of_state(mut self, state_id: &str) -> Self {
        self.prefix.push_str(state_id.get(..8).unwrap_or(state_id));
        self.prefix.push('-');
        self
    }

    /// Where the store's files are.
    pub fn stores(&self) -> PathBuf {
        self.state.join("groups")
    }

    /// Where runs spill to.
    pub fn spill(&self) -> PathBuf {
        self.state.join("spill")
    }

    /// A store's file of a batch.
    pub fn store_name(&self, partition: Partition, partition_us: i64, batch: u64) -> String {
        let label = timepart::label(partition, partition_us).replace('/', "_");
        let label = if label.is_empty() { "all" } else { &label };
        format!("{label}.{batch}.parquet")
    }

    /// A name for a staged file of an output's folder.
    pub fn staged(&self, output: &Path, batch: u64, what: &str) -> PathBuf {
        absolute(output).join(STAGING).join(format!("{}{batch}-{what}.part", self.prefix))
    }

    /// The folders of the Parquet outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &Path> {
        self.summary.iter().chain(&self.events).map(PathBuf::as_path)
    }

    /// The folders that a batch writes to before its decision.
    pub fn staging_folders(&self) -> Vec<PathBuf> {
        let staging = self.outputs().map(|output| output.join(STAGING));
        staging.chain([self.stores()]).collect()
    }

    /// Makes the folders that a batch needs: durably, since a decision may name files in them.
    pub fn create(&self) -> Result<(), FileError> {
        self.staging_folders().iter().try_for_each(|folder| create_folder(folder))
    }

    /// This job's files in a staging folder.
    pub fn staged_files(&self, output: &Path) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(output.join(STAGING)) else { return Vec::new() };
        let ours = |entry: &std::fs::DirEntry| {
            let name = entry.file_name();
            let rest = name.to_str().and_then(|name| name.strip_prefix(&self.prefix));
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        entries.flatten().filter(ours).map(|entry| entry.path()).collect()
    }
}

/// What the catalog stores: the next run may have another working directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The final path of a summary's partition.
pub(super) fn summary_path(output: &Path, partition: Partition, partition_us: i64) -> PathBuf {
    absolute(output).join(timepart::label(partition, partition_us)).join("summary.parquet")
}

/// The final path of an events' file.
pub(super) fn events_path(
    output: &Path,
    partition: Partition,
    partition_us: i64,
    batch: u64,
    number: usize,
) -> PathBuf {
    let folder = absolute(output).join(timepart::label(partition, partition_us));
    folder.join(format!("events-{batch}-{number}.parquet"))
}
