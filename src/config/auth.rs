//! The section `entityProvider.auth`: the tokens of this service, and access without a token.

use std::net::SocketAddr;

use secrecy::SecretString;
use serde_json::Value;

use super::exposure::{Exposure, exposure};
use super::keys::ValueKind;
use super::scalar::{is_same_secret, switch};
use super::section::{defaults, section};
use super::setting::{InvalidValue, Setting};

/// The minimum length of a token. That many random characters cannot be guessed, so that wrong tokens need no
/// delay.
pub(super) const SHORTEST: usize = 32;
/// The maximum length of a token, which has to fit into a URL.
pub(super) const LONGEST: usize = 512;

section! {
    /// The section `entityProvider.auth`.
    pub struct AuthConfig {
        /// Tokens that read entities and runs, of at least 32 characters; all are valid, so that they can be
        /// replaced one after the other.
        read_tokens: Vec<SecretString> = tokens().default("[]"),
        /// Tokens of at least 32 characters that start runs with `POST /sync` and follow them; they read no entities.
        sync_tokens: Vec<SecretString> = tokens().default("[]"),
        /// Tokens of at least 32 characters that Authentik sends to `POST /hooks/authentik`; they allow nothing else.
        webhook_tokens: Vec<SecretString> = tokens().default("[]"),
        /// Allows requests without a token, where no tokens are set.
        allow_anonymous: bool = switch().default("false"),
        /// Who reads `/docs` and `/openapi.json`: clients with a read token (`token`), all (`open`), none (`off`);
        /// `off` also hides the page `/`.
        docs: Exposure = exposure().default("token"),
        /// Who reads `/metrics`: clients with a token of either kind (`token`), all (`open`), none (`off`).
        metrics: Exposure = exposure().default("token"),
    }
}

impl Default for AuthConfig {
    fn default() -> Self {
        defaults()
    }
}

/// What a request needs to be authorized.
#[derive(Clone, Debug)]
pub enum AuthRequirement<'a> {
    /// Nothing.
    Open,
    /// One of these tokens.
    Tokens(&'a [SecretString]),
    /// Access is denied: there is no token, and access without one is not allowed.
    Closed,
}

/// Why a service must not start with this section. Never contains a token.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccessError {
    /// All clients on the network could read all users.
    #[error(
        "`entityProvider.auth.readTokens` is not set, but the service listens on {0} and not on loopback \
         alone, so every client that reaches it could read all users and groups; set \
         ENTITY_PROVIDER_AUTH_READ_TOKENS, or set `entityProvider.auth.allowAnonymous: true`"
    )]
    Exposed(SocketAddr),
    /// There are tokens, but none that reads.
    #[error(
        "`entityProvider.auth.syncTokens` or `webhookTokens` is set and `readTokens` is not, so that no client could \
         read; set ENTITY_PROVIDER_AUTH_READ_TOKENS, or set `entityProvider.auth.allowAnonymous: true`"
    )]
    Unreadable,
    /// A token in Backstage's or Authentik's configuration could do more than it is for.
    #[error(
        "a token is in two of `entityProvider.auth.readTokens`, `syncTokens` and `webhookTokens`; Backstage's \
         users may see a read token, and Authentik's a webhook token, so use different tokens in each list"
    )]
    Shared,
}

impl AuthConfig {
    /// Returns what reading needs.
    #[must_use]
    pub fn reading(&self, listen: SocketAddr) -> AuthRequirement<'_> {
        self.requirement(&self.read_tokens, listen)
    }

    /// Returns what starting a run needs.
    #[must_use]
    pub fn syncing(&self, listen: SocketAddr) -> AuthRequirement<'_> {
        self.requirement(&self.sync_tokens, listen)
    }

    /// Returns what a webhook needs.
    #[must_use]
    pub fn webhook(&self, listen: SocketAddr) -> AuthRequirement<'_> {
        self.requirement(&self.webhook_tokens, listen)
    }

    /// Checks that the service is neither open by mistake nor useless.
    ///
    /// # Errors
    /// If it is; with the keys to set.
    pub fn check(&self, listen: SocketAddr) -> Result<(), AccessError> {
        let (read, sync, webhook) = (&self.read_tokens, &self.sync_tokens, &self.webhook_tokens);
        if share_one(read, sync) || share_one(read, webhook) || share_one(sync, webhook) {
            return Err(AccessError::Shared);
        }
        match self.reading(listen) {
            AuthRequirement::Closed if is_loopback(listen) => Err(AccessError::Unreadable),
            AuthRequirement::Closed => Err(AccessError::Exposed(listen)),
            AuthRequirement::Open | AuthRequirement::Tokens(_) => Ok(()),
        }
    }

    /// Returns all tokens.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        let Self {
            read_tokens,
            sync_tokens,
            webhook_tokens,
            ..
        } = self;
        read_tokens.iter().chain(sync_tokens).chain(webhook_tokens)
    }

    /// Tokens if there are some. Otherwise open if anonymous access is allowed, or if there is no token at all
    /// and the service listens on loopback. Otherwise closed.
    fn requirement<'a>(
        &self,
        tokens: &'a [SecretString],
        listen: SocketAddr,
    ) -> AuthRequirement<'a> {
        let is_local = self.secrets().next().is_none() && is_loopback(listen);
        match tokens {
            [] if self.allow_anonymous || is_local => AuthRequirement::Open,
            [] => AuthRequirement::Closed,
            tokens => AuthRequirement::Tokens(tokens),
        }
    }
}

