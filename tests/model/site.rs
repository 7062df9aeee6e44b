//! A folder with logs to which steps happen, and the model's view of them.

use std::fs::{self, File};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use logmill::catalog::Catalog;
use logmill::driver::{self, NoProgress, Options, Outcome};
use logmill::fault;
use logmill::plan::{self, Overrides, Plan};
use logmill::source::IoMode;
use tempfile::TempDir;

use crate::lines::{Counted, Generation, LINE_BYTES_MAX, N_MIN, line};
use crate::step::{LOGS, Step};

/// So much of a line tells it apart.
const FIRST_PERCENT_MIN: usize = 70;

/// One log: which generations its files are.
struct Log {
    name: String,
    /// The live one.
    live: usize,
    /// The rest of a line of which a part is written.
    pending: String,
    /// Rotated files, the youngest first.
    rotated: Vec<Rotated>,
}

struct Rotated {
    generation: usize,
    /// `.gz`, `.zst` or nothing.
    ending: &'static str,
    /// Of a file that was copied too early: so many bytes of the generation.
    cut: Option<usize>,
}

/// Everything.
pub struct Site {
    folder: TempDir,
    plan: Plan,
    logs: Vec<Log>,
    generations: Vec<Generation>,
    /// Bytes of each generation at the last run that was not killed.
    read: Vec<usize>,
    lines: u64,
    backups: usize,
    /// What was copied last of a log that lies elsewhere, and how many copies there are.
    snapshot: Option<usize>,
    snapshots: usize,
    /// A log that is not whole anywhere any more was truncated: that what followed is gone may be told.
    gap_is_due: bool,
    /// The time of the next write: steps never fall into one tick of a file system's clock.
    clock: SystemTime,
    /// A fault point that one test arms would kill another's run.
    _alone: MutexGuard<'static, ()>,
}

static ONE_SITE: Mutex<()> = Mutex::new(());

impl Site {
    /// A site with empty logs. In memory where there is such a place: a run makes files durable.
    pub fn new() -> Site {
        let alone = ONE_SITE.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let folder = folder.expect("a temporary folder");
        let file = folder.path().join("model.toml");
        let job = format!(
            "name = \"model\"\n[source]\npaths = [\"logs/*\"]\nformat = \"json\"\nfields = {{ id = \"text\", n = \"int\" }}\n\
             [map]\nwhere = \"n >= {N_MIN}\"\n[reduce]\nby = [\"id\"]\n[reduce.measures]\nhits = \"count(*)\"\n\
             total = \"sum(n)\"\n[output.sqlite]\npath = \"out.db\"\n[limits]\nline = \"{LINE_BYTES_MAX}\"\n"
        );
        fs::write(&file, job).expect("the job is written");
        fs::create_dir(folder.path().join("logs")).expect("a folder for logs");
        let job = logmill::job::load(&file).expect("a job");
        let plan = plan::compile(&job, &Overrides::default(), None).expect("a plan");
        let (generations, read) = (Vec::new(), Vec::new());
        let mut site = Site {
            folder,
            plan,
            logs: Vec::new(),
            generations,
            read,
            lines: 0,
            backups: 0,
            snapshot: None,
            snapshots: 0,
            gap_is_due: false,
            clock: SystemTime::now(),
            _alone: alone,
        };
        for log in 0..LOGS {
            let live = site.new_generation();
            let (name, rotated) = (format!("{log}.log"), Vec::new());
            site.logs.push(Log { name, live, pending: String::new(), rotated });
            site.truncate(log);
        }
        site
    }

    fn new_generation(&mut self) -> usize {
        self.generations.push(Generation::default());
        self.read.push(0);
        self.generations.len() - 1
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("logs").join(name)
    }

    /// One step.
    pub fn happen(&mut self, step: &Step) -> Result<(), String> {
        match *step {
            Step::Append { log, lines } => self.append(log, lines),
            Step::Partial { log, percent } => self.partial(log, percent),
            Step::Rotate { log, late_lines } => self.rotate(log, late_lines),
            Step::CopyTruncate { log, run_between } => self.copy_truncate(log, run_between)?,
            Step::CopyTruncateEarly { log, percent } => self.copy_truncate_early(log, percent)?,
            Step::Backup { log, nth, percent, name, pack } => {
                self.backup(log, nth, percent, (name, pack));
            }
            Step::Replace { log, nth } => self.replace(log, nth),
            Step::Refill { log, lines } => self.refill(log, lines)?,
            Step::Snapshot { lines, name } => self.snapshot(lines, name),
            Step::Pack { log, nth, zstd, keep_time } => self.pack(log, nth, zstd, keep_time),
            Step::DeleteOldest { log } => self.delete_oldest(log),
            Step::Run { threads, split_bytes, final_ } => {
                self.run(threads, Some(split_bytes), final_)?;
            }
            Step::Kill { point, pass } => self.kill(point, pass)?,
        }
        Ok(())
    }

