//! Where the names of entities come from.

use std::str::FromStr;

use super::Sources;
use crate::catalog::entity::Kind;

/// The longest prefix, in bytes. It leaves most of the 63 characters of a name to the row.
const LONGEST: usize = 20;

/// How the names of one kind are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameShape {
    /// Where the text of a name comes from.
    pub sources: Sources,
    /// What every name begins with.
    pub prefix: NamePrefix,
}

impl NameShape {
    /// The npm module's rule for a kind.
    pub(super) fn npm_module(kind: Kind) -> Self {
        let source = match kind {
            Kind::User => "username",
            Kind::Group => "name",
        };
        Self {
            sources: Sources::builtin(kind, &[source]),
            prefix: NamePrefix::default(),
        }
    }
}

/// The prefix of names: empty, or up to 20 of `[a-z0-9-_.]` that begin with a letter or digit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamePrefix(Box<str>);

/// Why a text is no prefix of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected up to {LONGEST} of the characters `a-z 0-9 - _ .`, the first one a letter or digit, \
     such as `acme-`; found `{0}`"
)]
pub struct NamePrefixError(String);

impl NamePrefix {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NamePrefix {
    type Err = NamePrefixError;

    fn from_str(text: &str) -> Result<Self, NamePrefixError> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        let begins_well = text
            .bytes()
            .next()
            .is_none_or(|first| first.is_ascii_alphanumeric());
        if text.len() > LONGEST || !begins_well || !text.bytes().all(is_allowed) {
            return Err(NamePrefixError(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_begins_every_name_validly() {
        for good in ["", "acme-", "a", "0.x_", &"x".repeat(LONGEST)] {
            assert!(good.parse::<NamePrefix>().is_ok(), "{good}");
        }
        for bad in ["-a", "Acme-", "a b", "ä", &"x".repeat(LONGEST + 1)] {
            assert!(bad.parse::<NamePrefix>().is_err(), "{bad}");
        }
    }
}
