//! `man`: the manual page, made from the same definition as `--help`.

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::{Cli, print};

/// Print the manual page of the program or of one command, as `man -l` reads it
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The command; the whole program without one
    command: Option<String>,
}

impl Man {
    /// Prints the page.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut program = Cli::command();
        program.build();
        let command = match &self.command {
            None => program,
            Some(name) => program
                .find_subcommand(name)
                .cloned()
                .with_context(|| format!("there is no command `{name}`; `--help` lists all"))?,
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        print(&page)
    }
}
