//! A folder with a job that is watched.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use logmill::catalog::{Catalog, Totals};
use mysql_async::prelude::Queryable;
use tempfile::TempDir;

use crate::lines;
use crate::writer::Written;

const JOB: &str = r#"
name = "watched"
[source]
paths = ["logs/*.log*"]
format = { nginx = '[$time_local] $user $status $bytes' }
fields = { bytes = "int" }
[map]
where = "status < 500"
[reduce]
window = "1m"
by = ["user"]
[reduce.measures]
hits = "count(*)"
numbers = "sum(bytes)"
last_number = "max(bytes)"
distinct_numbers = "count(DISTINCT bytes)"
[output.summary]
path = "out/summary"
partition = "hour"
[output.events]
path = "out/events"
columns = ["event_time", "user", "bytes"]
partition = "hour"
[output.sqlite]
path = "out/watched.db"
[limits]
reject_ratio = 0.5
"#;

/// The columns of the tables, as text from any of them.
const COLUMNS: &str = "window_start, user, hits, numbers, last_number, distinct_numbers";

/// The folder.
pub struct Site {
    folder: TempDir,
    /// In the database server; dropped when the test passed.
    pub table: Option<(String, String)>,
}

impl Site {
    /// A job with no logs yet; with a table on the server, or without.
    ///
    /// # Panics
    /// Without a server where one is wanted: there is no such test then, and that must not look like a pass.
    pub fn new(name: &str, with_server: bool) -> Site {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
        std::fs::create_dir(folder.path().join("logs")).expect("a folder");
        let table = with_server.then(|| {
            let url = std::env::var("LOGMILL_TEST_MYSQL_URL")
                .expect("LOGMILL_TEST_MYSQL_URL is not set: run scripts/test, which starts a MariaDB server");
            (url, format!("{name}_{}", std::process::id()))
        });
        let mysql = |(url, table): &(String, String)| {
            format!("[output.mysql]\nurl = \"{url}\"\ntable = \"{table}\"\n")
        };
        let job = JOB.to_owned() + &table.as_ref().map(mysql).unwrap_or_default();
        std::fs::write(folder.path().join("watched.toml"), job).expect("the job is written");
        Site { folder, table }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn logs(&self) -> PathBuf {
        self.path().join("logs")
    }

    fn command(&self, verb: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_logmill"));
        command.args([verb, "watched.toml", "--threads", "2", "--state-dir", "state"]).args(more);
        command.current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Starts a watch.
    pub fn watch(&self, more: &[&str]) -> Watch {
        let log =
            std::fs::File::options().append(true).create(true).open(self.path().join("stderr"));
        let child = self.command("watch", more).stderr(log.expect("a log")).spawn();
        Watch(child.expect("logmill starts"), Instant::now())
    }

    /// What the watches said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.path().join("stderr")).unwrap_or_default()
    }

    /// A run to its end; rejects or not.
    pub fn run(&self, more: &[&str]) {
        let done = self.command("run", &[more, &["--quiet"]].concat()).status().expect("it starts");
        assert!(done.success(), "{done}");
    }

    /// Ends a watch as a service manager does: at once, and with its status.
    pub fn terminate(&self, mut watch: Watch) {
        signal(&watch, "-TERM");
        let asked = Instant::now();
        let status = watch.0.wait().expect("a status");
        // In its first moments the program has not asked for the signal yet.
        let is_early = watch.1.elapsed() < Duration::from_secs(1) && status.signal() == Some(15);
        assert!(is_early || status.code() == Some(143), "{status}: {}", self.said());
        assert!(asked.elapsed() < Duration::from_secs(60), "{:?}", asked.elapsed());
    }

    pub fn catalog(&self) -> Catalog {
        let catalog = Catalog::open_existing(&self.path().join("state/watched"));
        catalog.expect("a readable catalog").expect("a catalog")
    }

    pub fn totals(&self) -> Totals {
        self.catalog().totals().expect("totals")
    }

    /// Waits until so many lines are read and every table has the last batch.
    pub fn wait_for_lines(&self, lines: u64, patience: Duration) {
        let begin = Instant::now();
        loop {
            let (read, rows) = match self.path().join("state/watched/catalog.db").exists() {
                true => (self.totals().counters.lines(), self.sqlite_hits()),
                false => (0, None),
            };
            let mapped = (0..lines).filter(|n| lines::is_mapped(*n)).count() as i64;
            if read == lines
                && rows == Some(mapped)
                && self.server_hits().is_none_or(|n| n == mapped)
            {
                return;
            }
            assert!(
                begin.elapsed() < patience,
                "{read} of {lines} lines read, {rows:?} of {mapped} in SQLite, {:?} on the server\n{}",
                self.server_hits(),
                self.said()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The sum of the hits in SQLite, if there is a table yet and nobody holds the file.
    pub fn sqlite_hits(&self) -> Option<i64> {
        sqlite_hits(&self.path().join("out/watched.db"))
    }

    /// The sum of the hits on the server.
    pub fn server_hits(&self) -> Option<i64> {
        let (_, name) = self.table.as_ref()?;
        let sql = format!("SELECT CAST(coalesce(sum(hits), 0) AS SIGNED) FROM {name}");
        self.query(&sql).ok()?.first()?.first()?.parse().ok()
    }

    /// A query on the server.
    pub fn query(&self, sql: &str) -> Result<Vec<Vec<String>>, mysql_async::Error> {
        let Some((url, _)) = &self.table else { return Ok(Vec::new()) };
        query(url, sql)
    }

    /// Everything equals what one batch over all the logs makes. Answers how many batches there were.
    pub fn compare_with_one_batch(&self, written: Written) -> u64 {
        let totals = self.totals();
        assert_eq!(totals.lost_bytes, 0, "{}", self.said());
        assert_eq!(totals.counters.lines(), written.lines);
        let job = JOB.replace("out/", "once/");
        std::fs::write(self.path().join("once.toml"), job).expect("written");
        let mut once = Command::new(env!("CARGO_BIN_EXE_logmill"));
        once.args(["run", "once.toml", "--quiet", "--final", "--state-dir", "state-of-once"]);
        assert!(once.current_dir(self.path()).status().expect("it starts").success());
        let expected = files(&self.path().join("once/summary"));
        assert!(files(&self.path().join("out/summary")) == expected, "bytes of the summary");
        let rows = sqlite_rows(&self.path().join("once/watched.db"));
        assert_eq!(sqlite_rows(&self.path().join("out/watched.db")), rows, "rows of SQLite");
        if let Some((_, name)) = &self.table {
            let sql = format!(
                "SELECT date_format(window_start, '%Y-%m-%d %H:%i:%s'), {} FROM {name}",
                COLUMNS.split_once(", ").map_or("", |(_, rest)| rest)
            );
            let mut found = self.query(&sql).expect("rows");
            found.sort();
            assert_eq!(found, rows, "rows of the server");
        }
        let mapped = (0..written.lines).filter(|n| lines::is_mapped(*n));
        assert_eq!(event_numbers(&self.path().join("out/events")), mapped.collect::<Vec<_>>());
        self.catalog().last_batch().expect("a batch")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some((url, name)) = self.table.as_ref().filter(|_| !std::thread::panicking()) {
            query(url, &format!("DROP TABLE IF EXISTS {name}, {name}_batches")).expect("dropped");
        }
    }
}

/// A process that watches; it does not outlive a test that failed.
pub struct Watch(pub Child, pub Instant);

impl Watch {
    /// kill -9.
    pub fn kill(&mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it has ended");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It has ended, unless the test failed.
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// Sends a signal.
pub fn signal(watch: &Watch, signal: &str) {
    let sent = Command::new("kill").arg(signal).arg(watch.0.id().to_string()).status();
    assert!(sent.expect("kill").success());
}

/// A query on a server, its rows as text.
pub fn query(url: &str, sql: &str) -> Result<Vec<Vec<String>>, mysql_async::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut connection = mysql_async::Conn::from_url(url).await?;
        let rows: Vec<mysql_async::Row> = connection.query(sql).await?;
        connection.disconnect().await?;
        let text = |value: mysql_async::Value| match value {
            mysql_async::Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => other.as_sql(true),
        };
        Ok(rows.into_iter().map(|row| row.unwrap().into_iter().map(text).collect()).collect())
    })
}

/// The sum of the hits, if there is a table yet and nobody holds the file.
pub fn sqlite_hits(path: &Path) -> Option<i64> {
    if !path.exists() {
        return None;
    }
    let connection = rusqlite::Connection::open(path).ok()?;
    connection.query_row("SELECT coalesce(sum(hits), 0) FROM watched", [], |row| row.get(0)).ok()
}

fn sqlite_rows(path: &Path) -> Vec<Vec<String>> {
    let connection = rusqlite::Connection::open(path).expect("a database");
    let mut statement =
        connection.prepare(&format!("SELECT {COLUMNS} FROM watched")).expect("the table");
    let text = |value: rusqlite::types::Value| match value {
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Integer(n) => n.to_string(),
        other => format!("{other:?}"),
    };
    let rows = statement.query_map([], |row| (0..6).map(|at| row.get(at).map(text)).collect());
    let mut rows: Vec<Vec<String>> =
        rows.expect("rows").collect::<rusqlite::Result<_>>().expect("rows");
    rows.sort();
    rows
}

/// All Parquet files below a folder, by their place in it.
fn files(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let below = |path: &PathBuf| path.strip_prefix(folder).expect("below").to_owned();
    let found = crate::looks::parquet_files(folder).into_iter();
    found.map(|path| (below(&path), std::fs::read(&path).expect("a file"))).collect()
}

/// The numbers of all lines in the events, sorted.
fn event_numbers(folder: &Path) -> Vec<u64> {
    use arrow_array::cast::AsArray;
    let mut numbers = Vec::new();
    for path in crate::looks::parquet_files(folder) {
        for batch in crate::looks::batches(&path).expect("a Parquet file") {
            let column = batch.column_by_name("bytes").expect("the column");
            let values = column.as_primitive::<arrow_array::types::Int64Type>().values();
            numbers.extend(values.iter().map(|n| *n as u64));
        }
    }
    numbers.sort_unstable();
    numbers
}
