//! The sizes of a directory, and of what one directory has and another lacks.
//!
//! The sizes count Authentik's rows, never entities, so a changed configuration does not change them.

use serde::{Deserialize, Serialize};

use super::{Directory, Group, User};

/// The size of a directory by several measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sizes {
    /// Rows of the user list.
    pub users: usize,
    /// Users that may sign in.
    pub active_users: usize,
    /// Users that may sign in and are not service accounts.
    pub people: usize,
    /// Rows of the group list.
    pub groups: usize,
    /// Direct memberships: pairs of a group and a user.
    pub memberships: usize,
}

impl Sizes {
    /// The sizes of a directory.
    #[must_use]
    pub fn of(directory: &Directory) -> Self {
        Self::missing(directory, &Directory::default())
    }

    /// The sizes of what the old directory has and the new one lacks, compared by pk.
    #[must_use]
    pub fn missing(old: &Directory, new: &Directory) -> Self {
        let lost_users = |counts: fn(&User) -> bool| {
            let users = old.users().iter().filter(|user| counts(user));
            users
                .filter(|user| !new.user(user.pk).is_some_and(counts))
                .count()
        };
        let groups = || {
            old.groups()
                .iter()
                .map(|group| (group, new.group(group.pk)))
        };
        Self {
            users: lost_users(|_| true),
            active_users: lost_users(|user| user.is_active),
            people: lost_users(|user| user.is_active && !user.is_service_account()),
            groups: groups().filter(|(_, new)| new.is_none()).count(),
            memberships: groups().map(|(old, new)| lost_members(old, new)).sum(),
        }
    }

    /// The maximum by each measure.
    #[must_use]
    pub fn largest(self, other: Self) -> Self {
        self.each(other, usize::max)
    }

    /// The excess over another size by each measure; 0 where there is none.
    #[must_use]
    pub fn beyond(self, other: Self) -> Self {
        self.each(other, usize::saturating_sub)
    }

    /// Combines two sizes by each measure.
    fn each(self, other: Self, combine: fn(usize, usize) -> usize) -> Self {
        Self {
            users: combine(self.users, other.users),
            active_users: combine(self.active_users, other.active_users),
            people: combine(self.people, other.people),
            groups: combine(self.groups, other.groups),
            memberships: combine(self.memberships, other.memberships),
        }
    }
}

/// The number of members that a group lost; all of them if the group is missing.
fn lost_members(old: &Group, new: Option<&Group>) -> usize {
    let stays = |pk| new.is_some_and(|new| new.users.binary_search(pk).is_ok());
    old.users.iter().filter(|pk| !stays(pk)).count()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::directory::{GroupPk, UserPk, UserType};

    fn user(pk: i64, is_active: bool, user_type: UserType) -> User {
        User {
            fields: crate::directory::Fields::default(),
            pk: UserPk(pk),
            username: "u".into(),
            name: "".into(),
            email: "".into(),
            avatar: "".into(),
            is_active,
            user_type,
            groups: [].into(),
        }
    }

    fn group(pk: u128, users: &[i64]) -> Group {
        let users = users.iter().map(|pk| UserPk(*pk)).collect();
        Group {
            fields: crate::directory::Fields::default(),
            pk: GroupPk(Uuid::from_u128(pk)),
            name: "g".into(),
            parents: [].into(),
            users,
        }
    }

    #[test]
    fn replaced_rows_count_as_missing_although_the_sizes_are_equal() {
        let users = |from| {
            (from..from + 3)
                .map(|pk| user(pk, true, UserType::Internal))
                .collect()
        };
        let (old, new) = (
            Directory::new(users(1), vec![group(1, &[1, 2]), group(2, &[3])]),
            Directory::new(users(3), vec![group(1, &[2, 3]), group(3, &[4])]),
        );
        assert_eq!(Sizes::of(&old), Sizes::of(&new));
        let expected = Sizes {
            users: 2,
            active_users: 2,
            people: 2,
            groups: 1,
            memberships: 2,
        };
        assert_eq!(Sizes::missing(&old, &new), expected);
        assert_eq!(Sizes::missing(&old, &old), Sizes::default());
    }

    #[test]
    fn a_deactivated_user_or_new_service_account_is_missing_by_its_measures_only() {
        let old = Directory::new(vec![user(1, true, UserType::Internal)], vec![]);
        let missing = |new| Sizes::missing(&old, &Directory::new(vec![new], vec![]));
        let inactive = missing(user(1, false, UserType::Internal));
        assert_eq!(
            inactive,
            Sizes {
                active_users: 1,
                people: 1,
                ..Sizes::default()
            }
        );
        let service = missing(user(1, true, UserType::ServiceAccount));
        assert_eq!(
            service,
            Sizes {
                people: 1,
                ..Sizes::default()
            }
        );
    }
}
