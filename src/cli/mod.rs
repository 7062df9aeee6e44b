//! Arguments to calls: one file a command. Only here are results printed and exit statuses chosen.

mod audit;
mod check;
mod complete;
mod explain;
mod history;
mod init;
mod job;
mod output;
mod progress;
mod rejects;
mod run;
mod shared;
mod signals;
mod status;
mod table;
mod verify;
mod watch;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Log files in, exactly-once Parquet and SQL tables out.
#[derive(Debug, Parser)]
#[command(
    name = "logmill",
    version,
    about,
    max_term_width = 110,
    after_help = "\
Start here:
  logmill init /var/log/nginx/access.log > traffic.toml   write a job that fits the file
  logmill run traffic.toml                                 read all that is new, once
  logmill watch traffic.toml                               the same every few seconds
  logmill status traffic.toml                              what was read, what each output has

Exit status:
  0         done, also when nothing was new
  1         failed, nothing half-visible
  2         wrong usage or job file
  3         done, but more lines were rejected than reject_ratio allows
  4         done, but an SQL output waits
  130, 143  stopped by a signal"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Watch(watch::Watch),
    Check(check::Check),
    Explain(explain::Explain),
    Init(init::Init),
    Status(status::Status),
    History(history::History),
    Rejects(rejects::Rejects),
    Verify(verify::Verify),
    Audit(audit::Audit),
    Completions(complete::Completions),
    Man(complete::Man),
}

/// What a command ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Done,
    Failed,
    Usage,
    ManyRejects,
    OutputWaits,
    /// Ended by this signal.
    Signal(i32),
}

impl Status {
    fn code(self) -> u8 {
        match self {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Usage => 2,
            Status::ManyRejects => 3,
            Status::OutputWaits => 4,
            Status::Signal(signal) => 128u8.saturating_add(signal as u8),
        }
    }

    /// The graver of two: failed, then waiting outputs, then rejects.
    fn worse(self, other: Status) -> Status {
        let gravity = |status| match status {
            Status::Done => 0,
            Status::ManyRejects => 1,
            Status::OutputWaits => 2,
            Status::Failed => 3,
            Status::Usage | Status::Signal(_) => 4,
        };
        if gravity(other) > gravity(self) { other } else { self }
    }
}

/// Reads the arguments, runs the command, prints its error.
pub(crate) fn main() -> ExitCode {
    signals::install();
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => return usage(&error),
    };
    if let Err(error) = logmill::cpu::highest() {
        eprintln!("logmill: {error}");
        return ExitCode::from(Status::Usage.code());
    }
    let result = match command {
        Command::Run(args) => args.run(),
        Command::Watch(args) => args.run(),
        Command::Check(args) => args.run(),
        Command::Explain(args) => args.run(),
        Command::Init(args) => args.run(),
        Command::Status(args) => args.run(),
        Command::History(args) => args.run(),
        Command::Rejects(args) => args.run(),
        Command::Verify(args) => args.run(),
        Command::Audit(args) => args.run(),
        Command::Completions(args) => args.run(&mut Cli::command()),
        Command::Man(args) => args.run(Cli::command()),
    };
    let status = result.unwrap_or_else(|error| fail(&error));
    // What is printed is all that is left to do. The allocator's tidying up at the end of a process takes 0.3 ms of the 8 of a
    // run with nothing new, for memory that the kernel takes back a moment later.
    let _ = std::io::stdout().flush();
    signal_hook::low_level::exit(i32::from(status.code()))
}

/// clap prints help to stdout with status 0, and mistakes to stderr with status 2.
fn usage(error: &clap::Error) -> ExitCode {
    // A closed pipe (`logmill --help | head`) is no failure.
    let _ = error.print();
    ExitCode::from(error.exit_code() as u8)
}

/// Prints an error and chooses its status.
fn fail(error: &anyhow::Error) -> Status {
    if output::is_closed_pipe(error) {
        return Status::Done;
    }
    eprintln!("logmill: {}", in_words(error));
    let job = error.downcast_ref::<logmill::error::Diagnostic>().is_some();
    let run = matches!(error.downcast_ref(), Some(logmill::driver::RunError::Job(_)));
    if job || run { Status::Usage } else { Status::Failed }
}

/// The chain of causes in one line, up to a text that tells its cause itself, as those of the library do.
fn in_words(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.contains(&cause) {
            break;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use logmill::engine::parquet_file::FileError;

    #[test]
    fn a_cause_is_told_once() {
        let full = std::io::Error::other("the disk is full");
        let error = FileError::io("write", std::path::Path::new("a.parquet"))(full);
        let error = Err::<(), _>(error).context("hits").expect_err("an error");
        assert_eq!(super::in_words(&error), "hits: can't write a.parquet: the disk is full");
        let error = anyhow::anyhow!("the cause").context("what").context("where");
        assert_eq!(super::in_words(&error), "where: what: the cause");
    }
}
