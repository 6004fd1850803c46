//! `man`: the manual page, made from the definition of `--help`, with sections of its own.

mod sections;

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::Cli;
use super::output::Destination;

/// Print the manual page of the program or of one command, in the format of `man -l`
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command; the whole program without one
    command: Option<String>,
    #[command(flatten)]
    destination: Destination,
}

impl ManArgs {
    /// Prints the page.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut program = Cli::command();
        program.build();
        let name = program.get_name().to_owned();
        let more = match &self.command {
            None => sections::of_program(),
            Some(_) => sections::of_command(&name),
        };
        let command = match &self.command {
            None => program,
            Some(name) => program
                .find_subcommand(name)
                .cloned()
                .with_context(|| format!("there is no command `{name}`; `--help` lists all"))?,
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        more.to_writer(&mut page)?;
        self.destination.write(page)
    }
}
