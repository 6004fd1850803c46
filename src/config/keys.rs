//! The description of every key, for the reference page, the schema, variables and checks.

mod similar;

use std::sync::LazyLock;

pub(super) use similar::{listed, nearest};

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

/// One key, as operators see it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The whole path, such as `entityProvider.listen`.
    pub(super) path: String,
    /// The variable that wins over every file.
    pub(super) variable: String,
    /// What it takes.
    pub(super) kind: Kind,
    /// What counts without it.
    pub(super) unset: Unset,
    /// When a change takes effect.
    pub(super) effect: Effect,
    /// What it decides, in one sentence of Markdown.
    pub(super) meaning: String,
}

/// What a key takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An `http` or `https` URL.
    Url,
    /// A text that is never shown; its variable has a second form that names a file.
    Secret,
    /// A list of texts that are never shown; its variable has a second form that names a file.
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
    /// Lists of accepted values by key.
    ValueMap,
    /// What names begin with, at most this long.
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
    /// A directory, or `false` for none.
    Folder,
    /// A length of time.
    Duration,
    /// A length of time, a cron expression or a manual trigger.
    Frequency,
}

/// What counts where a key is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unset {
    /// Nothing: the key must be set.
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
    /// The variable that names a file with the value, for secrets.
    pub(super) fn file_variable(&self) -> Option<String> {
        matches!(self.kind, Kind::Secret | Kind::Secrets).then(|| format!("{}_FILE", self.variable))
    }

    /// The path below a block or section, if the key is in it.
    pub(super) fn below(&self, parent: &str) -> Option<&str> {
        self.path.strip_prefix(parent)?.strip_prefix('.')
    }
}

/// The key of a path.
pub(super) fn key(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The names of keys and sections in a block or section; none if the path is neither.
pub(super) fn children(parent: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = KEYS
        .iter()
        .filter_map(|key| key.below(parent)?.split('.').next())
        .collect();
    names.dedup();
    names
}

/// The variable of a key: its path below the block in capitals, such as `ENTITY_PROVIDER_PAGE_SIZE`.
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

/// Whether a change at a path, of a key or of a section, takes effect after a restart only.
pub(super) fn needs_restart(path: &str) -> bool {
    KEYS.iter()
        .filter(|key| key.path == path || key.below(path).is_some())
        .any(|key| key.effect == Effect::AfterRestart)
}

#[cfg(test)]
mod tests;
