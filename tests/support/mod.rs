//! What tests of the whole program share: a folder with logs and a job, runs of the program in it, and a look at what
//! it wrote.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod disk;
pub mod faults;
pub mod tables;

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

/// The repository.
pub fn repo() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program, with an environment that holds nothing of the caller's.
pub fn program(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// The path of the program.
pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_logmill"))
}

/// A job that counts by status; `logs/*.log*` in, Parquet and SQLite out.
pub const JOB: &str = r#"name = "hits"
[source]
paths = ["logs/*.log*"]
format = "combined"
[reduce]
by = ["status"]
[reduce.measures]
hits = "count(*)"
bytes = "sum(body_bytes_sent)"
[output.summary]
path = "out/hits"
[output.sqlite]
path = "out/hits.db"
"#;

/// A line of a web server, told apart from others by `n`.
pub fn line(n: usize, status: u16) -> String {
    let (minute, second) = (n / 60 % 60, n % 60);
    format!(
        "198.51.100.{} - - [22/Nov/2026:07:{minute:02}:{second:02} +0000] \"GET /page/{n} HTTP/1.1\" {status} {} \"-\" \"curl/8.0\"\n",
        n % 250,
        100 + n % 10
    )
}

/// `count` lines with status 200, the first told apart by `from`.
pub fn lines(from: usize, count: usize) -> String {
    (from..from + count).map(|n| line(n, 200)).collect()
}

/// A folder of one's own.
pub struct World {
    folder: TempDir,
}

impl World {
    /// With an empty folder `logs` and [`JOB`] as `job.toml`.
    pub fn new() -> World {
        let world = World { folder: TempDir::new().expect("a temporary folder") };
        std::fs::create_dir(world.path("logs")).expect("a folder");
        world.job(JOB);
        world
    }

    /// With `logs/a.log` of so many lines besides.
    pub fn with_lines(count: usize) -> World {
        let world = World::new();
        world.write("logs/a.log", lines(0, count));
        world
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `job.toml`.
    pub fn job(&self, text: &str) {
        self.write("job.toml", text);
    }

    /// Writes a file anew.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
    }

    /// Appends to a file.
    pub fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        let mut file =
            std::fs::File::options().append(true).open(self.path(name)).expect("the file is there");
        file.write_all(content.as_ref()).expect("written");
    }

    /// Moves a file.
    pub fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    /// Makes a file look as if nobody had written it for an hour.
    pub fn age(&self, name: &str) {
        let file = std::fs::File::options().write(true).open(self.path(name)).expect("the file");
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("a time");
    }

    /// The program with arguments, to be run in the folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program(binary());
        command.args(args).current_dir(self.folder.path());
        command
    }

    /// Runs the program with arguments.
    pub fn logmill(&self, args: &[&str]) -> Done {
        Done::of(&mut self.command(args))
    }

    /// `logmill run job.toml` with more arguments.
    pub fn run(&self, more: &[&str]) -> Done {
        self.logmill(&[&["run", "job.toml"], more].concat())
    }

    /// `logmill run job.toml --json`: what it printed, after status 0.
    pub fn run_json(&self, more: &[&str]) -> serde_json::Value {
        self.run(&[&["--json"], more].concat()).expect(0).json()
    }

    /// As [`World::run`], by a user whom file permissions stop: root runs it as nobody, who then owns the folder.
    pub fn run_as_nobody(&self, more: &[&str]) -> Done {
        let mut command = if is_root() {
            let copy = self.path("logmill-copy");
            std::fs::copy(binary(), &copy).expect("a copy of the program that everybody can reach");
            own(self.folder.path());
            let mut command = program(&copy);
            command.uid(NOBODY).gid(NOBODY);
            command
        } else {
            program(binary())
        };
        Done::of(command.args(["run", "job.toml"]).args(more).current_dir(self.folder.path()))
    }

    /// Sets a file's or folder's permissions.
    pub fn chmod(&self, name: &str, mode: u32) {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(name), mode).expect("permissions");
    }

    /// The rows of the summary, as text.
    pub fn summary(&self) -> Vec<String> {
        tables::read_parquet(&self.path("out/hits")).rows
    }

    /// Whether there is any Parquet file below a folder.
    pub fn has_parquet(&self, folder: &str) -> bool {
        !tables::parquet_files(&self.path(folder)).is_empty()
    }

    /// The rows of the SQLite table.
    pub fn sqlite(&self) -> Vec<String> {
        let like = tables::read_parquet(&self.path("out/hits"));
        tables::read_sqlite(&self.path("out/hits.db"), "hits", &like)
    }
}

/// The user nobody.
const NOBODY: u32 = 65534;

/// Whether file permissions do not stop us.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").expect("procfs").uid() == 0
}

/// Gives a folder and all in it to nobody; links are left alone.
fn own(path: &Path) {
    std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
    if path.is_dir() && !path.is_symlink() {
        let entries = std::fs::read_dir(path).expect("root may");
        entries.for_each(|entry| own(&entry.expect("an entry").path()));
    }
}

/// A run that ended.
pub struct Done {
    /// Exit status; -1 after a signal.
    pub status: i32,
    /// What it printed to stdout.
    pub out: String,
    /// What it printed to stderr.
    pub err: String,
}

impl Done {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Done {
        let Output { status, stdout, stderr } = loop {
            match command.output() {
                // A child that another thread forked still holds the copy of the program open that was just written.
                Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                done => break done.expect("the program starts"),
            }
        };
        Done {
            status: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).expect("stdout is text"),
            err: String::from_utf8(stderr).expect("stderr is text"),
        }
    }

    /// Asserts the exit status, and that no message came twice and none shows the program's insides.
    #[track_caller]
    pub fn expect(self, status: i32) -> Done {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        let mut seen = std::collections::BTreeSet::new();
        for line in self.err.lines().filter(|line| line.starts_with("logmill")) {
            assert!(seen.insert(line), "said twice:\n{}", self.err);
            let parts: Vec<&str> = line.split(": ").collect();
            assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "said twice:\n{line}");
        }
        for word in ["panicked", "RUST_BACKTRACE", "Some(", "Os {"] {
            assert!(!self.err.contains(word), "{}", self.err);
        }
        self
    }

    /// Asserts that stderr has all these texts.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Done {
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in:\n{}", self.err);
        }
        self
    }

    /// Asserts that neither stream has the text.
    #[track_caller]
    pub fn hides(self, word: &str) -> Done {
        assert!(!self.err.contains(word) && !self.out.contains(word), "{}{}", self.out, self.err);
        self
    }

    /// Asserts that stderr is empty.
    #[track_caller]
    pub fn quiet(self) -> Done {
        assert_eq!(self.err, "");
        self
    }

    /// stdout as one JSON value.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in {:?}", self.out))
    }
}
