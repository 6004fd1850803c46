//! Reads the values of keys from the merged tree and collects what is wrong with them.

use serde_json::Value;

use super::error::{ConfigError, Place};
use super::keys::Key;
use super::tree::{Content, Node};

/// The merged tree and everything that was found wrong in it so far.
pub(super) struct Reader<'a> {
    tree: &'a Node,
    /// The files, for messages about keys that are in none of them.
    files: Option<&'a str>,
    /// What keeps the configuration from being used, in the order of the keys.
    pub(super) errors: Vec<ConfigError>,
    /// What looks like a mistake but stops nothing.
    pub(super) warnings: Vec<String>,
    /// The paths of the keys with an error.
    pub(super) failed: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader of a tree from these files.
    pub(super) fn of(tree: &'a Node, files: Option<&'a str>) -> Self {
        Self {
            tree,
            files,
            errors: Vec::new(),
            warnings: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When the value is broken, or when a block or section on the way is no mapping.
    pub(super) fn value(&self, path: &str) -> Result<Option<Value>, ConfigError> {
        match self.node(path)? {
            Some(node) => node.value(),
            None => Ok(None),
        }
    }

    /// Whether a key has a value, good or bad.
    pub(super) fn is_set(&self, path: &str) -> bool {
        let node = self.node(path).ok().flatten();
        node.is_some_and(|node| !matches!(node.content, Content::Absent))
    }

    /// Reports what is in the place of a section and is no mapping.
    pub(super) fn section(&mut self, path: &str) {
        let found = self.node(path).and_then(|node| match node {
            Some(node) => node.mapping(path).map(drop),
            None => Ok(()),
        });
        if let Err(error) = found {
            self.report(path, error);
        }
    }

    /// Reports why a key has no value; keys below the same broken section share one error.
    pub(super) fn report(&mut self, path: &str, error: ConfigError) {
        self.failed.push(path.to_owned());
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Reports that a key, or a part of its value, is not what the key takes.
    pub(super) fn invalid(&mut self, path: &str, part: &str, message: String) {
        let source = &self.tree.deepest(path).source;
        let place = source.place(&format!("{path}{part}"));
        self.report(path, ConfigError::Invalid { place, message });
    }

    /// Warns of the value of a key.
    pub(super) fn warn(&mut self, path: &str, message: &str) {
        let place = self.tree.deepest(path).source.place(path);
        self.warnings.push(format!("{place}: {message}"));
    }

    /// Reports that a key without a default has no value.
    pub(super) fn missing(&mut self, key: &Key) {
        let file = key.file_variable();
        let file = file.map(|file| format!(" (or {file})")).unwrap_or_default();
        let place = Place::Key {
            file: self.files.map(str::to_owned),
            key: key.path.clone(),
        };
        let variables = format!("{}{file}", key.variable);
        self.report(&key.path, ConfigError::Missing { place, variables });
    }

    /// Drops those errors about missing keys, from the `first` one on, whose path is `explained` by another.
    pub(super) fn forget_missing(&mut self, first: usize, explained: impl Fn(&str) -> bool) {
        let later = self.errors.split_off(first).into_iter();
        let kept = later.filter(|error| !error.missing().is_some_and(&explained));
        self.errors.extend(kept);
    }

    /// Walks down to a key.
    fn node(&self, path: &str) -> Result<Option<&'a Node>, ConfigError> {
        let mut node = self.tree;
        let mut walked = 0;
        for part in path.split('.') {
            let map = node.mapping(&path[..walked])?;
            let Some(below) = map.and_then(|map| map.get(part)) else {
                return Ok(None);
            };
            node = below;
            walked += part.len() + usize::from(walked > 0);
        }
        Ok(Some(node))
    }
}
