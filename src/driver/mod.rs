//! The driver: one pass over all that is new, from discovery to delivery. `run` is the contents page.

mod audit;
mod batch;
mod bug;
mod commit;
mod compact;
mod durable;
mod execute;
mod fold;
mod groups_out;
mod inputs;
mod layout;
mod leftovers;
mod locate;
mod open;
mod outbox;
mod owner;
mod partition;
mod pins;
mod portions;
mod progress;
mod publish;
mod query;
mod rebuild;
mod recover;
mod refresh;
mod replace;
mod retry;
mod round;
mod run;
mod segment;
mod session;
mod sources;
mod spill;
mod swap;
#[cfg(test)]
mod testing;
mod together;
mod verify;
mod watch;
mod watchlist;
mod worker;

pub use audit::{Audit, AuditRow, Fate, audit};
pub use layout::Layout;
pub use outbox::{OutputReport, sql_outputs};
pub use progress::{NoProgress, Progress};
pub use query::{Busiest, busiest};
pub use rebuild::{Loss, rebuild};
pub use retry::{Retried, retry};
pub use sources::{Lag, SourceReport, heads_of, lag, look};
pub use together::{Job, run, run_all};
pub use verify::{
    Difference, EventsDifference, Kind, Range, Tally, Verified, VerifiedEvents, VerifiedOutput,
    VerifyOptions, verify,
};
pub use watch::{WatchEvents, WatchTimes, watch};

use std::path::PathBuf;

use crate::catalog::CatalogError;
use crate::engine::groups::GroupError;
use crate::engine::map::MapPanic;
use crate::engine::parquet_file::FileError;
use crate::engine::reject::Counters;
use crate::error::Diagnostic;
use crate::source::{IoMode, SourceError};

/// How to run, beside what the job says.
#[derive(Debug, Clone)]
pub struct Options {
    /// Holds the state of all jobs, one folder each.
    pub state_dir: PathBuf,
    /// No file will grow any more.
    pub final_: bool,
    /// Workers.
    pub threads: usize,
    /// How files are read.
    pub io: IoMode,
    /// Bytes that a worker takes at a time, instead of the default.
    pub split_bytes: Option<u64>,
    /// Take over SQL tables and folders of Parquet that belong to another state.
    pub adopt: bool,
}

impl Options {
    /// Whether files are read in the same way.
    fn reads_as(&self, other: &Options) -> bool {
        let how = |o: &Options| (o.final_, o.threads, o.io, o.split_bytes);
        how(self) == how(other)
    }
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The last decided batch; 0 if there is none.
    pub batch: u64,
    /// Whether this run decided it.
    pub decided: bool,
    /// Another run holds the job; what that one says of itself.
    pub busy: Option<String>,
    /// What became of the lines of this run.
    pub counters: Counters,
    /// Groups that this run touched.
    pub groups: u64,
    /// Segments that were read.
    pub segments: u64,
    /// Wall time.
    pub seconds: f64,
    /// Bytes that nobody can read any more.
    pub lost_bytes: u64,
    /// Logs of which what followed is gone, if there was anything.
    pub gaps: u64,
    /// What each output got.
    pub outputs: Vec<OutputReport>,
    /// Things to know, one line each.
    pub notices: Vec<String>,
    /// Things that went wrong without stopping the run, one line each: status 1.
    pub problems: Vec<String>,
}

impl Outcome {
    /// Whether an SQL output still waits.
    pub fn waits(&self) -> bool {
        self.outputs.iter().any(|output| output.error.is_some())
    }
}

/// Why a run failed as a whole. Nothing is half-visible then.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The job file.
    #[error(transparent)]
    Job(#[from] Diagnostic),
    /// Finding or reading logs.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Files of outputs or of the store.
    #[error(transparent)]
    File(#[from] FileError),
    /// Groups.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A bug, at a line.
    #[error(transparent)]
    Panic(#[from] MapPanic),
    /// A bug, somewhere.
    #[error(
        "this is a bug in logmill, please report it: {0}; what was not decided yet is as it was, and the next run finishes \
         the rest"
    )]
    Bug(String),
    /// The catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The batch was given up since the process is to end.
    #[error("stopped before the decision; nothing of this batch was kept")]
    Stopped,
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}
