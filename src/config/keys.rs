//! Every key of the configuration, once: checks, variables, reference page and schema come from here.

mod similar;
mod table;

pub(super) use similar::{listed, nearest};
pub(super) use table::KEYS;

/// Backstage's own block.
pub(super) const AUTHENTIK: &str = "catalog.providers.authentik";
/// The block of this service.
pub(super) const SERVICE: &str = "entityProvider";
/// Both blocks, in the order in which they are read.
pub(super) const BLOCKS: [&str; 2] = [AUTHENTIK, SERVICE];

/// One key, as operators see it.
#[derive(Debug)]
pub(super) struct Key {
    /// The whole path, such as `entityProvider.listen`.
    pub(super) path: &'static str,
    /// The variable that wins over every file.
    pub(super) variable: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
    /// What counts without it.
    pub(super) fallback: Fallback,
    /// What it decides, in one sentence of Markdown.
    pub(super) meaning: &'static str,
}

/// What a key takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An `http` or `https` URL.
    Url,
    /// A text that is never shown; its variable has a second form that names a file.
    Secret,
    /// A list of texts that are never shown; its variable has a second form that names a file.
    Secrets,
    /// A list of strings.
    Texts,
    /// What names begin with, at most this long.
    Prefix(usize),
    /// `true` or `false`.
    Switch,
    /// A whole number within these bounds.
    Integer(u32, u32),
    /// One of these words.
    Choice(&'static [&'static str]),
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
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    /// Nothing: the key must be set.
    Required,
    /// The feature is off.
    Absent,
    /// This value, as YAML.
    Value(&'static str),
}

impl Key {
    /// The variable that names a file with the value, for secrets.
    pub(super) fn file_variable(&self) -> Option<String> {
        matches!(self.kind, Kind::Secret | Kind::Secrets).then(|| format!("{}_FILE", self.variable))
    }

    /// The path below a block or section, if the key stands there.
    pub(super) fn below(&self, parent: &str) -> Option<&'static str> {
        self.path.strip_prefix(parent)?.strip_prefix('.')
    }
}

/// The key of a path.
pub(super) fn key(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The names that may stand in a block or section; none if the path is neither.
pub(super) fn children(parent: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = KEYS
        .iter()
        .filter_map(|key| key.below(parent)?.split('.').next())
        .collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
