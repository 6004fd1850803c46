//! The values of labels, which Backstage restricts.

use std::borrow::Cow;
use std::str::FromStr;

use crate::catalog::name::{MAX_NAME_LENGTH, is_valid_name};

/// A value that Backstage accepts for a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelValue(Box<str>);

/// Why a text is no value of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected 1 to {MAX_NAME_LENGTH} letters, digits, `-`, `_` and `.`, with a letter or digit at both ends"
)]
pub struct LabelError;

impl LabelValue {
    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LabelValue {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        is_valid_name(text)
            .then(|| Self(text.into()))
            .ok_or(LabelError)
    }
}

/// Makes the value of a label from a text: `-` for each character that Backstage refuses, without
/// punctuation at the ends, cut to 63 characters. `None` if nothing is left.
#[must_use]
pub fn repair_label(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if is_valid_name(&text) {
        return Some(text);
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let replaced: String = text
        .chars()
        .map(|c| if is_allowed(c) { c } else { '-' })
        .collect();
    let is_edge = |c: char| !c.is_ascii_alphanumeric();
    let trimmed = replaced.trim_matches(is_edge);
    let cut = trimmed[..trimmed.len().min(MAX_NAME_LENGTH)].trim_end_matches(is_edge);
    (!cut.is_empty()).then(|| cut.to_owned().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_backstage_refuses_is_replaced() {
        let repaired = |text: &'static str| repair_label(text.into()).map(Cow::into_owned);
        assert_eq!(repaired("R&D (EMEA)").as_deref(), Some("R-D--EMEA"));
        assert_eq!(repaired("Entwicklung"), Some("Entwicklung".to_owned()));
        assert_eq!(repaired("команда"), None);
    }

    proptest! {
        #[test]
        fn a_repaired_value_is_valid(text in ".*") {
            if let Some(value) = repair_label(text.into()) {
                prop_assert!(is_valid_name(&value), "{value}");
            }
        }
    }
}
