//! Makes the logs that the samples, the benchmarks and the comparisons read: the same seed gives the same bytes.
//!
//! ```text
//! cargo run --release --example generate -- access --lines 8000000 --request-time --out access.log
//! cargo run --release --example generate -- samples data/samples
//! ```

mod access;
mod app;
mod clock;
mod keys;
mod odd;
mod rng;
mod samples;
mod sensors;
mod sink;
mod site;
mod text;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::access::AccessOptions;
use crate::sink::Sink;

/// Deterministic logs for samples and benchmarks.
#[derive(Parser)]
#[command(name = "generate")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// An access log in combined format, clients and paths by Zipf's law.
    Access(AccessArgs),
    /// An application's log, one JSON object a line.
    AppJson(LogArgs),
    /// `station;temperature`, 413 stations.
    Sensors(LogArgs),
    /// `key;value` with a given number of distinct keys.
    Keys(KeysArgs),
    /// All files of data/samples.
    Samples {
        /// Folder to write into.
        dir: PathBuf,
    },
}

/// What every log takes.
#[derive(Args)]
struct LogArgs {
    /// Lines to write.
    #[arg(long)]
    lines: u64,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Hours that the log covers (sensors have no times).
    #[arg(long, default_value_t = 24)]
    hours: u64,
    /// File to write; `-` is standard output.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Args)]
struct AccessArgs {
    #[command(flatten)]
    log: LogArgs,
    /// End each line with `$request_time`.
    #[arg(long)]
    request_time: bool,
    /// How many lines are odd: broken, or rare but valid.
    #[arg(long, default_value_t = 0)]
    broken: u64,
    /// Distinct request targets to draw from; 8 million lines meet about 340,000 of the default.
    #[arg(long, default_value_t = 360_000)]
    paths: usize,
    /// Distinct clients to draw from.
    #[arg(long, default_value_t = 120_000)]
    clients: usize,
}

#[derive(Args)]
struct KeysArgs {
    /// Lines to write.
    #[arg(long)]
    lines: u64,
    /// Distinct keys, at most one a line.
    #[arg(long)]
    groups: u64,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File to write; `-` is standard output.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> io::Result<()> {
    match command {
        Command::Access(args) => {
            let mut sink = Sink::create(&args.log.out)?;
            access::write(&args.options(), &mut sink)?;
            sink.finish().map(drop)
        }
        Command::AppJson(args) => {
            let mut sink = Sink::create(&args.out)?;
            app::write(args.lines, args.hours, args.seed, false, &mut sink)?;
            sink.finish().map(drop)
        }
        Command::Sensors(args) => {
            let mut sink = Sink::create(&args.out)?;
            sensors::write(args.lines, args.seed, &mut sink)?;
            sink.finish().map(drop)
        }
        Command::Keys(args) => {
            let mut sink = Sink::create(&args.out)?;
            keys::write(args.lines, args.groups.min(args.lines).max(1), args.seed, &mut sink)?;
            sink.finish().map(drop)
        }
        Command::Samples { dir } => samples::write(&dir),
    }
}

impl AccessArgs {
    fn options(&self) -> AccessOptions {
        AccessOptions {
            lines: self.log.lines,
            broken: self.broken,
            request_time: self.request_time,
            paths: self.paths,
            clients: self.clients,
            start: clock::START,
            hours: self.log.hours,
            seed: self.log.seed,
        }
    }
}
