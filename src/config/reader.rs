//! Reads the values of keys from the merged tree and collects their errors.

use serde_json::Value;

use super::error::{ConfigError, Place};
use super::keys::Key;
use super::tree::{Content, Node};

/// The merged tree, and the errors found so far.
pub(super) struct Reader<'a> {
    tree: &'a Node,
    /// The files, for messages about missing keys.
    files: Option<&'a str>,
    /// The errors, in the order of the keys.
    pub(super) errors: Vec<ConfigError>,
    /// Probable mistakes.
    pub(super) warnings: Vec<String>,
    /// The paths of the keys with an error.
    pub(super) failed: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Returns a reader of a tree from these files.
    pub(super) fn of(tree: &'a Node, files: Option<&'a str>) -> Self {
        Self {
            tree,
            files,
            errors: Vec::new(),
            warnings: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Returns the value of a key.
    ///
    /// # Errors
    /// If the value is broken, or a block or section on the path is not a mapping.
    pub(super) fn value(&self, path: &str) -> Result<Option<Value>, ConfigError> {
        match self.node(path)? {
            Some(node) => node.value(),
            None => Ok(None),
        }
    }

    /// Returns true if a key has a value, valid or not.
    pub(super) fn is_set(&self, path: &str) -> bool {
        let node = self.node(path).ok().flatten();
        node.is_some_and(|node| !matches!(node.content, Content::Absent))
    }

    /// Reports a section that is not a mapping.
    pub(super) fn section(&mut self, path: &str) {
        let found = self.node(path).and_then(|node| match node {
            Some(node) => node.mapping(path).map(drop),
            None => Ok(()),
        });
        if let Err(error) = found {
            self.report(path, error);
        }
    }

    /// Reports why a key has no value. Keys of the same broken section share one error.
    pub(super) fn report(&mut self, path: &str, error: ConfigError) {
        self.failed.push(path.to_owned());
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Reports that a value, or a part of it, is invalid.
    pub(super) fn invalid(&mut self, path: &str, part: &str, message: String) {
        let source = &self.tree.deepest(path).source;
        let place = source.place(&format!("{path}{part}"));
        self.report(path, ConfigError::Invalid { place, message });
    }

    /// Adds a warning about the value of a key.
    pub(super) fn warn(&mut self, path: &str, message: &str) {
        let place = self.tree.deepest(path).source.place(path);
        self.warnings.push(format!("{place}: {message}"));
    }

    /// Reports that a required key has no value.
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

    /// Drops errors about missing keys, from index `first` on, if `explained` returns true for their path.
    pub(super) fn forget_missing(&mut self, first: usize, explained: impl Fn(&str) -> bool) {
        let later = self.errors.split_off(first).into_iter();
        let remaining = later.filter(|error| !error.missing().is_some_and(&explained));
        self.errors.extend(remaining);
    }

    /// Returns the node of a key.
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
