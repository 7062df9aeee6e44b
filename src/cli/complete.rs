//! `logmill completions` and `logmill man`

use clap::Args;
use clap_complete::Shell;

use super::{Status, output};

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  logmill completions bash > /etc/bash_completion.d/logmill")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

/// Print the manual page
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  logmill man > /usr/local/share/man/man1/logmill.1")]
pub(super) struct Man {}

impl Completions {
    pub(super) fn run(&self, command: &mut clap::Command) -> anyhow::Result<Status> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "logmill", &mut script);
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(Status::Done)
    }
}

impl Man {
    pub(super) fn run(&self, mut command: clap::Command) -> anyhow::Result<Status> {
        command.build();
        let mut page = Vec::new();
        let man = clap_mangen::Man::new(command.clone());
        man.render_title(&mut page)?;
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let sub = clap_mangen::Man::new(sub.clone());
            sub.render_synopsis_section(&mut page)?;
            sub.render_description_section(&mut page)?;
            sub.render_options_section(&mut page)?;
        }
        man.render_version_section(&mut page)?;
        output::print(&String::from_utf8_lossy(&page))?;
        Ok(Status::Done)
    }
}
