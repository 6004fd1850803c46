//! The descriptions of all keys, for the reference page, the schema, variables and checks.

mod similar;

use std::sync::LazyLock;

pub(super) use similar::{alternatives, listed, nearest};

use super::authentik::AuthentikConfig;
use super::section::Section;
use super::service::ServiceConfig;

/// Backstage's own block.
pub(super) const AUTHENTIK: &str = "catalog.providers.authentik";
/// The block of this service.
pub(super) const SERVICE: &str = "entityProvider";
/// Both blocks, in the order in which they are read.
pub(super) const BLOCKS: [&str; 2] = [AUTHENTIK, SERVICE];

/// All keys, in the order of the reference page.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    [
        AuthentikConfig::describe(AUTHENTIK),
        ServiceConfig::describe(SERVICE),
    ]
    .concat()
});

/// The description of a key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The whole path, such as `entityProvider.listen`.
    pub(super) path: String,
    /// The variable that overrides every file.
    pub(super) variable: String,
    /// The type of its value.
    pub(super) kind: ValueKind,
    /// The value without the key.
    pub(super) unset: Unset,
    /// When a change takes effect.
    pub(super) effect: Effect,
    /// Its meaning, in Markdown.
    pub(super) meaning: String,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// An `http` or `https` URL.
    Url,
    /// A text that is never shown; its variable has a second form with the path of a file.
    Secret,
    /// A list of texts that are never shown; its variable has a second form with the path of a file.
    Secrets,
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// The name of a field of a row, or a list of them.
    Fields,
    /// Fields by key.
    FieldMap,
    /// Strings by key.
    TextMap,
    /// Lists of values by key.
    ValueMap,
    /// A prefix of names with this maximum length.
    Prefix(usize),
    /// `true` or `false`.
    Switch,
    /// A whole number within these bounds.
    Integer(u32, u32),
    /// One of these words.
    Choice(Vec<&'static str>),
    /// The path of a file.
    File,
    /// An address and a port.
    Address,
    /// A directory, or `false`.
    Folder,
    /// A duration.
    Duration,
    /// A duration, a cron expression or a manual trigger.
    Frequency,
}

/// The value of a key that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unset {
    /// None: the key must be set.
    Required,
    /// The feature is off.
    Absent,
    /// This value, as YAML.
    Default(&'static str),
}

/// When a change of a key takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// With the next reload.
    AtOnce,
    /// With the next start.
    AfterRestart,
}

impl Key {
    /// Returns the variable with the path of a file, for secrets.
    pub(super) fn file_variable(&self) -> Option<String> {
        matches!(self.kind, ValueKind::Secret | ValueKind::Secrets)
            .then(|| format!("{}_FILE", self.variable))
    }

    /// Returns the path relative to a block or section, if the key is in it.
    pub(super) fn below(&self, parent: &str) -> Option<&str> {
        self.path.strip_prefix(parent)?.strip_prefix('.')
    }
}

/// Finds a key by its path.
pub(super) fn key(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Returns the names of keys and sections in a block or section; none if the path is neither.
pub(super) fn children(parent: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = KEYS
        .iter()
        .filter_map(|key| key.below(parent)?.split('.').next())
        .collect();
    names.dedup();
    names
}

/// Returns the variable of a key: its path below the block in capitals, such as `ENTITY_PROVIDER_PAGE_SIZE`.
pub(super) fn variable(path: &str) -> String {
    let below = BLOCKS
        .iter()
        .find_map(|block| path.strip_prefix(block)?.strip_prefix('.'));
    let mut name = String::from("ENTITY_PROVIDER_");
    for letter in below.unwrap_or(path).chars() {
        match letter {
            '.' => name.push('_'),
            letter if letter.is_ascii_uppercase() => name.extend(['_', letter]),
            letter => name.push(letter.to_ascii_uppercase()),
        }
    }
    name
}

/// Returns true if a change of a key or section takes effect after a restart only.
pub(super) fn needs_restart(path: &str) -> bool {
    KEYS.iter()
        .filter(|key| key.path == path || key.below(path).is_some())
        .any(|key| key.effect == Effect::AfterRestart)
}

#[cfg(test)]
mod tests;
