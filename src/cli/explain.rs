//! `explain`: why a user or group has an entity or none.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;

use super::ConfigFiles;
use super::once::{PlanInput, load};
use super::output::{Destination, OutputFormat};
use super::service::ServiceClient;
use crate::catalog::entity::Kind;
use crate::catalog::escape::to_json;
use crate::catalog::explain::{Explanation, SourceRow};
use crate::catalog::plan::Names;
use crate::inert::inert;
use crate::snapshot::explanations::Explanations;

/// Explain why a user or group is in the catalog as it is, or is not
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// What to explain
    kind: Kind,
    /// A name in the catalog, a username or group name in Authentik, or a pk
    #[arg(allow_hyphen_values = true)]
    name: String,
    /// Ask the running service at this URL; without it, Authentik is read once
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The format of the output
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    config: ConfigFiles,
}

impl ExplainArgs {
    /// Prints the explanations; fails if no row has the name.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<()> {
        let kind = self.kind;
        let explained = match &self.url {
            Some(url) => request(url, kind, &self.name).await?,
            None => read(before.then(self.config), kind, self.name).await?,
        };
        self.destination.write(match self.format {
            OutputFormat::Json => to_json(&explained) + "\n",
            OutputFormat::Text => text(&explained),
        })
    }
}

/// Requests the explanations of a running service.
async fn request(url: &str, kind: Kind, name: &str) -> anyhow::Result<Explanations> {
    let body = ServiceClient::at(url)?
        .get("/explain", &[(kind.lower(), name)])
        .await?;
    serde_json::from_slice(&body)
        .ok()
        .context("the answer is no explanation; is it a service of this version?")
}

/// Reads Authentik once.
async fn read(files: Vec<PathBuf>, kind: Kind, name: String) -> anyhow::Result<Explanations> {
    let input = PlanInput::of(&load(&files)?).await?;
    let explained = input
        .plan(Names::default(), move |plan| {
            Explanations::by(plan, kind, name)
        })
        .await?;
    ensure!(
        !explained.matches.is_empty(),
        "no {explained} is in Authentik, neither by name nor by pk; it may also be hidden from the token{}",
        inert(&explained.proposal())
    );
    Ok(explained)
}

/// Formats the explanations as text.
fn text(explained: &Explanations) -> String {
    let mut text = String::new();
    for (at, explanation) in explained.matches.iter().enumerate() {
        text.push_str(if at == 0 { "" } else { "\n" });
        describe(&mut text, &explained.kind, explanation).expect("memory is written");
    }
    text
}

/// Formats one explanation as text.
fn describe(text: &mut String, kind: &str, explanation: &Explanation) -> std::fmt::Result {
    writeln!(text, "{kind} pk {}", inert(&explanation.pk))?;
    for (field, value) in fields(&explanation.source) {
        writeln!(text, "  {field:<10} {}", inert(&value))?;
    }
    writeln!(text, "rules")?;
    for step in &explanation.rules {
        writeln!(text, "  {}: {}", step.rule, inert(&step.says))?;
    }
    match (&explanation.entity, &explanation.reason) {
        (Some(entity), _) => writeln!(text, "entity\n  {}", inert(entity.get())),
        (None, reason) => writeln!(
            text,
            "no entity: {}",
            inert(reason.as_deref().unwrap_or("unknown"))
        ),
    }
}

/// Returns the fields of a row, with texts in quotes.
fn fields(source: &SourceRow) -> Vec<(&'static str, String)> {
    let quoted = |text: &String| format!("{text:?}");
    match source {
        SourceRow::User(user) => vec![
            ("username", quoted(&user.username)),
            ("name", quoted(&user.name)),
            ("email", quoted(&user.email)),
            ("avatar", quoted(&user.avatar)),
            ("isActive", user.is_active.to_string()),
            ("type", user.user_type.clone()),
            ("groups", user.groups.join(", ")),
        ],
        SourceRow::Group(group) => vec![
            ("name", quoted(&group.name)),
            ("parents", group.parents.join(", ")),
            ("users", group.users.to_string()),
        ],
    }
}
