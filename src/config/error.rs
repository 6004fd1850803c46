//! The errors of a configuration. Each names the file, the key and the remedy.

use std::fmt;

use super::auth::AccessError;

/// All errors of a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// Collects errors, in the order in which they are shown.
    pub(super) fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }

    /// Returns all errors.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [error] = &self.0[..] {
            return error.fmt(f);
        }
        write!(f, "the configuration has {} errors:", self.0.len())?;
        self.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for ConfigErrors {}

/// An error of a configuration. No message contains a token.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The configuration file cannot be read.
    #[error(
        "cannot read the configuration file {file}: {reason}; check the path and its permissions"
    )]
    Read {
        /// The path of the file.
        file: String,
        /// The message of the operating system.
        reason: String,
    },
    /// The configuration file has invalid syntax.
    #[error("{file}: line {line}, column {column}: {message}")]
    Syntax {
        /// The path of the file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// The problem and the remedy.
        message: String,
    },
    /// A value is invalid.
    #[error("{place}: {message}")]
    Invalid {
        /// The place of the value.
        place: Place,
        /// The problem, the expected value and the remedy.
        message: String,
    },
    /// A value refers to a variable that is not set.
    #[error(
        "{place}: environment variable `{variable}` is not set or empty; set it, \
         or set a default as in `${{{variable}:-default}}`"
    )]
    Unset {
        /// The place of the reference.
        place: Place,
        /// The name of the variable.
        variable: String,
    },
    /// A required key is not set.
    #[error(
        "{place}: not set; set it in the configuration file or in the environment variable {variables}"
    )]
    Missing {
        /// The key.
        place: Place,
        /// The variables that can set it.
        variables: String,
    },
    /// An unknown key of our block.
    #[error("{place}: unknown key; {remedy}")]
    UnknownKey {
        /// The key.
        place: Place,
        /// The key that was probably meant, or all known ones.
        remedy: String,
    },
    /// A known key in the wrong block.
    #[error("{place}: `{key}` belongs to `{owner}`; move it there")]
    Misplaced {
        /// The place of the key.
        place: Place,
        /// The name of the key.
        key: String,
        /// The block where it belongs.
        owner: &'static str,
    },
    /// One of our blocks in a wrong place.
    #[error("{place}: this block has no effect here; move its keys to `{owner}`")]
    MisplacedBlock {
        /// The place of the block.
        place: Place,
        /// The block where its keys belong.
        owner: &'static str,
    },
    /// A block below a name, as in providers that read several servers.
    #[error(
        "{place}: one process reads one Authentik; move these keys up to `{owner}`, and run another process \
         for each other Authentik"
    )]
    SecondAuthentik {
        /// The place of the block.
        place: Place,
        /// The block where its keys belong.
        owner: &'static str,
    },
    /// Two variables set the same secret.
    #[error("{variable} and {variable}_FILE are both set; unset one of them")]
    TwoSecrets {
        /// The variable with the secret itself.
        variable: &'static str,
    },
    /// The variable `TZ` is not a time zone.
    #[error(
        "TZ: `{name}` is not a known time zone; expected a name such as `Europe/Berlin`, or unset the variable"
    )]
    TimeZone {
        /// The value of the variable.
        name: String,
    },
    /// The service would be open by mistake, or useless.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A file or secret of the configuration cannot be used.
    #[error("{0}")]
    Unusable(String),
}

impl ConfigError {
    /// Returns the path of a required key that is not set.
    pub(super) fn missing(&self) -> Option<&str> {
        match self {
            Self::Missing {
                place: Place::Key { key, .. },
                ..
            } => Some(key),
            _ => None,
        }
    }
}

/// The place of a value, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A key of a file.
    Key {
        /// The file with the files that include it, or an `APP_CONFIG_*` variable.
        file: Option<String>,
        /// The whole key, such as `catalog.providers.authentik.baseUrl`.
        key: String,
    },
    /// The environment variable of a single key.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key {
                file: Some(file),
                key,
            } => write!(f, "{file}: {key}"),
            Self::Key { file: None, key } => f.write_str(key),
            Self::Variable(name) => f.write_str(name),
        }
    }
}
