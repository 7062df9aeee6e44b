//! Rule 6: files that are held open and that no path leads to any more.
//!
//! Such a file has a tail that nobody can read any more, or its bytes live on elsewhere: it was compressed, or copied,
//! and then deleted. Then the file that discovery found stands for the segment, and only what the held one has beyond
//! it is read, as a segment of its own, once the other was read to its end.

use super::Planner;
use crate::source::known::{STRONG_BYTES, is_plausible_for_held};
use crate::source::probe::{Place, Probe};
use crate::source::segment::QUIET;
use crate::source::siblings::begins_with;
use crate::source::{Found, SourceError};

impl Planner<'_> {
    /// Plans what only this file has.
    pub(super) fn held(&mut self, file: &Found) {
        if file.size == 0 {
            return self.nothing_left(file);
        }
        if self.by_hint(file) {
            return;
        }
        let planned = Probe::open(file).and_then(|probe| match self.held_by_content(&probe)? {
            true => Ok(()),
            false if self.is_read_as_new(&probe)? => Ok(()),
            false => self.go_on(&probe, None, Place::start()),
        });
        if let Err(error) = planned {
            self.problem(file, error);
        }
    }

    /// Whether it is a known segment, be it that another file stands for that one by now.
    fn held_by_content(&mut self, probe: &Probe) -> Result<bool, SourceError> {
        for at in self.known.with_head_of(probe) {
            let segment = &self.known.segments[at];
            if !is_plausible_for_held(segment, probe) {
                continue;
            }
            let Some(place) = probe.continues(segment)? else { continue };
            if !self.known.is_claimed(at) {
                self.go_on(probe, Some(segment), place)?;
                self.known.claim(at);
            } else if place.at_end {
                self.nothing_left(&probe.found);
            } else if self.known.is_idle(at) {
                self.go_on(probe, None, place)?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether another file with its bytes is read for the first time in this batch: a log that was rotated and
    /// compressed before anybody looked.
    fn is_read_as_new(&self, probe: &Probe) -> Result<bool, SourceError> {
        let rank = probe.rank();
        for task in &self.outcome.tasks {
            if task.known.is_none()
                && task.rank == rank
                && is_copy(probe, &Probe::open(&task.found)?)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes that a held file was read to its end, if it is quiet by now.
    pub(super) fn nothing_left(&mut self, file: &Found) {
        let is_quiet = || file.quiet(self.rules.now).is_some_and(|quiet| quiet >= QUIET);
        if file.held.is_some() && is_quiet() {
            self.outcome.spent.push(file.clone());
        }
    }
}

/// Whether one of them is a copy of the other; one is held. Of plain files many equal bytes are proof, and few are none.
fn is_copy(held: &Probe, other: &Probe) -> Result<bool, SourceError> {
    let is_plain = |probe: &Probe| !probe.compression.is_compressed();
    let (original, copy) = if is_plain(held) { (held, other) } else { (other, held) };
    Ok((!is_plain(copy) || copy.found.size >= STRONG_BYTES) && begins_with(original, copy)?)
}
