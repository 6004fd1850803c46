//! Detects rows that Authentik hides, by comparing the user list with the group list.
//!
//! Example: a token may view the users 1 and 2. Authentik lists these two without any sign that user
//! 3 exists, but a group still lists the members 1, 2 and 3. So user 3 is hidden.
//!
//! Authentik filters the rows of a list by permission, but never the pks that a row references. With
//! full permissions every referenced pk is listed.

use std::collections::BTreeSet;

use super::{Directory, GroupPk, UserPk};

/// The pks that one list references and the other lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disagreement {
    /// Members of groups that the user list lacks.
    pub users: BTreeSet<UserPk>,
    /// Groups of users and parents of groups that the group list lacks.
    pub groups: BTreeSet<GroupPk>,
}

impl Disagreement {
    /// Compares both lists of a directory. A broken row counts as listed, but its references are
    /// ignored, since they are out of date.
    #[must_use]
    pub fn of(directory: &Directory) -> Self {
        let broken_rows = directory.broken_rows();
        let groups = || {
            directory
                .groups()
                .iter()
                .filter(|group| !broken_rows.groups.contains_key(&group.pk))
        };
        let users = directory
            .users()
            .iter()
            .filter(|user| !broken_rows.users.contains_key(&user.pk));
        let members = groups().flat_map(|group| group.users.iter().copied());
        let parents = groups().flat_map(|group| group.parents.iter().copied());
        let of_users = users.flat_map(|user| user.groups.iter().copied());
        // Contiguous pks, since a search in rows misses the processor's cache at every step.
        let listed: Vec<UserPk> = directory.users().iter().map(|user| user.pk).collect();
        let lists_user =
            |pk| listed.binary_search(&pk).is_ok() || broken_rows.users.contains_key(&pk);
        let lists_group = |pk| directory.has_group(pk) || broken_rows.groups.contains_key(&pk);
        Self {
            users: members.filter(|pk| !lists_user(*pk)).collect(),
            groups: of_users
                .chain(parents)
                .filter(|pk| !lists_group(*pk))
                .collect(),
        }
    }

    /// Whether every referenced pk is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }

    /// The pks that this has and `known` lacks.
    #[must_use]
    pub fn beyond(&self, known: &Self) -> Self {
        Self {
            users: &self.users - &known.users,
            groups: &self.groups - &known.groups,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::directory::{Group, User, UserType};

    fn user(pk: i64, groups: &[u128]) -> User {
        User {
            fields: crate::directory::Fields::default(),
            pk: UserPk(pk),
            username: "u".into(),
            name: "".into(),
            email: "".into(),
            avatar: "".into(),
            is_active: true,
            user_type: UserType::Internal,
            groups: groups
                .iter()
                .map(|pk| GroupPk(Uuid::from_u128(*pk)))
                .collect(),
        }
    }

    fn group(pk: u128, parents: &[u128], users: &[i64]) -> Group {
        Group {
            fields: crate::directory::Fields::default(),
            pk: GroupPk(Uuid::from_u128(pk)),
            name: "g".into(),
            parents: parents
                .iter()
                .map(|pk| GroupPk(Uuid::from_u128(*pk)))
                .collect(),
            users: users.iter().map(|pk| UserPk(*pk)).collect(),
        }
    }

    #[test]
    fn what_one_list_references_and_the_other_lacks_is_found() {
        let directory = Directory::new(vec![user(1, &[10, 11])], vec![group(10, &[12], &[1, 2])]);
        let found = Disagreement::of(&directory);
        assert_eq!(found.users, [UserPk(2)].into());
        assert_eq!(
            found.groups,
            [11, 12].map(|pk| GroupPk(Uuid::from_u128(pk))).into()
        );
        assert!(found.beyond(&found).is_empty());
        assert_eq!(found.beyond(&Disagreement::default()), found);
    }

    #[test]
    fn a_full_view_agrees() {
        let directory = Directory::new(vec![user(1, &[10])], vec![group(10, &[], &[1])]);
        assert!(Disagreement::of(&directory).is_empty());
    }
}
