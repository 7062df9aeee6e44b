//! Where the known segments are now: looked for as a run does it, by hints and by content, but nothing is read of what is
//! new, and nothing is noted.

use std::collections::HashMap;
use std::time::SystemTime;

use super::RunError;
use super::sources::compare;
use crate::catalog::Catalog;
use crate::plan::Plan;
use crate::source::{self, Compression, Copy, Found, Knowledge, SealRules, SegmentState};

/// Known segments and new files.
pub(super) struct Located {
    /// One for each segment given; `None`: no file is it any more.
    pub(super) segments: Vec<Option<Place>>,
    /// Files that no batch has read from.
    pub(super) new: Vec<(Found, Compression)>,
    /// Files of which nothing counts.
    pub(super) copies: Vec<Copy>,
}

/// Where a segment is.
pub(super) struct Place {
    pub(super) found: Found,
    pub(super) compression: Compression,
    /// Whether something follows what was consumed.
    pub(super) has_more: bool,
}

/// Finds the files of the segments; and, with their catalog, those of copies.
pub(super) fn locate(
    plan: &Plan,
    catalog: Option<&Catalog>,
    known: &[SegmentState],
) -> Result<Located, RunError> {
    let found = source::discover(&plan.source.globs, &plan.source.base)?.files;
    let now = SystemTime::now();
    let rules = SealRules { final_: false, seal_after: None, leaving: false, now };
    let planned = match catalog {
        Some(catalog) => {
            compare(plan, found.clone(), (known, &catalog.copies()?), catalog, &rules)?
        }
        None => {
            let nothing = Knowledge { segments: known, ..Knowledge::nothing() };
            source::plan(found.clone(), nothing, &rules)
        }
    };
    let (mut continued, mut new) = (HashMap::new(), Vec::new());
    for task in planned.tasks {
        let file = (task.found, task.compression);
        match task.known {
            Some(id) => drop(continued.insert(id, file)),
            None => new.push(file),
        }
    }
    let updates: HashMap<u64, &SegmentState> =
        planned.updates.iter().map(|segment| (segment.id, segment)).collect();
    let place = |segment: &SegmentState| {
        if let Some((found, compression)) = continued.remove(&segment.id) {
            return Some(Place { found, compression, has_more: true });
        }
        let seen = updates.get(&segment.id).copied().unwrap_or(segment);
        let compression = seen.compression;
        let found = file_of(seen, &found)?;
        let has_more = !compression.is_compressed() && found.size > segment.offset;
        Some(Place { found, compression, has_more })
    };
    let segments = known.iter().map(place).collect();
    Ok(Located { segments, new, copies: planned.copies })
}

/// The file of a segment of which nothing is new: among those found, or where it was, outside of today's globs.
fn file_of(segment: &SegmentState, found: &[Found]) -> Option<Found> {
    let is_it = |file: &Found| (file.device, file.inode) == (segment.device, segment.inode);
    if segment.gone_us.is_some() || segment.inode == 0 {
        return None;
    }
    found.iter().find(|file| is_it(file)).cloned().or_else(|| {
        let meta = std::fs::metadata(&segment.path).ok()?;
        Some(Found::new(&segment.path, &meta)).filter(is_it)
    })
}
