//! A run that is stopped at a call, as by SIGSTOP or a virtual machine that is paused, and goes on later.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::points::Point;
use crate::stage::Stage;
use crate::strace;

/// How long a run may take to come to its call, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The run.
pub struct Zombie {
    strace: Child,
    log: PathBuf,
    words: PathBuf,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    /// What it said.
    pub words: String,
}

impl Zombie {
    /// Starts a run that stops itself right behind a call.
    pub fn start(stage: &Stage, name: &str, point: &Point) -> Zombie {
        let (log, words) = (stage.log(name), stage.log(&format!("{name}.words")));
        // What an earlier run left there would be taken for this one's.
        let _ = std::fs::remove_file(&log);
        let mut options = point.options("signal=SIGSTOP");
        options.extend(["-e".to_owned(), "signal=SIGSTOP".to_owned()]);
        let options: Vec<_> = options.into_iter().map(Into::into).collect();
        let mut command = strace::command(&stage.site, &log, &options);
        command.stderr(File::create(&words).expect("a file"));
        let strace = command
            .spawn()
            .expect("strace can be run (apt-get install strace; scripts/test does so as root)");
        Zombie { strace, log, words }
    }

    /// Waits until it stands still; false where it ended without coming to its call.
    pub fn stops(&mut self) -> bool {
        let started = Instant::now();
        loop {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            if log.contains("stopped by SIGSTOP") {
                // The other threads stop as soon as they are seen to.
                std::thread::sleep(Duration::from_millis(20));
                return true;
            }
            if self.strace.try_wait().expect("a child").is_some() {
                return false;
            }
            assert!(started.elapsed() < PATIENCE, "a run neither stopped nor ended");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Lets it go on to its end.
    pub fn goes_on(mut self) -> Ended {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.strace.try_wait().expect("a child") {
                break status.code();
            }
            assert!(started.elapsed() < PATIENCE, "a run that was woken did not end");
            // Again and again: strace counts the calls of each thread, so that another one may stop the run once more.
            self.signal("CONT");
            std::thread::sleep(Duration::from_millis(20));
        };
        Ended { status, words: std::fs::read_to_string(&self.words).unwrap_or_default() }
    }

    /// Sends the run itself a signal, if it is there.
    fn signal(&self, signal: &str) {
        let strace = self.strace.id();
        let children = std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            send(signal, child);
        }
    }
}

impl Drop for Zombie {
    fn drop(&mut self) {
        if matches!(self.strace.try_wait(), Ok(None)) {
            self.signal("KILL");
            let _ = self.strace.kill();
            let _ = self.strace.wait();
        }
    }
}

/// Sends a signal to a process, which may be gone.
pub fn send(signal: &str, process: &str) {
    let line = "kill -s \"$0\" \"$1\" 2>/dev/null || true";
    let status = Command::new("sh").args(["-c", line, signal, process]).status();
    assert!(status.expect("a shell").success(), "SIG{signal} to {process}");
}
