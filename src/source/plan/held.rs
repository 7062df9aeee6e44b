//! Rule 6: files that are held open and that no path leads to any more.
//!
//! Such a file has a tail that nobody can read any more, or its bytes live on elsewhere: it was compressed, or copied,
//! and then deleted. Then the file that discovery found stands for the segment, and only what the held one has beyond
//! it is read, as a segment of its own, once the other was read to its end.

use super::Planner;
use crate::source::known::{Claim, STRONG_BYTES};
use crate::source::probe::{Place, Probe};
use crate::source::relation::{Overlap, Relation};
use crate::source::segment::QUIET;
use crate::source::{Found, SourceError};

impl<'p> Planner<'p> {
    /// Plans what only this file has.
    pub(super) fn held(&mut self, file: &'p Found) {
        if file.size == 0 {
            return self.nothing_left(file);
        }
        if self.by_hint(file) {
            return;
        }
        let planned = Probe::open(file).and_then(|probe| {
            if self.is_destroyed(file, &probe) || probe.no_log().is_some() {
                self.outcome.spent.push(file.clone());
            } else if !self.held_by_content(file, &probe)? && !self.is_read_as_new(&probe)? {
                self.go_on(&probe, None, Place::start())?;
            }
            Ok(())
        });
        if let Err(error) = planned {
            self.problem(file, error);
        }
    }

    /// Whether it is a known segment, be it that another file stands for that one by now.
    fn held_by_content(&mut self, file: &'p Found, probe: &Probe) -> Result<bool, SourceError> {
        for at in self.known.beginning_like(probe) {
            let segment = &self.known.segments[at];
            match self.relation(probe, segment)? {
                Relation::Differs => continue,
                Relation::Begins(_) | Relation::Continues(_) if self.is_next(file, at) => continue,
                Relation::Begins(_) => self.nothing_left(file),
                Relation::Continues(place) if self.known.claim_of(at).is_none() => {
                    let rest = self.go_on(probe, Some(segment), place)?;
                    self.known.claim(at, file, rest);
                }
                Relation::Continues(place) if place.at_end => self.nothing_left(file),
                Relation::Continues(place) if self.is_idle(at) => {
                    self.go_on(probe, None, place)?;
                }
                // The file that stands for the segment is read first.
                Relation::Continues(_) => {}
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether a segment is the log that came in the place of the held file, and begins with the same few bytes.
    fn is_next(&self, file: &Found, at: usize) -> bool {
        let is_in_its_place =
            |claim: Claim<'_>| claim.file.path == file.path && claim.file.key() != file.key();
        file.size < STRONG_BYTES && self.known.claim_of(at).is_some_and(is_in_its_place)
    }

    /// Whether another file with its bytes is read for the first time in this batch: a log that was rotated and
    /// compressed before anybody looked.
    fn is_read_as_new(&self, probe: &Probe) -> Result<bool, SourceError> {
        let rank = probe.rank();
        for task in &self.outcome.tasks {
            let is_next = task.found.path == probe.found.path && probe.found.size < STRONG_BYTES;
            if task.known.is_none()
                && task.rank == rank
                && !is_next
                && probe.overlap(&Probe::open(&task.found)?)? != Overlap::None
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes that a held file was read to its end, if it is quiet by now, or nobody will look again.
    pub(super) fn nothing_left(&mut self, file: &Found) {
        let is_quiet = || file.quiet(self.rules.now).is_some_and(|quiet| quiet >= QUIET);
        if file.held.is_some() && (self.rules.leaving || is_quiet()) {
            self.outcome.spent.push(file.clone());
        }
    }
}