    /// Writes at the next tick.
    fn write_to(&mut self, mut file: &File, bytes: &[u8]) {
        // Never behind the time at which a file was created.
        self.clock = (self.clock + Duration::from_millis(1)).max(SystemTime::now());
        let written = file.write_all(bytes).and_then(|()| file.set_modified(self.clock));
        written.expect("written");
    }

    fn write(&mut self, log: usize, text: &str) {
        let file = File::options().append(true).open(self.path(&self.logs[log].name));
        self.write_to(&file.expect("the live file"), text.as_bytes());
        self.generations[self.logs[log].live].bytes.extend_from_slice(text.as_bytes());
    }

    fn next_line(&mut self) -> String {
        self.lines += 1;
        line(self.lines)
    }

    /// The next line of the live file. The first one is told apart from all others by its content: what happens to
    /// logs that begin with the same few bytes is told in `source/mod.rs`, and tested there.
    fn next_live_line(&mut self, log: usize) -> String {
        let next = self.next_line();
        let is_first = self.generations[self.logs[log].live].bytes.is_empty();
        if is_first && next.trim().is_empty() { self.next_line() } else { next }
    }

    fn append(&mut self, log: usize, lines: usize) {
        let mut text = std::mem::take(&mut self.logs[log].pending);
        for _ in 0..lines {
            text += &self.next_live_line(log);
        }
        self.write(log, &text);
    }

    fn partial(&mut self, log: usize, percent: usize) {
        if self.logs[log].pending.is_empty() {
            self.logs[log].pending = self.next_live_line(log);
        }
        let is_first = self.generations[self.logs[log].live].bytes.is_empty();
        let percent = if is_first { percent.max(FIRST_PERCENT_MIN) } else { percent };
        let pending = &mut self.logs[log].pending;
        let rest = pending.split_off(pending.len() * percent / 100);
        let part = std::mem::replace(pending, rest);
        if !part.is_empty() {
            self.write(log, &part);
        }
    }

    /// Makes room for a new youngest rotated file.
    fn shift(&self, log: usize) {
        for (at, rotated) in self.logs[log].rotated.iter().enumerate().rev() {
            let name = |at| format!("{}.{}{}", self.logs[log].name, at + 1, rotated.ending);
            fs::rename(self.path(&name(at)), self.path(&name(at + 1))).expect("renamed");
        }
    }

    fn truncate(&mut self, log: usize) {
        let file = File::create(self.path(&self.logs[log].name)).expect("an empty file");
        self.write_to(&file, b"");
    }

    /// What was live is rotated from now on.
    fn begin_next(&mut self, log: usize) {
        let next = self.new_generation();
        let entry = &mut self.logs[log];
        let generation = std::mem::replace(&mut entry.live, next);
        entry.rotated.insert(0, Rotated { generation, ending: "", cut: None });
        entry.pending.clear();
    }

    fn rotate(&mut self, log: usize, late_lines: usize) {
        self.shift(log);
        let live = self.path(&self.logs[log].name);
        let rotated = self.path(&format!("{}.1", self.logs[log].name));
        let writer = File::options().append(true).open(&live).expect("the live file");
        fs::rename(&live, &rotated).expect("renamed");
        if late_lines > 0 {
            let mut text = std::mem::take(&mut self.logs[log].pending);
            (0..late_lines).for_each(|_| text += &self.next_line());
            self.write_to(&writer, text.as_bytes());
            let live = self.logs[log].live;
            self.generations[live].bytes.extend_from_slice(text.as_bytes());
        }
        self.begin_next(log);
        self.truncate(log);
    }

    fn copy_truncate(&mut self, log: usize, run_between: bool) -> Result<(), String> {
        self.shift(log);
        let copy = File::create(self.path(&format!("{}.1", self.logs[log].name)));
        let bytes = self.generations[self.logs[log].live].bytes.clone();
        self.write_to(&copy.expect("a new file"), &bytes);
        if run_between {
            self.run(1, None, false)?;
        }
        self.truncate(log);
        self.begin_next(log);
        Ok(())
    }

    /// The beginning of a generation: at least its first line, so that it is told apart.
    fn beginning(&self, generation: usize, percent: usize) -> Option<Vec<u8>> {
        let bytes = &self.generations[generation].bytes;
        let first = bytes.iter().position(|byte| *byte == b'\n')? + 1;
        let rest = (bytes.len() - first) * percent / 100;
        Some(bytes[..first + rest].to_vec())
    }

