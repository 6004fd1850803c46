//! JSON of rows: the fields of each release, in order.

use jiff::Timestamp;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::directory::FakeDirectory;
use super::model::{FakeGroup, FakeRole, FakeUser};
use super::query::Includes;
use super::release::Release;

/// The context of a row: directory, release and flags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lens<'a> {
    pub(super) directory: &'a FakeDirectory,
    pub(super) release: Release,
    pub(super) includes: Includes,
}

impl<'a> Lens<'a> {
    fn parent(self, group: &FakeGroup) -> Option<&'a FakeGroup> {
        group
            .parents
            .first()
            .and_then(|pk| self.directory.group(*pk))
    }

    fn groups(self, pks: &[Uuid]) -> impl Iterator<Item = &'a FakeGroup> {
        pks.iter().filter_map(move |pk| self.directory.group(*pk))
    }

    /// Returns the children; in releases with a single parent, only the first parent lists the
    /// child.
    fn children(self, group: &FakeGroup) -> Vec<Uuid> {
        let first = |child: &&Uuid| {
            let child = self.directory.group(**child);
            child.is_none_or(|child| child.parents.first() == Some(&group.pk))
        };
        if self.release.has_many_parents() {
            return group.children.clone();
        }
        group.children.iter().filter(first).copied().collect()
    }

    fn parent_entries<M: SerializeMap>(
        self,
        map: &mut M,
        group: &FakeGroup,
    ) -> Result<(), M::Error> {
        let parent = self.parent(group);
        map.serialize_entry("parent", &group.parents.first())?;
        if parent.is_some() || self.release.has_flags() {
            map.serialize_entry("parent_name", &parent.map(|parent| &parent.name))?;
        }
        Ok(())
    }
}

/// A user in the list of users.
pub(super) struct UserRow<'a>(pub(super) &'a FakeUser, pub(super) Lens<'a>);

impl Serialize for UserRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(user, lens) = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &user.pk)?;
        map.serialize_entry("username", &user.username)?;
        map.serialize_entry("name", &user.name)?;
        map.serialize_entry("is_active", &user.is_active)?;
        map.serialize_entry("last_login", &user.last_login.map(stamp))?;
        if lens.release.has_flags() {
            map.serialize_entry("date_joined", &stamp(user.date_joined))?;
        }
        map.serialize_entry("is_superuser", &user.is_superuser)?;
        map.serialize_entry("groups", &user.groups)?;
        let groups = || {
            lens.groups(&user.groups)
                .map(|group| UserGroup(group, lens))
                .collect::<Vec<_>>()
        };
        map.serialize_entry("groups_obj", &lens.includes.groups.then(groups))?;
        if lens.release.has_many_parents() {
            map.serialize_entry("roles", &role_pks(&user.roles))?;
            map.serialize_entry("roles_obj", &lens.includes.roles.then_some(&user.roles))?;
        }
        map.serialize_entry("email", &user.email)?;
        map.serialize_entry("avatar", &user.avatar)?;
        map.serialize_entry("attributes", &Stored(&user.attributes))?;
        map.serialize_entry("uid", &user.uid)?;
        map.serialize_entry("path", &user.path)?;
        map.serialize_entry("type", &user.kind)?;
        map.serialize_entry("uuid", &user.uuid)?;
        if lens.release.has_flags() {
            map.serialize_entry(
                "password_change_date",
                &user.password_change_date.map(stamp),
            )?;
            map.serialize_entry("last_updated", &stamp(user.last_updated))?;
        }
        map.end()
    }
}

/// A group in the list of groups.
pub(super) struct GroupRow<'a>(pub(super) &'a FakeGroup, pub(super) Lens<'a>);

