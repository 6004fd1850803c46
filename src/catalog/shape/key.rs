//! The keys of annotations and labels.

use std::fmt;
use std::str::FromStr;

use crate::catalog::entity::{LOCATION_ANNOTATIONS, PK_ANNOTATION};
use crate::catalog::name::is_valid_name;

/// The longest prefix of a key, in characters.
const LONGEST_PREFIX: usize = 253;
/// The longest part of a prefix between two dots, in characters.
const LONGEST_PART: usize = 63;

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Backstage would refuse it.
    #[error(
        "is no key that Backstage accepts; expected a name of 1 to 63 letters, digits, `-`, `_` and `.`, after a \
         domain in lower case and `/` if it has one, such as `example.com/phone`"
    )]
    Invalid,
    /// Every entity has this annotation already.
    #[error("is set for every entity already; choose another key")]
    Reserved,
}

/// The key of an annotation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnnotationKey(Box<str>);

/// The key of a label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelKey(Box<str>);

impl FromStr for AnnotationKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text == PK_ANNOTATION || LOCATION_ANNOTATIONS.contains(&text) {
            return Err(KeyError::Reserved);
        }
        checked(text).map(Self)
    }
}

impl FromStr for LabelKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        checked(text).map(Self)
    }
}

impl AnnotationKey {
    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LabelKey {
    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AnnotationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for LabelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a key as Backstage does (`KubernetesValidatorFunctions.isValidAnnotationKey` and
/// `isValidLabelKey`): a name, after a DNS subdomain and `/` if it has one.
fn checked(text: &str) -> Result<Box<str>, KeyError> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let is_valid = is_valid_name(name) && prefix.is_none_or(is_subdomain);
    is_valid.then(|| text.into()).ok_or(KeyError::Invalid)
}

fn is_subdomain(prefix: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| {
        let bytes = part.as_bytes();
        part.len() <= LONGEST_PART
            && bytes.first().is_some_and(is_plain)
            && bytes.last().is_some_and(is_plain)
            && bytes.iter().all(|byte| is_plain(byte) || *byte == b'-')
    };
    prefix.len() <= LONGEST_PREFIX && prefix.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_that_backstage_accepts() {
        for key in ["a", "example.com/phone", "a-b.c/D_e.f", &"x".repeat(63)] {
            assert_eq!(key.parse::<LabelKey>().unwrap().as_str(), key);
        }
        for key in [
            "",
            "/a",
            "a/",
            "A.com/a",
            "a..b/c",
            "a/b/c",
            "-a",
            "a b",
            "é",
            "a_b/c",
            &"x".repeat(64),
        ] {
            assert_eq!(
                key.parse::<AnnotationKey>(),
                Err(KeyError::Invalid),
                "{key}"
            );
        }
        for key in [PK_ANNOTATION].into_iter().chain(LOCATION_ANNOTATIONS) {
            assert_eq!(
                key.parse::<AnnotationKey>(),
                Err(KeyError::Reserved),
                "{key}"
            );
        }
    }
}