    fn copy_truncate_early(&mut self, log: usize, percent: usize) -> Result<(), String> {
        self.run(1, None, false)?;
        let generation = self.logs[log].live;
        let Some(bytes) = self.beginning(generation, percent) else { return Ok(()) };
        if !self.generations[generation].ends_well() {
            return Ok(());
        }
        self.shift(log);
        let copy = File::create(self.path(&format!("{}.1", self.logs[log].name)));
        self.write_to(&copy.expect("a new file"), &bytes);
        self.truncate(log);
        self.begin_next(log);
        self.logs[log].rotated[0].cut = Some(bytes.len());
        self.gap_is_due = true;
        Ok(())
    }

    fn backup(&mut self, log: usize, nth: usize, percent: usize, (name, pack): (usize, bool)) {
        let entry = &self.logs[log];
        let (generation, cut) = match nth.checked_sub(1) {
            None => (entry.live, None),
            Some(nth) => match entry.rotated.get(nth) {
                Some(rotated) => (rotated.generation, rotated.cut),
                None => return,
            },
        };
        let Some(mut bytes) = self.beginning(generation, percent) else { return };
        bytes.truncate(cut.unwrap_or(usize::MAX));
        self.backups += 1;
        let (n, log) = (self.backups, &self.logs[log].name);
        let names = [
            format!("{n}"),
            format!("{log}.bak{n}"),
            format!("{log}-{n}.log"),
            format!("a.{n}.old"),
        ];
        let mut path = self.path(&names[name]);
        if pack {
            bytes = zstd::encode_all(&bytes[..], 1).expect("memory");
            path.set_extension("zst");
        }
        let file = File::create(path).expect("a new file");
        self.write_to(&file, &bytes);
    }

    fn refill(&mut self, log: usize, lines: usize) -> Result<(), String> {
        self.run(1, None, false)?;
        let old = &self.generations[self.logs[log].live];
        if !old.ends_well() {
            return Ok(());
        }
        let again: Vec<u8> = old
            .bytes
            .split_inclusive(|byte| *byte == b'\n')
            .take(lines)
            .flatten()
            .copied()
            .collect();
        self.truncate(log);
        self.logs[log].live = self.new_generation();
        self.logs[log].pending.clear();
        self.gap_is_due = true;
        self.run(1, None, false)?;
        let text = String::from_utf8(again).expect("lines are text");
        self.write(log, &text);
        // What is read under another inode first is the old lines once more, as far as anybody can tell.
        self.run(1, None, false).map(drop)
    }

    fn snapshot(&mut self, lines: usize, name: usize) {
        let generation = self.snapshot.unwrap_or_else(|| self.new_generation());
        self.snapshot = Some(generation);
        for _ in 0..lines {
            let next = self.next_line();
            let bytes = &mut self.generations[generation].bytes;
            if !bytes.is_empty() || !next.trim().is_empty() {
                bytes.extend_from_slice(next.as_bytes());
            }
        }
        let bytes = self.generations[generation].bytes.clone();
        if bytes.is_empty() {
            return;
        }
        self.snapshots += 1;
        let n = self.snapshots;
        let names = [
            format!("s{n}"),
            format!("{}.snap", 1_000 - n),
            format!("snap-{n}.log"),
            format!("app.log.bak{n}"),
        ];
        let file = File::create(self.path(&names[name])).expect("a new file");
        self.write_to(&file, &bytes);
    }

    fn replace(&mut self, log: usize, nth: usize) {
        let path = match (nth, self.logs[log].rotated.get(nth.wrapping_sub(1))) {
            // Before it was read, an older file with the same content would be taken for the log.
            (0, _) if self.read[self.logs[log].live] == 0 => return,
            (0, _) => self.path(&self.logs[log].name),
            (_, Some(rotated)) => {
                self.path(&format!("{}.{nth}{}", self.logs[log].name, rotated.ending))
            }
            (_, None) => return,
        };
        let copy = self.folder.path().join("copy");
        fs::copy(&path, &copy).expect("copied");
        fs::rename(copy, path).expect("renamed");
    }

