//! The namespace of all entities.

use std::fmt;
use std::str::FromStr;

/// The namespace that Backstage assumes.
const DEFAULT: &str = "default";
/// The longest namespace, in characters.
const LONGEST: usize = 63;

/// A namespace that Backstage accepts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Namespace(Box<str>);

/// Why a text is no namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected 1 to {LONGEST} lower-case letters, digits and `-`, with a letter or digit at both ends"
)]
pub struct NamespaceError;

impl Namespace {
    /// The namespace, if an entity has to name it.
    #[must_use]
    pub fn named(&self) -> Option<&str> {
        (&*self.0 != DEFAULT).then_some(&*self.0)
    }

    /// The namespace.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self(DEFAULT.into())
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    /// Reads a namespace (`KubernetesValidatorFunctions.isValidNamespace` in Backstage: a DNS label).
    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        let text = text.trim();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let ends = text.bytes().next().zip(text.bytes().last());
        let is_valid = text.len() <= LONGEST
            && ends.is_some_and(|(first, last)| is_plain(first) && is_plain(last))
            && text.bytes().all(|byte| is_plain(byte) || byte == b'-');
        is_valid.then(|| Self(text.into())).ok_or(NamespaceError)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_a_dns_label() {
        for text in ["acme", "a-1", "0", &"a".repeat(63)] {
            assert_eq!(text.parse::<Namespace>().unwrap().as_str(), text);
        }
        for text in ["", "Acme", "-a", "a-", "a.b", "a_b", &"a".repeat(64)] {
            assert_eq!(text.parse::<Namespace>(), Err(NamespaceError), "{text}");
        }
        assert_eq!(Namespace::default().named(), None);
    }
}
