//! The setting of one key: what it takes, what counts without it, and when a change takes effect.

use std::fmt::Display;

use serde_json::Value;

use super::file;
use super::keys::{self, Effect, Key, Kind, Unset};
use super::reader::Reader;
use super::section::Field;
use super::wanted::Wanted;

type Parse<T> = Box<dyn Fn(&Value) -> Result<T, Refusal>>;
type Same<T> = Box<dyn Fn(&T, &T) -> bool>;

/// How one key gives a value of type `T`; required unless it says what counts without it.
pub(super) struct Setting<T> {
    kind: Kind,
    parse: Parse<T>,
    same: Same<T>,
    fallback: Fallback<T>,
    variable: Option<&'static str>,
    effect: Effect,
    warning: fn(&T) -> Option<String>,
}

/// What counts where a key is not set.
enum Fallback<T> {
    Required,
    Absent(fn() -> T),
    Text(&'static str),
}

/// Why a key does not take a value; never repeats a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The part of the value at fault, such as `[1]`; empty for all of it.
    pub(super) part: String,
    /// What is wrong, what was expected and what to do.
    pub(super) message: String,
}

impl Refusal {
    /// The refusal of a whole value.
    pub(super) fn new(message: impl Display) -> Self {
        Self {
            part: String::new(),
            message: message.to_string(),
        }
    }

    /// The refusal of an item of a list.
    pub(super) fn of_item(index: usize, message: impl Display) -> Self {
        Self {
            part: format!("[{index}]"),
            message: message.to_string(),
        }
    }
}

impl<T: 'static> Setting<T> {
    /// A setting that must be set.
    pub(super) fn new(kind: Kind, parse: impl Fn(&Value) -> Result<T, Refusal> + 'static) -> Self
    where
        T: PartialEq,
    {
        Self::compared(kind, parse, T::eq)
    }

    /// The same for a type that is compared in a way of its own, as secrets are.
    pub(super) fn compared(
        kind: Kind,
        parse: impl Fn(&Value) -> Result<T, Refusal> + 'static,
        same: impl Fn(&T, &T) -> bool + 'static,
    ) -> Self {
        Self {
            kind,
            parse: Box::new(parse),
            same: Box::new(same),
            fallback: Fallback::Required,
            variable: None,
            effect: Effect::AtOnce,
            warning: |_| None,
        }
    }

    /// Gives it a default, as YAML.
    pub(super) fn default(mut self, text: &'static str) -> Self {
        self.fallback = Fallback::Text(text);
        self
    }

    /// Lets it be absent, and says what that means.
    pub(super) fn absent(mut self, value: fn() -> T) -> Self {
        self.fallback = Fallback::Absent(value);
        self
    }

    /// Lets it be absent.
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
            fallback: Fallback::Absent(|| None),
            variable: self.variable,
            effect: self.effect,
            warning: |_| None,
        }
    }

    /// Warns of values that it takes and that look like a mistake.
    pub(super) fn warn(mut self, warning: fn(&T) -> Option<String>) -> Self {
        self.warning = warning;
        self
    }

    /// Gives its variable another name than its path does.
    pub(super) fn variable(mut self, name: &'static str) -> Self {
        self.variable = Some(name);
        self
    }

    /// Lets a change take effect after a restart only.
    pub(super) fn after_restart(mut self) -> Self {
        self.effect = Effect::AfterRestart;
        self
    }

    /// The value that counts without the key.
    fn fallback(&self) -> Option<T> {
        match self.fallback {
            Fallback::Required => None,
            Fallback::Absent(value) => Some(value()),
            Fallback::Text(text) => {
                let value = file::yaml(text, Wanted::all()).ok()?;
                (self.parse)(&value).ok()
            }
        }
    }

    /// The description of the key at a path.
    fn key(&self, path: &str, meaning: &str) -> Key {
        let variable = self.variable.map(str::to_owned);
        Key {
            path: path.to_owned(),
            variable: variable.unwrap_or_else(|| keys::variable(path)),
            kind: self.kind.clone(),
            unset: match self.fallback {
                Fallback::Required => Unset::Required,
                Fallback::Absent(_) => Unset::Absent,
                Fallback::Text(text) => Unset::Default(text),
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
                Err(Refusal { part, message }) => reader.invalid(path, &part, message),
            },
            Ok(None) if matches!(self.fallback, Fallback::Required) => {
                reader.missing(&self.key(path, ""));
            }
            Ok(None) => {}
            Err(error) => reader.report(path, error),
        }
        self.fallback()
    }

    fn changed(&self, old: &T, new: &T, path: &str) -> Vec<String> {
        if (self.same)(old, new) {
            Vec::new()
        } else {
            vec![path.to_owned()]
        }
    }
}
