//! What wakes a job: its interval; or, before that, much that is new. Files that come, go or are renamed are told by inotify,
//! and held at once. What is written is not: at thousands of lines a second that would be thousands of events, and a look at
//! the sizes a few times a second tells as much.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use inotify::{Inotify, WatchMask};

use super::super::RunError;
use super::super::inputs::Inputs;
use super::is_stopped;
use crate::limits::{WATCH_BYTES, WATCH_LOOK, WATCH_NAP};
use crate::plan::Plan;

/// The folders of a job's files, watched.
pub(super) struct Tick<'p> {
    plan: &'p Plan,
    /// `None` where the system grants no instance or watch: then files are held at each batch only.
    inotify: Option<Inotify>,
    watched: HashSet<PathBuf>,
}

impl<'p> Tick<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        Tick { plan, inotify: Inotify::init().ok(), watched: HashSet::new() }
    }

    /// Waits for the time of the next batch, and holds files that come meanwhile. Much that is new ends the wait, and so
    /// does `stop`.
    pub(super) fn wait(
        &mut self,
        until: Instant,
        inputs: &mut Inputs,
        stop: &AtomicBool,
    ) -> Result<(), RunError> {
        self.watch(inputs);
        let (bytes, mut looked) = (inputs.bytes_found(), Instant::now());
        while !is_stopped(stop) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(WATCH_NAP));
            if self.has_events() || (left > WATCH_LOOK && looked.elapsed() > WATCH_LOOK) {
                inputs.look(self.plan, None)?;
                self.watch(inputs);
                looked = Instant::now();
                if inputs.bytes_found().saturating_sub(bytes) >= WATCH_BYTES {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Watches the folders in which files are, and those in which the globs begin.
    fn watch(&mut self, inputs: &Inputs) {
        let Some(inotify) = &self.inotify else { return };
        let begin = self.plan.source.globs.iter();
        let begin = begin.map(|glob| literal_folder(&self.plan.source.base.join(glob)));
        for folder in begin.chain(inputs.folders().map(Path::to_owned)) {
            if !self.watched.contains(&folder) {
                let mask = WatchMask::CREATE | WatchMask::MOVE | WatchMask::DELETE;
                // One that is not there yet, or can't be watched, is looked at with each batch all the same.
                if inotify.watches().add(&folder, mask).is_ok() {
                    self.watched.insert(folder);
                }
            }
        }
    }

    fn has_events(&mut self) -> bool {
        let Some(inotify) = &mut self.inotify else { return false };
        let (mut buffer, mut any) = ([0; 16 << 10], false);
        while let Ok(mut events) = inotify.read_events(&mut buffer) {
            let gone = |event: &inotify::Event<_>| event.mask.contains(inotify::EventMask::IGNORED);
            let Some(first) = events.next() else { break };
            any = true;
            // A folder that was removed may come again under its name.
            if gone(&first) || events.any(|event| gone(&event)) {
                self.watched.clear();
            }
        }
        any
    }
}

/// The folder up to the first part of a glob that is a pattern.
fn literal_folder(glob: &Path) -> PathBuf {
    let is_literal = |part: &std::path::Component<'_>| {
        !part.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[{".contains(byte))
    };
    let literal: PathBuf = glob.components().take_while(is_literal).collect();
    match literal == glob {
        true => literal.parent().map(Path::to_owned).unwrap_or_default(),
        false => literal,
    }
}

/// The start of the next batch after one that began at `began`: never sooner than now, and without a backlog of ticks.
pub(super) fn next(began: Instant, every: Duration) -> Instant {
    (began + every).max(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_begin_in_a_folder() {
        for (glob, folder) in [
            ("/var/log/nginx/access.log*", "/var/log/nginx"),
            ("/var/log/*/access.log", "/var/log"),
            ("/var/log/app.log", "/var/log"),
            ("logs/**/x[0-9].log", "logs"),
        ] {
            assert_eq!(literal_folder(Path::new(glob)), Path::new(folder), "{glob}");
        }
    }
}