/// Returns true if two lists have a token in common.
fn share_one(one: &[SecretString], other: &[SecretString]) -> bool {
    let is_in_other = |token| other.iter().any(|other| is_same_secret(token, other));
    one.iter().any(is_in_other)
}

fn is_loopback(listen: SocketAddr) -> bool {
    listen.ip().to_canonical().is_loopback()
}

/// Why a token is invalid, with its position in the list from 1. Never contains the token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum AccessTokenError {
    #[error("expected a list of tokens, or texts with commas or line breaks between the tokens")]
    NotList,
    #[error("token {0} is not a string; put it in quotes")]
    NotText(usize),
    #[error(
        "token {0} is empty; remove it, or set a random one, such as the output of `openssl rand -hex 32`"
    )]
    Empty(usize),
    #[error(
        "token {0} has fewer than {SHORTEST} characters; use a random one, such as the output of `openssl rand -hex 32`"
    )]
    Short(usize),
    #[error(
        "token {0} has more than {LONGEST} characters; use a shorter one, such as the output of `openssl rand -hex 32`"
    )]
    Long(usize),
    #[error(
        "token {0} has an invalid character (RFC 6750 allows letters, digits and `-._~+/`, and `=` at the end); \
         use one such as the output of `openssl rand -hex 32`"
    )]
    Characters(usize),
}

fn tokens() -> Setting<Vec<SecretString>> {
    let same = |one: &Vec<_>, other: &Vec<_>| {
        one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_same_secret(a, b))
    };
    Setting::with_comparison(
        ValueKind::Secrets,
        |value| parse(value).map_err(InvalidValue::new),
        same,
    )
}

fn parse(value: &Value) -> Result<Vec<SecretString>, AccessTokenError> {
    let texts = split_tokens(value)?;
    for (index, text) in texts.iter().enumerate() {
        check(text, index + 1)?;
    }
    Ok(texts.into_iter().map(SecretString::from).collect())
}

/// Returns the texts of a list. A single text may contain several tokens, as in files and variables.
fn split_tokens(value: &Value) -> Result<Vec<String>, AccessTokenError> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        text @ Value::String(_) => std::slice::from_ref(text),
        _ => return Err(AccessTokenError::NotList),
    };
    let mut texts = Vec::new();
    for value in values {
        let Value::String(text) = value else {
            return Err(AccessTokenError::NotText(texts.len() + 1));
        };
        // A text of separators only comes from unset variables and is an error, not an empty list.
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

/// Returns true if a text is a valid token of this service.
#[must_use]
pub fn is_token(text: &str) -> bool {
    check(text, 1).is_ok()
}

/// Rejects a text that is easily guessed, or is not a bearer token (RFC 6750, section 2.1).
fn check(text: &str, at: usize) -> Result<(), AccessTokenError> {
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || "-._~+/".contains(letter);
    if text.is_empty() {
        Err(AccessTokenError::Empty(at))
    } else if text.starts_with('=') || !text.trim_end_matches('=').chars().all(is_legal) {
        Err(AccessTokenError::Characters(at))
    } else if text.len() < SHORTEST {
        Err(AccessTokenError::Short(at))
    } else if text.len() > LONGEST {
        Err(AccessTokenError::Long(at))
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

    fn word(entry: &AuthRequirement) -> &'static str {
        match entry {
            AuthRequirement::Open => "open",
            AuthRequirement::Tokens(_) => "tokens",
            AuthRequirement::Closed => "closed",
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
            let found = parse(&value).unwrap();
            let found: Vec<_> = found
                .iter()
                .map(secrecy::ExposeSecret::expose_secret)
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_repeating_it() {
        for (value, expected) in [
            (json!(""), AccessTokenError::Empty(1)),
            (json!([READ, " "]), AccessTokenError::Empty(2)),
            (json!("z".repeat(31)), AccessTokenError::Short(1)),
            (json!("z".repeat(513)), AccessTokenError::Long(1)),
            (json!("================"), AccessTokenError::Characters(1)),
            (
                json!("Bearer zzzzzzzzzzzzzzzz"),
                AccessTokenError::Characters(1),
            ),
            (
                json!("zzzzzzzz=zzzzzzzzzz"),
                AccessTokenError::Characters(1),
            ),
            (
                json!(["zzzzzzzzzzzzzzzz&zzz"]),
                AccessTokenError::Characters(1),
            ),
            (json!("zzzzzzzzzzzzzzzzü"), AccessTokenError::Characters(1)),
            (
                json!([READ, 7_777_777_777_777_777_u64]),
                AccessTokenError::NotText(2),
            ),
            (json!(","), AccessTokenError::Empty(1)),
            (json!(true), AccessTokenError::NotList),
            (json!({ "zzz": "zzz" }), AccessTokenError::NotList),
        ] {
            let found = parse(&value).unwrap_err().to_string();
            assert_eq!(found, expected.to_string());
            assert!(!found.contains("zzz") && !found.contains("777"), "{found}");
        }
    }
}
