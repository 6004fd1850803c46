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
mod examined;
mod expand;
mod exposure;
mod file;
mod full_sync;
mod include;
mod keys;
mod log_format;
mod misplaced;
mod network;
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
mod shrink_guard;
mod state_dir;
mod substitute;
mod time_zone;
mod tls;
mod tree;
mod variables;
mod wanted;

use std::path::PathBuf;
use std::sync::Arc;

pub use auth::{AccessError, AuthConfig, Entry, is_token};
pub use authentik::AuthentikConfig;
pub use backstage::BackstageConfig;
pub use duration::{DurationError, parse as parse_duration};
pub use environment::{Environment, ProcessEnvironment};
pub use error::{ConfigError, ConfigErrors, Place};
pub use examined::Examined;
pub use exposure::Exposure;
pub use full_sync::{FullSync, Limit};
pub use log_format::LogFormat;
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
    /// Names for each error the file or variable, the key, what was expected and what to do; never a token.
    pub fn load(files: &[PathBuf], env: &impl Environment) -> Result<Self, ConfigErrors> {
        Examined::load(files, env).into_config()
    }

    /// Loads this service's own block alone; nothing of Authentik need be set.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_service(
        files: &[PathBuf],
        env: &impl Environment,
    ) -> Result<ServiceConfig, ConfigErrors> {
        Examined::load(files, env).into_service()
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
            proxies: self.service.proxies.clone(),
            fields: Arc::new(self.service.shape().selection()),
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
            shape: self.service.shape(),
        }
    }

    /// Whether both decide the same, tokens included.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let authentik = self.authentik.changed(&other.authentik, AUTHENTIK);
        let service = self.service.changed(&other.service, SERVICE);
        authentik.is_empty() && service.is_empty() && self.warnings == other.warnings
    }
}

#[cfg(test)]
mod tests;
