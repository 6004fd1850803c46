//! Patterns of names: `*` stands for any characters and `?` for one.

use std::fmt;

use wildmatch::WildMatch;

use crate::catalog::name::sanitize_name;

/// A pattern that matches a name in Authentik or its sanitized form.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(WildMatch);

impl Eq for Pattern {}

impl Pattern {
    /// Whether the pattern matches a name in Authentik, as it is or sanitized.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name) || self.0.matches(&sanitize_name(name))
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self(WildMatch::new(text))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_name_or_its_sanitized_form() {
        for (pattern, name, expected) in [
            ("team-*", "Team Ops!", true),
            ("Team *", "Team Ops!", true),
            ("platform", "Platform", true),
            ("platform", "platform-x", false),
            ("*-admins", "authentik Admins", true),
            ("команд?", "команда", true),
            ("", "x", false),
        ] {
            assert_eq!(
                Pattern::from(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }
}
