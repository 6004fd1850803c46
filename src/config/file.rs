//! A configuration file as a tree of values, without the blocks of others.
//!
//! Foreign blocks are parsed and skipped, so whatever they hold cannot fail a later step.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Error as YamlError;
use serde_saphyr::options::NonFiniteFloatPolicy;

use super::error::ConfigError;

/// Reads the given blocks (dotted paths) of a YAML file.
pub(super) fn read(path: &Path, blocks: &[&str]) -> Result<Value, ConfigError> {
    let file = path.display().to_string();
    let unreadable = |reason: String| ConfigError::Read { file: file.clone(), reason };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))?;
    parse(&file, &text, blocks)
}

/// Reads the given blocks of a YAML text; the file is for messages.
pub(super) fn parse(file: &str, text: &str, blocks: &[&str]) -> Result<Value, ConfigError> {
    wanted(text, blocks).map_err(|error| syntax(file, &error))
}

/// Parses a YAML text and keeps the given blocks.
///
/// Booleans follow YAML 1.2, as in Backstage: `yes` stays a string until a key asks for a switch.
fn wanted(text: &str, blocks: &[&str]) -> Result<Value, YamlError> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    let paths = blocks.iter().map(|block| block.split('.').collect()).collect();
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        Wanted(paths).deserialize(yaml)
    })
}

/// The error of a parser, in words that never come from the file.
fn syntax(file: &str, error: &YamlError) -> ConfigError {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    let message = match error.without_snippet() {
        YamlError::MultipleDocuments { .. } => {
            "a second document starts here; expected a single one, so remove the `---`".to_owned()
        }
        YamlError::DuplicateMappingKey { .. } => {
            "this key stands twice in one mapping; remove one of the two".to_owned()
        }
        // What the scanner says is fixed text, at most with the offending character.
        scanner @ YamlError::ExternalMessage { .. } => {
            let said = scanner.to_string();
            let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
            format!("this is not valid YAML ({said}); correct it there")
        }
        YamlError::Budget { .. } => {
            "the file is too large or too deep; give this service a file with its own blocks alone".to_owned()
        }
        _ => "this value cannot be read; correct it there, or put it in quotes without a tag".to_owned(),
    };
    ConfigError::Syntax { file: file.to_owned(), line, column, message }
}

/// The rest of the paths that are wanted below a value; an empty path wants all of it.
struct Wanted<'a>(Vec<Vec<&'a str>>);

impl Wanted<'_> {
    fn below(&self, key: &str) -> Self {
        let rest = self.0.iter().filter(|path| path.first() == Some(&key));
        Self(rest.map(|path| path[1..].to_vec()).collect())
    }

    fn is_whole(&self) -> bool {
        self.0.iter().any(Vec::is_empty)
    }
}

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.is_whole() { Value::deserialize(deserializer) } else { deserializer.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let below = self.below(&key);
            if below.0.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                kept.insert(key, map.next_value_seed(below)?);
            }
        }
        Ok(Value::Object(kept))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(Vec::new()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
}
