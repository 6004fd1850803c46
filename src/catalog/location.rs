//! Backstage's `LocationEntity` entity: it points to a URL from which Backstage reads more entities.

use serde::Serialize;

use super::name::{MAX_NAME_LENGTH, is_valid_name};

/// The longest prefix, in bytes: it leaves room for the longest suffix, `-group-1023-of-1024`.
pub const MAX_PREFIX_LENGTH: usize = MAX_NAME_LENGTH - 19;

/// The prefix of locations' names; with any suffix the name is valid for Backstage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocationPrefix(Box<str>);

impl LocationPrefix {
    /// Returns a prefix, or `None` if names that begin with it would be invalid or too long.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        // The suffix begins with `-` and ends with a digit, so a prefix may end with punctuation.
        let is_start = is_valid_name(&format!("{text}0")) && !text.is_empty();
        (is_start && text.len() <= MAX_PREFIX_LENGTH).then(|| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LocationPrefix {
    fn default() -> Self {
        Self("authentik".into())
    }
}

/// A location with one target, in the shape in which it is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationEntity {
    api_version: &'static str,
    kind: &'static str,
    metadata: LocationMetadata,
    spec: LocationSpec,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct LocationMetadata {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct LocationSpec {
    #[serde(rename = "type")]
    location_type: &'static str,
    target: String,
}

impl LocationEntity {
    /// A location of type `url`; `target` is an absolute URL.
    #[must_use]
    pub fn new(name: String, target: String) -> Self {
        Self {
            api_version: "backstage.io/v1alpha1",
            kind: "Location",
            metadata: LocationMetadata { name },
            spec: LocationSpec {
                location_type: "url",
                target,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_gives_names_that_backstage_accepts() {
        for good in [
            "authentik",
            "a",
            "0",
            "A-b_c.",
            &"x".repeat(MAX_PREFIX_LENGTH),
        ] {
            let prefix = LocationPrefix::new(good).unwrap();
            assert!(
                is_valid_name(&format!("{}-group-1023-of-1024", prefix.as_str())),
                "{good}"
            );
        }
        for bad in [
            "",
            "-a",
            ".",
            "a b",
            "a/b",
            "ä",
            &"x".repeat(MAX_PREFIX_LENGTH + 1),
        ] {
            assert_eq!(LocationPrefix::new(bad), None, "{bad}");
        }
        assert_eq!(
            LocationPrefix::new("authentik"),
            Some(LocationPrefix::default())
        );
        assert!(!is_valid_name(&format!(
            "{}-group-1023-of-1024",
            "x".repeat(MAX_PREFIX_LENGTH + 1)
        )));
    }
}
