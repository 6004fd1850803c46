//! `export`: the entities of one run, without a server.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use super::ConfigFiles;
use super::once::{Reading, load, report};
use super::output::print;
use crate::atomic_file;
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
    format: FormatName,
    /// Only one shard, such as `0/64`, as `?shard=` has it
    #[arg(long, value_name = "I/K")]
    shard: Option<Shard>,
    /// A file, replaced as a whole once everything is read; standard output without it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFiles,
}

/// How entities follow each other.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum FormatName {
    /// JSON documents, each after a `---` line: what Backstage reads
    #[default]
    Yaml,
    /// One JSON array
    Json,
    /// One JSON document a line
    Ndjson,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Yaml => Self::Yaml,
            FormatName::Json => Self::Json,
            FormatName::Ndjson => Self::Ndjson,
        }
    }
}

impl Export {
    /// Reads everything before anything is written.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<()> {
        let reading = Reading::of(&load(&before.then(self.config))?).await?;
        let variant = Variant {
            format: self.format.into(),
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
        match self.output {
            None => print(&bytes),
            Some(file) => {
                replace(&file, &bytes).with_context(|| format!("cannot write {}", file.display()))
            }
        }
    }
}

/// Replaces a file as a whole: whoever reads it sees the old content or the new, even after a crash.
/// A new file is for its owner alone, an old one keeps its mode; a link stays a link.
fn replace(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let (file, old) = match fs::canonicalize(file) {
        Ok(file) => (file.clone(), Some(fs::metadata(&file)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (file.to_owned(), None),
        Err(error) => return Err(error.into()),
    };
    ensure!(
        old.as_ref().is_none_or(fs::Metadata::is_file),
        "it is not a regular file"
    );
    atomic_file::replace(&file, ".export-", old.map(|old| old.permissions()), bytes)?;
    Ok(())
}
