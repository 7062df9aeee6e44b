//! Rules 2 and 3, where device and inode do not tell: which file a segment is by its content.
//!
//! Several files may have all of a segment, and a file all of several segments (logs that hold the same banner only). So pairs of
//! both are ranked, and the best go first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Planner, is_same_path};
use crate::source::known::{Claim, Rest, STRONG_BYTES, has_live_name, is_plausible};
use crate::source::probe::Probe;
use crate::source::relation::Relation;
use crate::source::rotation::RotatedName;
use crate::source::segment::Assumed;
use crate::source::{Found, SegmentState, SourceError};

/// Fewer equal bytes may be a header or a banner, with which a log that was rotated begins anew.
const BACKUP_BYTES_MIN: u64 = 1024;

/// A file that has all of a segment, and may be it.
struct Contender<'p> {
    file: &'p Found,
    /// The place of the file among those found.
    order: usize,
    /// The segment's place.
    at: usize,
    /// Bytes that were consumed of the segment.
    offset: u64,
    /// Decompressed bytes; of a compressed one they are counted if there are others.
    length: Option<u64>,
    is_compressed: bool,
    /// How well its name is the segment's.
    name: Name,
    /// Whether it goes on where the file ends that the segment was so far.
    surpasses: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Last,
    First,
    Other,
}

impl<'p> Contender<'p> {
    fn new(
        file: &'p Found,
        order: usize,
        probe: &Probe,
        at: usize,
        segment: &SegmentState,
    ) -> Self {
        let is_compressed = probe.compression.is_compressed();
        let name = match &file.path {
            path if is_same_path(path, &segment.path) => Name::Last,
            path if is_same_path(path, &segment.first_path) => Name::First,
            _ => Name::Other,
        };
        let length = (!is_compressed).then_some(probe.found.size);
        let offset = segment.offset;
        Contender { file, order, at, offset, length, is_compressed, name, surpasses: false }
    }

    /// The best match first: most bytes in common, then the longest file. Of equal files the one that has the segment's name
    /// is it, or one that may still be written to, or the youngest.
    fn rank(&self) -> impl Ord + use<> {
        let longest = (Reverse(self.offset), Reverse(self.length));
        (longest, self.name, self.is_compressed, Reverse(self.order))
    }
}

