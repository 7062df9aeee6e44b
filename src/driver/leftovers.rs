//! What was written and belongs to no commit: removed before and after each batch.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::RunError;
use super::layout::Layout;
use super::pins::Pins;
use crate::catalog::Catalog;
use crate::engine::parquet_file::FileError;

/// Lets go of the folders that others took the place of a while ago: whoever listed them then has opened their files.
pub(super) fn forget_swaps(catalog: &mut Catalog) -> Result<bool, RunError> {
    if catalog.done_swaps()?.is_empty() {
        return Ok(false);
    }
    catalog.forget_swaps()?;
    Ok(true)
}

/// Removes staged files, runs that are part of others, and spilled ones. Those of a later fence are another process's.
pub(super) fn remove_leftovers(
    layout: &Layout,
    catalog: &mut Catalog,
    pins: &Pins,
) -> Result<(), RunError> {
    if leftovers(layout, catalog, pins)?.is_empty() {
        return Ok(());
    }
    // Only now is it certain that nobody with an earlier fence decides anything any more.
    let fence = catalog.take_fence()?;
    for (path, written_under) in leftovers(layout, catalog, pins)? {
        if written_under <= fence {
            remove(&path)?;
        }
    }
    for place in layout.swap_places() {
        // Not empty, or not there: both are fine.
        let _ = std::fs::remove_dir(place);
    }
    Ok(())
}

/// What was written and is not named by the catalog.
fn leftovers(
    layout: &Layout,
    catalog: &Catalog,
    pins: &Pins,
) -> Result<Vec<(PathBuf, u64)>, RunError> {
    // The files first: what is written and decided meanwhile is not among them.
    let mut files = layout.written();
    if files.is_empty() {
        return Ok(files);
    }
    let stores = layout.stores();
    let mut named: HashSet<PathBuf> = HashSet::new();
    named.extend(catalog.pending_renames()?.into_iter().map(|rename| rename.staged));
    named.extend(catalog.pending_swaps()?.into_iter().map(|swap| swap.staged));
    named.extend(catalog.done_swaps()?.into_iter().map(|swap| swap.staged));
    named.extend(catalog.event_parts()?.into_iter().map(|part| part.staged));
    named.extend(catalog.runs()?.into_iter().map(|run| stores.join(run.file)));
    let is_pinned = |path: &Path| {
        let name = path.strip_prefix(&stores).ok().and_then(Path::to_str);
        name.is_some_and(|name| pins.holds(name))
    };
    files.retain(|(path, _)| !named.contains(path) && !is_pinned(path));
    Ok(files)
}

fn remove(path: &Path) -> Result<(), RunError> {
    let removed = match path.is_dir() {
        true => std::fs::remove_dir_all(path),
        false => std::fs::remove_file(path),
    };
    match removed {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::io("remove", path)(e).into())
        }
        _ => Ok(()),
    }
}
