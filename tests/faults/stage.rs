//! A job with small logs that can be set back to where it stood before a batch.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::input;
use crate::kept;
use crate::mariadb::Table;
use crate::site::{self, Contents, Row, Site};
use crate::strace;

/// Two hours in some partitions; small, since each trial runs the job twice.
const LINES: u64 = 240;
const SECONDS: u64 = 25;

/// The job, and its state and outputs before the batch of the present phase.
pub struct Stage {
    pub site: Site,
    /// On the server, if the job writes there too.
    table: Option<Table>,
    before: TempDir,
    phase: usize,
    lines: u64,
}

/// What an undisturbed run of the phase leaves.
pub struct Expected {
    pub contents: Contents,
    /// Files of the summary before and after it.
    pub before: BTreeMap<PathBuf, Vec<u8>>,
    pub after: BTreeMap<PathBuf, Vec<u8>>,
    /// Records of the events, in whatever files.
    events_before: Vec<Row>,
    events_after: Vec<Row>,
    pub batch: u64,
}

/// The folders that a run changes.
const CHANGED: [&str; 2] = ["out", "state"];

impl Stage {
    /// Before the first batch.
    pub fn new() -> Stage {
        Stage::of_lines(LINES)
    }

    /// The same with a table on the server.
    pub fn with_table(table: Table, lines: Option<u64>) -> Stage {
        Stage::of(Some(table), lines.unwrap_or(LINES))
    }

    /// The same with other logs.
    pub fn of_lines(lines: u64) -> Stage {
        Stage::of(None, lines)
    }

    fn of(table: Option<Table>, lines: u64) -> Stage {
        let before = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
        let site = Site::new(table.as_ref());
        let stage = Stage { site, table, before, phase: 0, lines };
        stage.write_logs(0);
        stage.keep();
        stage
    }

    /// Goes on to the next batch.
    pub fn advance(&mut self) {
        self.restore();
        self.site.run_in_peace();
        self.phase += 1;
        self.write_logs(self.phase);
        self.keep();
    }

    /// What the logs get in a phase.
    pub fn write_logs(&self, phase: usize) {
        input::write_lines(&self.site.logs(), phase, self.lines, SECONDS);
    }

    /// Sets the job and its logs back.
    pub fn restart(&self) {
        self.restore();
        fs::remove_dir_all(self.site.logs()).expect("the logs are removed");
        fs::create_dir(self.site.logs()).expect("a folder");
        (0..=self.phase).for_each(|phase| self.write_logs(phase));
    }

    fn keep(&self) {
        for folder in CHANGED {
            copy(&self.site.path().join(folder), &self.before.path().join(folder));
        }
        if let Some(table) = self.table.as_ref().filter(|_| self.phase > 0) {
            kept::keep(table);
        }
    }

    /// Sets the job back.
    pub fn restore(&self) {
        for folder in CHANGED {
            copy(&self.before.path().join(folder), &self.site.path().join(folder));
        }
        if let Some(table) = &self.table {
            kept::restore(table);
        }
    }

    /// A file beside the job, for logs of the trial.
    pub fn log(&self, name: &str) -> PathBuf {
        self.before.path().join(name)
    }

    /// A run under strace, from where the phase begins.
    pub fn traced(&self, options: &[&str]) -> Output {
        let options: Vec<_> = options.iter().map(Into::into).collect();
        strace::output(&mut strace::command(&self.site, &self.log("trace"), &options))
    }

    /// The undisturbed run.
    pub fn expected(&self) -> Expected {
        self.restore();
        let (before, events_before) = (self.visible(), self.site.event_rows());
        self.site.run_in_peace();
        Expected {
            contents: self.site.contents(),
            before,
            after: self.visible(),
            events_before,
            events_after: self.site.event_rows(),
            batch: self.site.catalog_state().batch,
        }
    }

    fn visible(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = site::parquet_files(&self.site.path().join("out/summary")).into_iter();
        files.map(|path| (path.clone(), fs::read(&path).expect("a file"))).collect()
    }

    /// Each visible file of the summary is that of a whole batch: the one before, or the one that was disturbed. Of the events
    /// none is missing that was there, and none is there twice: their files may be merged ones or not yet.
    pub fn is_whole(&self, expected: &Expected) -> Result<(), String> {
        let now = self.visible();
        if let Some(gone) = expected.before.keys().find(|path| !now.contains_key(*path)) {
            return Err(format!("{} is gone", gone.display()));
        }
        for (path, bytes) in &now {
            if ![&expected.before, &expected.after]
                .iter()
                .any(|whole| whole.get(path) == Some(bytes))
            {
                return Err(format!("{} is of no whole batch", path.display()));
            }
        }
        let events = self.site.event_rows();
        match contains(&events, &expected.events_before)
            && contains(&expected.events_after, &events)
        {
            true => Ok(()),
            false => Err("events are missing, or twice there, or of no batch".to_owned()),
        }
    }

    /// The next run, undisturbed, brings the outputs to what they should be.
    pub fn completes(&self, expected: &Expected) -> Result<(), String> {
        let output = self.site.command(&[]).output().expect("logmill starts");
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(format!("the next run ended with {}: {words}", output.status));
        }
        self.equals(&expected.contents).map_err(|what| format!("after the next run {what}"))?;
        self.site.has_no_leftovers();
        Ok(())
    }

    /// Compares all outputs.
    pub fn equals(&self, expected: &Contents) -> Result<(), String> {
        let contents = self.site.contents();
        if contents != *expected {
            return Err(contents.diff(expected));
        }
        match self.table.as_ref().map(Table::rows) {
            Some(rows) if rows != expected.mysql_rows() => Err(format!(
                "the server's rows differ: {} of {}",
                rows.len(),
                expected.mysql_rows().len()
            )),
            _ => Ok(()),
        }
    }
}

/// Whether all of `some` are among `all`, each as often; both are sorted.
fn contains(all: &[Row], some: &[Row]) -> bool {
    let mut rest = all.iter();
    some.iter().all(|row| rest.any(|other| other == row))
}

/// Makes a folder like another one.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let Ok(entries) = fs::read_dir(from) else { return };
    fs::create_dir_all(to).expect("a folder");
    for entry in entries {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).expect("an entry");
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).expect("a copy")),
        }
    }
}

/// How many trials: what the variable says (0 or `all` for all there are), else the ordinary number.
pub fn trials(variable: &str, ordinary: usize) -> usize {
    match std::env::var(variable).ok().as_deref() {
        None | Some("") => ordinary,
        Some("0" | "all") => usize::MAX,
        Some(number) => {
            number.parse().unwrap_or_else(|_| panic!("{variable}={number} is no number"))
        }
    }
}

/// So many of them, spread over all.
pub fn spread<T>(all: Vec<T>, count: usize) -> Vec<T> {
    let (total, mut taken) = (all.len(), 0);
    let keep = |(at, item)| {
        let due = (at + 1) * count.min(total) / total.max(1);
        let keep = due > taken;
        taken = due;
        keep.then_some(item)
    };
    all.into_iter().enumerate().filter_map(keep).collect()
}
