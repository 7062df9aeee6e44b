//! Before a batch: finish what was decided, remove what was not.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::pins::Pins;
use super::session::{Differing, Session};
use super::{RunError, publish};
use crate::catalog::Catalog;
use crate::engine::parquet_file::FileError;
use crate::plan::{self, Plan};

/// Refuses to mix groups of different meanings.
pub(super) fn check_job(
    plan: &Plan,
    catalog: &Catalog,
    differing: Differing,
) -> Result<(), RunError> {
    let Some(stored) = catalog.meaning()? else { return Ok(()) };
    let changes = plan::changes(&stored, &plan.meaning);
    let is_about_parsing = changes.iter().all(plan::Change::is_about_parsing);
    let allowed = match differing {
        Differing::Nothing => changes.is_empty(),
        Differing::Parsing => is_about_parsing,
        Differing::Anything => true,
    };
    if allowed {
        return Ok(());
    }
    let list: Vec<String> = changes.iter().map(|change| format!("\n  {change}")).collect();
    let retry = if is_about_parsing {
        format!(
            "; if the change only lets rejected lines be read, `logmill rejects {} --retry` merges them and goes on",
            plan.path.display()
        )
    } else {
        String::new()
    };
    Err(RunError::Other(format!(
        "{}: the job was changed since its stored groups were made, and old and new ones can't be mixed:{}\n\
         Run it with --rebuild to compute everything anew from the logs that still exist, or give the job another name \
         and other outputs{retry}",
        plan.path.display(),
        list.concat()
    )))
}

/// Finishes the renames of a decided batch, and removes files that no decided batch names.
pub(super) fn roll_forward(session: &mut Session<'_>) -> Result<(), RunError> {
    forget_swaps(&mut session.catalog)?;
    publish::publish(&mut session.catalog)?;
    remove_leftovers(&session.layout, &mut session.catalog, &session.pins)
}

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
