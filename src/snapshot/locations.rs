//! The list of all shards as Backstage `LocationEntity` entities, with one absolute target each.
//!
//! It depends on the number of shards, the base URL and the query alone, not on a snapshot.

use std::hash::{Hash, Hasher};

use secrecy::{ExposeSecret, SecretString};
use serde_json::to_vec;
use url::form_urlencoded::byte_serialize;

use super::rendition::{Format, Rendition};
use super::shard::{Shard, ShardCount};
use crate::catalog::entity::Kind;
use crate::catalog::location::{LocationEntity, LocationPrefix};

/// The parameters of a list of locations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Locations {
    /// The number of shards.
    pub of: ShardCount,
    /// The kind that the targets are limited to; the names contain it too, so that a catalog can
    /// register one list for each kind.
    pub kind: Option<Kind>,
    /// The prefix of the names.
    pub prefix: LocationPrefix,
    /// The URL of this service, without a trailing slash.
    pub base: String,
    /// The token in every target, if the request for the list carried one in its query.
    pub token: Option<TargetToken>,
}

/// A token that appears in targets and nowhere else.
#[derive(Clone, Debug)]
pub struct TargetToken(pub SecretString);

impl PartialEq for TargetToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for TargetToken {}

impl Hash for TargetToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.expose_secret().hash(state);
    }
}

impl Locations {
    /// Renders the list without a content coding.
    ///
    /// # Panics
    /// Never: strings always serialize.
    #[must_use]
    pub fn render(&self, format: Format) -> Rendition {
        let entities = self.of.shards().map(|shard| {
            LocationEntity::new(
                location_name(&self.prefix, self.kind, shard),
                self.target(shard),
            )
        });
        let documents: Vec<_> = entities
            .map(|entity| to_vec(&entity).expect("strings always serialize"))
            .collect();
        Rendition::joined(format, documents.iter().map(Vec::as_slice))
    }

    /// Returns the URL of a shard. Backstage stores the URL with every entity, so the spelling and
    /// order of the parameters must not change: all entities would move to another location.
    fn target(&self, shard: Shard) -> String {
        let start = format!("{}/entities?shard={shard}", self.base);
        self.extras().fold(start, |target, (name, value)| {
            target + "&" + name + "=" + &byte_serialize(value.as_bytes()).collect::<String>()
        })
    }

    /// Returns the other query parameters in their fixed order, not yet percent-encoded.
    fn extras(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let kind = self.kind.map(|kind| ("kind", kind.lower()));
        let token = self
            .token
            .as_ref()
            .map(|token| ("token", token.0.expose_secret()));
        kind.into_iter().chain(token)
    }
}

/// Returns the name of a shard's location.
#[must_use]
pub fn location_name(prefix: &LocationPrefix, kind: Option<Kind>, shard: Shard) -> String {
    let kind = kind.map(|kind| format!("-{kind}")).unwrap_or_default();
    format!(
        "{}{kind}-{}-of-{}",
        prefix.as_str(),
        shard.index(),
        shard.of()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locations(of: &str, kind: Option<Kind>) -> Locations {
        Locations {
            of: of.parse().unwrap(),
            kind,
            prefix: LocationPrefix::default(),
            base: "https://entities.example.com/people".into(),
            token: None,
        }
    }

    #[test]
    fn names_and_targets_never_change() {
        let body = |locations: Locations| {
            String::from_utf8(locations.render(Format::Yaml).bytes.to_vec()).unwrap()
        };
        assert_eq!(
            body(locations("2", None)),
            r#"---
{"apiVersion":"backstage.io/v1alpha1","kind":"Location","metadata":{"name":"authentik-0-of-2"},"spec":{"type":"url","target":"https://entities.example.com/people/entities?shard=0/2"}}
---
{"apiVersion":"backstage.io/v1alpha1","kind":"Location","metadata":{"name":"authentik-1-of-2"},"spec":{"type":"url","target":"https://entities.example.com/people/entities?shard=1/2"}}
"#
        );
        assert_eq!(
            body(locations("1", Some(Kind::User))),
            r#"---
{"apiVersion":"backstage.io/v1alpha1","kind":"Location","metadata":{"name":"authentik-user-0-of-1"},"spec":{"type":"url","target":"https://entities.example.com/people/entities?shard=0/1&kind=user"}}
"#
        );
    }
    #[test]
    fn a_token_appears_only_in_targets() {
        let token = Some(TargetToken("abc+/=".into()));
        let locations = Locations {
            token,
            ..locations("2", Some(Kind::User))
        };
        let body = locations.render(Format::Yaml).bytes;
        let expected = r#"/entities?shard=1/2&kind=user&token=abc%2B%2F%3D"}}"#;
        assert!(
            str::from_utf8(&body)
                .unwrap()
                .trim_end()
                .ends_with(expected)
        );
        assert!(!format!("{locations:?}").contains("abc"));
    }
}
