//! Which values come from the file and which from a variable.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{ConfigError, Place};

/// Remembers where each value was given, for messages.
#[derive(Debug, Default)]
pub(super) struct Origin {
    file: Option<String>,
    overridden: BTreeMap<String, &'static str>,
}

impl Origin {
    /// The origin of values that all come from one file.
    pub(super) fn new(file: Option<&Path>) -> Self {
        Self { file: file.map(|path| path.display().to_string()), overridden: BTreeMap::new() }
    }

    /// Notes that a variable gives the value of a key.
    pub(super) fn override_key(&mut self, key: String, variable: &'static str) {
        self.overridden.insert(key, variable);
    }

    /// Whether a variable gives the value of a key.
    pub(super) fn is_overridden(&self, key: &str) -> bool {
        self.overridden.contains_key(key)
    }

    /// Where the value of a key was given.
    pub(super) fn place(&self, key: &str) -> Place {
        match self.overridden.get(key) {
            Some(variable) => Place::Variable((*variable).to_owned()),
            None => Place::Key { file: self.file.clone(), key: key.to_owned() },
        }
    }

    /// The error that the value of a key is not what the key takes.
    pub(super) fn invalid(&self, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::Invalid { place: self.place(key), message: message.into() }
    }
}
