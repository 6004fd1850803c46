//! `check`: looks at everything a sync depends on, and says what is wrong and what to do about it.

mod examination;
mod outcome;
mod report;
mod text;

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{ConfigFiles, print, progress};
use crate::clock::Clock;
use crate::config::ProcessEnvironment;
use crate::progress::Progress;

/// Check configuration, connection, token, permissions and directory; changes nothing
///
/// Exits with 0 unless a step failed; warnings and findings alone do not count as failures.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// For people or for machines
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    config: ConfigFiles,
}

/// How the report is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// A line for each step
    Text,
    /// One JSON object
    Json,
}

impl Check {
    /// Takes every step that can be taken and prints the report.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<ExitCode> {
        let (progress, files) = (Progress::default(), before.then(self.config));
        let examination =
            examination::examine(&files, &ProcessEnvironment, Clock::system(), &progress);
        let report = progress::shown(&progress, "checking", Box::pin(examination)).await;
        match self.output {
            Output::Text => print(text::render(&report, text::is_coloured()).as_bytes())?,
            Output::Json => {
                print(format!("{}\n", serde_json::to_string_pretty(&report)?).as_bytes())?;
            }
        }
        Ok(if report.ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// A number of things.
fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
