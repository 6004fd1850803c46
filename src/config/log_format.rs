//! In which form the log is written.

use clap::ValueEnum;
use serde::de::{Deserializer, Error};

use super::scalar;

/// In which form the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere
    #[default]
    Auto,
    /// Text, one line an event
    Text,
    /// JSON, one object an event
    Json,
}

impl LogFormat {
    /// The variable that gives the format.
    pub const VARIABLE: &str = "ENTITY_PROVIDER_LOG_FORMAT";

    /// The format of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim() {
            "auto" => Some(Self::Auto),
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Reads one of the three words.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LogFormat, D::Error> {
    let text = scalar::text(deserializer)?;
    LogFormat::parse(&text).ok_or_else(|| {
        D::Error::custom(format!(
            "expected `auto` or `text` or `json`, found `{text}`"
        ))
    })
}
