//! Before a batch: finish what was decided, remove what was not.

use super::layout::Layout;
use super::leftovers::{forget_swaps, remove_leftovers};
use super::pins::Pins;
use super::{RunError, publish};
use crate::catalog::Catalog;
use crate::plan::{self, Plan};

/// How far a job may differ from the one that made what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Differing {
    /// Not in what its groups and events mean.
    Nothing,
    /// In how lines become records.
    Parsing,
    /// In anything: it is all made anew.
    Anything,
}

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
pub(super) fn roll_forward(
    layout: &Layout,
    catalog: &mut Catalog,
    pins: &Pins,
) -> Result<(), RunError> {
    forget_swaps(catalog)?;
    publish::publish(catalog)?;
    remove_leftovers(layout, catalog, pins)
}
