//! Where a value comes from: a field of a row, or one of its attributes.

use std::borrow::Cow;
use std::fmt;

use crate::catalog::entity::Kind;
use crate::catalog::named_rows::Row;
use crate::directory::FieldPaths;

/// The prefix of the free attributes of a row.
const ATTRIBUTES: &str = "attributes.";
/// The longest path of a source, in bytes.
const LONGEST: usize = 200;

/// A field that every row of a kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::catalog) enum Builtin {
    /// The primary key.
    Pk,
    /// A user's login name.
    Username,
    /// The name.
    Name,
    /// A user's e-mail address.
    Email,
    /// What a user's e-mail address has before the `@`.
    EmailLocalPart,
    /// A user's avatar.
    Avatar,
    /// A user's kind of account.
    Type,
}

/// The fields that user rows always have.
const OF_USERS: [(&str, Builtin); 7] = [
    ("username", Builtin::Username),
    ("name", Builtin::Name),
    ("email", Builtin::Email),
    ("emailLocalPart", Builtin::EmailLocalPart),
    ("avatar", Builtin::Avatar),
    ("type", Builtin::Type),
    ("pk", Builtin::Pk),
];
/// The fields that group rows always have.
const OF_GROUPS: [(&str, Builtin); 2] = [("name", Builtin::Name), ("pk", Builtin::Pk)];
/// The additional fields that can be read of user rows.
const MORE_OF_USERS: [&str; 4] = ["uid", "uuid", "path", "date_joined"];
/// The additional fields that can be read of group rows.
const MORE_OF_GROUPS: [&str; 1] = ["num_pk"];

/// A field of a row: `username`, `uid`, `attributes.title`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    path: Box<str>,
    is_builtin: bool,
}

/// Why a text names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The kind has no such field.
    #[error("`{found}` is no field of a {kind}; expected {} or `attributes.` and the name of an attribute", expected.join(", "))]
    Unknown {
        /// The text.
        found: String,
        /// The kind.
        kind: Kind,
        /// The fields that exist.
        expected: Vec<String>,
    },
    /// The path is too long.
    #[error("the name of a field has at most {LONGEST} bytes")]
    TooLong,
}

impl Source {
    /// Reads the name of a field of a kind.
    ///
    /// # Errors
    /// When the kind has no such field.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(SourceError::TooLong);
        }
        let is_builtin = builtin(kind, text).is_some();
        let is_attribute = text
            .strip_prefix(ATTRIBUTES)
            .is_some_and(|path| !path.is_empty());
        if is_builtin || is_attribute || more(kind).contains(&text) {
            return Ok(Self {
                path: text.into(),
                is_builtin,
            });
        }
        let names = builtins(kind).iter().map(|(name, _)| *name);
        Err(SourceError::Unknown {
            found: text.to_owned(),
            kind,
            expected: names
                .chain(more(kind).iter().copied())
                .map(|name| format!("`{name}`"))
                .collect(),
        })
    }

    /// The path of users in Authentik.
    pub(in crate::catalog) fn user_path() -> Self {
        Self {
            path: "path".into(),
            is_builtin: false,
        }
    }

    /// The path, if the field is an additional one.
    #[must_use]
    pub fn additional(&self) -> Option<&str> {
        (!self.is_builtin).then_some(&*self.path)
    }

    /// Where the value is in the rows of a directory with these additional fields.
    pub(in crate::catalog) fn column(&self, kind: Kind, fields: &FieldPaths) -> Column {
        builtin(kind, &self.path)
            .map(Column::Builtin)
            .or_else(|| fields.position(&self.path).map(Column::Additional))
            .unwrap_or(Column::Nowhere)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// Several sources: the first that is not empty counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Sources that are known to exist.
    pub(super) fn builtin(kind: Kind, names: &[&str]) -> Self {
        let sources = names
            .iter()
            .filter_map(|name| Source::parse(kind, name).ok());
        sources.collect()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sources in order.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// Where the values are in the rows of a directory with these additional fields.
    pub(in crate::catalog) fn columns(&self, kind: Kind, fields: &FieldPaths) -> Columns {
        Columns(
            self.iter()
                .map(|source| source.column(kind, fields))
                .collect(),
        )
    }
}

impl FromIterator<Source> for Sources {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        Self(sources.into_iter().collect())
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(|source| &*source.path).collect();
        f.write_str(&names.join(", "))
    }
}

/// Where a value is in the rows of one directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::catalog) enum Column {
    /// A field that every row has.
    Builtin(Builtin),
    /// An additional field, by position.
    Additional(usize),
    /// The rows were read without this field.
    Nowhere,
}

impl Column {
    /// The value of a row; `None` if it is empty.
    pub(in crate::catalog) fn value<R: Row>(self, row: &R) -> Option<Cow<'_, str>> {
        let value = match self {
            Self::Builtin(field) => row.builtin(field),
            Self::Additional(at) => row
                .fields()
                .value(at)
                .text()
                .map_or_else(Cow::default, Cow::Borrowed),
            Self::Nowhere => Cow::default(),
        };
        (!value.is_empty()).then_some(value)
    }
}

/// Where the values of [`Sources`] are in the rows of one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::catalog) struct Columns(Vec<Column>);

impl Columns {
    /// The first value of a row that is not empty.
    pub(in crate::catalog) fn value<'d, R: Row>(&self, row: &'d R) -> Option<Cow<'d, str>> {
        self.0.iter().find_map(|column| column.value(row))
    }

    /// The position in [`Sources`] of the value that [`Columns::value`] returns.
    pub(in crate::catalog) fn chosen<R: Row>(&self, row: &R) -> Option<usize> {
        self.0.iter().position(|column| column.value(row).is_some())
    }

    /// The columns in order.
    pub(in crate::catalog) fn iter(&self) -> impl Iterator<Item = Column> {
        self.0.iter().copied()
    }
}

fn builtins(kind: Kind) -> &'static [(&'static str, Builtin)] {
    match kind {
        Kind::User => &OF_USERS,
        Kind::Group => &OF_GROUPS,
    }
}

fn more(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::User => &MORE_OF_USERS,
        Kind::Group => &MORE_OF_GROUPS,
    }
}

fn builtin(kind: Kind, name: &str) -> Option<Builtin> {
    let found = builtins(kind).iter().find(|(known, _)| *known == name);
    found.map(|(_, field)| *field)
}
