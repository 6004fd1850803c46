//! Values of variables: one variable for each key, and `APP_CONFIG_*` as in Backstage.

use serde::de::DeserializeSeed;
use serde_json::Value;

use super::environment::Environment;
use super::error::{ConfigError, Place};
use super::file;
use super::key_filter::KeyFilter;
use super::keys::{self, KEYS, Key, ValueKind};
use super::misplaced::Misplaced;
use super::tree::{Content, Node, ValueSource};

const OURS: &str = "ENTITY_PROVIDER_";
const BACKSTAGES: &str = "APP_CONFIG_";

/// Merges all variables into the tree of the files. The variable of a key overrides `APP_CONFIG_*`.
///
/// An invalid variable becomes a broken node, which is reported when its key is read.
pub(super) fn apply(tree: &mut Node, env: &impl Environment) {
    let mut names = env.names();
    names.sort();
    for name in names.iter().filter(|name| name.starts_with(BACKSTAGES)) {
        app_config(tree, name, env);
    }
    for key in KEYS.iter() {
        if let Some(node) = variable_node(key, env) {
            tree.set(&key.path, node);
        }
    }
}

/// Finds our blocks in `APP_CONFIG_*` variables with a wrong path.
pub(super) fn misplaced(env: &impl Environment) -> Vec<Misplaced> {
    let mut names = env.names();
    names.sort();
    let given = names.iter().filter_map(|name| {
        let path: Vec<&str> = name.strip_prefix(BACKSTAGES)?.split('_').collect();
        let text = env.non_empty(name)?;
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Some(Misplaced::in_variable(
            &path,
            &value,
            &ValueSource::Document(name.clone()),
        ))
    });
    given.flatten().collect()
}

/// Returns warnings about unknown variables with our prefix.
///
/// Only similar names, because Kubernetes sets `ENTITY_PROVIDER_PORT` and others for a service of that name.
pub(super) fn misspelled(env: &impl Environment) -> Vec<String> {
    let known = || KEYS.iter().map(|key| key.variable.as_str());
    let files: Vec<_> = KEYS.iter().filter_map(Key::file_variable).collect();
    let ours = env
        .names()
        .into_iter()
        .filter_map(|name| Some((name.strip_prefix(OURS)?.to_owned(), name)));
    let unknown =
        ours.filter(|(_, name)| !known().any(|known| known == name) && !files.contains(name));
    let near = unknown.filter_map(|(below, name)| {
        let nearest = keys::nearest(&below, known().filter_map(|known| known.strip_prefix(OURS)))?;
        Some(format!(
            "{name}: unknown variable, ignored; did you mean {OURS}{nearest}?"
        ))
    });
    near.collect()
}

/// Merges an `APP_CONFIG_*` variable into the tree, if it sets one of our keys (`EnvConfigSource.ts`).
fn app_config(tree: &mut Node, name: &str, env: &impl Environment) {
    let path: Vec<&str> = name[BACKSTAGES.len()..].split('_').collect();
    let filter = path
        .iter()
        .fold(KeyFilter::blocks(), |filter, part| filter.below(part));
    let Some(text) = env.non_empty(name).filter(|_| !filter.is_empty()) else {
        return;
    };
    let source = ValueSource::Document(name.to_owned());
    let node = match parse(name, text, filter) {
        Ok(value) => Node::from_value(&source, value),
        Err(error) => Node::new(&source, Content::Broken(error)),
    };
    tree.merge(node.at(&path));
}

/// Parses an `APP_CONFIG_*` variable: JSON, otherwise a text.
fn parse(name: &str, text: String, filter: KeyFilter) -> Result<Value, ConfigError> {
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    if value.is_null() {
        return Err(invalid(
            name,
            "null has no effect in a variable; unset the variable instead",
        ));
    }
    filter
        .deserialize(value)
        .map_err(|error: serde_json::Error| invalid(name, error.to_string()))
}

/// Returns the value of the variables of a key.
fn variable_node(key: &'static Key, env: &impl Environment) -> Option<Node> {
    let direct = env.non_empty(&key.variable);
    let file = key
        .file_variable()
        .and_then(|name| Some((env.non_empty(&name)?, name)));
    let (variable, value) = match (direct, file) {
        (None, None) => return None,
        (Some(text), None) => (key.variable.clone(), Ok(value(&key.kind, text))),
        (None, Some((path, name))) => (name.clone(), read(&path, &name)),
        (Some(_), Some(_)) => {
            let variable = &key.variable;
            (variable.clone(), Err(ConfigError::TwoSecrets { variable }))
        }
    };
    let source = ValueSource::Variable(variable);
    Some(match value {
        Ok(value) => Node::from_value(&source, value),
        Err(error) => Node::new(&source, Content::Broken(error)),
    })
}

/// Reads the trimmed content of a secret's file.
fn read(path: &str, variable: &str) -> Result<Value, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        invalid(
            variable,
            format!("cannot read {path}: {error}; check the path and its permissions"),
        )
    })?;
    Ok(text.trim().into())
}

/// Parses the text of a variable: durations may be mappings, and lists may be separated by commas.
fn value(kind: &ValueKind, text: String) -> Value {
    let structured = match kind {
        ValueKind::Duration
        | ValueKind::Frequency
        | ValueKind::FieldMap
        | ValueKind::TextMap
        | ValueKind::ValueMap => text.trim_start().starts_with('{'),
        ValueKind::Texts | ValueKind::Secrets | ValueKind::Fields => {
            text.trim_start().starts_with('[')
        }
        _ => false,
    };
    match kind {
        _ if structured => file::yaml(&text, KeyFilter::all()).unwrap_or(Value::String(text)),
        ValueKind::Texts | ValueKind::Fields => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(Value::from)
            .collect(),
        _ => Value::String(text),
    }
}

fn invalid(variable: &str, message: impl Into<String>) -> ConfigError {
    ConfigError::Invalid {
        place: Place::Variable(variable.to_owned()),
        message: message.into(),
    }
}
