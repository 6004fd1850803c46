//! The configuration: Backstage's own block of an `app-config.yaml`, and one block for this service.
//!
//! A value comes from a variable, else from the last file that has it, else from its default. Files
//! and variables are read once, in small steps: read our blocks, resolve, merge, check, type.

mod auth;
mod authentik;
mod backstage;
mod blocks;
mod duration;
mod environment;
mod error;
mod expand;
mod exposure;
mod file;
mod full_sync;
mod include;
mod keys;
mod network;
mod reference;
mod scalar;
mod schedule;
mod schema;
mod service;
mod shrink_guard;
mod state_dir;
mod substitute;
mod tls;
mod tree;
mod variables;
mod wanted;

use std::iter::once;
use std::path::PathBuf;

pub use auth::{AccessError, AuthConfig, Entry, is_token};
pub use authentik::AuthentikConfig;
pub use backstage::BackstageConfig;
pub use duration::{DurationError, parse as parse_duration};
pub use environment::{Environment, ProcessEnvironment};
pub use error::{ConfigError, Place};
pub use exposure::Exposure;
pub use full_sync::{FullSync, Limit};
pub use reference::{reference_page, variables};
pub use schedule::{Frequency, FrequencyError, Schedule, Scope};
pub use schema::json_schema;
pub use service::{ServiceConfig, parse_listen};
pub use shrink_guard::ShrinkGuard;
pub use state_dir::StateDir;
pub use tls::TlsConfig;

use secrecy::ExposeSecret;

use crate::authentik::client::ClientSettings;
use crate::catalog::policy::Policy;
use tree::{Content, Node, Source};

/// Everything that an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// Backstage's block.
    pub authentik: AuthentikConfig,
    /// This service's block.
    pub service: ServiceConfig,
    /// What looks like a mistake but stops nothing; for the log.
    pub warnings: Vec<String>,
}

impl Config {
    /// Loads the configuration from any number of files, of which later ones win, and from variables.
    ///
    /// # Errors
    /// Names the file or variable, the key, what was expected and what to do; never a token.
    pub fn load(files: &[PathBuf], env: &impl Environment) -> Result<Self, ConfigError> {
        Self::from_nodes(nodes(files, env)?, &names(files), env)
    }

    /// Loads this service's own block alone; nothing of Authentik need be set.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_service(
        files: &[PathBuf],
        env: &impl Environment,
    ) -> Result<ServiceConfig, ConfigError> {
        let (tree, _) = merged(nodes(files, env)?, &names(files), env)?;
        blocks::typed(&tree, keys::SERVICE)
    }

    /// How to ask Authentik.
    #[must_use]
    pub fn client_settings(&self) -> ClientSettings {
        ClientSettings {
            base_url: self.authentik.base_url.clone(),
            token: self.authentik.token.clone(),
            concurrency: self.service.concurrency,
            page_size: self.service.page_size,
            request_timeout: self.service.request_timeout,
            ca_file: self.service.ca_file.clone(),
        }
    }

    /// How long a reading of what changed may take.
    #[must_use]
    pub fn delta_limit(&self) -> Limit {
        Limit::of_delta(self.authentik.schedule.timeout)
    }

    /// How long a reading of everything may take.
    #[must_use]
    pub fn full_limit(&self) -> Limit {
        Limit::of_full(
            self.service.full_sync.timeout,
            self.authentik.schedule.timeout,
        )
    }

    /// Which rows become entities.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            base_url: self.authentik.base_url.clone(),
            names: self.service.names,
            exclude_groups: self.authentik.exclude_groups.clone(),
            include_service_accounts: self.authentik.include_service_accounts,
        }
    }

    /// Whether both decide the same, tokens included.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        // What `Debug` hides is compared beside it; it shows how many tokens each list has.
        let [own, others] = [self, other].map(|config| {
            let backstage = config
                .service
                .backstage
                .iter()
                .map(|backstage| &backstage.token);
            let secrets = once(&config.authentik.token)
                .chain(config.service.auth.secrets())
                .chain(backstage);
            secrets.map(ExposeSecret::expose_secret).collect::<Vec<_>>()
        });
        own == others && format!("{self:?}") == format!("{other:?}")
    }

    fn from_nodes(
        nodes: Vec<Node>,
        files: &str,
        env: &impl Environment,
    ) -> Result<Self, ConfigError> {
        let (tree, warnings) = merged(nodes, files, env)?;
        blocks::require(&tree, Some(files).filter(|files| !files.is_empty()))?;
        let mut service: ServiceConfig = blocks::typed(&tree, keys::SERVICE)?;
        service.state_dir = service.state_dir.settled(env);
        Ok(Self {
            authentik: blocks::typed(&tree, keys::AUTHENTIK)?,
            service,
            warnings,
        })
    }
}

/// The contents of files.
fn nodes(files: &[PathBuf], env: &impl Environment) -> Result<Vec<Node>, ConfigError> {
    files.iter().map(|path| expand::file(path, env)).collect()
}

/// The names of files, for messages.
fn names(files: &[PathBuf]) -> String {
    files
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Files and variables as one checked tree, and what looks like a mistake in it.
fn merged(
    nodes: Vec<Node>,
    files: &str,
    env: &impl Environment,
) -> Result<(Node, Vec<String>), ConfigError> {
    let mut tree = Node::new(&Source::Document(files.to_owned()), Content::Absent);
    for node in nodes {
        tree.merge(node);
    }
    variables::apply(&mut tree, env)?;
    let mut warnings = variables::misspelled(env);
    blocks::check(&mut tree, &mut warnings)?;
    Ok((tree, warnings))
}

#[cfg(test)]
mod tests;
