//! `check`: tests everything that a sync depends on, and prints each problem with its remedy.

mod examination;
mod outcome;
mod report;
mod text;

use std::process::ExitCode;

use clap::Args;

use super::output::{Destination, OutputFormat};
use super::{ConfigFiles, progress};
use crate::clock::Clock;
use crate::config::ProcessEnvironment;
use crate::progress::Progress;

/// Check configuration, connection, token, permissions and directory; changes nothing
///
/// Exits with 0 unless a step failed; warnings and findings alone do not count as failures.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The format of the output
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    config: ConfigFiles,
}

impl CheckArgs {
    /// Runs all steps that can run and prints the report.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<ExitCode> {
        let (progress, files) = (Progress::default(), before.then(self.config));
        let examination =
            examination::run_steps(&files, &ProcessEnvironment, Clock::system(), &progress);
        let report = progress::shown(&progress, "checking", Box::pin(examination)).await;
        let coloured = self.destination.is_stdout() && text::is_coloured();
        self.destination.write(match self.format {
            OutputFormat::Text => text::render(&report, coloured),
            OutputFormat::Json => serde_json::to_string_pretty(&report)? + "\n",
        })?;
        Ok(if report.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
