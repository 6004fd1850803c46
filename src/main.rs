//! Parses the command line, runs the command, maps the outcome to an exit code.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use authentik_entity_provider::cli::{Cli, write_stderr_line};
use authentik_entity_provider::telemetry;
use clap::Parser;
use tokio::runtime::Runtime;

/// How long the end waits for tasks in the middle of a step, such as the one that logs a signal.
const LAST_STEPS: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let logs = cli.logs();
    let code = run(cli).unwrap_or_else(|error| {
        if logs && telemetry::writes_json() {
            tracing::error!("{error:#}");
        } else {
            write_stderr_line(&format!("error: {error:#}"));
        }
        ExitCode::FAILURE
    });
    telemetry::flush();
    code
}

/// Runs the command to its end.
fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start threads")?;
    let exporting = cli.logs().then(|| runtime.handle());
    telemetry::init(cli.log_format(), exporting).context("cannot start threads")?;
    let outcome = runtime.block_on(cli.run());
    telemetry::traces::flush();
    // Longer work on other threads changes nothing any more and is not waited for.
    runtime.shutdown_timeout(LAST_STEPS);
    outcome
}
