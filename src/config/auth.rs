//! The section `entityProvider.auth`: the tokens of this service, and what is open without one.

use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

use super::exposure::{self, Exposure};
use super::scalar;

/// The fewest characters of a token. That many random ones cannot be guessed at any speed, so that wrong
/// tokens need no delay.
pub(super) const SHORTEST: usize = 32;
/// The most characters of a token: it has to fit into a URL.
pub(super) const LONGEST: usize = 512;

/// The section `entityProvider.auth`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthConfig {
    /// Tokens that read, for Backstage.
    #[serde(deserialize_with = "tokens")]
    pub read_tokens: Vec<SecretString>,
    /// Tokens that ask for runs; none of them reads people.
    #[serde(deserialize_with = "tokens")]
    pub sync_tokens: Vec<SecretString>,
    /// Whether what has no tokens is open to everybody.
    #[serde(deserialize_with = "scalar::switch")]
    pub allow_anonymous: bool,
    /// Who reads the description of the API; with a token, whoever may read entities.
    #[serde(deserialize_with = "exposure::read")]
    pub docs: Exposure,
    /// Who reads the metrics; with a token, whoever has one of either kind.
    #[serde(deserialize_with = "exposure::read")]
    pub metrics: Exposure,
}

/// Who may come in somewhere.
#[derive(Clone, Debug)]
pub enum Entry<'a> {
    /// Everybody.
    Open,
    /// Whoever has one of these tokens.
    Tokens(&'a [SecretString]),
    /// Nobody: it has no token, and nobody wrote down that it is open.
    Closed,
}

/// Why a service must not start with this section; nothing here repeats a token.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccessError {
    /// Everybody on the network could read all users.
    #[error(
        "`entityProvider.auth.readTokens` is not set, but the service listens on {0} and not on loopback \
         alone, where everybody who reaches it could read all users and groups; set ENTITY_PROVIDER_AUTH_READ_TOKENS, \
         or write down `entityProvider.auth.allowAnonymous: true`"
    )]
    Exposed(SocketAddr),
    /// Only asking for runs has tokens.
    #[error(
        "`entityProvider.auth.syncTokens` is set and `readTokens` is not, so that nobody could read; set \
         ENTITY_PROVIDER_AUTH_READ_TOKENS, or write down `entityProvider.auth.allowAnonymous: true`"
    )]
    Unreadable,
    /// A token that stands in Backstage's URLs could ask for runs.
    #[error(
        "a token is in both `entityProvider.auth.readTokens` and `syncTokens`; whoever reads the catalog \
         may see a read token, so give each list tokens of its own"
    )]
    Shared,
}

impl AuthConfig {
    /// Who may read.
    #[must_use]
    pub fn reading(&self, listen: SocketAddr) -> Entry<'_> {
        self.entry(&self.read_tokens, listen)
    }

    /// Who may ask for runs.
    #[must_use]
    pub fn syncing(&self, listen: SocketAddr) -> Entry<'_> {
        self.entry(&self.sync_tokens, listen)
    }

    /// Refuses what would leave a service open by mistake, or of no use.
    ///
    /// # Errors
    /// Says what to set.
    pub fn check(&self, listen: SocketAddr) -> Result<(), AccessError> {
        let reads = |text: &str| {
            self.read_tokens
                .iter()
                .any(|token| token.expose_secret() == text)
        };
        if self
            .sync_tokens
            .iter()
            .any(|token| reads(token.expose_secret()))
        {
            return Err(AccessError::Shared);
        }
        match self.reading(listen) {
            Entry::Closed if is_loopback(listen) => Err(AccessError::Unreadable),
            Entry::Closed => Err(AccessError::Exposed(listen)),
            Entry::Open | Entry::Tokens(_) => Ok(()),
        }
    }

    /// All tokens, to be compared.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.read_tokens.iter().chain(&self.sync_tokens)
    }

    /// The one rule: tokens if there are some; else open if that is written down, or if nobody set any
    /// token and only this machine reaches the service; else closed.
    fn entry<'a>(&self, tokens: &'a [SecretString], listen: SocketAddr) -> Entry<'a> {
        let is_local = self.secrets().next().is_none() && is_loopback(listen);
        match tokens {
            [] if self.allow_anonymous || is_local => Entry::Open,
            [] => Entry::Closed,
            tokens => Entry::Tokens(tokens),
        }
    }
}

