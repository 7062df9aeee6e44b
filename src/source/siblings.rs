//! The files of one log beside each other: which of them has a successor, and which is a copy of another.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::known::STRONG_BYTES;
use super::probe::Probe;
use super::rotation::RotatedName;
use super::segment::QUIET;
use super::{Compression, Fingerprint, Found, SealRules, SourceError};

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
            return rules.final_;
        };
        rules.final_
            || rules.seal_after.is_some_and(|after| quiet >= after)
            || (quiet >= QUIET && (file.held.is_some() || self.has_successor(file)))
    }

    fn has_successor(&self, file: &Found) -> bool {
        let name = RotatedName::of(&file.path);
        let youngest = self.youngest.get(&name.family_path());
        youngest.is_some_and(|other| name.is_older_than(other))
            || name.live_path().is_some_and(|live| live.exists())
    }

    /// Whether a file that is not known has only what another file has that is there too: copytruncate between its
    /// two steps copies from the live file, a compressor (at work, or told to keep its input) from the file that has
    /// the same name but for the ending.
    pub(crate) fn is_copy(&self, probe: &Probe) -> Result<bool, SourceError> {
        let name = RotatedName::of(&probe.found.path);
        let original = match probe.compression {
            Compression::Plain => name.live_path(),
            _ => name.uncompressed_path(),
        };
        let Some(original) = original.and_then(|path| self.by_path.get(path.as_path())) else {
            return Ok(false);
        };
        match Probe::open(original) {
            Ok(original) => begins_with(&original, probe),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether `original` begins with all of `copy`, by the first bytes and the last ones of the copy. A copy is made of what
/// there was by then: it has no more than its original.
pub(crate) fn begins_with(original: &Probe, copy: &Probe) -> Result<bool, SourceError> {
    let heads = original.head.len().min(copy.head.len());
    if original.compression != Compression::Plain || original.head[..heads] != copy.head[..heads] {
        return Ok(false);
    }
    let (length, anchor) = copy.anchor_within(original.found.size + 1)?;
    // Few equal bytes are no proof, but a copy is created and written after its original.
    let is_younger = copy.born.zip(original.born).is_none_or(|(copy, original)| copy >= original)
        && copy.found.mtime_ns >= original.found.mtime_ns;
    let is_evident = length >= STRONG_BYTES || is_younger;
    Ok((1..=original.found.size).contains(&length)
        && is_evident
        && Fingerprint::of(&original.before(length)?) == anchor)
}
