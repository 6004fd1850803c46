//! The fake server's database: rows sorted by primary key, and edits of an operator.
//!
//! Timestamps behave as on the real server: a rename or an activation updates `last_updated` of the
//! user; a membership change or a change of the account type does not.

mod links;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::model::{FakeGroup, FakeUser, UserKind, uuid_from};

/// Users and groups, editable at any time.
#[derive(Clone, Debug, Default)]
pub struct FakeDirectory {
    users: Vec<Arc<FakeUser>>,
    groups: Vec<Arc<FakeGroup>>,
    made_groups: u64,
    clock: Timestamp,
}

impl FakeDirectory {
    /// Creates an empty directory whose clock starts at the given time.
    #[must_use]
    pub fn starting_at(clock: Timestamp) -> Self {
        Self {
            clock,
            ..Self::default()
        }
    }

    /// Loads rows in the API's format and preserves the order of every list of keys.
    ///
    /// # Errors
    /// Fails if a row lacks a field that all releases have.
    pub fn from_recorded(users: &[Value], groups: &[Value]) -> serde_json::Result<Self> {
        let mut directory = Self::default();
        for row in users {
            directory.insert_user(FakeUser::deserialize(row)?);
        }
        for row in groups {
            let mut group = FakeGroup::deserialize(row)?;
            if let Some(parent) = Option::<Uuid>::deserialize(&row["parent"])? {
                group.parents = vec![parent];
            }
            directory.insert_group(group);
        }
        directory.clock = directory
            .users
            .iter()
            .map(|user| user.last_updated)
            .max()
            .unwrap_or_default();
        Ok(directory)
    }

    /// Returns all users, sorted by primary key.
    #[must_use]
    pub fn users(&self) -> &[Arc<FakeUser>] {
        &self.users
    }

    /// Returns all groups, sorted by primary key.
    #[must_use]
    pub fn groups(&self) -> &[Arc<FakeGroup>] {
        &self.groups
    }

    /// Finds a user by primary key.
    #[must_use]
    pub fn user(&self, pk: u64) -> Option<&FakeUser> {
        self.user_position(pk).ok().map(|at| &*self.users[at])
    }

    /// Finds a group by primary key.
    #[must_use]
    pub fn group(&self, pk: Uuid) -> Option<&FakeGroup> {
        self.group_position(pk).ok().map(|at| &*self.groups[at])
    }

    /// Finds the first user with this exact username.
    #[must_use]
    pub fn user_named(&self, username: &str) -> Option<&FakeUser> {
        self.users
            .iter()
            .map(|user| &**user)
            .find(|user| user.username == username)
    }

