//! `logmill init`
use super::Status;
use clap::Args;
/// Look at files, and print a job that works on them
#[derive(Debug, Args)]
pub(super) struct Init {}
impl Init {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        anyhow::bail!("soon")
    }
}
