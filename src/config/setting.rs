//! The setting of one key: the type of its value, its default, and when a change takes effect.

use std::fmt::Display;

use serde_json::Value;

use super::file;
use super::key_filter::KeyFilter;
use super::keys::{self, Effect, Key, Unset, ValueKind};
use super::reader::Reader;
use super::section::Field;

type Parse<T> = Box<dyn Fn(&Value) -> Result<T, InvalidValue>>;
type Same<T> = Box<dyn Fn(&T, &T) -> bool>;

/// Parses the value of a key into a `T`. The key is required unless the setting has a default.
pub(super) struct Setting<T> {
    kind: ValueKind,
    parse: Parse<T>,
    same: Same<T>,
    unset: UnsetValue<T>,
    variable: Option<&'static str>,
    effect: Effect,
    warning: fn(&T) -> Option<String>,
}

/// The value of a key that is not set.
enum UnsetValue<T> {
    Required,
    Absent(fn() -> T),
    Text(&'static str),
}

/// Why a value is invalid. Never contains a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidValue {
    /// The invalid part of the value, such as `[1]`; empty for the whole value.
    pub(super) part: String,
    /// The problem, the expected value and the remedy.
    pub(super) message: String,
}

impl InvalidValue {
    /// Rejects the whole value.
    pub(super) fn new(message: impl Display) -> Self {
        Self {
            part: String::new(),
            message: message.to_string(),
        }
    }

    /// Rejects an item of a list.
    pub(super) fn of_item(index: usize, message: impl Display) -> Self {
        Self {
            part: format!("[{index}]"),
            message: message.to_string(),
        }
    }
}

impl<T: 'static> Setting<T> {
    /// Returns the setting of a required key.
    pub(super) fn new(
        kind: ValueKind,
        parse: impl Fn(&Value) -> Result<T, InvalidValue> + 'static,
    ) -> Self
    where
        T: PartialEq,
    {
        Self::with_comparison(kind, parse, T::eq)
    }

    /// Returns the setting of a required key with a comparison of its own, such as for secrets.
    pub(super) fn with_comparison(
        kind: ValueKind,
        parse: impl Fn(&Value) -> Result<T, InvalidValue> + 'static,
        same: impl Fn(&T, &T) -> bool + 'static,
    ) -> Self {
        Self {
            kind,
            parse: Box::new(parse),
            same: Box::new(same),
            unset: UnsetValue::Required,
            variable: None,
            effect: Effect::AtOnce,
            warning: |_| None,
        }
    }

    /// Sets the default, as YAML.
    pub(super) fn default(mut self, text: &'static str) -> Self {
        self.unset = UnsetValue::Text(text);
        self
    }

    /// Makes the key optional; `value` returns its value if it is not set.
    pub(super) fn absent(mut self, value: fn() -> T) -> Self {
        self.unset = UnsetValue::Absent(value);
        self
    }

    /// Makes the key optional.
    pub(super) fn optional(self) -> Setting<Option<T>> {
        let (parse, same) = (self.parse, self.same);
        Setting {
            kind: self.kind,
            parse: Box::new(move |value| parse(value).map(Some)),
            same: Box::new(move |old, new| match (old, new) {
                (Some(old), Some(new)) => same(old, new),
                (None, None) => true,
                _ => false,
            }),
            unset: UnsetValue::Absent(|| None),
            variable: self.variable,
            effect: self.effect,
            warning: |_| None,
        }
    }

    /// Sets a function that returns a warning for values that are probably mistakes.
    pub(super) fn warn(mut self, warning: fn(&T) -> Option<String>) -> Self {
        self.warning = warning;
        self
    }

    /// Sets the name of the variable, which otherwise follows from the path.
    pub(super) fn variable(mut self, name: &'static str) -> Self {
        self.variable = Some(name);
        self
    }

    /// Makes changes take effect after a restart only.
    pub(super) fn after_restart(mut self) -> Self {
        self.effect = Effect::AfterRestart;
        self
    }

    /// Returns the value of a key that is not set.
    fn unset_value(&self) -> Option<T> {
        match self.unset {
            UnsetValue::Required => None,
            UnsetValue::Absent(value) => Some(value()),
            UnsetValue::Text(text) => {
                let value = file::yaml(text, KeyFilter::all()).ok()?;
                (self.parse)(&value).ok()
            }
        }
    }

    /// Returns the description of the key at a path.
    fn key(&self, path: &str, meaning: &str) -> Key {
        let variable = self.variable.map(str::to_owned);
        Key {
            path: path.to_owned(),
            variable: variable.unwrap_or_else(|| keys::variable(path)),
            kind: self.kind.clone(),
            unset: match self.unset {
                UnsetValue::Required => Unset::Required,
                UnsetValue::Absent(_) => Unset::Absent,
                UnsetValue::Text(text) => Unset::Default(text),
            },
            effect: self.effect,
            meaning: meaning.trim().to_owned(),
        }
    }
}

impl<T: 'static> Field<T> for Setting<T> {
    fn describe(&self, path: &str, meaning: &str) -> Vec<Key> {
        vec![self.key(path, meaning)]
    }

    fn read(&self, path: &str, reader: &mut Reader<'_>) -> Option<T> {
        match reader.value(path) {
            Ok(Some(value)) => match (self.parse)(&value) {
                Ok(value) => {
                    if let Some(message) = (self.warning)(&value) {
                        reader.warn(path, &message);
                    }
                    return Some(value);
                }
                Err(InvalidValue { part, message }) => reader.invalid(path, &part, message),
            },
            Ok(None) if matches!(self.unset, UnsetValue::Required) => {
                reader.missing(&self.key(path, ""));
            }
            Ok(None) => {}
            Err(error) => reader.report(path, error),
        }
        self.unset_value()
    }

    fn changed(&self, old: &T, new: &T, path: &str) -> Vec<String> {
        if (self.same)(old, new) {
            Vec::new()
        } else {
            vec![path.to_owned()]
        }
    }
}
