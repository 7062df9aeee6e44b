//! What wakes a job: its interval; or, before that, much that is new. Files that come, go or are renamed are told by inotify,
//! and held at once, during a batch too, since a log may come and go while one is made. What is written is not told: at
//! thousands of lines a second that would be thousands of events, and a look at the sizes a few times a second tells as much.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use inotify::{Inotify, WatchMask};

use super::super::RunError;
use super::super::inputs::{Inputs, find_logs};
use super::super::watchlist::Watchlist;
use super::is_stopped;
use crate::limits::{WATCH_BYTES, WATCH_LOOK, WATCH_NAP};
use crate::plan::Plan;
use crate::source::Found;

/// The folders of a job's files, watched.
pub(super) struct Tick<'p> {
    plan: &'p Plan,
    /// `None` where the system grants no instance or watch: then files are held at each batch only.
    inotify: Option<Inotify>,
    watched: HashSet<PathBuf>,
    /// Files came or went while a batch was made.
    has_more: bool,
}

/// A rotation may go on while files are listed and opened.
const LOOKS_MAX: usize = 3;

impl<'p> Tick<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        Tick { plan, inotify: Inotify::init().ok(), watched: HashSet::new(), has_more: false }
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
            let has_more = std::mem::take(&mut self.has_more) | self.has_events();
            if has_more || (left > WATCH_LOOK && looked.elapsed() > WATCH_LOOK) {
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

    /// Does `work`, and meanwhile opens files that come; they are to be held.
    pub(super) fn during<T>(
        &mut self,
        list: Watchlist,
        work: impl FnOnce() -> T,
    ) -> (T, Vec<Found>) {
        if self.inotify.is_none() {
            return (work(), Vec::new());
        }
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let open = || self.open_new(list, &is_done);
            // Where no thread is to be had, files are held before and after only.
            let opener = std::thread::Builder::new().spawn_scoped(scope, open).ok();
            let thread = opener.as_ref().map(|opener| opener.thread().clone());
            let done = Done { is_done: &is_done, thread };
            let result = work();
            drop(done);
            let new = opener.map(|opener| opener.join().unwrap_or_else(|bug| resume_unwind(bug)));
            (result, new.unwrap_or_default())
        })
    }

    /// Opens files that come, until the work is done.
    fn open_new(&mut self, mut list: Watchlist, is_done: &AtomicBool) -> Vec<Found> {
        let (mut new, mut nap) = (Vec::new(), WATCH_NAP);
        while !is_done.load(Ordering::Acquire) {
            std::thread::park_timeout(nap);
            if !self.has_events() {
                continue;
            }
            self.has_more = true;
            let began = Instant::now();
            for _ in 0..LOOKS_MAX {
                // What can't be listed the next look tells of.
                let Ok(found) = find_logs(self.plan) else { break };
                let folders = found.files.iter().filter_map(|file| file.path.parent());
                let are_new = self.watch_all(folders.map(Path::to_owned));
                if list.open_new(&found.files, &mut new) && !are_new {
                    break;
                }
            }
            // The work needs the processor more.
            nap = WATCH_NAP.max(4 * began.elapsed());
        }
        new
    }

    /// Watches the folders in which files are, and those in which the globs begin.
    pub(super) fn watch(&mut self, inputs: &Inputs) {
        let begin = self.plan.source.globs.iter();
        let begin = begin.map(|glob| literal_folder(&self.plan.source.base.join(glob)));
        self.watch_all(begin.chain(inputs.folders().map(Path::to_owned)));
    }

    /// Watches folders; whether one was not watched before.
    fn watch_all(&mut self, folders: impl Iterator<Item = PathBuf>) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let mut are_new = false;
        for folder in folders {
            if !self.watched.contains(&folder) {
                let mask = WatchMask::CREATE | WatchMask::MOVE | WatchMask::DELETE;
                // One that is not there yet, or can't be watched, is looked at with each batch all the same.
                if inotify.watches().add(&folder, mask).is_ok() {
                    self.watched.insert(folder);
                    are_new = true;
                }
            }
        }
        are_new
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
    use crate::driver::testing::plan_in;

    /// Whether this process has the file open.
    fn is_open(path: &Path) -> bool {
        let open = fs::read_dir("/proc/self/fd").expect("descriptors").flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target == path)
    }

    /// Makes a file, and removes it when somebody has it open.
    fn come_and_go(path: &Path) {
        fs::write(path, "one\n").expect("a log");
        let until = Instant::now() + Duration::from_secs(30);
        while !is_open(path) {
            assert!(Instant::now() < until, "nobody opens it");
            std::thread::sleep(Duration::from_millis(1));
        }
        fs::remove_file(path).expect("removed");
    }

    fn held(inputs: &mut Inputs, plan: &Plan) -> Vec<Found> {
        let files = inputs.look(plan, None).expect("a look").files;
        files.into_iter().filter(|found| found.held.is_some()).collect()
    }

    #[test]
    fn a_file_that_comes_and_goes_during_a_batch_is_held() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let plan = plan_in(&path);
        fs::write(path.join("known.log"), "known\n").expect("a log");
        let (mut inputs, mut tick) = (Inputs::holding(), Tick::new(&plan));
        inputs.look(&plan, None).expect("a look");
        tick.watch(&inputs);
        for log in ["a.log", "b.log"] {
            let ((), came) = tick.during(inputs.watchlist(), || come_and_go(&path.join(log)));
            assert_eq!(came.len(), 1);
            inputs.take(came);
        }
        assert_eq!(held(&mut inputs, &plan).len(), 2);
        assert_eq!(inputs.deleted().load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_known_file_that_was_let_go_and_is_written_to_during_a_batch_is_held() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let plan = plan_in(&path);
        fs::write(path.join("a.log"), "one\n").expect("a log");
        let (mut inputs, mut tick) = (Inputs::holding(), Tick::new(&plan));
        let files = inputs.look(&plan, None).expect("a look").files;
        inputs.release(&files);
        tick.watch(&inputs);
        assert!(!is_open(&path.join("a.log")));
        let ((), came) = tick.during(inputs.watchlist(), || {
            fs::write(path.join("a.log"), "one\ntwo\n").expect("written");
            fs::rename(path.join("a.log"), path.join("a.1.log")).expect("renamed");
            come_and_go(&path.join("b.log"));
        });
        assert_eq!(came.len(), 2);
    }

    #[test]
    fn what_the_job_writes_is_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let plan = plan_in(&path);
        let (mut inputs, mut tick) = (Inputs::holding(), Tick::new(&plan));
        inputs.look(&plan, None).expect("a look");
        tick.watch(&inputs);
        let ((), came) = tick.during(inputs.watchlist(), || {
            // To close a descriptor of a database would end SQLite's locks on it.
            fs::write(path.join("out.db"), "a database").expect("a file");
            come_and_go(&path.join("a.log"));
        });
        assert_eq!(
            came.iter().map(|file| file.path.as_path()).collect::<Vec<_>>(),
            [path.join("a.log")]
        );
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
