//! The format of the log.

use std::fmt;

use clap::ValueEnum;

use super::scalar::choice;
use super::setting::Setting;

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere
    #[default]
    Auto,
    /// Text, one line for each event
    Text,
    /// JSON, one object for each event
    Json,
}

/// The words of the key.
const WORDS: &[(&str, LogFormat)] = &[
    ("auto", LogFormat::Auto),
    ("text", LogFormat::Text),
    ("json", LogFormat::Json),
];

impl LogFormat {
    /// The variable that sets the format.
    pub const VARIABLE: &str = "ENTITY_PROVIDER_LOG_FORMAT";

    /// Parses a format.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let found = WORDS.iter().find(|(name, _)| *name == word.trim());
        found.map(|(_, format)| *format)
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.iter().find(|(_, format)| format == self);
        f.write_str(word.map_or("auto", |(name, _)| name))
    }
}

/// The key `logFormat`.
pub(super) fn log_format() -> Setting<LogFormat> {
    choice(WORDS)
}
