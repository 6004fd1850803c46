//! `completions`: what a shell proposes while one types.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, print};

/// Print a script with which a shell completes commands and flags
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (mut command, mut script) = (Cli::command(), Vec::new());
        let name = command.get_name().to_owned();
        generate(self.shell, &mut command, name, &mut script);
        print(&script)
    }
}
