//! A configuration file as a tree of values, without the blocks of others.
//!
//! Foreign blocks are parsed and skipped, so whatever they hold cannot fail a later step.

use std::path::Path;

use serde::de::DeserializeSeed;
use serde_json::Value;
use serde_saphyr::Error as YamlError;
use serde_saphyr::options::NonFiniteFloatPolicy;

use super::error::ConfigError;
use super::wanted::Wanted;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// YAML, with JSON as a part of it.
    Yaml,
    /// JSON alone.
    Json,
}

impl Format {
    /// The format that an ending stands for, of those that Backstage includes (`include.ts`).
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The text of a file, or why it cannot be read.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Reads the wanted part of a text; the file is for messages.
pub(super) fn parse(
    file: &str,
    text: &str,
    format: Format,
    wanted: Wanted,
) -> Result<Value, ConfigError> {
    match format {
        Format::Yaml => yaml(text, wanted).map_err(|error| syntax(file, &error)),
        Format::Json => json(text, wanted).map_err(|error| ConfigError::Syntax {
            file: file.to_owned(),
            line: error.line() as u64,
            column: error.column() as u64,
            message: "this is not valid JSON; correct it there".to_owned(),
        }),
    }
}

fn json(text: &str, wanted: Wanted) -> serde_json::Result<Value> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = wanted.deserialize(&mut json)?;
    json.end().map(|()| value)
}

/// Booleans follow YAML 1.2, as in Backstage: `yes` stays a string until a key asks for a switch.
pub(super) fn yaml<T>(
    text: &str,
    wanted: impl for<'de> DeserializeSeed<'de, Value = T>,
) -> Result<T, YamlError> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        wanted.deserialize(yaml)
    })
}

/// The error of a parser, in words that never come from the file.
fn syntax(file: &str, error: &YamlError) -> ConfigError {
    let (line, column) = error
        .location()
        .map_or((1, 1), |at| (at.line(), at.column()));
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
            let said = said
                .rsplit_once(" at line ")
                .map_or(said.as_str(), |(message, _)| message);
            format!("this is not valid YAML ({said}); correct it there")
        }
        YamlError::Budget { .. } => {
            "the file is too large or too deep; give this service a file with its own blocks alone"
                .to_owned()
        }
        _ => "this value cannot be read; correct it there, or put it in quotes without a tag"
            .to_owned(),
    };
    ConfigError::Syntax {
        file: file.to_owned(),
        line,
        column,
        message,
    }
}
