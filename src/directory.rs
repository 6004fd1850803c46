//! The users and groups of Authentik as plain data, sorted by pk.
//!
//! The snapshot stores these rows beside the entities, so that a changed configuration takes effect
//! without a new request to Authentik. This module knows neither Backstage nor HTTP.

mod broken_rows;
mod disagreement;
mod fields;
mod sizes;

pub use broken_rows::{BrokenRows, RowError};
pub use disagreement::Disagreement;
pub use fields::{FieldPaths, FieldSelection, FieldValue, Fields};
pub use sizes::Sizes;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A user's primary key: an integer that Authentik never reuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserPk(pub i64);

/// A group's primary key: a UUID, in the order in which Authentik sorts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupPk(pub Uuid);

impl std::fmt::Display for UserPk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for GroupPk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The kind of account (Authentik's `type`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserType {
    /// A person inside the organisation.
    Internal,
    /// A person outside the organisation.
    External,
    /// An account for a program, created by an operator.
    ServiceAccount,
    /// An account that Authentik created for itself, such as an outpost's.
    InternalServiceAccount,
    /// A type unknown to this version; treated as a person.
    Other(Box<str>),
}

impl From<String> for UserType {
    fn from(text: String) -> Self {
        match text.as_str() {
            "internal" => Self::Internal,
            "external" => Self::External,
            "service_account" => Self::ServiceAccount,
            "internal_service_account" => Self::InternalServiceAccount,
            _ => Self::Other(text.into()),
        }
    }
}

impl std::fmt::Display for UserType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Internal => "internal",
            Self::External => "external",
            Self::ServiceAccount => "service_account",
            Self::InternalServiceAccount => "internal_service_account",
            Self::Other(text) => text,
        })
    }
}

/// A row of the user list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The primary key.
    pub pk: UserPk,
    /// The unique login name: up to 150 arbitrary characters.
    pub username: Box<str>,
    /// The display name, possibly empty.
    pub name: Box<str>,
    /// The e-mail address, possibly empty or shared by several users.
    pub email: Box<str>,
    /// A URL, an absolute path or a `data:` URI, possibly empty.
    pub avatar: Box<str>,
    /// Whether the user may sign in.
    pub is_active: bool,
    /// The kind of account.
    pub user_type: UserType,
    /// Direct groups from the user list. They serve only as a cross-check of [`Group::users`].
    pub groups: Box<[GroupPk]>,
    /// Additional fields.
    pub fields: Fields,
}

impl User {
    /// Whether the account belongs to a program instead of a person.
    #[must_use]
    pub fn is_service_account(&self) -> bool {
        matches!(
            self.user_type,
            UserType::ServiceAccount | UserType::InternalServiceAccount
        )
    }

    /// Whether two versions of a user's row are equal, except for `avatar` and `groups`. An avatar's
    /// URL may have a signature that differs in every response; groups have rows of their own.
    #[must_use]
    pub fn has_same_description(&self, other: &Self) -> bool {
        let texts = (&self.username, &self.name, &self.email, &self.fields);
        self.is_in_same_partition(other)
            && texts == (&other.username, &other.name, &other.email, &other.fields)
    }

    /// Whether two versions of a user's row fall into the same partition of the user list: equal
    /// `is_active` and `type`.
    #[must_use]
    pub fn is_in_same_partition(&self, other: &Self) -> bool {
        (self.is_active, &self.user_type) == (other.is_active, &other.user_type)
    }
}

/// A row of the group list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The primary key.
    pub pk: GroupPk,
    /// The name. Authentik 2024.2 allows duplicates.
    pub name: Box<str>,
    /// Direct parents: none or one before 2025.12, any number since.
    pub parents: Box<[GroupPk]>,
    /// Direct members, inactive users and service accounts included: the source of memberships.
    pub users: Box<[UserPk]>,
    /// Additional fields.
    pub fields: Fields,
}

/// All users and groups that Authentik listed, each sorted by pk and without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    users: Vec<User>,
    groups: Vec<Group>,
    broken_rows: BrokenRows,
    selection: Arc<FieldSelection>,
}

impl Directory {
    /// Sorts rows by pk; of rows with the same pk the last one stays.
    #[must_use]
    pub fn new(users: Vec<User>, groups: Vec<Group>) -> Self {
        let (users, groups) = (
            by_pk(users, |user| user.pk),
            by_pk(groups, |group| group.pk),
        );
        Self {
            users,
            groups,
            broken_rows: BrokenRows::default(),
            selection: Arc::default(),
        }
    }

