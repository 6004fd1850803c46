//! Who reads what says much of the service and nothing of people.

use serde::de::{Deserializer, Error};

use super::scalar;

/// Who reads the description of the API, or the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposure {
    /// Whoever has a token that is good for it.
    #[default]
    Token,
    /// Everybody.
    Open,
    /// Nobody: it is not there.
    Off,
}

/// Reads one of the three words.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Exposure, D::Error> {
    let text = scalar::text(deserializer)?;
    match text.trim() {
        "token" => Ok(Exposure::Token),
        "open" => Ok(Exposure::Open),
        "off" => Ok(Exposure::Off),
        _ => Err(D::Error::custom(format!(
            "expected `token` or `open` or `off`, found `{text}`"
        ))),
    }
}
