//! A folder with a job and its logs, and a look at everything that it put out.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use logmill::catalog::Catalog;
use logmill::engine::reject::Counters;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use crate::mariadb::Table;

const JOB: &str = r#"
name = "killed"
[source]
paths = ["logs/*.log*"]
format = { nginx = '[$time_local] $user $status $bytes $request_time' }
fields = { bytes = "int" }
[map]
where = "status < 500"
[reduce]
window = "10m"
by = ["user", "status / 100 AS class"]
[reduce.measures]
hits = "count(*)"
bytes = "sum(bytes)"
slowest = "max(request_time)"
[output.summary]
path = "out/summary"
partition = "hour"
[output.events]
path = "out/events"
columns = ["event_time", "user", "status", "bytes", "request_time"]
partition = "hour"
[output.sqlite]
path = "out/killed.db"
"#;

/// The folder.
pub struct Site {
    folder: TempDir,
}

/// What the catalog says.
#[derive(Debug, Default)]
pub struct State {
    pub batch: u64,
    pub renames: usize,
    pub delivered: u64,
}

/// A row as text.
pub type Row = Vec<String>;

/// All that was put out.
#[derive(Debug, PartialEq)]
pub struct Contents {
    files: BTreeMap<PathBuf, Vec<u8>>,
    summary: Vec<Row>,
    events: Vec<Row>,
    sqlite: Vec<Row>,
    rejects: Vec<(u64, u64, String, Vec<u8>)>,
    pub counters: Counters,
}

impl Contents {
    /// What a MariaDB table should show.
    pub fn mysql_rows(&self) -> Vec<Row> {
        self.sqlite.clone()
    }

    /// Which parts differ.
    pub fn diff(&self, other: &Contents) -> String {
        let parts = [
            ("bytes of the summary", self.files == other.files),
            ("rows of the summary", self.summary == other.summary),
            ("events", self.events == other.events),
            ("rows of SQLite", self.sqlite == other.sqlite),
            ("rejects", self.rejects == other.rejects),
            ("counters", self.counters == other.counters),
        ];
        let wrong: Vec<&str> =
            parts.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect();
        format!(
            "{} differ; {:?} and {} events, expected {:?} and {}",
            wrong.join(", "),
            self.counters,
            self.events.len(),
            other.counters,
            other.events.len()
        )
    }
}