    /// Sets the rows that could not be read.
    #[must_use]
    pub fn with_broken_rows(self, broken_rows: BrokenRows) -> Self {
        Self {
            broken_rows,
            ..self
        }
    }

    /// Sets which additional fields the rows have.
    #[must_use]
    pub fn with_selection(self, selection: Arc<FieldSelection>) -> Self {
        Self { selection, ..self }
    }

    /// The rows with another selection of additional fields. A field that the rows lack is absent.
    #[must_use]
    pub fn project(&self, selection: &Arc<FieldSelection>) -> Self {
        let (from, mut projected) = (&self.selection, self.clone());
        for user in &mut projected.users {
            user.fields = user.fields.project(&from.users, &selection.users);
        }
        for group in &mut projected.groups {
            group.fields = group.fields.project(&from.groups, &selection.groups);
        }
        projected.with_selection(Arc::clone(selection))
    }

    /// The additional fields that the rows have.
    #[must_use]
    pub fn selection(&self) -> &Arc<FieldSelection> {
        &self.selection
    }

    /// Returns the rows, and those that could not be read.
    #[must_use]
    pub fn into_rows(self) -> (Vec<User>, Vec<Group>, BrokenRows) {
        (self.users, self.groups, self.broken_rows)
    }

    /// The rows that could not be read. Their last readable versions are among the rows.
    #[must_use]
    pub fn broken_rows(&self) -> &BrokenRows {
        &self.broken_rows
    }

    /// Whether the user list is empty; a broken row counts as a row.
    #[must_use]
    pub fn has_no_users(&self) -> bool {
        self.users.is_empty() && self.broken_rows.users.is_empty()
    }

    /// The users in the order of their pks.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The groups in the order of their pks.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The user with a pk, if the user list has it.
    #[must_use]
    pub fn user(&self, pk: UserPk) -> Option<&User> {
        self.users
            .binary_search_by_key(&pk, |user| user.pk)
            .ok()
            .map(|at| &self.users[at])
    }

    /// The group with a pk, if the group list has it.
    #[must_use]
    pub fn group(&self, pk: GroupPk) -> Option<&Group> {
        self.groups
            .binary_search_by_key(&pk, |group| group.pk)
            .ok()
            .map(|at| &self.groups[at])
    }

    /// Whether a user lists a group that does not list the user, which happens when the user joins after
    /// the group was read. Broken rows are ignored.
    #[must_use]
    pub fn has_one_sided_membership(&self) -> bool {
        let lacks = |user: &User, pk: &GroupPk| {
            let found = self
                .group(*pk)
                .filter(|group| !self.broken_rows.groups.contains_key(&group.pk));
            found.is_some_and(|group| group.users.binary_search(&user.pk).is_err())
        };
        let mut readable = self
            .users
            .iter()
            .filter(|user| !self.broken_rows.users.contains_key(&user.pk));
        readable.any(|user| user.groups.iter().any(|pk| lacks(user, pk)))
    }

    /// Whether the user list has this pk.
    #[must_use]
    pub fn has_user(&self, pk: UserPk) -> bool {
        self.users.binary_search_by_key(&pk, |user| user.pk).is_ok()
    }

    /// Whether the group list has this pk.
    #[must_use]
    pub fn has_group(&self, pk: GroupPk) -> bool {
        self.groups
            .binary_search_by_key(&pk, |group| group.pk)
            .is_ok()
    }
}

/// Sorts rows by pk and removes all but the last row of each pk.
fn by_pk<Row, Pk: Ord + Copy>(mut rows: Vec<Row>, pk: impl Fn(&Row) -> Pk) -> Vec<Row> {
    rows.reverse();
    rows.sort_by_key(|row| pk(row));
    rows.dedup_by_key(|row| pk(row));
    rows.shrink_to_fit();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_of_a_pk_stays() {
        let row = |pk, name: &str| Group {
            fields: crate::directory::Fields::default(),
            pk: GroupPk(Uuid::from_u128(pk)),
            name: name.into(),
            parents: [].into(),
            users: [].into(),
        };
        let directory = Directory::new(vec![], vec![row(2, "b"), row(1, "old"), row(1, "new")]);
        assert_eq!(directory.groups(), [row(1, "new"), row(2, "b")]);
        assert!(directory.has_group(GroupPk(Uuid::from_u128(2))));
        assert!(!directory.has_user(UserPk(1)));
    }
}