impl<'p> Planner<'p> {
    /// The log itself may be another file by now, that goes on, and the one with its device and inode a backup: an editor leaves
    /// `a.log.bak`. A rotation leaves such a pair only if the log begins anew with all the lines that it had. Answers the
    /// other files.
    pub(super) fn taken_back(&mut self, files: Vec<&'p Found>) -> Vec<&'p Found> {
        // Mostly nothing is left: a look at which nothing is new does not take names apart.
        if files.is_empty() {
            return files;
        }
        let by_path: HashMap<&Path, &'p Found> =
            files.iter().map(|file| (file.path.as_path(), *file)).collect();
        let mut taken = HashSet::new();
        for (at, segment) in self.known.segments.iter().enumerate() {
            let Some(claim) = self.idle_claim(at) else { continue };
            if claim.file.path == segment.first_path {
                continue;
            }
            let names = [segment.path.as_path(), segment.first_path.as_path()];
            let log = names.iter().find_map(|name| by_path.get(name).copied());
            if let Some(log) = log.filter(|log| log.path != claim.file.path)
                && !self.siblings().is_rotated_name(&claim.file.path)
                && self.continues(log, at, false)
            {
                taken.insert(log.key());
                self.copy_of_all(claim.file, segment, log);
            }
        }
        taken.extend(self.carried_on(&files));
        files.into_iter().filter(|file| !taken.contains(&file.key())).collect()
    }

    /// Rotated files that have all of the log beside them, and more: a mirror has the log of the last time yet. Answers
    /// device and inode of each.
    fn carried_on(&mut self, files: &[&'p Found]) -> Vec<(u64, u64)> {
        let rotated: Vec<(PathBuf, &'p Found)> = files
            .iter()
            .map(|file| (self.siblings().log_of(&file.path), *file))
            .filter(|(log, file)| *log != file.path)
            .collect();
        if rotated.is_empty() {
            return Vec::new();
        }
        let idle = (0..self.known.segments.len())
            .filter_map(|at| Some((self.idle_claim(at)?.file.path.as_path(), at)));
        let idle: HashMap<&Path, usize> = idle.collect();
        let mut taken = Vec::new();
        for (log, file) in rotated {
            let Some(&at) = idle.get(log.as_path()) else { continue };
            let Some(claim) = self.known.claim_of(at).filter(|claim| claim.file.path == log) else {
                continue;
            };
            if self.continues(file, at, true) {
                taken.push(file.key());
                self.copy_of_all(claim.file, &self.known.segments[at], file);
            }
        }
        taken
    }

    /// The file that a segment is, if that has nothing else, and enough to be told from others, or a name that says what it is.
    fn idle_claim(&self, at: usize) -> Option<Claim<'p>> {
        let claim = self.known.claim_of(at)?;
        let is_strong =
            self.known.segments[at].offset >= BACKUP_BYTES_MIN || has_backup_name(&claim.file.path);
        (is_strong && claim.rest != Rest::Some).then_some(claim)
    }

    /// Lets the file be a segment that another file was taken for, if its content bears it out; with `more`, if it goes on.
    fn continues(&mut self, file: &'p Found, at: usize, more: bool) -> bool {
        let segment = &self.known.segments[at];
        let planned = Probe::open(file).and_then(|probe| match self.relation(&probe, segment)? {
            Relation::Continues(place) if !(more && place.at_end) => {
                self.outcome.updates.retain(|update| update.id != segment.id);
                self.go_on(&probe, Some(segment), place).map(Some)
            }
            _ => Ok(None),
        });
        // Where it can't be read, all is as it was.
        let Ok(Some(rest)) = planned else { return false };
        self.known.claim(at, file, rest);
        true
    }

    /// Rule 3. Answers the files that are something else.
    pub(super) fn by_content(&mut self, files: Vec<&'p Found>) -> Vec<&'p Found> {
        if self.known.segments.is_empty() {
            return files;
        }
        let mut others = Vec::new();
        let mut contenders = Vec::new();
        for (order, file) in files.into_iter().enumerate() {
            match self.contends_for(file, order) {
                Ok(pairs) if pairs.is_empty() => others.push((order, file)),
                Ok(pairs) => contenders.extend(pairs),
                Err(error) => self.problem(file, error),
            }
        }
        if !contenders.is_empty() {
            others.extend(self.match_up(contenders));
            others.sort_by_key(|(order, _)| *order);
        }
        others.into_iter().map(|(_, file)| file).collect()
    }

    /// The segments that the file may be: of those that it has all of, the longest that no other file is. None if it has all
    /// of a longer one, too, and nothing else than its file: then it is a copy of that.
    fn contends_for(
        &self,
        file: &'p Found,
        order: usize,
    ) -> Result<Vec<Contender<'p>>, SourceError> {
        let probe = Probe::open(file)?;
        let alike = self.known.beginning_like(&probe);
        let offset = |at: &usize| self.known.segments[*at].offset;
        for alike in alike.chunk_by(|a, b| offset(a) == offset(b)) {
            let mut contenders = Vec::new();
            let mut is_copy = false;
            for &at in alike {
                let segment = &self.known.segments[at];
                let Relation::Continues(place) = self.relation(&probe, segment)? else { continue };
                if self.was_emptied(file, at) {
                    continue;
                }
                if self.known.claim_of(at).is_some() {
                    is_copy |= self.goes_on_as(&probe, at, place.at_end)?.is_some();
                    if !is_copy && self.surpasses(&probe, at)? {
                        let contender = Contender::new(file, order, &probe, at, segment);
                        contenders.push(Contender { surpasses: true, ..contender });
                    }
                } else if is_plausible(segment, &probe) && !self.is_copy_of_another(at, &probe)? {
                    contenders.push(Contender::new(file, order, &probe, at, segment));
                }
            }
            if is_copy {
                contenders.retain(|contender| !contender.surpasses);
            }
            if is_copy || !contenders.is_empty() {
                return Ok(contenders);
            }
        }
        Ok(Vec::new())
    }

    /// Whether a file with all of a segment is something else all the same: a copy of another one, which it was before, or which
    /// is likelier than that a segment is back that was gone for longer.
    fn is_copy_of_another(&self, at: usize, probe: &Probe) -> Result<bool, SourceError> {
        let segment = &self.known.segments[at];
        let was_gone = segment.gone_us.is_some();
        let was_copy = || self.known_copy(&probe.found).is_some_and(|known| known.bytes > 0);
        if (was_gone || was_copy()) && self.copy_of_known(&probe.found, probe)?.is_some() {
            return Ok(true);
        }
        Ok(was_gone && self.is_copy_of_log(probe, segment)?)
    }

    /// Finds a file for each segment, the best match first. Answers the files that are left.
    fn match_up(&mut self, mut contenders: Vec<Contender<'p>>) -> BTreeMap<usize, &'p Found> {
        self.measure(&mut contenders);
        contenders.sort_by_key(Contender::rank);
        let surpassed = self.let_go_of_surpassed(&contenders);
        let mut left: BTreeMap<usize, &'p Found> =
            contenders.iter().map(|contender| (contender.order, contender.file)).collect();
        for Contender { file, order, at, surpasses, .. } in contenders {
            if self.known.claim_of(at).is_some() || !left.contains_key(&order) {
                continue;
            }
            match Probe::open(file).and_then(|probe| self.continue_one_of(&[at], file, &probe)) {
                // That the former file is a copy is said of that.
                Ok(true) if surpasses => self.begins_at(at, file),
                Ok(true) => self.note_assumption(at, file),
                // It is another file by now.
                Ok(false) => continue,
                Err(error) => {
                    self.known.claim(at, file, Rest::Some);
                    self.problem(file, error);
                }
            }
            left.remove(&order);
        }
        for (at, former) in surpassed {
            match self.known.claim_of(at) {
                Some(claim) => self.copy_of_all(former.file, &self.known.segments[at], claim.file),
                None => self.known.claim(at, former.file, former.rest),
            }
        }
        left
    }

    /// Segments of which others have all that their own files have, and more: what these are so far.
    fn let_go_of_surpassed(&mut self, contenders: &[Contender<'p>]) -> Vec<(usize, Claim<'p>)> {
        let mut surpassed = Vec::new();
        for contender in contenders.iter().filter(|contender| contender.surpasses) {
            let Some(former) = self.known.release(contender.at) else { continue };
            let id = self.known.segments[contender.at].id;
            self.outcome.updates.retain(|update| update.id != id);
            self.outcome.waiting.retain(|waiting| waiting.path != former.file.path);
            surpassed.push((contender.at, former));
        }
        surpassed
    }

    /// From now on the segment is this file's, and the name of its former one says nothing of it.
    fn begins_at(&mut self, at: usize, file: &Found) {
        let id = self.known.segments[at].id;
        let tasks = self.outcome.tasks.iter_mut().filter(|task| task.known == Some(id));
        tasks.for_each(|task| task.first_path.clone_from(&file.path));
        let updates = self.outcome.updates.iter_mut().filter(|update| update.id == id);
        updates.for_each(|update| update.first_path.clone_from(&file.path));
    }

    /// Decodes the compressed ones among several files that may be one segment, to know their lengths.
    fn measure(&self, contenders: &mut [Contender<'p>]) {
        let mut files: HashMap<usize, usize> = HashMap::new();
        contenders.iter().for_each(|contender| *files.entry(contender.at).or_default() += 1);
        for contender in contenders.iter_mut().filter(|contender| files[&contender.at] > 1) {
            if contender.length.is_none() {
                let length = Probe::open(contender.file).and_then(|probe| probe.length());
                contender.length = length.ok();
            }
        }
    }

    /// A file with another log's name that begins with the few bytes that were all of a log is taken for it, with a word.
    fn note_assumption(&mut self, at: usize, file: &Found) {
        let segment = &self.known.segments[at];
        let (was, is) = (RotatedName::of(&segment.first_path), RotatedName::of(&file.path));
        let is_expected = has_live_name(segment, file) || was.is_sibling_of(&is);
        if segment.offset < STRONG_BYTES && !is_expected {
            self.outcome.assumed.push(Assumed {
                path: file.path.clone(),
                original: segment.path.clone(),
                bytes: segment.offset,
            });
        }
    }
}

/// Whether the name is one that editors give to what a file was.
fn has_backup_name(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    [".bak", "~", ".orig"].iter().any(|ending| name.ends_with(ending))
}
