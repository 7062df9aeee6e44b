//! Options that several commands share.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::progress::When;
use logmill::cpu;
use logmill::driver;
use logmill::job::{UnitError, parse_size};
use logmill::plan::Overrides;
use logmill::source::IoMode;

/// Options that every command takes that reads a job, so that a script can give the same ones to all.
#[derive(Debug, Clone, Args)]
pub(super) struct JobOptions {
    /// Read these files instead of the job's `source.paths` (a glob; may be repeated; relative to the working directory)
    #[arg(long, value_name = "GLOB")]
    pub(super) input: Vec<String>,
    /// Take this folder in place of the job file's for relative output paths
    #[arg(long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) state: StateOptions,
    #[command(flatten)]
    pub(super) work: WorkOptions,
    /// Show a progress bar
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(super) progress: When,
    /// Print errors only
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Say more on stderr; twice for details
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

/// Where state is.
#[derive(Debug, Clone, Args)]
pub(super) struct StateOptions {
    /// State of all jobs [default: $LOGMILL_STATE_DIR, $STATE_DIRECTORY, or `.logmill` beside the job file]
    #[arg(long, value_name = "DIR")]
    pub(super) state_dir: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(super) json: bool,
}

/// Options of commands that read logs.
#[derive(Debug, Clone, Args)]
pub(super) struct WorkOptions {
    /// No file will grow any more: count last lines without a newline
    #[arg(long = "final")]
    pub(super) final_: bool,
    /// Worker threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// Memory for groups, over the job's `limits.memory`: 256MiB, 1GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) memory: Option<u64>,
    /// How files are read; for measuring
    #[arg(long, value_enum, default_value_t = Io::Auto)]
    pub(super) io: Io,
    /// Bytes a worker takes at a time; for measuring
    #[arg(long, value_name = "SIZE", value_parser = size, hide = true)]
    pub(super) split: Option<u64>,
    /// Take over SQL tables and Parquet folders that belong to another state directory, with all that is in them
    #[arg(long)]
    pub(super) adopt: bool,
}

/// `--io`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Io {
    /// Whatever is fastest: reads
    Auto,
    /// Maps where a lease makes that safe, else reads
    Mmap,
    /// Reads
    Read,
}

fn size(text: &str) -> Result<u64, UnitError> {
    parse_size(text)
}

impl StateOptions {
    /// The state directory for a job file.
    pub(super) fn dir(&self, job: Option<&Path>) -> PathBuf {
        let from = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let given = self.state_dir.clone().or_else(|| from("LOGMILL_STATE_DIR"));
        // systemd may name several directories, with colons between them; the first is ours.
        let systemd = || {
            let first = from("STATE_DIRECTORY")?;
            Some(PathBuf::from(first.to_str()?.split(':').next()?))
        };
        given.or_else(systemd).unwrap_or_else(|| {
            let folder = job.and_then(Path::parent).unwrap_or(Path::new(""));
            folder.join(".logmill")
        })
    }
}

impl JobOptions {
    /// What they change of a job.
    pub(super) fn overrides(&self) -> Overrides {
        let memory_bytes = self.work.memory;
        Overrides {
            inputs: self.input.clone(),
            output_dir: self.output.clone(),
            memory_bytes,
            final_: self.work.final_,
        }
    }

    /// Turns the log on, as far as `-v` asks for it.
    pub(super) fn log(&self) {
        let level = match self.verbose {
            0 => return,
            1 => tracing::Level::INFO,
            _ => tracing::Level::DEBUG,
        };
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            .without_time()
            .init();
        tracing::debug!("processor level: {}", cpu::level());
    }
}

impl WorkOptions {
    /// How to run a job.
    pub(super) fn driver(&self, state: &StateOptions, path: &Path) -> driver::Options {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        driver::Options {
            state_dir: state.dir(Some(path)),
            final_: self.final_,
            threads: self.threads.map_or_else(cores, usize::from),
            io: match self.io {
                Io::Auto | Io::Read => IoMode::Read,
                Io::Mmap => IoMode::Mmap,
            },
            split_bytes: self.split,
            adopt: self.adopt,
        }
    }
}
