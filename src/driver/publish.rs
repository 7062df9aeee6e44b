//! After the decision: staged files get their names. Repeatable, so that a crash in the middle is finished by the next run.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use super::{RunError, swap};
use crate::catalog::{Catalog, Rename};
use crate::engine::parquet_file::{FileError, checksum, create_folder, sync_folder};
use crate::fault;

/// Makes the folders of files to come, before the decision: what is left for afterwards are renames, which need no room.
pub(super) fn prepare(renames: &[Rename]) -> Result<(), RunError> {
    let folders: BTreeSet<&Path> = renames.iter().map(folder_of).collect();
    Ok(folders.into_iter().try_for_each(create_folder)?)
}

fn folder_of(rename: &Rename) -> &Path {
    rename.published.parent().unwrap_or(Path::new("."))
}

/// Does everything that is decided and not marked as done. Removals come first: a row must not be seen in an old and a new
/// place together.
pub(super) fn publish(catalog: &mut Catalog) -> Result<(), RunError> {
    let (removals, swaps) = (catalog.pending_removals()?, catalog.pending_swaps()?);
    let renames = catalog.pending_renames()?;
    if renames.is_empty() && removals.is_empty() && swaps.is_empty() {
        return Ok(());
    }
    for path in &removals {
        fault::point("publish.removal");
        remove(path)?;
    }
    let mut folders = BTreeSet::new();
    for rename in &renames {
        let folder = folder_of(rename);
        if folders.insert(folder.to_owned()) {
            create_folder(folder)?;
        }
        fault::point("publish.rename");
        rename_one(catalog, rename)?;
    }
    for folder in &folders {
        sync_folder(folder)?;
    }
    let vanishing = catalog.vanishing()?.into_iter().collect();
    swaps.iter().try_for_each(|swap| swap::carry_out(swap, &vanishing))?;
    fault::point("publish.renamed");
    Ok(catalog.mark_published()?)
}

/// Removes a visible file, and the folders of its partition if they are empty then.
fn remove(path: &Path) -> Result<(), RunError> {
    match std::fs::remove_file(path) {
        Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(FileError::io("remove", path)(e).into());
        }
        _ => {}
    }
    let is_partition = |folder: &&Path| {
        folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains('='))
    };
    for folder in path.ancestors().skip(1).take_while(is_partition) {
        // Not empty, or gone: both are fine.
        if std::fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

fn rename_one(catalog: &mut Catalog, rename: &Rename) -> Result<(), RunError> {
    match std::fs::rename(&rename.staged, &rename.published) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            // Renamed before a crash: then the file is there, and it is the one that was decided.
            if is_published(rename)? || catalog.forget_visible(&rename.published)? {
                // Or a summary's, which the store can make again.
                return Ok(());
            }
            Err(RunError::Other(format!(
                "{} was decided, but it was removed before it became {}, and its records are in no other place: bring it \
                 back, or remove the job's state directory and its outputs to compute them anew",
                rename.staged.display(),
                rename.published.display()
            )))
        }
        Err(e) => Err(FileError::io("publish", &rename.published)(e).into()),
    }
}

fn is_published(rename: &Rename) -> Result<bool, RunError> {
    if !rename.published.exists() {
        return Ok(false);
    }
    Ok(checksum(&rename.published)? == (rename.bytes, rename.checksum))
}
