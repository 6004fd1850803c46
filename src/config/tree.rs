//! Values that remember where each was given, so that sources merge and messages still find the file.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::{ConfigError, Place};
use super::scalar::found;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In a file, or in a variable for any part of the configuration.
    Document(String),
    /// In a variable for this key alone.
    Variable(String),
}

impl Source {
    /// The place of a key that this source gives.
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

/// A value and its source; it may hold the token, so no `Debug`.
#[derive(Clone)]
pub(super) struct Node {
    /// Who gave it last.
    pub(super) source: Source,
    /// What it is.
    pub(super) content: Content,
}

/// What a node holds.
#[derive(Clone)]
pub(super) enum Content {
    /// An explicit null: it takes away what earlier sources gave.
    Absent,
    /// A value that later sources replace as a whole.
    Leaf(Value),
    /// A mapping that later sources add to.
    Mapping(BTreeMap<String, Node>),
    /// A value that cannot be had; it matters only if nothing replaces it.
    Broken(ConfigError),
}

impl Node {
    /// A value where it stands.
    pub(super) fn new(source: &Source, content: Content) -> Self {
        Self {
            source: source.clone(),
            content,
        }
    }

    /// No value from nowhere.
    pub(super) fn nothing() -> Self {
        Self::new(&Source::Document(String::new()), Content::Absent)
    }

    /// A value without nodes of its own, with every part from one source.
    pub(super) fn from_value(source: &Source, value: Value) -> Self {
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

    /// This node at a path, below mappings from the same source.
    pub(super) fn at(self, path: &[&str]) -> Self {
        path.iter().rev().fold(self, |below, name| {
            let source = below.source.clone();
            let map = BTreeMap::from([((*name).to_owned(), below)]);
            Self::new(&source, Content::Mapping(map))
        })
    }

    /// Lays a later source over this one, as Backstage does (`config/src/reader.ts`).
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

    /// Replaces what stands at a path; what is no mapping on the way stays, to be refused later.
    pub(super) fn set(&mut self, path: &str, node: Self) {
        if matches!(self.content, Content::Absent) {
            self.content = Content::Mapping(BTreeMap::new());
        }
        let Content::Mapping(map) = &mut self.content else {
            return;
        };
        match path.split_once('.') {
            Some((first, rest)) => {
                let below = Self::new(&node.source, Content::Absent);
                map.entry(first.to_owned()).or_insert(below).set(rest, node);
            }
            None => drop(map.insert(path.to_owned(), node)),
        }
    }

    /// The node of a key in a mapping.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        match &self.content {
            Content::Mapping(map) => map.get(name),
            _ => None,
        }
    }

    /// The nodes of a mapping; none of an absent one.
    ///
    /// # Errors
    /// When this is another value, which is not repeated: it may be anything, even a token.
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

    /// The plain value, without nulls; none if it is absent.
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

    /// The deepest node on a path such as `schedule.frequency` or `excludeGroups[1]`.
    pub(super) fn deepest(&self, path: &str) -> &Self {
        let first = path.split(['.', '[']).next().unwrap_or(path);
        let rest = path[first.len()..].trim_start_matches('.');
        match &self.content {
            Content::Mapping(map) => map.get(first).map_or(self, |node| node.deepest(rest)),
            _ => self,
        }
    }
}

/// What a misplaced value is, without repeating it.
fn kind(value: &Value) -> String {
    if value.is_string() {
        "a string".to_owned()
    } else {
        found(value)
    }
}
