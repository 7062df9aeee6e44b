//! Where the files of a job are.

use std::path::{Path, PathBuf};

use super::RunError;
use super::owner::{self, Owner, STAGING};
use crate::catalog::CatalogError;
use crate::engine::parquet_file::create_folder;
use crate::engine::timepart;
use crate::job::Partition;
use crate::plan::Plan;

/// Ending of a folder beside an events output where folders are built that take the place of visible ones. Their files have
/// their final names, so they can't lie below the output, where readers would find them.
const SWAPS: &str = ".logmill-swap";

/// Paths of one job.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Its state folder.
    pub state: PathBuf,
    /// Marks this state's staged files.
    prefix: String,
    summary: Option<PathBuf>,
    events: Option<PathBuf>,
    /// Who writes the outputs' folders; none where nobody else knows of them.
    owner: Option<Owner>,
}

/// Names of files that are written under one fence for one batch. Whoever removes leftovers goes by the fence in the
/// name: files of a later one are another process's.
#[derive(Debug, Clone, Copy)]
pub struct Names<'l> {
    layout: &'l Layout,
    fence: u64,
    batch: u64,
}

impl Layout {
    /// For a job in a state directory.
    pub fn new(state_dir: &Path, plan: &Plan) -> Self {
        Layout {
            state: state_dir.join(&plan.name),
            prefix: format!("{}-", plan.name),
            summary: plan.outputs.summary.as_ref().map(|s| absolute(&s.path)),
            events: plan.outputs.events.as_ref().map(|e| absolute(&e.path)),
            owner: None,
        }
    }

    /// Marks staged files as those of one state, so that another state directory with the same job and outputs does not
    /// take them for leftovers of its own.
    pub(super) fn of_state(mut self, state_id: &str) -> Self {
        let job = self.prefix.trim_end_matches('-').to_owned();
        self.owner = Some(Owner { state_id: state_id.to_owned(), job });
        self.prefix.push_str(state_id.get(..8).unwrap_or(state_id));
        self.prefix.push('-');
        self
    }

    /// Where the store's files are.
    pub fn stores(&self) -> PathBuf {
        self.state.join("groups")
    }

    /// Where runs spill to, one folder a fence.
    fn spills(&self) -> PathBuf {
        self.state.join("spill")
    }

    /// Names for what is written next.
    pub(super) fn names(&self, fence: u64, batch: u64) -> Names<'_> {
        Names { layout: self, fence, batch }
    }

    /// Where folders for the events output may be built: in the state, else beside the output, where that is another file
    /// system. Nowhere if its folders can't be exchanged since the summary's files lie in the same ones.
    pub(super) fn swap_places(&self) -> Vec<PathBuf> {
        let Some(events) = &self.events else { return Vec::new() };
        let shared = |summary: &PathBuf| summary.starts_with(events) || events.starts_with(summary);
        if self.summary.as_ref().is_some_and(shared) {
            return Vec::new();
        }
        let name = events.file_name().and_then(|name| name.to_str());
        let beside = events.parent().zip(name);
        let beside = beside.map(|(parent, name)| parent.join(format!(".{name}{SWAPS}")));
        [absolute(&self.state).join("swaps")].into_iter().chain(beside).collect()
    }

    /// The folder of the events output.
    pub(super) fn events(&self) -> Option<&Path> {
        self.events.as_deref()
    }

    /// The folder of the summary.
    pub(super) fn summary(&self) -> Option<&Path> {
        self.summary.as_deref()
    }

    /// The folders of the Parquet outputs.
    fn outputs(&self) -> impl Iterator<Item = &Path> {
        self.summary.iter().chain(&self.events).map(PathBuf::as_path)
    }

    /// The folders that a batch writes to before its decision.
    pub fn staging_folders(&self) -> Vec<PathBuf> {
        let staging = self.outputs().map(|output| output.join(STAGING));
        staging.chain([self.stores()]).collect()
    }

    /// Makes the folders that a batch needs: durably, since a decision may name files in them. Those of outputs are this
    /// state's from then on.
    pub(super) fn create(&self) -> Result<(), RunError> {
        self.staging_folders().iter().try_for_each(|folder| create_folder(folder))?;
        let Some(owner) = &self.owner else { return Ok(()) };
        self.outputs().try_for_each(|output| owner.claim(output))
    }

    /// Refuses outputs that are another state's, or takes them over, without the files that are there but for `keep`.
    pub(super) fn own_outputs(
        &self,
        adopt: bool,
        keep: impl Fn() -> Result<Vec<PathBuf>, CatalogError>,
    ) -> Result<(), RunError> {
        let Some(owner) = &self.owner else { return Ok(()) };
        for output in self.outputs() {
            match owner.may_write(output)? {
                false => {}
                true if !adopt => return Err(Owner::refused(output)),
                true => {
                    owner::clear(output, &keep()?)?;
                    owner.replace(output)?;
                }
            }
        }
        Ok(())
    }

    /// Everything that was written before a decision or for the store, with the fence it was written under.
    pub(super) fn written(&self) -> Vec<(PathBuf, u64)> {
        let staged = |name: &str| first_number(name.strip_prefix(&self.prefix)?);
        let mut found = Vec::new();
        for output in self.outputs() {
            list(&output.join(STAGING), staged, &mut found);
        }
        for place in self.swap_places() {
            list(&place, staged, &mut found);
        }
        list(&self.stores(), |name| name.rsplit('.').nth(2)?.parse().ok(), &mut found);
        list(&self.spills(), |name| name.parse().ok(), &mut found);
        found.sort();
        found.dedup();
        found
    }
}

