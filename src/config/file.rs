//! Parses a configuration file into a tree of values, without the blocks of other programs.
//!
//! Those blocks are skipped, so their content cannot cause errors in later steps.

use std::path::Path;

use serde::de::DeserializeSeed;
use serde_json::Value;
use serde_saphyr::Error as YamlError;
use serde_saphyr::options::NonFiniteFloatPolicy;

use super::error::ConfigError;
use super::key_filter::KeyFilter;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileFormat {
    /// YAML, which includes JSON.
    Yaml,
    /// Only JSON.
    Json,
}

impl FileFormat {
    /// Returns the format of a file name extension that Backstage includes (`include.ts`).
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Reads the text of a file.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Parses the selected parts of a text. `file` is for messages.
pub(super) fn parse(
    file: &str,
    text: &str,
    format: FileFormat,
    filter: KeyFilter,
) -> Result<Value, ConfigError> {
    match format {
        FileFormat::Yaml => yaml(text, filter).map_err(|error| syntax(file, &error)),
        FileFormat::Json => json(text, filter).map_err(|error| ConfigError::Syntax {
            file: file.to_owned(),
            line: error.line() as u64,
            column: error.column() as u64,
            message: "this is not valid JSON; correct it there".to_owned(),
        }),
    }
}

fn json(text: &str, filter: KeyFilter) -> serde_json::Result<Value> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = filter.deserialize(&mut json)?;
    json.end().map(|()| value)
}

/// Parses YAML. Booleans follow YAML 1.2, as in Backstage: `yes` is a string, which a boolean key accepts.
pub(super) fn yaml<T>(
    text: &str,
    seed: impl for<'de> DeserializeSeed<'de, Value = T>,
) -> Result<T, YamlError> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        seed.deserialize(yaml)
    })
}

/// Returns the error of the parser, without contents of the file.
fn syntax(file: &str, error: &YamlError) -> ConfigError {
    let (line, column) = error
        .location()
        .map_or((1, 1), |at| (at.line(), at.column()));
    let message = match error.without_snippet() {
        YamlError::MultipleDocuments { .. } => {
            "a second document starts here; expected a single one, so remove the `---`".to_owned()
        }
        YamlError::DuplicateMappingKey { .. } => {
            "this key occurs twice in one mapping; remove one of the two".to_owned()
        }
        // The scanner's messages are fixed texts, at most with the offending character.
        scanner @ YamlError::ExternalMessage { .. } => {
            let message = scanner.to_string();
            let message = message
                .rsplit_once(" at line ")
                .map_or(message.as_str(), |(message, _)| message);
            format!("this is not valid YAML ({message}); correct it there")
        }
        YamlError::Budget { .. } => {
            "the file is too large or too deep; give this service a file with only its own blocks"
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
