//! Which Backstage to tell of changes, and of which of its locations.

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;
use url::Url;

use super::scalar;
use crate::backstage::location::RefreshTarget;

/// The section `entityProvider.backstage`.
#[derive(Clone, Debug)]
pub struct BackstageConfig {
    /// Where the Backstage backend lives.
    pub base_url: Url,
    /// A token of Backstage's `backend.auth.externalAccess`.
    pub token: SecretString,
    /// The locations that read this service.
    pub locations: Vec<RefreshTarget>,
}

/// The section as it is written: everything may be missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(default, deserialize_with = "base_url")]
    base_url: Option<Url>,
    #[serde(default, deserialize_with = "token")]
    token: Option<SecretString>,
    #[serde(default, deserialize_with = "locations")]
    locations: Option<Vec<RefreshTarget>>,
}

/// Reads the section: all of its keys, or none.
pub(super) fn section<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BackstageConfig>, D::Error> {
    let Some(written) = Option::<Written>::deserialize(deserializer)? else {
        return Ok(None);
    };
    match written {
        Written {
            base_url: None,
            token: None,
            locations: None,
        } => Ok(None),
        Written {
            base_url: Some(base_url),
            token: Some(token),
            locations: Some(locations),
        } => Ok(Some(BackstageConfig {
            base_url,
            token,
            locations,
        })),
        _ => Err(D::Error::custom(
            "expected `baseUrl`, `token` and `locations` together; set all three, or none to leave Backstage \
             to its polling",
        )),
    }
}

fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = scalar::text(deserializer)?;
    let url = Url::parse(text.trim()).ok().filter(scalar::is_plain);
    // The text is not repeated: it may hold a password.
    let expected = "expected the http or https URL of the Backstage backend, without user, query and \
                    fragment, such as `https://backstage.example.com`";
    url.map(Some).ok_or_else(|| D::Error::custom(expected))
}

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    // Nothing here repeats the value.
    match Value::deserialize(deserializer)? {
        Value::String(text)
            if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Some(text.into()))
        }
        _ => Err(D::Error::custom(
            "expected a token of Backstage's `backend.auth.externalAccess` as a string without white space",
        )),
    }
}

fn locations<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<RefreshTarget>>, D::Error> {
    let targets = scalar::texts(deserializer)?;
    if targets.is_empty() {
        return Err(D::Error::custom(
            "expected at least one target of Backstage's `catalog.locations`",
        ));
    }
    let located = targets.iter().enumerate().map(|(at, target)| {
        RefreshTarget::parse(target)
            .map_err(|error| D::Error::custom(format!("entry {}: {error}", at + 1)))
    });
    located.collect::<Result<_, _>>().map(Some)
}