impl Names<'_> {
    /// A staged file of an output.
    pub(super) fn staged(&self, output: &Path, what: &str) -> PathBuf {
        let Names { layout, fence, batch } = self;
        let name = format!("{}{fence}-{batch}-{what}.part", layout.prefix);
        absolute(output).join(STAGING).join(name)
    }

    /// See [`Layout::swap_places`].
    pub(super) fn swap_places(&self) -> Vec<PathBuf> {
        self.layout.swap_places()
    }

    /// A folder that takes the place of one of the events output.
    pub(super) fn swap(&self, place: &Path, what: &str) -> PathBuf {
        let Names { layout, fence, batch } = self;
        place.join(format!("{}{fence}-{batch}-{what}", layout.prefix))
    }

    /// A run of the store: `what` tells those of one batch and partition apart.
    pub(super) fn run(&self, partition: Partition, partition_us: i64, what: &str) -> String {
        let label = timepart::label(partition, partition_us).replace('/', "_");
        let label = if label.is_empty() { "all" } else { &label };
        format!("{label}.{what}.{}.{}.parquet", self.fence, self.batch)
    }

    /// A file among the store's where a delivery puts rows aside.
    pub(super) fn rows(&self) -> PathBuf {
        self.layout.stores().join(format!("delivery.{}.{}.rows", self.fence, self.batch))
    }

    /// The folder of spilled runs.
    pub(super) fn spill(&self) -> PathBuf {
        self.layout.spills().join(self.fence.to_string())
    }
}

fn first_number(text: &str) -> Option<u64> {
    text.split('-').next()?.parse().ok()
}

/// Adds the files of a folder whose name says under which fence they were written. A folder that is not there has none.
fn list(folder: &Path, fence: impl Fn(&str) -> Option<u64>, found: &mut Vec<(PathBuf, u64)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if let Some(fence) = entry.file_name().to_str().and_then(&fence) {
            found.push((entry.path(), fence));
        }
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

/// The folder of an events' partition.
pub(super) fn events_folder(output: &Path, partition: Partition, partition_us: i64) -> PathBuf {
    absolute(output).join(timepart::label(partition, partition_us))
}

/// The final path of an events' file.
pub(super) fn events_path(
    output: &Path,
    partition: Partition,
    partition_us: i64,
    batch: u64,
    number: usize,
) -> PathBuf {
    events_folder(output, partition, partition_us).join(format!("events-{batch}-{number}.parquet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found_again_with_its_fence() {
        let dir = tempfile::tempdir().expect("a folder");
        let layout = Layout {
            state: dir.path().join("state/job"),
            prefix: "job-".into(),
            summary: Some(dir.path().join("out")),
            events: None,
            owner: None,
        };
        let layout = layout.of_state("0123456789abcdef");
        layout.create().expect("folders");
        let names = layout.names(7, 12);
        let staged = names.staged(&dir.path().join("out"), "summary-0");
        let run = layout.stores().join(names.run(Partition::Day, 0, "batch"));
        std::fs::create_dir_all(names.spill()).expect("a folder");
        let rows = names.rows();
        let foreign = dir.path().join("out/.logmill-staging/job2-01234567-3-1-x.part");
        for path in [&staged, &run, &rows, &foreign] {
            std::fs::write(path, "").expect("a file");
        }
        let mut expected = vec![(staged, 7), (run, 7), (rows, 7), (names.spill(), 7)];
        expected.sort();
        assert_eq!(layout.written(), expected);
    }
}
