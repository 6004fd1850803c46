//! `export`: the entities of one run, without a server.

use anyhow::ensure;
use clap::Args;

use super::ConfigFiles;
use super::once::{Reading, load, report};
use super::output::Destination;
use crate::catalog::entity::Kind;
use crate::catalog::plan::Names;
use crate::snapshot::document::Document;
use crate::snapshot::rendition::{Format, Rendition, Variant};
use crate::snapshot::shard::Shard;
use crate::sync::guard::{NO_USERS, NO_USERS_REMEDY};

/// Read Authentik once and write the entities, as `GET /entities` would serve them
#[derive(Debug, Args)]
pub(super) struct Export {
    /// How entities follow each other
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Only one shard, such as `0/64`, as `?shard=` has it
    #[arg(long, value_name = "I/K")]
    shard: Option<Shard>,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    config: ConfigFiles,
}

impl Export {
    /// Reads everything before anything is written.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<()> {
        let reading = Reading::of(&load(&before.then(self.config))?).await?;
        let variant = Variant {
            format: self.format,
            kind: None,
            shard: self.shard,
        };
        let made = reading.plan(Names::default(), move |plan| {
            report(plan.findings());
            let bytes = Rendition::plain(&Document::render(plan, None), variant).bytes;
            (plan.count(Kind::User), bytes)
        });
        let (users, bytes) = made.await?;
        ensure!(users > 0, "{NO_USERS}; {NO_USERS_REMEDY}");
        self.destination.write(bytes)
    }
}