    /// Finds the first group with this exact name.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<&FakeGroup> {
        self.groups
            .iter()
            .map(|group| &**group)
            .find(|group| group.name == name)
    }

    /// Returns a user for an edit that does not touch `last_updated`; the edit must not change the
    /// primary key.
    pub fn user_mut(&mut self, pk: u64) -> Option<&mut FakeUser> {
        self.user_position(pk)
            .ok()
            .map(|at| Arc::make_mut(&mut self.users[at]))
    }

    /// Returns a group for an edit; the edit must not change the primary key.
    pub fn group_mut(&mut self, pk: Uuid) -> Option<&mut FakeGroup> {
        self.group_position(pk)
            .ok()
            .map(|at| Arc::make_mut(&mut self.groups[at]))
    }

    /// Adds an internal user with the next primary key and returns that key.
    pub fn add_user(&mut self, username: &str) -> u64 {
        let pk = self.users.last().map_or(1, |user| user.pk + 1);
        let now = self.tick();
        let user = FakeUser {
            date_joined: now,
            last_updated: now,
            ..FakeUser::new(pk, username)
        };
        self.insert_user(user);
        pk
    }

    /// Inserts or replaces a user unchanged and adds it to the member lists of its groups.
    pub fn insert_user(&mut self, user: FakeUser) {
        let pk = user.pk;
        for group in user.groups.clone() {
            self.list_member(group, pk);
        }
        match self.user_position(pk) {
            Ok(at) => self.users[at] = Arc::new(user),
            Err(at) => self.users.insert(at, Arc::new(user)),
        }
    }

    /// Removes a user and its memberships; returns whether it existed.
    pub fn remove_user(&mut self, pk: u64) -> bool {
        let Ok(at) = self.user_position(pk) else {
            return false;
        };
        let user = self.users.remove(at);
        for group in &user.groups {
            if let Some(group) = self.group_mut(*group) {
                group.users.retain(|member| *member != pk);
            }
        }
        true
    }

    /// Changes the username and `last_updated`, as an administrator's edit does.
    pub fn rename(&mut self, pk: u64, username: &str) -> bool {
        self.edit_user(pk, |user| user.username = username.into())
    }

    /// Activates or deactivates a user and changes `last_updated`, as an administrator's edit does.
    pub fn set_active(&mut self, pk: u64, is_active: bool) -> bool {
        self.edit_user(pk, |user| user.is_active = is_active)
    }

    /// Changes the account type but not `last_updated`, as the bulk update of Authentik's command
    /// line does.
    pub fn set_kind(&mut self, pk: u64, kind: UserKind) -> bool {
        self.user_mut(pk).map(|user| user.kind = kind).is_some()
    }

    /// Edits a user and sets `last_updated`.
    pub fn edit_user(&mut self, pk: u64, edit: impl FnOnce(&mut FakeUser)) -> bool {
        let now = self.tick();
        let Some(user) = self.user_mut(pk) else {
            return false;
        };
        edit(user);
        user.last_updated = now;
        true
    }

    /// Adds a group and returns its key.
    pub fn add_group(&mut self, name: &str) -> Uuid {
        self.made_groups += 1;
        let pk = uuid_from(0x4752_4F55, self.made_groups);
        self.insert_group(FakeGroup::new(pk, name));
        pk
    }

    /// Inserts or replaces a group unchanged and updates the lists of its members and parents.
    pub fn insert_group(&mut self, group: FakeGroup) {
        let (pk, members, parents) = (group.pk, group.users.clone(), group.parents.clone());
        match self.group_position(pk) {
            Ok(at) => self.groups[at] = Arc::new(group),
            Err(at) => self.groups.insert(at, Arc::new(group)),
        }
        for member in members {
            self.list_group(member, pk);
        }
        for parent in parents {
            self.list_child(parent, pk);
        }
    }

    /// Renames a group.
    pub fn rename_group(&mut self, pk: Uuid, name: &str) -> bool {
        self.group_mut(pk)
            .map(|group| group.name = name.into())
            .is_some()
    }

    /// Removes a group with its memberships and links; returns whether it existed.
    pub fn remove_group(&mut self, pk: Uuid) -> bool {
        let Ok(at) = self.group_position(pk) else {
            return false;
        };
        let group = self.groups.remove(at);
        for member in &group.users {
            if let Some(user) = self.user_mut(*member) {
                user.groups.retain(|other| *other != pk);
            }
        }
        for linked in group.parents.iter().chain(&group.children) {
            if let Some(linked) = self.group_mut(*linked) {
                linked.parents.retain(|other| *other != pk);
                linked.children.retain(|other| *other != pk);
            }
        }
        true
    }

    /// Returns the time of the last change.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock
    }

    /// Advances the directory's clock by one second and returns the new time.
    pub fn tick(&mut self) -> Timestamp {
        self.clock = self
            .clock
            .saturating_add(SignedDuration::from_secs(1))
            .unwrap_or(Timestamp::MAX);
        self.clock
    }

    /// Appends users and groups in bulk; the caller guarantees order and consistency.
    pub(super) fn append(&mut self, users: Vec<FakeUser>, mut groups: Vec<FakeGroup>) {
        groups.sort_by_key(|group| group.pk);
        self.users.extend(users.into_iter().map(Arc::new));
        self.groups.extend(groups.into_iter().map(Arc::new));
    }

    fn user_position(&self, pk: u64) -> Result<usize, usize> {
        self.users.binary_search_by_key(&pk, |user| user.pk)
    }

    fn group_position(&self, pk: Uuid) -> Result<usize, usize> {
        self.groups.binary_search_by_key(&pk, |group| group.pk)
    }
}
