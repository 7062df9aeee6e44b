//! A folder with logs of JSON lines, and runs over it in this process.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use logmill::driver::{self, NoProgress, Options, Outcome};
use logmill::plan::{self, Overrides};
use logmill::source::IoMode;
use tempfile::TempDir;

/// A number of trials or files or so, from the environment.
pub fn number(name: &str, few: u64) -> u64 {
    std::env::var(name).map_or(few, |n| n.parse().unwrap_or_else(|e| panic!("{name}={n}: {e}")))
}

/// So many lines, told apart from all others by `tag`.
pub fn lines(tag: &str, count: usize) -> String {
    (0..count).map(|n| format!("{{\"id\":\"{tag} {n}\"}}\n")).collect()
}

/// The folder.
pub struct Site {
    folder: TempDir,
}

impl Site {
    /// With an empty folder `logs` and a job that counts each id. In memory where there is such a place.
    pub fn new() -> Site {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let site = Site { folder: folder.expect("a temporary folder") };
        fs::create_dir(site.path("logs")).expect("a folder for logs");
        let job = "name = \"hits\"\n[source]\npaths = [\"logs/*\"]\nformat = \"json\"\nfields = { id = \"text\" }\n\
                   [reduce]\nby = [\"id\"]\n[reduce.measures]\nhits = \"count(*)\"\n[output.sqlite]\npath = \"out.db\"\n";
        fs::write(site.path("job.toml"), job).expect("the job is written");
        site
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Appends to a log.
    pub fn append(&self, log: &str, text: &str) {
        let file = File::options().append(true).create(true).open(self.path("logs").join(log));
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    }

    /// Empties a log.
    pub fn truncate(&self, log: &str) {
        File::create(self.path("logs").join(log)).expect("emptied");
    }

    /// A run of one thread.
    pub fn run(&self, final_: bool) -> Outcome {
        self.run_with(1, None, final_)
    }

    /// A run.
    pub fn run_with(&self, threads: usize, split_bytes: Option<u64>, final_: bool) -> Outcome {
        let job = logmill::job::load(&self.path("job.toml")).expect("a job");
        let plan = plan::compile(&job, &Overrides::default(), None).expect("a plan");
        let (state_dir, io) = (self.path("state"), IoMode::Read);
        let options = Options { state_dir, final_, threads, io, split_bytes, adopt: false };
        loop {
            let outcome = driver::run(&plan, &options, &NoProgress).expect("a run");
            // A child process that another test starts has the lock's descriptor for a moment, until its exec.
            if outcome.busy.is_none() {
                return outcome;
            }
        }
    }

    /// As [`Site::run`], without anything to complain of. Answers the lines counted.
    pub fn run_quietly(&self) -> u64 {
        let outcome = self.run(false);
        assert!(outcome.problems.is_empty() && outcome.lost_bytes == 0, "{outcome:?}");
        outcome.counters.lines()
    }

    /// How often each id was counted; lines without one under an empty id.
    pub fn rows(&self) -> BTreeMap<String, i64> {
        let connection = rusqlite::Connection::open(self.path("out.db")).expect("the table's file");
        let mut query =
            connection.prepare("SELECT ifnull(id, ''), hits FROM hits").expect("the table");
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("rows")
    }

    /// Asserts that so many ids were counted, each once.
    #[track_caller]
    pub fn assert_each_once(&self, count: usize) {
        let rows = self.rows();
        let odd: Vec<_> = rows.iter().filter(|(_, hits)| **hits != 1).take(5).collect();
        assert!(odd.is_empty() && rows.len() == count, "{} of {count}, {odd:?}", rows.len());
    }
}
