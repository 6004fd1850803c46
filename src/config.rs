//! The configuration: Backstage's own block of an `app-config.yaml`, and one block for this service.
//!
//! A value comes from a variable, else from the file, else from its default. Files and variables
//! are read once, in small steps: read, pick our blocks, apply variables, substitute, type.

mod authentik;
mod blocks;
mod duration;
mod environment;
mod error;
mod file;
mod origin;
mod overrides;
mod scalar;
mod schedule;
mod service;
mod substitute;

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use authentik::AuthentikConfig;
pub use duration::{DurationError, parse as parse_duration};
pub use environment::{Environment, ProcessEnvironment};
pub use error::{ConfigError, Place};
pub use schedule::{Frequency, FrequencyError, Schedule, Scope};
pub use service::{ServiceConfig, parse_listen};

use blocks::Block;
use origin::Origin;

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
    /// Loads the configuration from an optional file and from variables.
    ///
    /// # Errors
    /// Names the file or variable, the key, what was expected and what to do; never a token.
    pub fn load(file: Option<&Path>, env: &impl Environment) -> Result<Self, ConfigError> {
        let blocks = [blocks::AUTHENTIK, blocks::SERVICE];
        let document = file.map(|path| file::read(path, &blocks)).transpose()?.unwrap_or_default();
        Self::from_document(&document, Origin::new(file), env)
    }

    fn from_document(
        document: &Value,
        mut origin: Origin,
        env: &impl Environment,
    ) -> Result<Self, ConfigError> {
        let mut warnings = Vec::new();
        let mut authentik = blocks::authentik(document, &origin, &mut warnings)?;
        overrides::apply(&mut authentik, env, &mut origin)?;
        let authentik = substitute::expand(authentik, env, &origin)?;
        require(&authentik, "baseUrl", "AUTHENTIK_BASE_URL", &origin)?;
        require(&authentik, "token", "AUTHENTIK_TOKEN (or AUTHENTIK_TOKEN_FILE)", &origin)?;
        let service = substitute::expand(blocks::service(document, &origin)?, env, &origin)?;
        Ok(Self { authentik: typed(authentik, &origin)?, service: typed(service, &origin)?, warnings })
    }
}

/// Refuses a block without a key that has no default.
fn require(block: &Block, key: &str, variables: &'static str, origin: &Origin) -> Result<(), ConfigError> {
    if block.values.contains_key(key) {
        return Ok(());
    }
    Err(ConfigError::Missing { place: origin.place(&format!("{}.{key}", block.key)), variables })
}

/// Gives a block its type; an error names the exact key.
fn typed<T: DeserializeOwned>(block: Block, origin: &Origin) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(Value::Object(block.values)).map_err(|error| {
        let key = format!("{}.{}", block.key, error.path());
        origin.invalid(&key, error.into_inner().to_string())
    })
}

#[cfg(test)]
mod tests;
