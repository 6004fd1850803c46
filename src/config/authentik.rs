//! Backstage's block: which Authentik to read, how often, and whom to leave out.

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

use super::scalar;
use super::schedule::Schedule;
use crate::base_url::BaseUrl;

/// The block `catalog.providers.authentik`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthentikConfig {
    /// Where Authentik lives.
    #[serde(deserialize_with = "base_url")]
    pub base_url: BaseUrl,
    /// The API token.
    #[serde(deserialize_with = "token")]
    pub token: SecretString,
    /// Names of groups that leave no trace.
    #[serde(default, deserialize_with = "scalar::texts")]
    pub exclude_groups: Vec<String>,
    /// Whether service accounts become users.
    #[serde(default, deserialize_with = "scalar::switch")]
    pub include_service_accounts: bool,
    /// When to sync.
    #[serde(default)]
    pub schedule: Schedule,
}

/// Why a value is no token; nothing here repeats the value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum TokenError {
    #[error("expected the token as a string; put it in quotes")]
    NotText,
    #[error(
        "the token is empty; create one in Authentik under Directory, Tokens and App passwords"
    )]
    Empty,
    #[error("the token starts with `Bearer `; remove that word and keep the token alone")]
    Bearer,
    #[error(
        "the token holds white space or a character that no token has; give the token alone, on one line"
    )]
    Characters,
}

fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BaseUrl, D::Error> {
    BaseUrl::parse(&scalar::text(deserializer)?).map_err(D::Error::custom)
}

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    let Value::String(text) = Value::deserialize(deserializer)? else {
        return Err(D::Error::custom(TokenError::NotText));
    };
    check(&text).map_err(D::Error::custom)?;
    Ok(text.into())
}

/// Refuses what cannot be sent as a token in an HTTP header.
fn check(text: &str) -> Result<(), TokenError> {
    let word = text.split_whitespace().next();
    if text.trim().is_empty() {
        Err(TokenError::Empty)
    } else if word.is_some_and(|word| word.eq_ignore_ascii_case("bearer")) {
        Err(TokenError::Bearer)
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err(TokenError::Characters)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_without_bearer() {
        assert_eq!(check("abcDEF0123-_.~+/="), Ok(()));
        assert_eq!(check("bearer0123"), Ok(()));
        for (text, expected) in [
            ("", TokenError::Empty),
            ("  ", TokenError::Empty),
            ("Bearer abc", TokenError::Bearer),
            ("bearer\tabc", TokenError::Bearer),
            (" Bearer abc", TokenError::Bearer),
            ("Bearer ", TokenError::Bearer),
            ("abc def", TokenError::Characters),
            ("abc\n", TokenError::Characters),
            (" abc", TokenError::Characters),
            ("ab\u{0}c", TokenError::Characters),
            ("ab\u{a0}c", TokenError::Characters),
            ("tökén", TokenError::Characters),
        ] {
            assert_eq!(check(text), Err(expected), "{text:?}");
        }
    }
}
