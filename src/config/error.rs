//! What can be wrong with a configuration, said with the file, the key and the remedy.

use std::fmt;

use super::auth::AccessError;

/// Everything that is wrong with a configuration, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The errors in the order in which they are shown.
    pub(super) fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }

    /// Each error.
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

/// One thing that is wrong with a configuration; no message repeats a token.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The configuration file cannot be read.
    #[error(
        "cannot read the configuration file {file}: {reason}; check the path and its permissions"
    )]
    Read {
        /// The path as it was given.
        file: String,
        /// What the operating system says.
        reason: String,
    },
    /// The configuration file is not YAML as it is expected.
    #[error("{file}: line {line}, column {column}: {message}")]
    Syntax {
        /// The path as it was given.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What is wrong there and what to do.
        message: String,
    },
    /// A value is not what its key takes.
    #[error("{place}: {message}")]
    Invalid {
        /// Where the value stands.
        place: Place,
        /// What is wrong with it, what was expected and what to do.
        message: String,
    },
    /// A value refers to a variable that is not set.
    #[error(
        "{place}: environment variable `{variable}` is not set or empty; set it, \
         or give a default as in `${{{variable}:-default}}`"
    )]
    Unset {
        /// Where the reference stands.
        place: Place,
        /// The variable's name.
        variable: String,
    },
    /// A value that has no default is given nowhere.
    #[error(
        "{place}: not set; set it in the configuration file or in the environment variable {variables}"
    )]
    Missing {
        /// The key that was expected.
        place: Place,
        /// The variables that can give the value instead.
        variables: String,
    },
    /// A key that this program would never read.
    #[error("{place}: unknown key; {remedy}")]
    UnknownKey {
        /// The unknown key.
        place: Place,
        /// The key that was probably meant, or the known ones.
        remedy: String,
    },
    /// A known key in the wrong block.
    #[error("{place}: `{key}` belongs to `{owner}`; move it there")]
    Misplaced {
        /// Where the key stands.
        place: Place,
        /// The key's own name.
        key: String,
        /// The block where it belongs.
        owner: &'static str,
    },
    /// One of our blocks where nothing reads it.
    #[error("{place}: nothing reads this here; move its keys to `{owner}`")]
    MisplacedBlock {
        /// Where the block is.
        place: Place,
        /// Where its keys belong.
        owner: &'static str,
    },
    /// A name with a block of its own below it, as providers that read several servers have.
    #[error(
        "{place}: one process reads one Authentik; move these keys up to `{owner}`, and run another process \
         for each other Authentik"
    )]
    SecondAuthentik {
        /// Where the block is.
        place: Place,
        /// Where its keys belong.
        owner: &'static str,
    },
    /// A secret is given twice by variables.
    #[error("{variable} and {variable}_FILE are both set; unset one of them")]
    TwoSecrets {
        /// The variable that gives the secret itself.
        variable: &'static str,
    },
    /// The variable `TZ` names no zone.
    #[error(
        "TZ: `{name}` is not a known time zone; expected a name such as `Europe/Berlin`, or unset the variable"
    )]
    TimeZone {
        /// The value of the variable.
        name: String,
    },
    /// The service would be open by mistake, or of no use.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Something that the configuration names cannot be used, such as a file.
    #[error("{0}")]
    Unusable(String),
}

impl ConfigError {
    /// The path of a required key that is given nowhere.
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

/// Where a value stands, so that an operator finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A key of a document, if one was given.
    Key {
        /// The file as it was given, with the files that include it, or an `APP_CONFIG_*` variable.
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
