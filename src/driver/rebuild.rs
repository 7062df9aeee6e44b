//! `run --rebuild`: everything is computed anew from the logs that still exist, with the job as it is now, and takes the
//! place of what was there in one decision.
//!
//! It is a batch like others, planned as though nothing were known. What readers see is replaced after the decision: the
//! summary's files by renames, the folders of events by exchange, what is no more by removal; all of it repeatable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use super::batch::{Batch, Depth};
use super::fold::Folded;
use super::inputs::Inputs;
use super::progress::Progress;
use super::run::once;
use super::session::{Differing, Session};
use super::sources::{Sources, discover};
use super::{Options, Outcome, RunError, swap};
use crate::catalog::{Catalog, Rename, Swap};
use crate::engine::parquet_file::{FileError, create_folder, sync_folder};
use crate::plan::Plan;

/// What to do where logs that were read before are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing is changed.
    Refuse,
    /// Their groups and events vanish from the outputs.
    Accept,
}

/// Computes everything anew.
pub fn rebuild(
    plan: &Plan,
    options: &Options,
    loss: Loss,
    progress: &dyn Progress,
) -> Result<Outcome, RunError> {
    once(plan, options, progress, Differing::Anything, |session, outcome| {
        let started = Instant::now();
        outcome.batch = session.catalog.last_batch()?;
        let gone = gone(session)?;
        if gone.segments > 0 && loss == Loss::Refuse {
            return Err(refused(plan, &gone));
        }
        let mut sources = sources(session)?;
        sources.given_up_bytes = gone.bytes;
        session.with_batch((Depth::Anew, outcome.batch), started, |batch, catalog, pins| {
            batch.run(catalog, pins, (&mut sources, None), outcome)
        })?;
        sources.report(outcome);
        if gone.segments > 0 {
            outcome.notices.push(gone.in_words());
        }
        Ok(())
    })
}

/// Logs that were read and that no file has any more.
struct Gone {
    segments: u64,
    bytes: u64,
    example: PathBuf,
}

impl Gone {
    fn in_words(&self) -> String {
        format!(
            "{} files that were read before are gone (such as {}), {} bytes of log: what was counted of them is not in the \
             outputs any more",
            self.segments,
            self.example.display(),
            self.bytes
        )
    }
}

fn gone(session: &Session<'_>) -> Result<Gone, RunError> {
    let work = session.work;
    let known = session.catalog.segments()?;
    let mut gone = Gone { segments: 0, bytes: 0, example: PathBuf::new() };
    if known.is_empty() {
        return Ok(gone);
    }
    let sources = discover(work.plan, work.options, &session.catalog, &mut Inputs::default())?;
    let absent: BTreeSet<u64> = sources.plan.absent.iter().copied().collect();
    for segment in known.iter().filter(|s| s.offset > 0 && absent.contains(&s.id)) {
        gone.segments += 1;
        gone.bytes += segment.offset;
        gone.example.clone_from(&segment.path);
    }
    Ok(gone)
}

fn refused(plan: &Plan, gone: &Gone) -> RunError {
    RunError::Other(format!(
        "{}: {} of the files that were read before are gone (such as {}), {} bytes of log, and what was counted of them can't \
         be computed anew. Nothing was changed. Bring them back where `paths` finds them, or give up what they brought with \
         --rebuild --accept-loss",
        plan.path.display(),
        gone.segments,
        gone.example.display(),
        gone.bytes
    ))
}

/// All files, from their first byte. One that can't be read stops it: its lines would vanish.
fn sources(session: &Session<'_>) -> Result<Sources, RunError> {
    let work = session.work;
    let sources = discover(work.plan, work.options, &session.catalog, &mut Inputs::of_nothing())?;
    check_complete(&sources)?;
    Ok(sources)
}

/// Refuses what can't be read, when it is found and when it is read.
pub(super) fn check_complete(sources: &Sources) -> Result<(), RunError> {
    match sources.incomplete() {
        Some(why) => Err(RunError::Other(format!("{why}; nothing was changed, run it again"))),
        None => Ok(()),
    }
}

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