    fn pack(&mut self, log: usize, nth: usize, zstd: bool, keep_time: bool) {
        let Some(rotated) = self.logs[log].rotated.get(nth).filter(|r| r.ending.is_empty()) else {
            return;
        };
        let bytes = &self.generations[rotated.generation].bytes;
        let bytes = &bytes[..rotated.cut.unwrap_or(bytes.len())];
        let (ending, packed) = if zstd {
            (".zst", zstd::encode_all(bytes, 1).expect("memory"))
        } else {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).expect("memory");
            (".gz", encoder.finish().expect("memory"))
        };
        let plain = self.path(&format!("{}.{}", self.logs[log].name, nth + 1));
        let path = self.path(&format!("{}.{}{ending}", self.logs[log].name, nth + 1));
        let file = File::create(&path).expect("a new file");
        self.write_to(&file, &packed);
        if keep_time {
            let time = fs::metadata(&plain).and_then(|meta| meta.modified()).expect("a time");
            file.set_modified(time).expect("the original's time");
        }
        fs::remove_file(plain).expect("removed");
        self.logs[log].rotated[nth].ending = ending;
    }

    fn delete_oldest(&mut self, log: usize) {
        let Some(oldest) = self.logs[log].rotated.last() else { return };
        let generation = &self.generations[oldest.generation];
        if self.read[oldest.generation] < generation.bytes.len() || !generation.ends_well() {
            return;
        }
        let (number, ending) = (self.logs[log].rotated.len(), oldest.ending);
        let name = format!("{}.{number}{ending}", self.logs[log].name);
        fs::remove_file(self.path(&name)).expect("removed");
        self.logs[log].rotated.pop();
        // If no run saw it under its rotated name, something may have been written to it since.
        self.gap_is_due = true;
    }

    /// Generations that still have a file.
    fn present(&self) -> Vec<usize> {
        let of = |log: &Log| log.rotated.iter().map(|r| r.generation).chain([log.live]).collect();
        self.logs.iter().flat_map::<Vec<usize>, _>(of).chain(self.snapshot).collect()
    }

    fn options(&self, threads: usize, split_bytes: Option<u64>, final_: bool) -> Options {
        let state_dir = self.folder.path().join("state");
        Options { state_dir, final_, threads, io: IoMode::default(), split_bytes, adopt: false }
    }

    fn run(&mut self, threads: usize, split: Option<u64>, final_: bool) -> Result<Outcome, String> {
        let options = self.options(threads, split, final_);
        let outcome = driver::run(&self.plan, &options, &NoProgress).map_err(|e| e.to_string())?;
        let is_gap = |problem: &String| problem.contains(": a gap: ");
        let is_due = self.gap_is_due && outcome.problems.iter().all(is_gap);
        let is_well = outcome.problems.is_empty() || is_due;
        if !is_well || outcome.busy.is_some() || outcome.waits() {
            return Err(format!("{outcome:?}"));
        }
        for at in self.present() {
            self.read[at] = self.generations[at].bytes.len();
            if final_ {
                self.generations[at].seal();
            }
        }
        Ok(outcome)
    }

    fn kill(&mut self, point: &str, pass: u64) -> Result<(), String> {
        let options = self.options(2, None, false);
        let armed = fault::arm(point, pass);
        let run = || driver::run(&self.plan, &options, &NoProgress).map(drop);
        let died = catch_unwind(AssertUnwindSafe(run));
        drop(armed);
        match died {
            Ok(done) => done.map_err(|e| e.to_string()),
            Err(panic) if panic.is::<fault::Crash>() => Ok(()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Everything is sealed and read; what was counted is what the model counts.
    pub fn check(mut self) -> Result<(), String> {
        self.run(2, None, true)?;
        if self.run(1, None, true)?.decided {
            return Err("there was something to read after all was read".to_owned());
        }
        let expected = Counted::of(self.generations.iter());
        let catalog = Catalog::open(&self.folder.path().join("state/model"));
        let catalog = catalog.map_err(|e| e.to_string())?;
        let totals = catalog.totals().map_err(|e| e.to_string())?.counters;
        let (mapped, filtered, rejected) = (totals.mapped, totals.filtered, totals.rejected);
        let rows = self.rows().map_err(|e| e.to_string())?;
        let found = Counted { rows, mapped, filtered, rejected, bytes: totals.bytes };
        if found != expected {
            return Err(format!("counted {found:#?}, but written was {expected:#?}"));
        }
        let mut bytes = 0;
        for (segment, ledger) in catalog.ledger().map_err(|e| e.to_string())? {
            let sum = ledger.mapped_bytes + ledger.filtered_bytes + ledger.rejected_bytes;
            if sum != segment.consumed() || ledger.lost_bytes > 0 {
                return Err(format!("the ledger doesn't add up: {ledger:?} of {segment:?}"));
            }
            bytes += sum;
        }
        match bytes == expected.bytes {
            true => Ok(()),
            false => Err(format!("segments of {bytes} bytes, but written were {}", expected.bytes)),
        }
    }

    fn rows(&self) -> rusqlite::Result<std::collections::BTreeMap<String, (i64, i64)>> {
        let path = self.folder.path().join("out.db");
        if !path.exists() {
            return Ok(Default::default());
        }
        let connection = rusqlite::Connection::open(path)?;
        let mut query = connection.prepare("SELECT id, hits, total FROM model")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
        rows.collect()
    }
}