fn is_loopback(listen: SocketAddr) -> bool {
    listen.ip().to_canonical().is_loopback()
}

/// Why a text is no token; the place in the list is counted from 1, and the text is not repeated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum TokenError {
    #[error("expected a list of tokens, or texts with commas or line breaks between the tokens")]
    NotList,
    #[error("token {0} is not a string; put it in quotes")]
    NotText(usize),
    #[error(
        "token {0} is empty; remove it, or give it a value such as `openssl rand -hex 32` prints"
    )]
    Empty(usize),
    #[error(
        "token {0} has fewer than {SHORTEST} characters; take a random one, such as `openssl rand -hex 32` prints"
    )]
    Short(usize),
    #[error(
        "token {0} has more than {LONGEST} characters; take a shorter one, such as `openssl rand -hex 32` prints"
    )]
    Long(usize),
    #[error(
        "token {0} holds a character that no token has (RFC 6750: letters, digits and `-._~+/`, `=` at the end); \
         take one such as `openssl rand -hex 32` prints"
    )]
    Characters(usize),
}

fn tokens<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
    let texts = listed(Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
    for (index, text) in texts.iter().enumerate() {
        check(text, index + 1).map_err(D::Error::custom)?;
    }
    Ok(texts.into_iter().map(SecretString::from).collect())
}

/// The texts of a list; a text alone may hold several, as files and variables do.
fn listed(value: Value) -> Result<Vec<String>, TokenError> {
    let values = match value {
        Value::Array(values) => values,
        text @ Value::String(_) => vec![text],
        _ => return Err(TokenError::NotList),
    };
    let mut texts = Vec::new();
    for value in values {
        let Value::String(text) = value else {
            return Err(TokenError::NotText(texts.len() + 1));
        };
        // Nothing but separators is what two unset variables leave, and no wish to have no tokens.
        match text.trim_matches(|letter: char| separates(letter) || letter.is_whitespace()) {
            "" => texts.push(String::new()),
            text => texts.extend(
                text.split(separates)
                    .map(str::trim)
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned),
            ),
        }
    }
    Ok(texts)
}

fn separates(letter: char) -> bool {
    matches!(letter, ',' | '\n' | '\r')
}

/// Whether a text could be a token of this service.
#[must_use]
pub fn is_token(text: &str) -> bool {
    check(text, 1).is_ok()
}