impl Serialize for GroupRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(group, lens) = *self;
        let (many, includes) = (lens.release.has_many_parents(), lens.includes);
        let related = |pks: &[Uuid]| lens.groups(pks).map(RelatedGroup).collect::<Vec<_>>();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &group.pk)?;
        map.serialize_entry("num_pk", &group.num_pk)?;
        map.serialize_entry("name", &group.name)?;
        map.serialize_entry("is_superuser", &group.is_superuser)?;
        if many {
            map.serialize_entry("parents", &group.parents)?;
            map.serialize_entry(
                "parents_obj",
                &includes.parents.then(|| related(&group.parents)),
            )?;
        } else {
            lens.parent_entries(&mut map, group)?;
        }
        map.serialize_entry("users", &group.users)?;
        let known = || group.users.iter().filter_map(|pk| lens.directory.user(*pk));
        map.serialize_entry(
            "users_obj",
            &includes
                .users
                .then(|| known().map(Member).collect::<Vec<_>>()),
        )?;
        map.serialize_entry("attributes", &Stored(&group.attributes))?;
        map.serialize_entry("roles", &role_pks(&group.roles))?;
        map.serialize_entry("roles_obj", &group.roles)?;
        if many {
            let inherited = includes.inherited_roles.then_some(&group.inherited_roles);
            map.serialize_entry("inherited_roles_obj", &inherited)?;
        }
        if lens.release.has_flags() {
            let children = lens.children(group);
            map.serialize_entry("children", &children)?;
            map.serialize_entry(
                "children_obj",
                &includes.children.then(|| related(&children)),
            )?;
        }
        map.end()
    }
}

/// A group in a user's `groups_obj`.
struct UserGroup<'a>(&'a FakeGroup, Lens<'a>);

impl Serialize for UserGroup<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(group, lens) = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &group.pk)?;
        map.serialize_entry("num_pk", &group.num_pk)?;
        map.serialize_entry("name", &group.name)?;
        map.serialize_entry("is_superuser", &group.is_superuser)?;
        if !lens.release.has_many_parents() {
            lens.parent_entries(&mut map, group)?;
        }
        map.serialize_entry("attributes", &Stored(&group.attributes))?;
        map.end()
    }
}

/// A group in another group's `parents_obj` or `children_obj`.
struct RelatedGroup<'a>(&'a FakeGroup);

impl Serialize for RelatedGroup<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &self.0.pk)?;
        map.serialize_entry("name", &self.0.name)?;
        map.serialize_entry("is_superuser", &self.0.is_superuser)?;
        map.serialize_entry("attributes", &Stored(&self.0.attributes))?;
        map.serialize_entry("group_uuid", &self.0.pk)?;
        map.end()
    }
}

/// A user in a group's `users_obj`.
struct Member<'a>(&'a FakeUser);

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pk", &self.0.pk)?;
        map.serialize_entry("username", &self.0.username)?;
        map.serialize_entry("name", &self.0.name)?;
        map.serialize_entry("is_active", &self.0.is_active)?;
        map.serialize_entry("last_login", &self.0.last_login.map(stamp))?;
        map.serialize_entry("email", &self.0.email)?;
        map.serialize_entry("attributes", &Stored(&self.0.attributes))?;
        map.serialize_entry("uid", &self.0.uid)?;
        map.end()
    }
}

/// JSON in the form in which `PostgreSQL`'s `jsonb` returns it: keys sorted by length, then by
/// bytes.
struct Stored<'a>(&'a Value);

impl Serialize for Stored<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(object) => {
                let mut entries: Vec<_> = object.iter().collect();
                entries.sort_by_key(|(key, _)| (key.len(), key.as_str()));
                serializer.collect_map(entries.into_iter().map(|(key, value)| (key, Stored(value))))
            }
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Stored(item))?;
                }
                list.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

fn role_pks(roles: &[FakeRole]) -> Vec<Uuid> {
    roles.iter().map(|role| role.pk).collect()
}

/// Formats a time as Python does: six fractional digits, or none if all are zero.
fn stamp(moment: Timestamp) -> String {
    let whole = moment.strftime("%Y-%m-%dT%H:%M:%S");
    match moment.subsec_nanosecond() / 1000 {
        0 => format!("{whole}Z"),
        micros => format!("{whole}.{micros:06}Z"),
    }
}
