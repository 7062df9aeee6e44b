//! Somebody who writes a log: lines and halves of lines, rotations by rename and by copy and truncation, compression.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::lines::{self, Random};

/// What was written in the end.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    pub lines: u64,
    pub rotations: u64,
}

pub struct Writer {
    stop: Arc<AtomicBool>,
    /// Lines that are written whole, or are being written.
    pub lines: Arc<AtomicU64>,
    thread: JoinHandle<Written>,
}

impl Writer {
    /// Starts to write `access.log` in a folder, with such pauses.
    pub fn start(folder: &Path, pause: Duration) -> Writer {
        let (stop, lines) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut scribe = Scribe {
            folder: folder.to_owned(),
            random: Random::new(7),
            next: 0,
            rotations: 0,
            lines: Arc::clone(&lines),
        };
        let flag = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !flag.load(Ordering::Relaxed) {
                scribe.step();
                std::thread::sleep(pause);
            }
            Written { lines: scribe.next, rotations: scribe.rotations }
        });
        Writer { stop, lines, thread }
    }

    pub fn stop(self) -> Written {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the writer is well")
    }
}

struct Scribe {
    folder: PathBuf,
    random: Random,
    next: u64,
    rotations: u64,
    lines: Arc<AtomicU64>,
}

impl Scribe {
    fn live(&self) -> PathBuf {
        self.folder.join("access.log")
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0 => self.rotate(),
            1 => self.copytruncate(),
            2..12 => self.write_in_two(),
            _ => {
                let count = self.random.below(40) + 1;
                let text = self.take(count);
                lines::append(&self.live(), &text);
            }
        }
    }

    fn take(&mut self, count: u64) -> String {
        let text = lines::text(self.next, count);
        self.next += count;
        self.lines.store(self.next, Ordering::SeqCst);
        text
    }

    /// A writer is stopped in the middle of a line.
    fn write_in_two(&mut self) {
        let text = self.take(3);
        let cut = self.random.below(text.len() as u64) as usize;
        lines::append(&self.live(), &text[..cut]);
        std::thread::sleep(Duration::from_millis(self.random.below(30)));
        lines::append(&self.live(), &text[cut..]);
    }

    /// Names with a date and a number: unique, and in the order of time.
    fn next_name(&mut self) -> PathBuf {
        self.rotations += 1;
        self.folder.join(format!("access.log-20261122.{:06}", self.rotations))
    }

    fn rotate(&mut self) {
        if !self.live().exists() {
            return;
        }
        let name = self.next_name();
        std::fs::rename(self.live(), &name).expect("renamed");
        if self.random.below(2) == 0 {
            // What still goes to the renamed file, as of a server that was not told yet.
            let text = self.take(2);
            lines::append(&name, &text);
        }
        if self.random.below(2) == 0 {
            let done = Command::new("gzip").arg("-1").arg(&name).status().expect("gzip");
            assert!(done.success());
        }
    }

    /// Between the copy and the truncation nobody writes.
    fn copytruncate(&mut self) {
        if !self.live().exists() {
            return;
        }
        let name = self.next_name();
        std::fs::copy(self.live(), &name).expect("copied");
        std::thread::sleep(Duration::from_millis(self.random.below(30)));
        let log = std::fs::File::options().write(true).open(self.live()).expect("the log");
        log.set_len(0).expect("truncated");
    }
}
