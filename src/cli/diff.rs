//! `diff`: what a sync now would change.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::once::{Reading, load, report};
use super::output::{Destination, Form};
use super::service::Service;
use super::{ConfigFiles, baseline, complain};
use crate::catalog::diff::{ByRef, EntityDiff};
use crate::catalog::escape::to_json;
use crate::inert::inert;
use crate::snapshot::document::Document;
use crate::snapshot::rendition::{Format, Rendition, Variant};

/// The exit code for a difference.
const DIFFERENT: u8 = 1;
/// The exit code for whatever keeps the comparison from being made.
const TROUBLE: u8 = 2;

/// Show what a sync now would add (+), change (~) and remove (-)
///
/// The exit code is 0 without a difference, 1 with one, 2 if the comparison cannot be made.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// A running service or a file made by `export`; without it, the service that the configuration
    /// lets listen on this machine
    #[arg(long, value_name = "URL|FILE")]
    against: Option<String>,
    /// For whom to write
    #[arg(long, value_enum, default_value_t)]
    format: Form,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    config: ConfigFiles,
}

/// A difference and what it was made against.
#[derive(Serialize)]
struct View<'a> {
    against: &'a str,
    #[serde(flatten)]
    difference: &'a EntityDiff,
}

impl Diff {
    /// Prints the difference and gives the exit code.
    pub(super) async fn run(self, before: ConfigFiles) -> ExitCode {
        match self.compare(before).await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => DIFFERENT.into(),
            Err(error) => {
                complain(&format!("error: {}", inert(&format!("{error:#}"))));
                TROUBLE.into()
            }
        }
    }

    /// Prints the difference; says whether there is none.
    async fn compare(self, before: ConfigFiles) -> anyhow::Result<bool> {
        let config = load(&before.then(self.config))?;
        // The own token goes to the own service and nowhere else.
        let own = config
            .service
            .auth
            .read_tokens
            .first()
            .filter(|_| self.against.is_none())
            .cloned();
        let against = self
            .against
            .unwrap_or_else(|| Service::url_of(&config.service));
        let old = baseline::read(&against, own).await?;
        let against = Service::shown(&against);
        let new = current(Reading::of(&config).await?, &old).await?;
        let difference = EntityDiff::between(&old, &new);
        let view = View {
            against: &against,
            difference: &difference,
        };
        self.destination.write(match self.format {
            Form::Json => to_json(&view) + "\n",
            Form::Text => text(&difference),
        })?;
        let EntityDiff {
            added,
            changed,
            removed,
        } = &difference;
        complain(&format!(
            "{} to add, {} to change, {} to remove against {}",
            added.len(),
            changed.len(),
            removed.len(),
            inert(&against)
        ));
        Ok(difference.is_empty())
    }
}

/// The entities as they would be now, if the names from before still count.
async fn current(reading: Reading, old: &ByRef) -> anyhow::Result<ByRef> {
    let variant = Variant {
        format: Format::Ndjson,
        ..Variant::default()
    };
    let made = reading.plan(baseline::held(old), move |plan| {
        report(plan.findings());
        baseline::parse(&Rendition::plain(&Document::render(plan, None), variant).bytes)
    });
    made.await?
}

/// The difference for a person, a ref a line.
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
