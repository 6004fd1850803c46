//! Resolves variables and inclusions in a file's values, as Backstage does (`config-loader`, `transform`).
//!
//! A value that cannot be resolved becomes a broken node, which is an error only if no later source replaces
//! it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::environment::Environment;
use super::error::ConfigError;
use super::file::{self, FileFormat};
use super::include::Including;
use super::key_filter::KeyFilter;
use super::misplaced::Misplaced;
use super::substitute::{self, SubstitutionError};
use super::tree::{Content, Node, ValueSource};

/// The parsed contents of a file.
pub(super) struct ConfigFile {
    /// Our blocks.
    pub(super) node: Node,
    /// Our blocks in wrong places.
    pub(super) misplaced: Vec<Misplaced>,
}

/// Reads a file of the command line.
pub(super) fn file(path: &Path, env: &impl Environment) -> Result<ConfigFile, ConfigError> {
    let name = path.display().to_string();
    let text = file::read(path).map_err(|reason| ConfigError::Read {
        file: name.clone(),
        reason,
    })?;
    document(&text, &Including::first(path), env)
}

/// Parses the text of such a file.
pub(super) fn document(
    text: &str,
    file: &Including,
    env: &impl Environment,
) -> Result<ConfigFile, ConfigError> {
    let filter = KeyFilter::blocks();
    let value = file::parse(&file.label, text, FileFormat::Yaml, filter.clone())?;
    let at = At {
        key: String::new(),
        filter,
        file,
    };
    let node = Expansion { env }.resolve(value, &at)?;
    // An empty file has no effect, unlike an empty block.
    let empty = at.node(Content::Mapping(BTreeMap::new()));
    Ok(ConfigFile {
        node: match node {
            Some(node) if node.mapping("")?.is_some() => node,
            _ => empty,
        },
        misplaced: Misplaced::in_file(text, &at.source()),
    })
}

/// The place of a value.
pub(super) struct At<'a> {
    /// The key.
    pub(super) key: String,
    /// The selected parts of it.
    pub(super) filter: KeyFilter,
    /// The file.
    pub(super) file: &'a Including,
}

impl At<'_> {
    /// Returns the error for a value that cannot be resolved.
    pub(super) fn invalid(&self, message: impl Into<String>) -> ConfigError {
        ConfigError::Invalid {
            place: self.source().place(&self.key),
            message: message.into(),
        }
    }

    fn source(&self) -> ValueSource {
        ValueSource::Document(self.file.label.clone())
    }

    fn node(&self, content: Content) -> Node {
        Node::new(&self.source(), content)
    }

    fn below(&self, name: &str) -> Self {
        let key = if self.key.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.key)
        };
        Self {
            key,
            filter: self.filter.below(name),
            ..*self
        }
    }

    fn item(&self, index: usize) -> Self {
        Self {
            key: format!("{}[{index}]", self.key),
            filter: self.filter.clone(),
            ..*self
        }
    }
}

/// A mapping with a single key that is replaced by a value from another source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    /// The value of a variable.
    Env,
    /// The text of a file.
    File,
    /// A value in another YAML or JSON file.
    Include,
}

impl Directive {
    const ALL: [(&'static str, Self); 3] = [
        ("$env", Self::Env),
        ("$file", Self::File),
        ("$include", Self::Include),
    ];

    /// Returns true if a key is a directive.
    pub(super) fn is(key: &str) -> bool {
        Self::ALL.iter().any(|(name, _)| *name == key)
    }

    /// Returns the directive of a mapping and its operand.
    fn of(map: &Map<String, Value>) -> Option<(&'static str, Self, &Value)> {
        Self::ALL
            .iter()
            .find_map(|(name, directive)| Some((*name, *directive, map.get(*name)?)))
    }
}

/// Resolves values with the variables of an environment.
pub(super) struct Expansion<'a, E> {
    /// The source of variables.
    pub(super) env: &'a E,
}

impl<E: Environment> Expansion<'_, E> {
    /// Resolves a value. Returns `None` if a variable with an empty default removes it.
    pub(super) fn resolve(&self, value: Value, at: &At) -> Result<Option<Node>, ConfigError> {
        Ok(Some(at.node(match value {
            Value::Null => Content::Absent,
            Value::String(text) => match self.text(&text, at)? {
                Some(text) => Content::Leaf(text.into()),
                None => return Ok(None),
            },
            Value::Array(values) => Content::Leaf(self.list(values, at)?.into()),
            Value::Object(map) => match Directive::of(&map) {
                Some(_) if map.len() > 1 => return Err(at.invalid(NOT_ONLY_KEY)),
                Some((name, directive, operand)) => {
                    return self.directive(name, directive, operand, at);
                }
                None => Content::Mapping(self.mapping(map, at).collect()),
            },
            other => Content::Leaf(other),
        })))
    }

    fn mapping(&self, map: Map<String, Value>, at: &At) -> impl Iterator<Item = (String, Node)> {
        map.into_iter().filter_map(move |(name, value)| {
            let below = at.below(&name);
            let node = self.resolve(value, &below);
            let node = node.unwrap_or_else(|error| Some(below.node(Content::Broken(error))));
            node.map(|node| (name, node))
        })
    }

    fn list(&self, values: Vec<Value>, at: &At) -> Result<Vec<Value>, ConfigError> {
        let items = values.into_iter().enumerate();
        let nodes =
            items.filter_map(|(index, value)| self.resolve(value, &at.item(index)).transpose());
        nodes
            .filter_map(|node| node.and_then(|node| node.value()).transpose())
            .collect()
    }

    fn text(&self, text: &str, at: &At) -> Result<Option<String>, ConfigError> {
        substitute::complete(text, self.env).map_err(|failure| match failure {
            SubstitutionError::Unset(variable) => ConfigError::Unset {
                place: at.source().place(&at.key),
                variable,
            },
            SubstitutionError::Nameless => at.invalid(
                "`${}` has no name of a variable; write `${NAME}`, or `$${}` for the characters themselves",
            ),
        })
    }

    fn directive(
        &self,
        name: &str,
        directive: Directive,
        operand: &Value,
        at: &At,
    ) -> Result<Option<Node>, ConfigError> {
        let not_a_string = || at.invalid(format!("`{name}` needs a string that is not empty"));
        let text = operand.as_str().ok_or_else(not_a_string)?;
        let operand = self
            .text(text, at)?
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(not_a_string)?;
        let text = match directive {
            Directive::Include => return self.include(&operand, at),
            Directive::Env => self.variable(operand.trim(), at)?,
            Directive::File => at.file.read(&operand, at)?.trim_end().to_owned(),
        };
        Ok(Some(at.node(Content::Leaf(text.into()))))
    }

    fn variable(&self, name: &str, at: &At) -> Result<String, ConfigError> {
        substitute::variable(name, self.env).ok_or_else(|| ConfigError::Unset {
            place: at.source().place(&at.key),
            variable: name.to_owned(),
        })
    }
}

const NOT_ONLY_KEY: &str =
    "`$env`, `$file` and `$include` must be the only key of a mapping; remove the other keys";
