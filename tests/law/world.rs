//! A folder with a job, its logs as they change, and its runs.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use logmill::driver::{self, NoProgress, Options, Outcome};
use logmill::plan::{self, Overrides};
use logmill::source::IoMode;
use tempfile::TempDir;

use crate::history::{Log, Mode};
use crate::line::{Content, Dialect, LINE_BYTES_MAX};

/// The names of families of logs.
pub const FAMILIES: [&str; 2] = ["a.log", "b.log"];

const NGINX: &str = r#"format = { nginx = '[$time_local] $status $n $d $f $flag "$text" $who' }"#;
const JSON: &str = "format = \"json\"\ntime = \"ts\"";
const CSV: &str = r#"format = { csv = { delimiter = ";", header = false, columns = ["ts", "status", "n", "d", "f", "flag", "text", "who"] } }
time = "ts""#;

const JOB: &str = r#"
[map]
where = "status < 500 OR status IS NULL"
[map.let]
share = "100000 / n"
[reduce]
window = "1h"
by = ["who", "status / 100 AS class"]
[reduce.measures]
hits = "count(*)"
large = "count(*) FILTER (WHERE n > 100)"
sum_n = "sum(n)"
sum_d = "sum(d)"
sum_f = "sum(f)"
avg_n = "avg(n)"
avg_d = "avg(d)"
avg_f = "avg(f)"
dev_n = "stddev(n)"
min_d = "min(d)"
max_f = "max(f)"
min_text = "min(text)"
max_text = "max(text)"
every = "bool_and(flag)"
head = "first(text)"
tail = "last(text)"
texts = "count(DISTINCT text)"
mean = "sum(n) / count(*)"
some = "any(text)"
about = "approx_distinct(text)"
p90 = "approx_quantile(d, 0.9)"
[output.summary]
path = "out/summary"
partition = "day"
[output.events]
path = "out/events"
columns = ["event_time", "who", "status", "n", "d", "f", "flag", "text", "share"]
partition = "hour"
[output.sqlite]
path = "out/law.db"
"#;

fn job(dialect: Dialect) -> String {
    let source = match dialect {
        Dialect::Nginx => NGINX,
        Dialect::Json => JSON,
        Dialect::Csv => CSV,
        Dialect::Records => &CSV.replace("{ delimiter", "{ multiline = true, delimiter"),
    };
    let fields =
        r#"fields = { status = "int", n = "int", d = "decimal(3)", f = "float", flag = "bool" }"#;
    format!(
        "name = \"law\"\n[source]\npaths = [\"logs/*\"]\n{source}\n{fields}\n{JOB}[limits]\nline = \"{LINE_BYTES_MAX}\"\n"
    )
}

/// The bytes of a log, and of each line its offset and content.
pub fn render(log: &Log, dialect: Dialect) -> (Vec<u8>, Vec<(u64, &Content)>) {
    let mark: &[u8] = if log.marked { b"\xEF\xBB\xBF" } else { b"" };
    let (mut bytes, mut lines) = (mark.to_vec(), Vec::new());
    for (at, line) in log.lines.iter().enumerate() {
        lines.push((bytes.len() as u64, &line.content));
        bytes.extend(line.bytes(dialect));
        if at + 1 < log.lines.len() || log.ends_well {
            bytes.extend_from_slice(if line.crlf { b"\r\n" } else { b"\n" });
        } else if line.content == Content::Empty {
            // Nothing behind the last newline is no line.
            lines.pop();
        }
    }
    (bytes, lines)
}

/// A rotated file.
struct Rotated {
    compressed: bool,
}

/// One log file and its rotated siblings.
struct Family {
    name: &'static str,
    /// Contents of the generations that have not ended, the live one first.
    to_come: Vec<Vec<u8>>,
    written: usize,
    /// Youngest first.
    rotated: Vec<Rotated>,
}

/// The folder.
pub struct World {
    folder: TempDir,
    families: Vec<Family>,
}

