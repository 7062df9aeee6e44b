//! The files of one log beside each other: which of them has a successor.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::rotation::{RotatedName, inner_number};
use super::segment::QUIET;
use super::{Found, SealRules, SegmentState};

/// All files that were found, by log and by path.
pub(crate) struct Siblings<'f> {
    youngest: HashMap<PathBuf, RotatedName<'f>>,
    by_path: HashMap<&'f Path, &'f Found>,
}

impl<'f> Siblings<'f> {
    pub(crate) fn new(found: &'f [Found]) -> Self {
        let mut youngest: HashMap<PathBuf, RotatedName<'f>> = HashMap::new();
        // A held file has no name any more that says anything of the others.
        let found = || found.iter().filter(|file| file.held.is_none());
        for file in found() {
            let name = RotatedName::of(&file.path);
            let entry = youngest.entry(name.family_path()).or_insert_with(|| name.clone());
            if entry.is_older_than(&name) {
                *entry = name;
            }
        }
        let by_path = found().map(|file| (file.path.as_path(), file)).collect();
        Siblings { youngest, by_path }
    }

    /// All files that were found by their names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Found> {
        self.by_path.values().copied()
    }

    /// Whether a last line without a newline counts as it is.
    pub(crate) fn is_sealed(&self, file: &Found, rules: &SealRules) -> bool {
        let Some(quiet) = file.quiet(rules.now) else {
            return rules.final_ || (rules.leaving && file.held.is_some());
        };
        rules.final_
            || (rules.leaving && file.held.is_some())
            || rules.seal_after.is_some_and(|after| quiet >= after)
            || (quiet >= QUIET && (file.held.is_some() || self.is_rotated(file)))
    }

    fn is_rotated(&self, file: &Found) -> bool {
        let name = RotatedName::of(&file.path);
        let youngest = self.youngest.get(&name.family_path());
        youngest.is_some_and(|other| name.is_older_than(other))
            || name.live_path().is_some_and(|live| live.exists())
            || self.has_inner_number(&file.path)
    }

    /// Whether the name is that of another file with a number before its ending: `a.1.log` beside `a.log`. Alone such a name
    /// may be that of a log that is written to.
    fn has_inner_number(&self, path: &Path) -> bool {
        inner_number(path).is_some_and(|(live, _)| self.has(&live))
    }

    /// Whether the name is one that rotations give.
    pub(crate) fn is_rotated_name(&self, path: &Path) -> bool {
        RotatedName::of(path).live_path().is_some() || self.has_inner_number(path)
    }

    /// Whether there is a file of that name.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.by_path.contains_key(path)
    }

    /// The file that the log is written to of which this one is, or was rotated from.
    pub(crate) fn log_of(&self, path: &Path) -> PathBuf {
        let inner = || inner_number(path).map(|(live, _)| live).filter(|live| self.has(live));
        RotatedName::of(path).live_path().or_else(inner).unwrap_or_else(|| path.to_owned())
    }

    /// Whether the segment was given another name when its log was rotated, whatever name that is: its log goes on under the
    /// first one.
    pub(crate) fn was_numbered(&self, segment: &SegmentState) -> bool {
        let was_renamed = segment.path.as_os_str() != segment.first_path.as_os_str();
        (was_renamed && self.by_path.contains_key(segment.first_path.as_path()))
            || self.has_inner_number(&segment.path)
    }

    /// Whether a file has the name of a segment's log by now, or a younger one.
    pub(crate) fn has_successor(&self, segment: &SegmentState) -> bool {
        let name = RotatedName::of(&segment.path);
        let youngest = self.youngest.get(&name.family_path());
        youngest.is_some_and(|other| !other.is_older_than(&name))
            || self.by_path.contains_key(segment.first_path.as_path())
    }
}
