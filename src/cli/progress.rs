//! The progress bar of `run`.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use logmill::driver::Progress;

/// `--progress`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal
    Auto,
    /// Also where stderr is no terminal
    Always,
    /// Not at all
    Never,
}

/// A bar on stderr: bytes, lines a second, time left.
pub(super) struct Bar {
    name: String,
    bar: ProgressBar,
    /// Where it is drawn from its first word on: several jobs have each a bar, and one place.
    target: Mutex<Option<ProgressDrawTarget>>,
    lines: AtomicU64,
}

impl Bar {
    /// A bar for a job; hidden unless asked for or on a terminal.
    pub(super) fn new(name: &str, when: When) -> Bar {
        let target = match when {
            When::Never => ProgressDrawTarget::hidden(),
            // Ten times a second is as fast as eyes are.
            When::Auto => ProgressDrawTarget::stderr_with_hz(10),
            When::Always => ProgressDrawTarget::term_like_with_hz(Box::new(Stderr), 10),
        };
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(
            "{prefix} [{bar:30}] {bytes}/{total_bytes} {binary_bytes_per_sec} {msg} left {eta}",
        );
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(name.to_owned());
        let (target, lines) = (Mutex::new(Some(target)), AtomicU64::new(0));
        Bar { name: name.to_owned(), bar, target, lines }
    }

    fn show(&self) {
        let target = self.target.lock().ok().and_then(|mut target| target.take());
        if let Some(target) = target {
            self.bar.set_draw_target(target);
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A stderr that is drawn on although it is no terminal.
#[derive(Debug)]
struct Stderr;

impl TermLike for Stderr {
    fn width(&self) -> u16 {
        100
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.write_str(&"\x1b[1A".repeat(lines))
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.write_str(&"\x1b[1B".repeat(lines))
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.write_str(&"\x1b[1C".repeat(columns))
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.write_str(&"\x1b[1D".repeat(columns))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.write_str("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        io::stderr().write_all(text.as_bytes())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl Progress for Bar {
    fn start(&self, bytes: u64) {
        self.show();
        self.bar.set_length(bytes);
        self.bar.set_position(0);
        self.bar.reset_elapsed();
        self.lines.store(0, Ordering::Relaxed);
        // It is a thread of its own.
        if !self.bar.is_hidden() {
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
    }

    fn with_others(&self, others: usize) {
        if others > 0 {
            self.bar.set_prefix(format!("{} and {others} more", self.name));
        }
    }

    fn read(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn lines(&self, lines: u64) {
        let lines = self.lines.fetch_add(lines, Ordering::Relaxed) + lines;
        let seconds = self.bar.elapsed().as_secs_f64();
        if seconds > 0.1 && !self.bar.is_hidden() {
            let rate = (lines as f64 / seconds) as u64;
            self.bar.set_message(format!("{} lines/s", super::output::count(rate)));
        }
    }

    fn stage(&self, name: &'static str) {
        self.show();
        self.bar.set_prefix(self.name.clone());
        self.bar.set_message(name);
    }
}