impl Site {
    /// A job with no logs yet.
    pub fn new(table: Option<&Table>) -> Site {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
        fs::create_dir(folder.path().join("logs")).expect("a folder");
        let mysql = |table: &Table| {
            format!("[output.mysql]\nurl = \"{}\"\ntable = \"{}\"\n", table.url, table.name)
        };
        let job = JOB.to_owned() + &table.map(mysql).unwrap_or_default();
        fs::write(folder.path().join("killed.toml"), job).expect("the job is written");
        Site { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn logs(&self) -> PathBuf {
        self.path().join("logs")
    }

    pub fn sqlite_path(&self) -> PathBuf {
        self.path().join("out/killed.db")
    }

    /// A run, to be started by another program if one is named; its arguments come first.
    pub fn command(&self, under: &[&OsStr]) -> Command {
        let program = [under, &[OsStr::new(env!("CARGO_BIN_EXE_logmill"))]].concat();
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).args(["run", "--quiet", "--threads", "2"]);
        command.args(["--split", "64KiB", "--memory", "256KiB", "--state-dir"]);
        command.arg(self.path().join("state")).arg(self.path().join("killed.toml"));
        command.stdin(Stdio::null());
        command
    }

    /// Starts a run.
    pub fn start(&self) -> Child {
        self.command(&[]).spawn().expect("logmill starts")
    }

    /// A run that must end well.
    pub fn run_in_peace(&self) {
        let status = self.start().wait().expect("a status");
        assert!(status.success(), "{status}");
    }

    fn catalog(&self) -> Option<Catalog> {
        Catalog::open_existing(&self.path().join("state/killed")).expect("a readable catalog")
    }

    /// What the catalog says; of a job that never ran, nothing.
    pub fn catalog_state(&self) -> State {
        let Some(catalog) = self.catalog() else { return State::default() };
        let outputs = ["sqlite:killed"].map(|name| catalog.output(name).expect("an output"));
        State {
            batch: catalog.last_batch().expect("a batch"),
            renames: catalog.pending_renames().expect("renames").len(),
            delivered: outputs.iter().map(|output| output.delivered).min().unwrap_or(0),
        }
    }

    /// The published files, and their inodes.
    pub fn published(&self) -> BTreeMap<PathBuf, u64> {
        let files = parquet_files(&self.path().join("out")).into_iter();
        files.filter_map(|path| Some((path.clone(), fs::metadata(&path).ok()?.ino()))).collect()
    }

    /// Records that the summary has counted.
    pub fn hits(&self) -> i64 {
        let files = parquet_files(&self.path().join("out/summary"));
        files.iter().map(|path| hits(&batches(path).expect("a Parquet file"))).sum()
    }

    /// The records of all visible events, sorted.
    pub fn event_rows(&self) -> Vec<Row> {
        let events = parquet_files(&self.path().join("out/events"));
        sorted(events.iter().flat_map(|path| rows(path)).collect())
    }

    /// Everything.
    pub fn contents(&self) -> Contents {
        let catalog = self.catalog().expect("a catalog");
        let rejects = catalog.rejects(u64::MAX).expect("rejects").into_iter();
        let summary = parquet_files(&self.path().join("out/summary"));
        let relative = |path: &PathBuf| path.strip_prefix(self.path()).expect("below").to_owned();
        Contents {
            files: summary.iter().map(|p| (relative(p), fs::read(p).expect("a file"))).collect(),
            summary: summary.iter().flat_map(|path| rows(path)).collect(),
            events: self.event_rows(),
            sqlite: self.sqlite(),
            rejects: sorted(rejects.map(|r| (r.offset, r.length, r.reason, r.sample)).collect()),
            // How many lines were late says how the input was cut into batches.
            counters: Counters { late: 0, ..catalog.totals().expect("totals").counters },
        }
    }

    fn sqlite(&self) -> Vec<Row> {
        let connection = rusqlite::Connection::open(self.sqlite_path()).expect("a database");
        let query = "SELECT window_start || '.000000', user, class, hits, bytes, printf('%.3f', slowest) FROM killed";
        let mut statement = match connection.prepare(query) {
            Ok(statement) => statement,
            Err(error) => return vec![vec![error.to_string()]],
        };
        let text = |value: rusqlite::types::Value| match value {
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Integer(n) => n.to_string(),
            other => format!("{other:?}"),
        };
        let read = |row: &rusqlite::Row<'_>| (0..6).map(|at| row.get(at).map(text)).collect();
        let rows = statement.query_map([], read).expect("rows");
        sorted(rows.collect::<rusqlite::Result<_>>().expect("rows"))
    }

    /// Nothing staged, spilled or replaced is left over.
    pub fn has_no_leftovers(&self) {
        // The word that says whose folder it is stays.
        let is_left = |name: &OsStr| name != "owner";
        let count = |folder: &str| {
            let entries = fs::read_dir(self.path().join(folder));
            entries.map_or(0, |all| all.flatten().filter(|one| is_left(&one.file_name())).count())
        };
        assert_eq!(count("out/summary/.logmill-staging"), 0, "staged summaries");
        assert_eq!(count("out/events/.logmill-staging"), 0, "staged events");
        assert_eq!(count("state/killed/spill"), 0, "spilled runs");
        let stores = self.catalog().expect("a catalog").runs().expect("runs").len();
        assert_eq!(count("state/killed/groups"), stores, "files of the store");
    }
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

/// All `*.parquet` below a folder, as a reader's glob finds them.
pub fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(parquet_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "parquet") {
            found.push(path);
        }
    }
    sorted(found)
}

/// All rows of a Parquet file, or what is wrong with it.
pub fn batches(path: &Path) -> Result<Vec<RecordBatch>, String> {
    let file = File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build());
    let reader = reader.map_err(|e| format!("{}: {e}", path.display()))?;
    reader.collect::<Result<_, _>>().map_err(|e| format!("{}: {e}", path.display()))
}

/// The sum of the column `hits`.
pub fn hits(batches: &[RecordBatch]) -> i64 {
    let column = |batch: &RecordBatch| {
        let hits = batch.column_by_name("hits").expect("hits").as_primitive::<Int64Type>().clone();
        hits.values().iter().sum::<i64>()
    };
    batches.iter().map(column).sum()
}

fn rows(path: &Path) -> Vec<Row> {
    let row = |batch: &RecordBatch, row| {
        batch.columns().iter().map(|column| cell(column.as_ref(), row)).collect()
    };
    let all = batches(path).expect("a Parquet file");
    all.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at))).collect()
}

fn cell(column: &dyn Array, row: usize) -> String {
    use arrow_schema::DataType as T;
    match column.data_type() {
        _ if column.is_null(row) => "NULL".into(),
        T::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        T::Utf8 => column.as_string::<i32>().value(row).into(),
        T::Decimal128(..) => column.as_primitive::<Decimal128Type>().value(row).to_string(),
        T::Timestamp(..) => {
            column.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        other => panic!("a column of type {other}"),
    }
}
