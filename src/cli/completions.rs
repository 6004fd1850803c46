//! `completions`: scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Cli;
use super::output::Destination;

/// Print a script with which a shell completes commands and flags
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
    #[command(flatten)]
    destination: Destination,
}

impl CompletionsArgs {
    /// Prints the script. For a program name with hyphens, the bash script of `clap_complete` uses two
    /// spellings of the same command; this replaces one by the other.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (mut command, mut script) = (Cli::command(), Vec::new());
        let name = command.get_name().to_owned();
        generate(self.shell, &mut command, name.clone(), &mut script);
        self.destination.write(
            String::from_utf8(script)?
                .replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__")),
        )
    }
}
