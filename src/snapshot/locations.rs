//! The list of all shards, as Backstage's `Location` entities with one absolute target each.
//!
//! It follows from its number of shards, its base and its query alone and needs no snapshot.

use std::hash::{Hash, Hasher};

use secrecy::{ExposeSecret, SecretString};
use serde_json::to_vec;
use url::form_urlencoded::byte_serialize;

use super::rendition::{Format, Rendition};
use super::shard::{Shard, ShardCount};
use crate::catalog::entity::Kind;
use crate::catalog::location::{Location, LocationPrefix};

/// Which locations there are and where they point.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Locations {
    /// How many there are.
    pub of: ShardCount,
    /// Only entities of this kind; the names say so too, so that two such lists can stand side by side.
    pub kind: Option<Kind>,
    /// What the names begin with.
    pub prefix: LocationPrefix,
    /// The URL of this service without a trailing slash.
    pub base: String,
    /// What every target carries because the list was asked for with it.
    pub token: Option<TargetToken>,
}

/// A token that stands in targets; it is shown nowhere else.
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
    /// Renders the list without a coding.
    ///
    /// # Panics
    /// Never: texts are written to memory.
    #[must_use]
    pub fn render(&self, format: Format) -> Rendition {
        let entities = self.of.shards().map(|shard| {
            Location::new(
                location_name(&self.prefix, self.kind, shard),
                self.target(shard),
            )
        });
        let documents: Vec<_> = entities
            .map(|entity| to_vec(&entity).expect("texts are written to memory"))
            .collect();
        Rendition::joined(format, documents.iter().map(Vec::as_slice))
    }

    /// Where a shard is read. Backstage keeps the URL with every entity: another spelling or order of
    /// the same parameters would be another place and would move everybody.
    fn target(&self, shard: Shard) -> String {
        let start = format!("{}/entities?shard={shard}", self.base);
        self.extras().fold(start, |target, (name, value)| {
            target + "&" + name + "=" + &byte_serialize(value.as_bytes()).collect::<String>()
        })
    }

    /// What each target's query has beside the shard, in this order; values are encoded later.
    fn extras(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let kind = self.kind.map(|kind| ("kind", kind.lower()));
        let token = self
            .token
            .as_ref()
            .map(|token| ("token", token.0.expose_secret()));
        kind.into_iter().chain(token)
    }
}

/// The name of a shard's location.
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
    fn names_and_targets_are_these_forever() {
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
    fn a_token_stands_in_each_target_and_nowhere_else() {
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
