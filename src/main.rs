//! The command line of logmill.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
