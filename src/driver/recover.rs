//! Before a batch: finish what was decided, remove what was not.

use std::collections::HashSet;
use std::path::PathBuf;

use super::layout::Layout;
use super::{RunError, publish, spill};
use crate::catalog::Catalog;
use crate::engine::parquet_file::FileError;
use crate::plan::Plan;

/// Refuses to mix groups of different meanings.
pub(super) fn check_job(plan: &Plan, catalog: &Catalog) -> Result<(), RunError> {
    match catalog.fingerprint()? {
        Some(stored) if stored != plan.fingerprint => Err(RunError::Other(format!(
            "{}: format, fields, map, reduce or the partition by time were changed since the stored groups were made, and old and new groups \
             can't be mixed; give the job another name (and other outputs), or remove {} and the job's outputs to \
             compute everything anew",
            plan.path.display(),
            catalog.folder().display()
        ))),
        _ => Ok(()),
    }
}

/// Finishes the renames of a decided batch, and removes files that no decided batch names.
pub(super) fn roll_forward(layout: &Layout, catalog: &Catalog) -> Result<(), RunError> {
    if !catalog.pending_renames()?.is_empty() {
        publish::publish(catalog)?;
    }
    remove_leftovers(layout, catalog)
}

/// Removes staged files, files of the store that are replaced, and spilled runs.
pub(super) fn remove_leftovers(layout: &Layout, catalog: &Catalog) -> Result<(), RunError> {
    let pending: HashSet<PathBuf> =
        catalog.pending_renames()?.into_iter().map(|r| r.staged).collect();
    for output in layout.outputs() {
        for path in layout.staged_files(output) {
            if !pending.contains(&path) {
                remove(&path)?;
            }
        }
    }
    if let Ok(entries) = std::fs::read_dir(layout.stores()) {
        let live: HashSet<String> = catalog.stores()?.into_iter().map(|store| store.file).collect();
        for entry in entries.flatten() {
            if !entry.file_name().to_str().is_some_and(|name| live.contains(name)) {
                remove(&entry.path())?;
            }
        }
    }
    spill::clear(layout)
}

fn remove(path: &std::path::Path) -> Result<(), RunError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::io("remove", path)(e).into())
        }
        _ => Ok(()),
    }
}
