//! The rules that decide which token allows which request. Pure.

use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::Requirement;
use crate::config::{AuthConfig, AuthRequirement, Exposure};
use crate::http::error::ApiError;

/// The hash of a token. Hashes are compared instead of tokens, since they all have the same length.
type Fingerprint = [u8; 32];

/// The rules of one configuration.
#[derive(Debug)]
pub(super) struct Rules {
    reading: AcceptedTokens,
    syncing: AcceptedTokens,
    webhook: AcceptedTokens,
    docs: Exposure,
    metrics: Exposure,
}

/// The tokens that allow a kind of request.
#[derive(Debug)]
enum AcceptedTokens {
    Open,
    Tokens(Vec<Fingerprint>),
    Closed,
}

impl Rules {
    /// Returns the rules of a service that listens on `listen`.
    pub(super) fn new(auth: &AuthConfig, listen: SocketAddr) -> Self {
        Self {
            reading: AcceptedTokens::new(&auth.reading(listen)),
            syncing: AcceptedTokens::new(&auth.syncing(listen)),
            webhook: AcceptedTokens::new(&auth.webhook(listen)),
            docs: auth.docs,
            metrics: auth.metrics,
        }
    }

    /// Decides whether a request with this token, or without one, is allowed.
    pub(super) fn decide(
        &self,
        access: Requirement,
        token: Option<&SecretString>,
    ) -> Result<(), ApiError> {
        match (access, self.exposure(access)) {
            (_, Exposure::Off) => Err(ApiError::UnknownPath),
            (_, Exposure::Open) => Ok(()),
            (Requirement::Webhook, Exposure::Token) if self.webhook.is_closed() => {
                Err(ApiError::WebhookClosed)
            }
            (Requirement::Webhook, Exposure::Token) => self.require_any(&[&self.webhook], token),
            (Requirement::Sync, Exposure::Token) if self.syncing.is_closed() => {
                Err(ApiError::SyncClosed)
            }
            (Requirement::Sync, Exposure::Token) => self.require_any(&[&self.syncing], token),
            (Requirement::Runs | Requirement::Metrics, Exposure::Token) => {
                self.require_any(&[&self.reading, &self.syncing], token)
            }
            (_, Exposure::Token) => self.require_any(&[&self.reading], token),
        }
    }

    /// Returns whether a requirement needs a token, none, or hides the route.
    fn exposure(&self, access: Requirement) -> Exposure {
        match access {
            Requirement::Read | Requirement::Runs | Requirement::Sync | Requirement::Webhook => {
                Exposure::Token
            }
            Requirement::Docs => self.docs,
            Requirement::Metrics => self.metrics,
            Requirement::PageFiles if self.docs == Exposure::Off => Exposure::Off,
            Requirement::Open | Requirement::PageFiles => Exposure::Open,
        }
    }

    /// Checks that the token is in one of the accepted sets.
    fn require_any(
        &self,
        accepted: &[&AcceptedTokens],
        token: Option<&SecretString>,
    ) -> Result<(), ApiError> {
        if accepted
            .iter()
            .any(|tokens| matches!(tokens, AcceptedTokens::Open))
        {
            return Ok(());
        }
        let fingerprint = fingerprint(token.ok_or(ApiError::TokenMissing)?);
        let matches_any = |accepted: &[&AcceptedTokens]| {
            accepted.iter().fold(Choice::from(0), |found, tokens| {
                found | tokens.contains(&fingerprint)
            })
        };
        // Both are always computed, so that the response time does not depend on the kind of token.
        let (is_accepted, is_known) = (
            matches_any(accepted),
            matches_any(&[&self.reading, &self.syncing, &self.webhook]),
        );
        match (is_accepted.into(), is_known.into()) {
            (true, _) => Ok(()),
            (false, true) => Err(ApiError::TokenKind),
            (false, false) => Err(ApiError::TokenInvalid),
        }
    }
}

