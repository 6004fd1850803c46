//! `completions`: what a shell proposes while one types.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Cli;
use super::output::Destination;

/// Print a script with which a shell completes commands and flags
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
    #[command(flatten)]
    destination: Destination,
}

impl Completions {
    /// Prints the script. For a name with hyphens `clap_complete` writes one thing where the bash script
    /// finds out the command and another where it uses it; both are made the same.
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
