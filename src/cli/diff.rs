//! `diff`: what a sync now would change.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::once::{PlanInput, load, report};
use super::output::{Destination, OutputFormat};
use super::service::ServiceClient;
use super::{ConfigFiles, baseline, write_stderr_line};
use crate::catalog::diff::{ByRef, EntityDiff};
use crate::catalog::escape::to_json;
use crate::inert::inert;
use crate::snapshot::document::Document;
use crate::snapshot::rendition::{Format, Rendition, Variant};

/// The exit code for a difference.
const DIFFERENT: u8 = 1;
/// The exit code if the comparison cannot be made.
const FAILED: u8 = 2;

/// Show what a sync now would add (+), change (~) and remove (-)
///
/// The exit code is 0 without a difference, 1 with one, 2 if the comparison cannot be made.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The URL of a running service, or a file made by `export`; by default the service on the listen
    /// address of the configuration
    #[arg(long, value_name = "URL|FILE")]
    against: Option<String>,
    /// The format of the output
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    config: ConfigFiles,
}

/// The JSON form of a difference.
#[derive(Serialize)]
struct View<'a> {
    against: &'a str,
    #[serde(flatten)]
    difference: &'a EntityDiff,
}

impl DiffArgs {
    /// Prints the difference and returns the exit code.
    pub(super) async fn run(self, before: ConfigFiles) -> ExitCode {
        match self.compare(before).await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => DIFFERENT.into(),
            Err(error) => {
                write_stderr_line(&format!("error: {}", inert(&format!("{error:#}"))));
                FAILED.into()
            }
        }
    }

    /// Prints the difference; returns true if there is none.
    async fn compare(self, before: ConfigFiles) -> anyhow::Result<bool> {
        let config = load(&before.then(self.config))?;
        // The configured token is sent only to the configured service.
        let own = config
            .service
            .auth
            .read_tokens
            .first()
            .filter(|_| self.against.is_none())
            .cloned();
        let against = self
            .against
            .unwrap_or_else(|| ServiceClient::url_of(&config.service));
        let old = baseline::read(&against, own).await?;
        let against = ServiceClient::shown(&against);
        let new = current(PlanInput::of(&config).await?, &old).await?;
        let difference = EntityDiff::between(&old, &new);
        let view = View {
            against: &against,
            difference: &difference,
        };
        self.destination.write(match self.format {
            OutputFormat::Json => to_json(&view) + "\n",
            OutputFormat::Text => text(&difference),
        })?;
        let EntityDiff {
            added,
            changed,
            removed,
        } = &difference;
        write_stderr_line(&format!(
            "{} to add, {} to change, {} to remove against {}",
            added.len(),
            changed.len(),
            removed.len(),
            inert(&against)
        ));
        Ok(difference.is_empty())
    }
}

/// Returns the current entities, with the names of `old` held.
async fn current(input: PlanInput, old: &ByRef) -> anyhow::Result<ByRef> {
    let variant = Variant {
        format: Format::Ndjson,
        ..Variant::default()
    };
    let planned = input.plan(baseline::held(old), move |plan| {
        report(plan.findings());
        baseline::parse(&Rendition::plain(&Document::render(plan, None), variant).bytes)
    });
    planned.await?
}

/// Formats the difference as text, one line for each ref.
fn text(difference: &EntityDiff) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    lines.extend(
        difference
            .added
            .iter()
            .map(|entity_ref| (&**entity_ref, format!("+ {entity_ref}"))),
    );
    lines.extend(difference.changed.iter().map(|changed| {
        (
            &*changed.entity_ref,
            format!("~ {}  {}", changed.entity_ref, changed.paths.join(", ")),
        )
    }));
    lines.extend(
        difference
            .removed
            .iter()
            .map(|entity_ref| (&**entity_ref, format!("- {entity_ref}"))),
    );
    lines.sort_unstable();
    lines.iter().fold(String::new(), |mut text, (_, line)| {
        writeln!(text, "{}", inert(line)).expect("memory is written");
        text
    })
}
