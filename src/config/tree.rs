//! A tree of values with their sources, so that files merge and messages name the file of a value.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::{ConfigError, Place};
use super::scalar::found;

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ValueSource {
    /// A file, or an `APP_CONFIG_*` variable.
    Document(String),
    /// The variable of a single key.
    Variable(String),
}

impl ValueSource {
    /// Returns the place of a key of this source.
    pub(super) fn place(&self, key: &str) -> Place {
        let key = if key.is_empty() { "the top level" } else { key };
        match self {
            Self::Document(name) => Place::Key {
                file: Some(name.clone()),
                key: key.to_owned(),
            },
            Self::Variable(name) => Place::Variable(name.clone()),
        }
    }
}

/// A value and its source. It may contain the token, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct Node {
    /// The last source that set it.
    pub(super) source: ValueSource,
    /// The value.
    pub(super) content: Content,
}

/// The value of a node.
#[derive(Clone)]
pub(super) enum Content {
    /// An explicit null, which removes the values of earlier sources.
    Absent,
    /// A value that later sources replace.
    Leaf(Value),
    /// A mapping that merges with later sources.
    Mapping(BTreeMap<String, Node>),
    /// A value that cannot be resolved; an error only if no later source replaces it.
    Broken(ConfigError),
}

impl Node {
    /// Returns a node.
    pub(super) fn new(source: &ValueSource, content: Content) -> Self {
        Self {
            source: source.clone(),
            content,
        }
    }

    /// Returns a node without value and source.
    pub(super) fn absent() -> Self {
        Self::new(&ValueSource::Document(String::new()), Content::Absent)
    }

    /// Converts a value; all parts have the same source.
    pub(super) fn from_value(source: &ValueSource, value: Value) -> Self {
        let content = match value {
            Value::Null => Content::Absent,
            Value::Object(map) => Content::Mapping(
                map.into_iter()
                    .map(|(key, value)| (key, Self::from_value(source, value)))
                    .collect(),
            ),
            leaf => Content::Leaf(leaf),
        };
        Self::new(source, content)
    }

    /// Nests this node at a path of mappings with the same source.
    pub(super) fn at(self, path: &[&str]) -> Self {
        path.iter().rev().fold(self, |below, name| {
            let source = below.source.clone();
            let map = BTreeMap::from([((*name).to_owned(), below)]);
            Self::new(&source, Content::Mapping(map))
        })
    }

    /// Merges a later source into this one, as Backstage does (`config/src/reader.ts`).
    pub(super) fn merge(&mut self, later: Self) {
        match (&mut self.content, later.content) {
            (Content::Mapping(into), Content::Mapping(from)) => {
                self.source = later.source;
                for (key, node) in from {
                    match into.get_mut(&key) {
                        Some(earlier) => earlier.merge(node),
                        None => drop(into.insert(key, node)),
                    }
                }
            }
            (_, content) => {
                *self = Self {
                    source: later.source,
                    content,
                }
            }
        }
    }

    /// Replaces the node at a path. If a parent is not a mapping, nothing changes, and reading reports it.
    pub(super) fn set(&mut self, path: &str, node: Self) {
        if matches!(self.content, Content::Absent) {
            self.content = Content::Mapping(BTreeMap::new());
        }
        let Content::Mapping(map) = &mut self.content else {
            return;
        };
        match path.split_once('.') {
            Some((first, path)) => {
                let below = Self::new(&node.source, Content::Absent);
                map.entry(first.to_owned()).or_insert(below).set(path, node);
            }
            None => drop(map.insert(path.to_owned(), node)),
        }
    }

    /// Returns the node of a key in a mapping.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        match &self.content {
            Content::Mapping(map) => map.get(name),
            _ => None,
        }
    }

    /// Returns the nodes of a mapping; `None` for an absent one.
    ///
    /// # Errors
    /// If this is another value. The error does not contain it, since it may be a token.
    pub(super) fn mapping(
        &self,
        key: &str,
    ) -> Result<Option<&BTreeMap<String, Self>>, ConfigError> {
        match &self.content {
            Content::Absent => Ok(None),
            Content::Mapping(map) => Ok(Some(map)),
            Content::Broken(error) => Err(error.clone()),
            Content::Leaf(value) => Err(ConfigError::Invalid {
                place: self.source.place(key),
                message: format!(
                    "expected a mapping of keys to values, found {}",
                    kind(value)
                ),
            }),
        }
    }

    /// Returns the plain value without nulls; `None` if it is absent.
    pub(super) fn value(&self) -> Result<Option<Value>, ConfigError> {
        match &self.content {
            Content::Absent => Ok(None),
            Content::Leaf(value) => Ok(Some(value.clone())),
            Content::Broken(error) => Err(error.clone()),
            Content::Mapping(map) => {
                let mut values = Map::new();
                for (key, node) in map {
                    if let Some(value) = node.value()? {
                        values.insert(key.clone(), value);
                    }
                }
                Ok(Some(Value::Object(values)))
            }
        }
    }

    /// Returns the deepest existing node on a path such as `schedule.frequency` or `excludeGroups[1]`.
    pub(super) fn deepest(&self, path: &str) -> &Self {
        let first = path.split(['.', '[']).next().unwrap_or(path);
        let below = path[first.len()..].trim_start_matches('.');
        match &self.content {
            Content::Mapping(map) => map.get(first).map_or(self, |node| node.deepest(below)),
            _ => self,
        }
    }
}

/// Describes a value without its content, unless it is a number or boolean.
fn kind(value: &Value) -> String {
    if value.is_string() {
        "a string".to_owned()
    } else {
        found(value)
    }
}
