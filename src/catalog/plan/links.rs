//! Memberships and hierarchy of the rows that become entities.

use crate::catalog::entity::Kind;
use crate::catalog::finding::{Code, Finding};
use crate::catalog::group_tree::GroupTree;
use crate::catalog::hierarchy::Hierarchy;
use crate::catalog::named_rows::NamedRows;
use crate::catalog::shape::Membership;
use crate::directory::{Directory, Group, User};

/// Memberships and hierarchy, as positions among the named rows; every inner list is sorted.
#[derive(Debug)]
pub(in crate::catalog) struct Links {
    pub(in crate::catalog) member_of: Vec<Vec<usize>>,
    pub(in crate::catalog) members: Vec<Vec<usize>>,
    pub(in crate::catalog) parents: Vec<Vec<usize>>,
    pub(in crate::catalog) children: Vec<Vec<usize>>,
}

impl Links {
    /// Resolves the pks of members and parents to positions.
    pub(super) fn new(
        directory: &Directory,
        membership: Membership,
        users: &NamedRows<'_, User>,
        groups: &NamedRows<'_, Group>,
        hierarchy: &Hierarchy,
    ) -> Self {
        let mut links = Self {
            member_of: vec![Vec::new(); users.len()],
            members: match membership {
                Membership::Direct => direct_members(users, groups),
                Membership::Transitive => transitive_members(directory, users, groups),
            },
            parents: vec![Vec::new(); groups.len()],
            children: vec![Vec::new(); groups.len()],
        };
        for group in 0..groups.len() {
            for member in &links.members[group] {
                links.member_of[*member].push(group);
            }
        }
        for (pk_index, parents) in hierarchy.parents.iter().enumerate() {
            let child = groups.position_at_pk_index(pk_index);
            let parents = parents
                .iter()
                .map(|parent| groups.position_at_pk_index(*parent));
            links.parents[child] = sorted(parents.collect());
            for parent in &links.parents[child] {
                links.children[*parent].push(child);
            }
        }
        links
            .children
            .iter_mut()
            .for_each(|children| children.sort_unstable());
        links
    }
}

/// The users that each group lists.
fn direct_members(users: &NamedRows<'_, User>, groups: &NamedRows<'_, Group>) -> Vec<Vec<usize>> {
    let members = (0..groups.len()).map(|group| {
        let pks = groups.row(group).users.iter();
        sorted(pks.filter_map(|pk| users.position(*pk)).collect())
    });
    members.collect()
}

/// The users that each group lists, and those of every group below it.
fn transitive_members(
    directory: &Directory,
    users: &NamedRows<'_, User>,
    groups: &NamedRows<'_, Group>,
) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); groups.len()];
    for (group, line) in GroupTree::new(directory).lines() {
        let pks = group.users.iter();
        let positions: Vec<usize> = pks.filter_map(|pk| users.position(*pk)).collect();
        for above in line
            .into_iter()
            .filter_map(|above| groups.position(above.pk))
        {
            members[above].extend(&positions);
        }
    }
    members.into_iter().map(sorted).collect()
}

/// The hierarchy of the named groups, as pk indexes.
pub(super) fn hierarchy(groups: &NamedRows<'_, Group>) -> Hierarchy {
    let links = (0..groups.len()).flat_map(|pk_index| {
        let row = groups.row(groups.position_at_pk_index(pk_index));
        row.parents
            .iter()
            .filter_map(move |parent| Some((pk_index, groups.pk_index(*parent)?)))
    });
    Hierarchy::acyclic(links.collect(), groups.len())
}

/// Sorts positions and removes duplicates.
fn sorted(mut positions: Vec<usize>) -> Vec<usize> {
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// Returns the finding about a cut link; `child` and `parent` are pk indexes.
pub(super) fn cycle(groups: &NamedRows<'_, Group>, child: usize, parent: usize) -> Finding {
    let row = |pk_index| groups.row(groups.position_at_pk_index(pk_index));
    let (child, parent) = (row(child), row(parent));
    let message = if child.pk == parent.pk {
        format!(
            "group {:?} (pk {}) is its own parent; the link is left out",
            child.name, child.pk
        )
    } else {
        format!(
            "group {:?} (pk {}) has the parent {:?} (pk {}), which is below it in the hierarchy; the link is left out",
            child.name, child.pk, parent.name, parent.pk
        )
    };
    Finding::about(Code::HierarchyCycle, Kind::Group, child.pk, &child.name)
        .with_message(message, "remove one parent of the cycle in Authentik")
}
