//! The configuration: Backstage's own block of an `app-config.yaml`, and one block for this service.
//!
//! A value comes from a variable, otherwise from the last file that has the key, otherwise from its default.
//! Loading has these steps: parse both blocks of each file, resolve references, merge, check keys, parse
//! values.

mod auth;
mod authentik;
mod backstage;
mod blocks;
mod database;
mod duration;
mod environment;
mod error;
mod expand;
mod exposure;
mod file;
mod full_sync;
mod include;
mod key_filter;
mod keys;
mod log_format;
mod misplaced;
mod network;
mod parsed;
mod reader;
mod reference;
mod scalar;
mod schedule;
mod schema;
mod section;
mod service;
mod setting;
mod shape;
mod shape_values;
mod shared;
mod shrink_guard;
mod state_dir;
mod substitute;
mod time_zone;
mod tls;
mod tree;
mod variables;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use auth::{AccessError, AuthConfig, AuthRequirement, is_token};
pub use authentik::AuthentikConfig;
pub use backstage::BackstageConfig;
pub use database::DatabaseConfig;
pub use duration::{DurationError, parse as parse_duration};
pub use environment::{Environment, ProcessEnvironment};
pub use error::{ConfigError, ConfigErrors, Place};
pub use exposure::Exposure;
pub use full_sync::{FullSync, TimeLimit};
pub use log_format::LogFormat;
pub use parsed::ParsedConfig;
pub use reference::{reference_page, variables};
pub use schedule::{Frequency, FrequencyError, Schedule, Scope};
pub use schema::json_schema;
pub use service::{ServiceConfig, parse_listen};
pub use shape::{GroupsConfig, UsersConfig};
pub use shrink_guard::ShrinkGuard;
pub use state_dir::StateDir;
pub use time_zone::time_zone;
pub use tls::TlsConfig;

use crate::authentik::client::ClientSettings;
use crate::catalog::policy::Policy;
use keys::{AUTHENTIK, SERVICE};
use section::Section;

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Backstage's block.
    pub authentik: AuthentikConfig,
    /// This service's block.
    pub service: ServiceConfig,
    /// Warnings for the log: probable mistakes that do not prevent a start.
    pub warnings: Vec<String>,
    /// A digest of each key that has to be equal at all replicas.
    pub shared_settings: BTreeMap<String, String>,
}

impl Config {
    /// Loads the configuration from files and variables. Later files override earlier ones.
    ///
    /// # Errors
    /// If a file or value is invalid, or a required key is missing. Each error names the file or variable, the
    /// key, the expected value and the remedy, and never contains a token.
    pub fn load(files: &[PathBuf], env: &impl Environment) -> Result<Self, ConfigErrors> {
        ParsedConfig::load(files, env).into_config()
    }

    /// Loads only this service's own block.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_service(
        files: &[PathBuf],
        env: &impl Environment,
    ) -> Result<ServiceConfig, ConfigErrors> {
        ParsedConfig::load(files, env).into_service()
    }

    /// Returns the settings of the client of Authentik.
    #[must_use]
    pub fn client_settings(&self) -> ClientSettings {
        ClientSettings {
            base_url: self.authentik.base_url.clone(),
            token: self.authentik.token.clone(),
            concurrency: self.service.concurrency,
            page_size: self.service.page_size,
            request_timeout: self.service.request_timeout,
            ca_file: self.service.ca_file.clone(),
            proxies: self.service.proxies.clone(),
            fields: Arc::new(self.service.shape().selection()),
        }
    }

    /// Returns the database that this process shares with other replicas.
    #[must_use]
    pub fn shared_database(&self) -> Option<&DatabaseConfig> {
        let is_global = self.authentik.schedule.scope == Scope::Global;
        self.service.database.as_ref().filter(|_| is_global)
    }

    /// Returns the directory of the state file; none with a shared database, which has the last snapshot.
    #[must_use]
    pub fn state_folder(&self) -> Option<PathBuf> {
        match self.shared_database() {
            Some(_) => None,
            None => self.service.state_dir.folder(),
        }
    }

    /// Returns the time limit of an incremental sync.
    #[must_use]
    pub fn delta_limit(&self) -> TimeLimit {
        TimeLimit::of_delta(self.authentik.schedule.timeout)
    }

    /// Returns the time limit of a full sync.
    #[must_use]
    pub fn full_limit(&self) -> TimeLimit {
        TimeLimit::of_full(
            self.service.full_sync.timeout,
            self.authentik.schedule.timeout,
        )
    }

    /// Returns the rules of the transform.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            base_url: self.authentik.base_url.clone(),
            names: self.service.names,
            exclude_groups: self.authentik.exclude_groups.clone(),
            include_service_accounts: self.authentik.include_service_accounts,
            shape: self.service.shape(),
        }
    }

    /// Returns true if both are equal, including tokens.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let authentik = self.authentik.changed(&other.authentik, AUTHENTIK);
        let service = self.service.changed(&other.service, SERVICE);
        authentik.is_empty() && service.is_empty() && self.warnings == other.warnings
    }
}

#[cfg(test)]
mod tests;
