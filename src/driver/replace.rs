//! What a rebuild does with the visible files of before: they are removed, renamed over, or exchanged by folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::batch::Batch;
use super::fold::Folded;
use super::{RunError, swap};
use crate::catalog::{Catalog, Rename, Swap};
use crate::engine::parquet_file::{FileError, create_folder, sync_folder};

/// Adds to a rebuild's staged files what is to be done with the visible ones of before.
pub(super) fn replace_visible(
    batch: &Batch<'_>,
    catalog: &Catalog,
    folded: &mut Folded,
) -> Result<(), RunError> {
    let new: BTreeSet<&Path> = folded.visible.iter().map(|file| file.path.as_path()).collect();
    // What lies in a folder that the job does not name any more is the user's by now.
    if let Some(output) = batch.layout.summary() {
        let old = catalog.visible()?.into_iter().map(|file| file.path);
        folded
            .removals
            .extend(old.filter(|path| path.starts_with(output) && !new.contains(path.as_path())));
    }
    let Some(output) = batch.layout.events() else { return Ok(()) };
    let old = catalog.event_files()?.into_iter().map(|file| file.path);
    let mut old: Vec<PathBuf> = old.filter(|path| path.starts_with(output)).collect();
    let place = if old.is_empty() { None } else { swap::find_place(batch.names, output) };
    if let Some(place) = place {
        let swapped = build_folders(batch, &place, output, folded)?;
        let is_swapped =
            |path: &PathBuf| top(output, path).is_some_and(|top| swapped.contains(&top));
        (folded.vanishing, old) = old.into_iter().partition(is_swapped);
    }
    folded.removals.extend(old);
    Ok(())
}

/// The folder right below the output that a file lies in.
fn top(output: &Path, file: &Path) -> Option<PathBuf> {
    let mut below = file.strip_prefix(output).ok()?.components();
    match (below.next(), below.next()) {
        (Some(Component::Normal(top)), Some(_)) => Some(PathBuf::from(top)),
        _ => None,
    }
}

/// Puts the staged files of events into folders as readers will see them, one for each folder right below the output. Answers
/// which those are. Files of an output that is not cut by time stay renames.
fn build_folders(
    batch: &Batch<'_>,
    place: &Path,
    output: &Path,
    folded: &mut Folded,
) -> Result<BTreeSet<PathBuf>, RunError> {
    let mut by_top: BTreeMap<PathBuf, Vec<Rename>> = BTreeMap::new();
    for rename in std::mem::take(&mut folded.renames) {
        match top(output, &rename.published).filter(|_| rename.published.starts_with(output)) {
            Some(top) => by_top.entry(top).or_default().push(rename),
            None => folded.renames.push(rename),
        }
    }
    // Names that are there already, which nobody but a restored state meets, tell no new folder from the former one.
    by_top.retain(|_, renames| {
        let fresh = renames.iter().all(|rename| !rename.published.exists());
        if !fresh {
            folded.renames.append(renames);
        }
        fresh
    });
    for (top, renames) in &by_top {
        let staged = batch.names.swap(place, &format!("rebuild-{}", top.display()));
        let published = output.join(top);
        let Some(first) = renames.first() else { continue };
        let marker = relative(&published, first).to_owned();
        let mut folders = BTreeSet::new();
        for rename in renames {
            let target = staged.join(relative(&published, rename));
            let folder = target.parent().unwrap_or(&staged).to_owned();
            create_folder(&folder)?;
            std::fs::rename(&rename.staged, &target).map_err(FileError::io("write", &target))?;
            folders.insert(folder);
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))?;
        folded.swaps.push(Swap { staged, published, marker });
    }
    Ok(by_top.into_keys().collect())
}

fn relative<'r>(published: &Path, rename: &'r Rename) -> &'r Path {
    rename.published.strip_prefix(published).unwrap_or(&rename.published)
}
