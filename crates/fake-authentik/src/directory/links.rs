//! Links between rows, stored on both sides: memberships and parents.

use uuid::Uuid;

use super::FakeDirectory;

impl FakeDirectory {
    /// Replaces the parents of a group; accepts cycles, as the real server does.
    pub fn set_parents(&mut self, pk: Uuid, parents: &[Uuid]) -> bool {
        let Some(group) = self.group_mut(pk) else {
            return false;
        };
        for old in std::mem::replace(&mut group.parents, parents.to_vec()) {
            if let Some(parent) = self.group_mut(old) {
                parent.children.retain(|child| *child != pk);
            }
        }
        for parent in parents {
            self.list_child(*parent, pk);
        }
        true
    }

    /// Adds a user to a group; returns whether both exist.
    pub fn add_member(&mut self, group: Uuid, user: u64) -> bool {
        let exist = self.user(user).is_some() && self.group(group).is_some();
        if exist {
            self.list_group(user, group);
            self.list_member(group, user);
        }
        exist
    }

    /// Removes a user from a group; returns whether it was a member.
    pub fn remove_member(&mut self, group: Uuid, user: u64) -> bool {
        let Some(row) = self.user_mut(user) else {
            return false;
        };
        let before = row.groups.len();
        row.groups.retain(|other| *other != group);
        let existed = row.groups.len() != before;
        if let Some(group) = self.group_mut(group) {
            group.users.retain(|member| *member != user);
        }
        existed
    }

    pub(super) fn list_member(&mut self, group: Uuid, user: u64) {
        if let Some(group) = self
            .group_mut(group)
            .filter(|group| !group.users.contains(&user))
        {
            group.users.push(user);
        }
    }

    pub(super) fn list_group(&mut self, user: u64, group: Uuid) {
        if let Some(user) = self
            .user_mut(user)
            .filter(|user| !user.groups.contains(&group))
        {
            user.groups.push(group);
        }
    }

    pub(super) fn list_child(&mut self, parent: Uuid, child: Uuid) {
        if let Some(parent) = self
            .group_mut(parent)
            .filter(|parent| !parent.children.contains(&child))
        {
            parent.children.push(child);
        }
    }
}
