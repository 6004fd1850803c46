//! The types that Authentik sends, before and since 2025.12, and their conversion to rows.
//!
//! Fields that decide about people are required: an answer without one is an error, not a default.

mod fields;
mod stamped;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

pub use fields::read_fields;
pub use stamped::Stamped;

use crate::directory::{
    Directory, FieldPaths, FieldSelection, Fields, Group, GroupPk, RowError, User, UserPk,
};

/// One of the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `/api/v3/core/users/`
    Users,
    /// `/api/v3/core/groups/`
    Groups,
}

impl List {
    /// The path below `/api/v3/`; Authentik requires the trailing slash.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Users => "core/users/",
            Self::Groups => "core/groups/",
        }
    }

    /// The cheapest flags with which an answer has every field of a row. Older versions ignore
    /// them. `include_roles` stays unset: with `false`, Authentik runs more database queries, not
    /// fewer.
    #[must_use]
    pub fn flags(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Users => &[("include_groups", "false")],
            Self::Groups => &[
                ("include_users", "false"),
                ("include_children", "true"),
                ("include_parents", "true"),
            ],
        }
    }

    /// The permission to view the whole list.
    #[must_use]
    pub fn permission(self) -> &'static str {
        match self {
            Self::Users => "view_user",
            Self::Groups => "view_group",
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Users => "user",
            Self::Groups => "group",
        })
    }
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub struct Page<Row> {
    /// The size of the whole list.
    pub pagination: WirePagination,
    /// The rows.
    pub results: Vec<Row>,
    /// The size of the answer in bytes.
    #[serde(skip)]
    pub bytes: usize,
}

/// Authentik's paging object, without the fields that are not needed here.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct WirePagination {
    /// Number of rows in the whole list.
    pub count: usize,
    /// Number of pages in the whole list.
    pub total_pages: usize,
}

/// A row, or the pk and the error of a broken row.
pub type RowResult<Row> = Result<Row, (<Row as Listed>::Pk, RowError)>;

/// A row of a list that Authentik sends.
pub trait Listed: Clone + Sized + Send + 'static {
    /// The list that has such rows.
    const LIST: List;
    /// The type of its primary key.
    type Pk: Copy + Ord + Send + fmt::Display + for<'de> Deserialize<'de>;
    /// The row as Authentik sends it.
    type Wire: for<'de> Deserialize<'de> + Into<Self> + Send;
    /// Its primary key.
    fn pk(&self) -> Self::Pk;
    /// The row of a directory with a pk.
    fn of(directory: &Directory, pk: Self::Pk) -> Option<Self>;
    /// The additional fields of its list.
    fn paths(selection: &FieldSelection) -> &FieldPaths;
    /// The row with its additional fields.
    #[must_use]
    fn with_fields(self, fields: Fields) -> Self;
}

impl Listed for User {
    const LIST: List = List::Users;
    type Pk = UserPk;
    type Wire = WireUser;
    fn pk(&self) -> UserPk {
        self.pk
    }
    fn of(directory: &Directory, pk: UserPk) -> Option<Self> {
        directory.user(pk).cloned()
    }
    fn paths(selection: &FieldSelection) -> &FieldPaths {
        &selection.users
    }
    fn with_fields(self, fields: Fields) -> Self {
        Self { fields, ..self }
    }
}

impl Listed for Group {
    const LIST: List = List::Groups;
    type Pk = GroupPk;
    type Wire = WireGroup;
    fn pk(&self) -> GroupPk {
        self.pk
    }
    fn of(directory: &Directory, pk: GroupPk) -> Option<Self> {
        directory.group(pk).cloned()
    }
    fn paths(selection: &FieldSelection) -> &FieldPaths {
        &selection.groups
    }
    fn with_fields(self, fields: Fields) -> Self {
        Self { fields, ..self }
    }
}

/// A user as Authentik sends it.
#[derive(Debug, Deserialize)]
pub struct WireUser {
    pk: UserPk,
    username: Box<str>,
    is_active: bool,
    #[serde(rename = "type")]
    user_type: String,
    #[serde(default, deserialize_with = "text_or_null")]
    name: Box<str>,
    #[serde(default, deserialize_with = "text_or_null")]
    email: Box<str>,
    #[serde(default, deserialize_with = "text_or_null")]
    avatar: Box<str>,
    #[serde(default)]
    groups: Vec<GroupPk>,
    #[serde(default, deserialize_with = "stamped::stamp_or_none")]
    last_updated: Option<Timestamp>,
}

impl From<WireUser> for User {
    fn from(wire: WireUser) -> Self {
        Self {
            pk: wire.pk,
            username: wire.username,
            name: wire.name,
            email: wire.email,
            avatar: wire.avatar,
            is_active: wire.is_active,
            user_type: wire.user_type.into(),
            groups: sorted(wire.groups),
            fields: Fields::default(),
        }
    }
}

/// A group as Authentik sends it: `parent` before 2025.12, `parents` since.
#[derive(Debug, Deserialize)]
pub struct WireGroup {
    pk: GroupPk,
    name: Box<str>,
    users: Vec<UserPk>,
    #[serde(default)]
    parent: Option<GroupPk>,
    #[serde(default)]
    parents: Option<Vec<GroupPk>>,
}

impl From<WireGroup> for Group {
    fn from(wire: WireGroup) -> Self {
        let parents = wire
            .parents
            .unwrap_or_else(|| wire.parent.into_iter().collect());
        Self {
            pk: wire.pk,
            name: wire.name,
            parents: sorted(parents),
            users: sorted(wire.users),
            fields: Fields::default(),
        }
    }
}

/// Sorts pks and removes duplicates: Authentik sends pks in no particular order.
fn sorted<Pk: Ord>(mut pks: Vec<Pk>) -> Box<[Pk]> {
    pks.sort_unstable();
    pks.dedup();
    pks.into()
}

/// A text, or an empty one for `null`.
fn text_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<str>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    const A: &str = "00000000-0000-0000-0000-00000000000a";
    const B: &str = "00000000-0000-0000-0000-00000000000b";

    fn group(value: Value) -> Group {
        from_value::<WireGroup>(value).unwrap().into()
    }

    #[test]
    fn parents_are_read_before_and_since_2025_12() {
        let pk = |text: &str| GroupPk(text.parse().unwrap());
        let old = group(
            json!({"pk": A, "name": "g", "users": [2, 1, 2], "parent": B, "parent_name": "p"}),
        );
        assert_eq!(
            (&*old.parents, &*old.users),
            (&[pk(B)][..], &[UserPk(1), UserPk(2)][..])
        );
        let root = group(json!({"pk": A, "name": "g", "users": [], "parent": null}));
        assert!(root.parents.is_empty());
        let new = group(
            json!({"pk": A, "name": "g", "users": [], "parents": [B, A], "parents_obj": null}),
        );
        assert_eq!(*new.parents, [pk(A), pk(B)]);
    }

    #[test]
    fn fields_that_decide_about_people_are_required() {
        assert!(
            from_value::<WireGroup>(json!({"pk": A, "name": "g"})).is_err(),
            "members"
        );
        let whole =
            json!({"pk": 1, "username": "u", "is_active": true, "type": "internal", "email": null});
        for key in ["pk", "username", "is_active", "type"] {
            let mut part = whole.clone();
            part.as_object_mut().unwrap().remove(key);
            assert!(from_value::<WireUser>(part).is_err(), "{key}");
        }
        let user: User = from_value::<WireUser>(whole).unwrap().into();
        assert_eq!((&*user.email, &*user.name, &*user.avatar), ("", "", ""));
    }
}
