//! `check`: looks at everything a sync depends on, and says what is wrong and what to do about it.

mod examination;
mod outcome;
mod report;
mod text;

use std::process::ExitCode;

use clap::Args;

use super::output::{Destination, Form};
use super::{ConfigFiles, progress};
use crate::clock::Clock;
use crate::config::ProcessEnvironment;
use crate::progress::Progress;

/// Check configuration, connection, token, permissions and directory; changes nothing
///
/// Exits with 0 unless a step failed; warnings and findings alone do not count as failures.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// For whom to write
    #[arg(long, value_enum, default_value_t)]
    format: Form,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    config: ConfigFiles,
}

impl Check {
    /// Takes every step that can be taken and prints the report.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<ExitCode> {
        let (progress, files) = (Progress::default(), before.then(self.config));
        let examination =
            examination::examine(&files, &ProcessEnvironment, Clock::system(), &progress);
        let report = progress::shown(&progress, "checking", Box::pin(examination)).await;
        let coloured = self.destination.is_stdout() && text::is_coloured();
        self.destination.write(match self.format {
            Form::Text => text::render(&report, coloured),
            Form::Json => serde_json::to_string_pretty(&report)? + "\n",
        })?;
        Ok(if report.ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
