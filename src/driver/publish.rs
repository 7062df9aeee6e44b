//! After the decision: staged files get their names. Repeatable, so that a crash in the middle is finished by the next run.

use std::collections::BTreeSet;
use std::path::Path;

use super::RunError;
use crate::catalog::{Catalog, Rename};
use crate::engine::parquet_file::{FileError, sync_folder};

/// Makes the folders of files to come, before the decision: what is left for afterwards are renames, which need no room.
pub(super) fn prepare(renames: &[Rename]) -> Result<(), RunError> {
    let folders: BTreeSet<&Path> = renames.iter().map(folder_of).collect();
    folders.into_iter().try_for_each(create_durably)
}

fn folder_of(rename: &Rename) -> &Path {
    rename.published.parent().unwrap_or(Path::new("."))
}

/// Does all renames that are decided and not marked as done.
pub(super) fn publish(catalog: &Catalog) -> Result<(), RunError> {
    let renames = catalog.pending_renames()?;
    if renames.is_empty() {
        return Ok(());
    }
    let mut folders = BTreeSet::new();
    for rename in &renames {
        let folder = folder_of(rename);
        if folders.insert(folder.to_owned()) {
            create_durably(folder)?;
        }
        rename_one(rename)?;
    }
    for folder in &folders {
        sync_folder(folder)?;
    }
    Ok(catalog.mark_published()?)
}

fn rename_one(rename: &Rename) -> Result<(), RunError> {
    match std::fs::rename(&rename.staged, &rename.published) {
        Ok(()) => Ok(()),
        // Renamed before a crash: then the file is there, and it is the one that was decided.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && is_published(rename)? => Ok(()),
        Err(e) => Err(FileError::io("publish", &rename.published)(e).into()),
    }
}

fn is_published(rename: &Rename) -> Result<bool, RunError> {
    if !rename.published.exists() {
        return Ok(false);
    }
    let found = crate::engine::parquet_file::checksum(&rename.published)?;
    Ok(found == (rename.bytes, rename.checksum))
}

/// Makes a folder and its parents, each durable in the folder above it.
fn create_durably(folder: &Path) -> Result<(), RunError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|p| !p.as_os_str().is_empty()) {
        create_durably(parent)?;
        match std::fs::create_dir(folder) {
            // Another process made it meanwhile, unless it is a file that is in the way.
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists || !folder.is_dir() => {
                return Err(FileError::io("create", folder)(e).into());
            }
            _ => sync_folder(parent)?,
        }
    }
    Ok(())
}
