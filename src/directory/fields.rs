//! Additional fields of rows: only those that a configuration names are read and stored.

use serde::{Deserialize, Serialize};

/// The additional fields that a configuration names, for each list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSelection {
    /// Fields of user rows.
    #[serde(default)]
    pub users: FieldPaths,
    /// Fields of group rows.
    #[serde(default)]
    pub groups: FieldPaths,
}

impl FieldSelection {
    /// Whether this selection has every field of another one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.users.covers(&other.users) && self.groups.covers(&other.groups)
    }

    /// Whether no field is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.0.is_empty() && self.groups.0.is_empty()
    }
}

/// Paths of fields in a row as Authentik sends it, such as `uid` and `attributes.title`: sorted and
/// without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Box<str>>")]
pub struct FieldPaths(Vec<Box<str>>);

impl FieldPaths {
    /// The position of a path, and so of its value in [`Fields`].
    #[must_use]
    pub fn position(&self, path: &str) -> Option<usize> {
        self.0.binary_search_by(|known| (**known).cmp(path)).ok()
    }

    /// The paths in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|path| &**path)
    }

    fn covers(&self, other: &Self) -> bool {
        other.iter().all(|path| self.position(path).is_some())
    }
}

impl From<Vec<Box<str>>> for FieldPaths {
    fn from(mut paths: Vec<Box<str>>) -> Self {
        paths.sort_unstable();
        paths.dedup();
        Self(paths)
    }
}

impl<P: Into<Box<str>>> FromIterator<P> for FieldPaths {
    fn from_iter<I: IntoIterator<Item = P>>(paths: I) -> Self {
        paths.into_iter().map(Into::into).collect::<Vec<_>>().into()
    }
}

/// The values of a row's additional fields, in the order of the [`FieldPaths`] of its directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(Box<[FieldValue]>);

impl Fields {
    /// The value at a position; absent beyond the end.
    #[must_use]
    pub fn value(&self, at: usize) -> &FieldValue {
        self.0.get(at).unwrap_or(&FieldValue::Absent)
    }

    /// Whether there are no additional fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values for other paths; those that `from` lacks are absent.
    #[must_use]
    pub(super) fn project(&self, from: &FieldPaths, to: &FieldPaths) -> Self {
        let value = |path| {
            from.position(path)
                .map_or(&FieldValue::Absent, |at| self.value(at))
        };
        to.iter().map(|path| value(path).clone()).collect()
    }
}

impl FromIterator<FieldValue> for Fields {
    fn from_iter<I: IntoIterator<Item = FieldValue>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// The value of an additional field as plain text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldValue {
    /// The row has no such attribute, or its value is `null` or empty.
    #[default]
    Absent,
    /// Authentik does not send this field: its version lacks it.
    NotSent,
    /// A text that is not empty.
    Text(Box<str>),
    /// An object, or a text that is too long.
    Unusable,
}

impl FieldValue {
    /// The text, if the value is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::NotSent | Self::Unusable => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_their_paths_into_another_selection() {
        let paths = |paths: &[&str]| paths.iter().copied().collect::<FieldPaths>();
        let (old, new) = (paths(&["uid", "attributes.title"]), paths(&["path", "uid"]));
        assert_eq!(old.iter().collect::<Vec<_>>(), ["attributes.title", "uid"]);
        let text = |text: &str| FieldValue::Text(text.into());
        let fields: Fields = [text("Engineer"), text("abc")].into_iter().collect();
        let projected = fields.project(&old, &new);
        assert_eq!(projected.value(0), &FieldValue::Absent);
        assert_eq!(projected.value(1), &text("abc"));
        assert!(old.covers(&paths(&["uid"])) && !old.covers(&new));
    }
}
