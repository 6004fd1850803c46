//! How much one run may remove before somebody has to accept it.

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::scalar;

/// The section `entityProvider.shrinkGuard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    default,
    expecting = "a mapping such as `{percent: 20, absolute: 5}`"
)]
pub struct ShrinkGuard {
    /// Whether suspicious losses are held at all.
    #[serde(deserialize_with = "scalar::switch")]
    pub enabled: bool,
    /// A loss of more than this share is held, 1 to 100, …
    #[serde(deserialize_with = "percent")]
    pub percent: u32,
    /// … if it is also at least this many, 1 to 1,000,000.
    #[serde(deserialize_with = "absolute")]
    pub absolute: usize,
}

impl Default for ShrinkGuard {
    fn default() -> Self {
        Self {
            enabled: true,
            percent: 20,
            absolute: 5,
        }
    }
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    scalar::integer(deserializer, 1..=100)
}

fn absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let rows = scalar::integer(deserializer, 1..=1_000_000)?;
    usize::try_from(rows).map_err(D::Error::custom)
}