/// Refuses what is easily guessed, or cannot be sent as a bearer token (RFC 6750, section 2.1).
fn check(text: &str, at: usize) -> Result<(), TokenError> {
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || "-._~+/".contains(letter);
    if text.is_empty() {
        Err(TokenError::Empty(at))
    } else if text.starts_with('=') || !text.trim_end_matches('=').chars().all(is_legal) {
        Err(TokenError::Characters(at))
    } else if text.len() < SHORTEST {
        Err(TokenError::Short(at))
    } else if text.len() > LONGEST {
        Err(TokenError::Long(at))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const READ: &str = "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr";
    const SYNC: &str = "ssssssssssssssssssssssssssssssss";

    /// A token with every kind of letter.
    const ALL_LETTERS: &str = "abcdefghijklmnoDEF0123456-._~+/==";

    fn config(read: &[&str], sync: &[&str], allow_anonymous: bool) -> AuthConfig {
        let secrets = |texts: &[&str]| texts.iter().map(|&text| text.into()).collect();
        AuthConfig {
            read_tokens: secrets(read),
            sync_tokens: secrets(sync),
            allow_anonymous,
            ..Default::default()
        }
    }

    #[test]
    fn who_may_do_what_is_one_rule() {
        let (near, far) = (
            ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"],
            ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"],
        );
        for (addresses, read, sync, anonymous, expected) in [
            (near, &[][..], &[][..], false, Ok("open open")),
            (near, &[READ], &[], false, Ok("tokens closed")),
            (near, &[], &[SYNC], false, Err("unreadable")),
            (near, &[READ], &[SYNC], false, Ok("tokens tokens")),
            (near, &[], &[], true, Ok("open open")),
            (near, &[READ], &[], true, Ok("tokens open")),
            (near, &[], &[SYNC], true, Ok("open tokens")),
            (far, &[], &[], false, Err("exposed")),
            (far, &[READ], &[], false, Ok("tokens closed")),
            (far, &[], &[SYNC], false, Err("exposed")),
            (far, &[READ], &[SYNC], false, Ok("tokens tokens")),
            (far, &[], &[], true, Ok("open open")),
            (far, &[READ], &[], true, Ok("tokens open")),
            (far, &[], &[SYNC], true, Ok("open tokens")),
            (near, &[READ, SYNC], &[SYNC], false, Err("shared")),
            (far, &[READ], &[READ], true, Err("shared")),
        ] {
            for listen in addresses.map(|address| address.parse().unwrap()) {
                let config = config(read, sync, anonymous);
                let found = config.check(listen).map(|()| {
                    format!(
                        "{} {}",
                        word(&config.reading(listen)),
                        word(&config.syncing(listen))
                    )
                });
                let found = found.map_err(|error| match error {
                    AccessError::Exposed(address) if address == listen => "exposed",
                    AccessError::Exposed(_) => "another address",
                    AccessError::Unreadable => "unreadable",
                    AccessError::Shared => "shared",
                });
                assert_eq!(
                    found,
                    expected.map(str::to_owned),
                    "{listen} {read:?} {sync:?} {anonymous}"
                );
            }
        }
    }

    fn word(entry: &Entry) -> &'static str {
        match entry {
            Entry::Open => "open",
            Entry::Tokens(_) => "tokens",
            Entry::Closed => "closed",
        }
    }

    #[test]
    fn tokens_are_a_list_or_a_text_with_several() {
        for (value, expected) in [
            (json!([]), &[][..]),
            (json!([READ, SYNC]), &[READ, SYNC]),
            (json!(format!(" {READ} ,{SYNC},")), &[READ, SYNC]),
            (json!(format!("{READ}\r\n\n{SYNC}\n")), &[READ, SYNC]),
            (
                json!([format!("{READ}\n{SYNC}"), ALL_LETTERS]),
                &[READ, SYNC, ALL_LETTERS],
            ),
        ] {
            let found = tokens(&value).unwrap();
            let found: Vec<_> = found.iter().map(ExposeSecret::expose_secret).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_repeating_it() {
        for (value, expected) in [
            (json!(""), TokenError::Empty(1)),
            (json!([READ, " "]), TokenError::Empty(2)),
            (json!("z".repeat(31)), TokenError::Short(1)),
            (json!("z".repeat(513)), TokenError::Long(1)),
            (json!("================"), TokenError::Characters(1)),
            (json!("Bearer zzzzzzzzzzzzzzzz"), TokenError::Characters(1)),
            (json!("zzzzzzzz=zzzzzzzzzz"), TokenError::Characters(1)),
            (json!(["zzzzzzzzzzzzzzzz&zzz"]), TokenError::Characters(1)),
            (json!("zzzzzzzzzzzzzzzzü"), TokenError::Characters(1)),
            (
                json!([READ, 7_777_777_777_777_777_u64]),
                TokenError::NotText(2),
            ),
            (json!(","), TokenError::Empty(1)),
            (json!(true), TokenError::NotList),
            (json!({ "zzz": "zzz" }), TokenError::NotList),
        ] {
            let found = tokens(&value).unwrap_err().to_string();
            assert_eq!(found, expected.to_string());
            assert!(!found.contains("zzz") && !found.contains("777"), "{found}");
        }
    }
}
