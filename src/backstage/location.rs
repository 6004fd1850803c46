//! A location of Backstage's app-config that reads this service.

use std::fmt;

use sha1::{Digest, Sha1};
use url::Url;

use crate::catalog::entity::Kind;
use crate::catalog::location::LocationPrefix;
use crate::digest::hex;
use crate::snapshot::document::Document;
use crate::snapshot::locations::location_name;
use crate::snapshot::shard::{Shard, ShardCount};

/// A `url` location, made from its target as `catalog.locations` spells it.
///
/// The target may contain a token, so it is never shown. The ref, a hash of it, may be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshTarget {
    entity_ref: String,
    content: RefreshContent,
}

/// The content of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RefreshContent {
    /// `/entities`: the entities themselves.
    Entities {
        kind: Option<Kind>,
        shard: Option<Shard>,
    },
    /// `/locations`: a list of `of` locations, one for each shard.
    Shards { kind: Option<Kind>, of: ShardCount },
}

/// A location whose content changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedLocation {
    /// The location's ref.
    pub entity_ref: String,
    /// The ref of the `/locations` list that contains it, if one does. Backstage knows such a location
    /// only after it reads the list.
    pub list: Option<String>,
}

/// Why a target is not a location of this service. The messages omit the target.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LocationError {
    /// The target is not an absolute `http` or `https` URL.
    #[error("expected the target of a location in Backstage's app-config, an http or https URL")]
    NoUrl,
    /// The path is neither `/entities` nor `/locations`.
    #[error("expected a URL whose path ends in `/entities` or `/locations`")]
    Path,
    /// A required parameter is missing, or this service would refuse its value.
    #[error(
        "the parameter `{0}` is missing or has a value that this service refuses; \
             copy the target from Backstage's app-config"
    )]
    Parameter(&'static str),
}

impl RefreshTarget {
    /// Parses a target.
    ///
    /// # Errors
    /// When this service would not serve the target.
    pub fn parse(target: &str) -> Result<Self, LocationError> {
        let url = Url::parse(target)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or(LocationError::NoUrl)?;
        let kind = parameter(&url, "kind", |text| {
            Kind::ALL.into_iter().find(|kind| kind.lower() == text)
        })?;
        let content = match url
            .path_segments()
            .and_then(|mut segments| segments.next_back())
        {
            Some("entities") => RefreshContent::Entities {
                kind,
                shard: parameter(&url, "shard", |text| text.parse().ok())?,
            },
            Some("locations") => {
                let of = parameter(&url, "shards", |text| text.parse().ok())?
                    .ok_or(LocationError::Parameter("shards"))?;
                RefreshContent::Shards { kind, of }
            }
            _ => return Err(LocationError::Path),
        };
        Ok(Self {
            entity_ref: generated_ref(target),
            content,
        })
    }

    /// The locations in Backstage whose content differs between two documents; all of them if `old` is
    /// `None`.
    #[must_use]
    pub fn changed(
        &self,
        old: Option<&Document>,
        new: &Document,
        prefix: &LocationPrefix,
    ) -> Vec<ChangedLocation> {
        match self.content {
            RefreshContent::Entities { kind, shard } => {
                if !differs(old, new, kind, shard) {
                    return Vec::new();
                }
                vec![ChangedLocation {
                    entity_ref: self.entity_ref.clone(),
                    list: None,
                }]
            }
            RefreshContent::Shards { kind, of } => {
                let changed = of
                    .shards()
                    .filter(|shard| differs(old, new, kind, Some(*shard)));
                let part = |shard| ChangedLocation {
                    entity_ref: location_ref(&location_name(prefix, kind, shard)),
                    list: Some(self.entity_ref.clone()),
                };
                changed.map(part).collect()
            }
        }
    }
}

/// Whether a target's content differs between two documents.
fn differs(
    old: Option<&Document>,
    new: &Document,
    kind: Option<Kind>,
    shard: Option<Shard>,
) -> bool {
    let Some(old) = old else { return true };
    if old.digest() == new.digest() {
        return false;
    }
    match (kind, shard) {
        (None, None) => true,
        (Some(kind), None) => old.part(kind) != new.part(kind),
        (None, Some(shard)) => old.shard_digest(shard) != new.shard_digest(shard),
        (kind, Some(shard)) => old.shard(shard, kind).ne(new.shard(shard, kind)),
    }
}

impl fmt::Debug for RefreshTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshTarget({}, {:?})", self.entity_ref, self.content)
    }
}

/// The ref that Backstage generates for a location of its app-config (`locationSpecToMetadataName`).
fn generated_ref(target: &str) -> String {
    let hash = Sha1::digest(format!("url:{target}").as_bytes());
    location_ref(&format!("generated-{}", hex(&hash, 40)))
}

/// The ref of a location with a name.
fn location_ref(name: &str) -> String {
    format!("location:default/{name}")
}

/// The value of a query parameter; `None` if the URL lacks it.
fn parameter<T>(
    url: &Url,
    name: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, LocationError> {
    let value = url.query_pairs().find(|(key, _)| key == name);
    value
        .map(|(_, value)| read(&value).ok_or(LocationError::Parameter(name)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ref_is_the_one_that_backstage_generates() {
        let location = RefreshTarget::parse("http://entities:8080/entities").unwrap();
        // printf 'url:http://entities:8080/entities' | sha1sum
        assert_eq!(
            location.entity_ref,
            "location:default/generated-48c5028d9815db1ac4ebedd2c761cac8b921e401"
        );
    }

    #[test]
    fn only_a_target_of_this_service_is_a_location() {
        for target in [
            "http://h/entities",
            "https://h:1/base/entities?kind=user&shard=3/4&token=t",
            "http://h/locations?shards=64&token=t",
        ] {
            assert!(RefreshTarget::parse(target).is_ok(), "{target}");
        }
        for (target, error) in [
            ("entities", LocationError::NoUrl),
            ("ftp://h/entities", LocationError::NoUrl),
            ("http://h/", LocationError::Path),
            ("http://h/entities.yaml", LocationError::Path),
            (
                "http://h/entities?kind=robot",
                LocationError::Parameter("kind"),
            ),
            (
                "http://h/entities?shard=4/4",
                LocationError::Parameter("shard"),
            ),
            ("http://h/locations", LocationError::Parameter("shards")),
            (
                "http://h/locations?shards=3",
                LocationError::Parameter("shards"),
            ),
        ] {
            assert_eq!(RefreshTarget::parse(target).unwrap_err(), error, "{target}");
        }
    }

    #[test]
    fn a_token_in_the_target_is_never_shown() {
        let location = RefreshTarget::parse("http://h/entities?token=s3cret").unwrap();
        assert!(!format!("{location:?}").contains("s3cret"));
        let error = RefreshTarget::parse("http://h/nowhere?token=s3cret").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
