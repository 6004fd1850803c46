//! `export`: writes the entities of one run, without a server.

use anyhow::ensure;
use clap::Args;

use super::ConfigFiles;
use super::once::{PlanInput, load, report};
use super::output::Destination;
use crate::catalog::entity::Kind;
use crate::catalog::plan::Names;
use crate::snapshot::document::Document;
use crate::snapshot::rendition::{Format, Rendition, Variant};
use crate::snapshot::shard::Shard;
use crate::sync::guard::{NO_USERS, NO_USERS_REMEDY};

/// Read Authentik once and write the entities, as `GET /entities` would serve them
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The format of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Only one shard, such as `0/64`; see `?shard=` of the API
    #[arg(long, value_name = "I/K")]
    shard: Option<Shard>,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    config: ConfigFiles,
}

impl ExportArgs {
    /// Reads the directory and writes the entities.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<()> {
        let input = PlanInput::of(&load(&before.then(self.config))?).await?;
        let variant = Variant {
            format: self.format,
            kind: None,
            shard: self.shard,
        };
        let planned = input.plan(Names::default(), move |plan| {
            report(plan.findings());
            let bytes = Rendition::plain(&Document::render(plan, None), variant).bytes;
            (plan.count(Kind::User), bytes)
        });
        let (users, bytes) = planned.await?;
        ensure!(users > 0, "{NO_USERS}; {NO_USERS_REMEDY}");
        self.destination.write(bytes)
    }
}