impl AcceptedTokens {
    fn new(entry: &AuthRequirement) -> Self {
        match entry {
            AuthRequirement::Open => Self::Open,
            AuthRequirement::Tokens(tokens) => {
                Self::Tokens(tokens.iter().map(fingerprint).collect())
            }
            AuthRequirement::Closed => Self::Closed,
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Whether these tokens contain one; compares with all of them, in constant time.
    fn contains(&self, fingerprint: &Fingerprint) -> Choice {
        let known: &[Fingerprint] = match self {
            Self::Tokens(known) => known,
            Self::Open | Self::Closed => &[],
        };
        known.iter().fold(Choice::from(0), |found, known| {
            found | known.ct_eq(fingerprint)
        })
    }
}

fn fingerprint(token: &SecretString) -> Fingerprint {
    Sha256::digest(token.expose_secret().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr";
    const OLD: &str = "oooooooooooooooooooooooooooooooo";
    const SYNC: &str = "ssssssssssssssssssssssssssssssss";
    const WRONG: &str = "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww";

    fn rules(adjust: impl FnOnce(&mut AuthConfig)) -> Rules {
        let mut auth = AuthConfig {
            read_tokens: vec![OLD.into(), READ.into()],
            sync_tokens: vec![SYNC.into()],
            ..AuthConfig::default()
        };
        adjust(&mut auth);
        Rules::new(&auth, "192.0.2.1:80".parse().unwrap())
    }

    /// Returns the codes for no token, the read token, the old read token, the sync token and a
    /// wrong token.
    fn codes(rules: &Rules, access: Requirement) -> [&'static str; 5] {
        [None, Some(READ), Some(OLD), Some(SYNC), Some(WRONG)].map(|token| {
            let token = token.map(SecretString::from);
            rules
                .decide(access, token.as_ref())
                .map_or_else(|error| error.code(), |()| "ok")
        })
    }

    #[test]
    fn each_kind_of_token_allows_its_own_requests() {
        let (missing, invalid, kind) = ("token-missing", "token-invalid", "token-kind");
        let rules = rules(|_| ());
        for (access, expected) in [
            (Requirement::Open, ["ok"; 5]),
            (Requirement::Read, [missing, "ok", "ok", kind, invalid]),
            (Requirement::Runs, [missing, "ok", "ok", "ok", invalid]),
            (Requirement::Sync, [missing, kind, kind, "ok", invalid]),
            (Requirement::Metrics, [missing, "ok", "ok", "ok", invalid]),
            (Requirement::Docs, [missing, "ok", "ok", kind, invalid]),
            (Requirement::PageFiles, ["ok"; 5]),
        ] {
            assert_eq!(codes(&rules, access), expected, "{access:?}");
        }
    }

    #[test]
    fn without_sync_tokens_runs_are_refused_unless_the_configuration_opens_them() {
        let closed = rules(|auth| auth.sync_tokens.clear());
        assert_eq!(codes(&closed, Requirement::Sync), ["sync-closed"; 5]);
        let expected = [
            "token-missing",
            "ok",
            "ok",
            "token-invalid",
            "token-invalid",
        ];
        assert_eq!(codes(&closed, Requirement::Runs), expected);
        let open = rules(|auth| {
            auth.sync_tokens.clear();
            auth.allow_anonymous = true;
        });
        assert_eq!(codes(&open, Requirement::Sync), ["ok"; 5]);
        assert_eq!(codes(&open, Requirement::Runs), ["ok"; 5]);
        assert_eq!(
            codes(&open, Requirement::Metrics),
            ["ok"; 5],
            "the same as for runs"
        );
        assert_eq!(codes(&open, Requirement::Read), expected);
    }

    #[test]
    fn the_description_follows_its_setting() {
        let open = rules(|auth| auth.docs = Exposure::Open);
        assert_eq!(codes(&open, Requirement::Docs), ["ok"; 5]);
        let off = rules(|auth| auth.docs = Exposure::Off);
        for access in [Requirement::Docs, Requirement::PageFiles] {
            assert_eq!(codes(&off, access), ["unknown-path"; 5]);
        }
        assert_eq!(codes(&off, Requirement::Read)[1], "ok");
        assert_eq!(codes(&off, Requirement::Metrics)[1], "ok");
    }

    #[test]
    fn the_metrics_follow_a_setting_of_their_own() {
        let open = rules(|auth| auth.metrics = Exposure::Open);
        assert_eq!(codes(&open, Requirement::Metrics), ["ok"; 5]);
        let off = rules(|auth| auth.metrics = Exposure::Off);
        assert_eq!(codes(&off, Requirement::Metrics), ["unknown-path"; 5]);
        for rules in [open, off] {
            assert_eq!(codes(&rules, Requirement::Docs)[0], "token-missing");
        }
    }

    #[test]
    fn a_part_of_a_token_is_not_accepted() {
        let rules = rules(|_| ());
        let (longer, upper) = (format!("{READ}r"), READ.to_uppercase());
        for token in ["", &READ[1..], longer.as_str(), upper.as_str()] {
            let decided = rules.decide(Requirement::Read, Some(&token.into()));
            assert!(matches!(decided, Err(ApiError::TokenInvalid)), "{token}");
        }
    }
}
