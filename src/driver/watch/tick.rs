//! What wakes a job: its interval; or, before that, much that is new. Files that come, go or are renamed are told by inotify,
//! and held at once, during a batch too: a log may come and go while one is made. What is written is not: at thousands of lines a second that would be thousands of events, and a look at
//! the sizes a few times a second tells as much.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use inotify::{Inotify, WatchMask};

use super::super::RunError;
use super::super::inputs::Inputs;
use super::is_stopped;
use crate::limits::{WATCH_BYTES, WATCH_LOOK, WATCH_NAP};
use crate::plan::Plan;
use crate::source::{self, Found};

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

    /// Does `work`, and meanwhile opens files that come and are not `known`, `room` of them at most; they are to be held.
    pub(super) fn during<T>(
        &mut self,
        known: HashSet<(u64, u64)>,
        room: usize,
        work: impl FnOnce() -> T,
    ) -> (T, Vec<Found>) {
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let open = || self.open_new(known, room, &is_done);
            // Where no thread is to be had, files are held before and after only.
            let opener = std::thread::Builder::new().spawn_scoped(scope, open).ok();
            let thread = opener.as_ref().map(|opener| opener.thread().clone());
            let done = Done { is_done: &is_done, thread };
            let result = work();
            drop(done);
            (result, opener.and_then(|opener| opener.join().ok()).unwrap_or_default())
        })
    }

    /// Opens files that come, until the work is done.
    fn open_new(
        &mut self,
        mut known: HashSet<(u64, u64)>,
        room: usize,
        is_done: &AtomicBool,
    ) -> Vec<Found> {
        let mut new = Vec::new();
        while !is_done.load(Ordering::Acquire) {
            std::thread::park_timeout(WATCH_NAP);
            if !self.has_events() {
                continue;
            }
            let (globs, base) = (&self.plan.source.globs, &self.plan.source.base);
            // What is wrong with them the next look tells.
            let found = source::discover(globs, base).map(|found| found.files).unwrap_or_default();
            let came = found.iter().filter(|file| known.insert(file.key()));
            let left = room.saturating_sub(new.len());
            new.extend(came.filter_map(|file| source::opened(&file.path)).take(left));
        }
        new
    }

    /// Watches the folders in which files are, and those in which the globs begin.
    pub(super) fn watch(&mut self, inputs: &Inputs) {
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

/// Says that the work is done, be it by a panic.
struct Done<'d> {
    is_done: &'d AtomicBool,
    thread: Option<Thread>,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.is_done.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
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
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::plan::{self, Overrides};

    const JOB: &str = "name = \"tick\"\n[source]\npaths = [\"*.log\"]\nformat = \"lines\"\n\
                       [reduce]\nby = []\n[reduce.measures]\nn = \"count(*)\"\n[output.sqlite]\npath = \"out.db\"\n";

    /// Whether this process has the file open.
    fn is_open(path: &Path) -> bool {
        let open = fs::read_dir("/proc/self/fd").expect("descriptors").flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target == path)
    }

    #[test]
    fn a_file_that_comes_and_goes_during_a_batch_is_held() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tick.toml");
        fs::write(&file, JOB).expect("the job is written");
        let job = crate::job::load(&file).expect("a job");
        let plan = plan::compile(&job, &Overrides::default(), None).expect("a plan");
        fs::write(folder.path().join("known.log"), "known\n").expect("a log");
        let (mut inputs, mut tick) = (Inputs::holding(), Tick::new(&plan));
        inputs.look(&plan, None).expect("a look");
        tick.watch(&inputs);
        let log = folder.path().canonicalize().expect("a path").join("short.log");
        let (seen, came) = tick.during(inputs.keys().clone(), inputs.room(), || {
            fs::write(&log, "one\n").expect("a log");
            let until = Instant::now() + Duration::from_secs(30);
            while !is_open(&log) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
            let seen = is_open(&log);
            fs::remove_file(&log).expect("removed");
            seen
        });
        assert!(seen);
        assert_eq!(came.len(), 1);
        inputs.take(came);
        let missing: Vec<_> = inputs.look(&plan, None).expect("a look").files;
        assert_eq!(missing.iter().filter(|found| found.held.is_some()).count(), 1);
    }

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
