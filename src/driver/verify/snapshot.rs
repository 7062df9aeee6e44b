//! One moment of a job, while somebody else may be working on it: what the catalog says, and the files that readers saw
//! then.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::RunError;
use super::super::layout::Layout;
use super::scratch::Scratch;
use super::store::{LOOKS_MAX, Store, link};
use crate::catalog::{Catalog, EventFile, EventPart, OutputRow, Rename, Swap, VisibleFile};
use crate::engine::parquet_file::FileError;
use crate::engine::timepart;
use crate::plan::Plan;
use crate::source::SegmentState;

/// Between two looks at a job that changes: a refresh takes about as long.
const PAUSE: Duration = Duration::from_millis(50);

/// A moment.
pub(super) struct Snapshot {
    pub(super) facts: Facts,
    pub(super) store: Store,
    pub(super) summary: Vec<Shown>,
    pub(super) events: Vec<Shown>,
    /// Whether all that is one moment.
    pub(super) is_one: bool,
}

/// What the catalog says.
pub(super) struct Facts {
    pub(super) batch: u64,
    pub(super) segments: Vec<SegmentState>,
    /// The batch that computed everything anew; 0 where none did.
    pub(super) rebuilt: u64,
    /// Segments that were forgotten.
    pub(super) former: u64,
    pub(super) outputs: HashMap<String, OutputRow>,
    pub(super) visible: HashMap<PathBuf, VisibleFile>,
    parts: Vec<EventPart>,
    files: Vec<EventFile>,
    /// What is decided of visible files and may not have happened.
    pending: Pending,
}

#[derive(Default, PartialEq)]
struct Pending {
    renames: Vec<Rename>,
    swaps: Vec<Swap>,
    removals: Vec<PathBuf>,
}

/// A file that readers see.
pub(super) struct Shown {
    /// Its name.
    pub(super) path: PathBuf,
    /// The same bytes, whatever happens to that name.
    pub(super) file: PathBuf,
    /// Its folder below the output's.
    pub(super) label: String,
}

impl Snapshot {
    /// Looks until nothing changes while it looks.
    pub(super) fn take(
        plan: &Plan,
        layout: &Layout,
        catalog: &Catalog,
        scratch: &Scratch,
        tables: &[String],
    ) -> Result<Self, RunError> {
        let mut look = 0;
        loop {
            let facts = facts(catalog, tables)?;
            let folder = scratch.subfolder(&format!("store-{look}"))?;
            let store = Store::link(catalog, &layout.stores(), &folder)?;
            let (summary, events) = (plan.outputs.summary.as_ref(), plan.outputs.events.as_ref());
            let (summary, events) = (summary.map(|s| &*s.path), events.map(|e| &*e.path));
            let folder = scratch.subfolder(&format!("shown-{look}"))?;
            let mut shown = show(summary, events, &folder.join("summary"))?;
            let mut records = show(events, summary, &folder.join("events"))?;
            if let (Some(shown), Some(output)) = (&mut records, &plan.outputs.events) {
                let label = |part: &EventPart| timepart::label(output.partition, part.partition_us);
                *shown = add_parts(std::mem::take(shown), &facts.parts, &folder, label)?;
            }
            let after = self::facts(catalog, tables)?;
            let is_one = facts.is_same(&after) && facts.pending == Pending::default();
            look += 1;
            if is_one || look == LOOKS_MAX {
                let (summary, events) = (shown.take(), records.take());
                let (summary, events) = (summary.unwrap_or_default(), events.unwrap_or_default());
                return Ok(Snapshot { facts, store, summary, events, is_one });
            }
            std::thread::sleep(PAUSE);
        }
    }
}

fn facts(catalog: &Catalog, tables: &[String]) -> Result<Facts, RunError> {
    catalog.at_once(|catalog| {
        let output = |name: &String| Ok((name.clone(), catalog.output(name)?));
        let visible = catalog.visible()?.into_iter().map(|file| (file.path.clone(), file));
        Ok(Facts {
            batch: catalog.last_batch()?,
            segments: catalog.segments()?,
            rebuilt: catalog.rebuilt_batch()?,
            former: catalog.former_segments()?.segments,
            outputs: tables.iter().map(output).collect::<Result<_, RunError>>()?,
            visible: visible.collect(),
            parts: catalog.event_parts()?,
            files: catalog.event_files()?,
            pending: Pending {
                renames: catalog.pending_renames()?,
                swaps: catalog.pending_swaps()?,
                removals: catalog.pending_removals()?,
            },
        })
    })
}

impl Facts {
    /// Whether nothing happened in between.
    fn is_same(&self, after: &Facts) -> bool {
        self.batch == after.batch
            && self.visible == after.visible
            && self.parts == after.parts
            && self.files == after.files
            && self.pending == after.pending
    }
}

/// The Parquet files below an output's folder, under names of our own. `other`: an output whose folder may lie in it.
fn show(
    output: Option<&Path>,
    other: Option<&Path>,
    folder: &Path,
) -> Result<Option<Vec<Shown>>, RunError> {
    let Some(output) = output else { return Ok(None) };
    let other = other.map(std::path::absolute).and_then(Result::ok);
    let output = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
    let mut files = Vec::new();
    walk(&output, other.as_deref(), &mut files);
    files.sort();
    std::fs::create_dir_all(folder).map_err(FileError::io("create", folder))?;
    let mut shown = Vec::new();
    for (number, path) in files.into_iter().enumerate() {
        let file = folder.join(format!("{number}.parquet"));
        if link(&path, &file).is_ok() {
            let label = path.parent().and_then(|parent| parent.strip_prefix(&output).ok());
            let label = label.unwrap_or(Path::new("")).to_string_lossy().into_owned();
            shown.push(Shown { path, file, label });
        }
    }
    Ok(Some(shown))
}

fn walk(folder: &Path, other: Option<&Path>, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if Some(path.as_path()) != other {
                walk(&path, other, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            files.push(path);
        }
    }
}

/// Parts of events that readers don't see yet, but that are decided. One that is gone makes the next look differ.
fn add_parts(
    mut shown: Vec<Shown>,
    parts: &[EventPart],
    folder: &Path,
    label: impl Fn(&EventPart) -> String,
) -> Result<Vec<Shown>, RunError> {
    for (number, part) in parts.iter().enumerate() {
        let file = folder.join(format!("part-{number}.parquet"));
        if link(&part.staged, &file).is_ok() {
            shown.push(Shown { path: part.staged.clone(), file, label: label(part) });
        }
    }
    Ok(shown)
}
