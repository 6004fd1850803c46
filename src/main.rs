//! Parses the command line, runs the command, maps the outcome to an exit code.

use std::process::ExitCode;

use authentik_entity_provider::cli::Cli;
use authentik_entity_provider::telemetry;
use clap::Parser;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::init();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start threads")),
    };
    let outcome = runtime.block_on(cli.run());
    // Work on other threads changes nothing any more and is not waited for.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| failed(&error))
}

/// Says why the command failed.
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
