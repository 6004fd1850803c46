//! Backstage's block `catalog.providers.authentik`.

use secrecy::SecretString;
use serde_json::Value;

use super::keys::ValueKind;
use super::scalar::{self, switch, texts};
use super::schedule::Schedule;
use super::section::{nested, section};
use super::setting::{InvalidValue, Setting};
use crate::base_url::BaseUrl;

section! {
    /// The block `catalog.providers.authentik`.
    pub struct AuthentikConfig {
        /// The URL of Authentik, without `/api/v3`.
        base_url: BaseUrl = base_url().variable("AUTHENTIK_BASE_URL"),
        /// An API token of an account with permission to view all users and groups.
        token: SecretString = token().variable("AUTHENTIK_TOKEN"),
        /// Sanitized names of groups to leave out of the catalog: `Authentik Admins` is `authentik-admins`.
        exclude_groups: Vec<String> = texts().default("[]"),
        /// Whether service accounts become entities.
        include_service_accounts: bool = switch().default("false"),
        /// When to sync.
        schedule: Schedule = nested(),
    }
}

/// Why a value is not a token. Never contains the value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum TokenError {
    #[error("expected the token as a string; put it in quotes")]
    NotText,
    #[error(
        "the token is empty; create one in Authentik under Directory, Tokens and App passwords"
    )]
    Empty,
    #[error("the token starts with `Bearer `; remove that word")]
    Bearer,
    #[error(
        "the token contains white space or a character that is not ASCII; set only the token, on one line"
    )]
    Characters,
}

fn base_url() -> Setting<BaseUrl> {
    Setting::new(ValueKind::Url, |value| {
        BaseUrl::parse(&scalar::text(value)?).map_err(InvalidValue::new)
    })
}

fn token() -> Setting<SecretString> {
    let parse = |value: &Value| {
        // Files and variables often end with a newline.
        let text = value.as_str().map(str::trim).ok_or(TokenError::NotText);
        let text = text.and_then(|text| check(text).map(|()| text));
        text.map(SecretString::from).map_err(InvalidValue::new)
    };
    Setting::with_comparison(ValueKind::Secret, parse, scalar::is_same_secret)
}

/// Rejects a text that cannot be sent as a token in an HTTP header.
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