impl World {
    /// A folder with a job and no logs yet. In memory where there is such a place: a run makes files durable, and
    /// hundreds of cases with several runs each do so many thousand times.
    pub fn new(dialect: Dialect, logs: &[Vec<Log>]) -> World {
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => TempDir::new_in(memory),
            false => TempDir::new(),
        };
        let folder = folder.expect("a temporary folder");
        fs::write(folder.path().join("law.toml"), job(dialect)).expect("the job is written");
        fs::create_dir(folder.path().join("logs")).expect("a folder for logs");
        let bytes = |logs: &Vec<Log>| logs.iter().map(|log| render(log, dialect).0).collect();
        let family = |(name, logs): (&'static str, &Vec<Log>)| Family {
            name,
            to_come: bytes(logs),
            written: 0,
            rotated: Vec::new(),
        };
        let families = FAMILIES.into_iter().zip(logs).map(family).collect();
        World { folder, families }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.path().join("logs").join(name)
    }

    /// Writes all logs whole, each under a name of its own.
    pub fn write_all(&mut self) {
        for family in &self.families {
            for (generation, bytes) in family.to_come.iter().enumerate() {
                let name = format!("{}-gen{generation}x", family.name);
                fs::write(self.log(&name), bytes).expect("a log is written");
            }
        }
    }

    /// The live file of a family grows by up to `bytes`.
    pub fn append(&mut self, family: usize, bytes: usize) {
        let Some(entry) = self.families.get(family) else { return };
        let live = &entry.to_come[0];
        let end = entry.written.saturating_add(bytes).min(live.len());
        let file = File::options().create(true).append(true).open(self.log(entry.name));
        file.and_then(|mut file| file.write_all(&live[entry.written..end])).expect("appended");
        self.families[family].written = end;
    }

    /// The live file is written to its end and renamed, if there is a next one.
    pub fn rotate(&mut self, family: usize) {
        if self.families.get(family).is_none_or(|entry| entry.to_come.len() < 2) {
            return;
        }
        self.append(family, usize::MAX);
        let entry = &self.families[family];
        for (at, rotated) in entry.rotated.iter().enumerate().rev() {
            let (from, to) = (entry.rotated_name(at, rotated), entry.rotated_name(at + 1, rotated));
            fs::rename(self.log(&from), self.log(&to)).expect("renamed");
        }
        fs::rename(self.log(entry.name), self.log(&format!("{}.1", entry.name))).expect("renamed");
        let entry = &mut self.families[family];
        entry.rotated.insert(0, Rotated { compressed: false });
        entry.to_come.remove(0);
        entry.written = 0;
        self.append(family, 0);
    }

    /// Compresses the oldest rotated file that is not compressed, as gzip does: with the time of the original.
    pub fn compress(&mut self, family: usize) {
        let Some(entry) = self.families.get_mut(family) else { return };
        let Some(at) = entry.rotated.iter().rposition(|rotated| !rotated.compressed) else {
            return;
        };
        let plain = entry.rotated_name(at, &entry.rotated[at]);
        entry.rotated[at].compressed = true;
        let packed = entry.rotated_name(at, &entry.rotated[at]);
        let (plain, packed) = (self.log(&plain), self.log(&packed));
        let time = fs::metadata(&plain).and_then(|meta| meta.modified()).expect("a time");
        let bytes = fs::read(&plain).expect("read");
        let mut encoder = flate2::write::GzEncoder::new(
            File::create(&packed).expect("created"),
            flate2::Compression::fast(),
        );
        encoder.write_all(&bytes).expect("compressed");
        let file = encoder.finish().expect("compressed");
        file.set_modified(time).expect("the original's time");
        fs::remove_file(&plain).expect("removed");
    }

    /// All that was to come comes.
    pub fn finish(&mut self) {
        for family in 0..self.families.len() {
            while self.families[family].to_come.len() > 1 {
                self.rotate(family);
            }
            self.append(family, usize::MAX);
        }
    }

    /// One run.
    pub fn run(&self, mode: Mode, final_: bool) -> Result<Outcome, String> {
        self.run_in("state", mode, final_)
    }

    /// One run with a state directory of that name.
    pub fn run_in(&self, state: &str, mode: Mode, final_: bool) -> Result<Outcome, String> {
        if mode.io == IoMode::Mmap {
            self.age();
        }
        let overrides = Overrides { memory_bytes: Some(mode.memory_bytes), ..Overrides::default() };
        let file = logmill::job::load(&self.path().join("law.toml")).map_err(|e| e.to_string())?;
        let plan = plan::compile(&file, &overrides, None).map_err(|e| e.to_string())?;
        let options = Options {
            state_dir: self.path().join(state),
            final_,
            threads: mode.threads,
            io: mode.io,
            split_bytes: mode.split_bytes,
            adopt: false,
        };
        driver::run(&plan, &options, &NoProgress).map_err(|e| e.to_string())
    }

    /// Makes all logs look as if nobody had written to them lately: only such files are mapped.
    fn age(&self) {
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        for log in fs::read_dir(self.path().join("logs")).expect("logs") {
            let log = fs::File::open(log.expect("an entry").path()).expect("a log");
            log.set_modified(then).expect("one's own file");
        }
    }

    /// Changes the job file.
    pub fn edit_job(&self, from: &str, to: &str) {
        let path = self.path().join("law.toml");
        let text = fs::read_to_string(&path).expect("a job");
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replacen(from, to, 1)).expect("the job is written");
    }

    /// Whether there is any log yet; a run without one is an error.
    pub fn has_logs(&self) -> bool {
        fs::read_dir(self.path().join("logs")).is_ok_and(|mut entries| entries.next().is_some())
    }
}

impl Family {
    fn rotated_name(&self, at: usize, rotated: &Rotated) -> String {
        let ending = if rotated.compressed { ".gz" } else { "" };
        format!("{}.{}{ending}", self.name, at + 1)
    }
}
