//! The transform: from rows, policy and the previous snapshot's names to entities and findings.
//!
//! Memberships and hierarchy follow pks, never names, so a user never gets the groups of another
//! user with the same name. Links to rows without an entity are dropped: every reference in the
//! output points to an entity in the output.

use super::broken_rows;
use super::entity::{Annotations, Entity, GroupSpec, Kind, Profile, Spec, UserSpec};
use super::exclusion::Exclusion;
use super::finding::{Code, Finding};
use super::hidden_rows;
use super::hierarchy::Hierarchy;
use super::named_rows::NamedRows;
use super::naming::HeldNames;
use super::picture::{Picture, picture};
use super::policy::Policy;
use super::skip::Skip;
use crate::directory::{Directory, Group, GroupPk, User, UserPk};

/// The names that rows have in a snapshot. They decide collisions in the next transform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The users' names.
    pub users: HeldNames<UserPk>,
    /// The groups' names.
    pub groups: HeldNames<GroupPk>,
}

/// The result of the transform; entities are built from it one at a time, to save memory.
#[derive(Debug)]
pub struct Plan<'d> {
    pub(super) directory: &'d Directory,
    pub(super) policy: &'d Policy,
    pub(super) exclusion: Exclusion<'d>,
    pub(super) users: NamedRows<'d, User>,
    pub(super) groups: NamedRows<'d, Group>,
    pub(super) links: Links,
    location: String,
    findings: Vec<Finding>,
}

/// Memberships and hierarchy, as positions in the named rows; every inner list is sorted.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) member_of: Vec<Vec<usize>>,
    pub(super) members: Vec<Vec<usize>>,
    pub(super) parents: Vec<Vec<usize>>,
    pub(super) children: Vec<Vec<usize>>,
}

impl<'d> Plan<'d> {
    /// Selects the rows that become entities, and assigns their names and links.
    #[must_use]
    pub fn new(directory: &'d Directory, policy: &'d Policy, held: &Names) -> Self {
        let exclusion = Exclusion::new(&policy.exclude_groups);
        let included: Vec<_> = directory
            .users()
            .iter()
            .filter(|user| Skip::of(user, policy).is_none())
            .collect();
        let (users, mut findings) = NamedRows::new(&included, policy.names, &held.users);
        let included: Vec<_> = directory
            .groups()
            .iter()
            .filter(|group| !exclusion.excludes(group))
            .collect();
        let (groups, of_groups) = NamedRows::new(&included, policy.names, &held.groups);
        findings.extend(of_groups);
        let hierarchy = hierarchy(&groups);
        findings.extend(
            hierarchy
                .cut
                .iter()
                .map(|(child, parent)| cycle(&groups, *child, *parent)),
        );
        findings.extend(exclusion.findings(directory.groups()));
        findings.extend(refused_pictures(&users, policy));
        findings.extend(hidden_rows::findings(directory));
        findings.extend(broken_rows::findings(directory));
        findings.sort_unstable();
        let links = Links::new(&users, &groups, &hierarchy);
        let location = format!("authentik:{}", policy.base_url);
        Self {
            directory,
            policy,
            exclusion,
            users,
            groups,
            links,
            location,
            findings,
        }
    }

    /// The entities: groups, then users, each sorted by name.
    pub fn entities(&self) -> impl Iterator<Item = Entity<'_>> {
        let groups = (0..self.groups.len()).map(|at| self.group(at));
        groups.chain((0..self.users.len()).map(|at| self.user(at)))
    }

    /// The number of entities of a kind.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Group => self.groups.len(),
            Kind::User => self.users.len(),
        }
    }

    /// The names to pass to the next transform.
    #[must_use]
    pub fn names(&self) -> Names {
        Names {
            users: self.users.held(),
            groups: self.groups.held(),
        }
    }

    /// The findings, sorted.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The group at a position.
    pub(super) fn group(&self, at: usize) -> Entity<'_> {
        let spec = GroupSpec {
            group_type: "team",
            children: self.groups.names(&self.links.children[at]),
            members: self.users.names(&self.links.members[at]),
            parent: self.links.parents[at]
                .first()
                .map(|parent| self.groups.name(*parent)),
        };
        let annotations = self.annotations(self.groups.row(at).pk.to_string());
        Entity::new(self.groups.name(at), annotations, Spec::Group(spec))
    }

    /// The user at a position.
    pub(super) fn user(&self, at: usize) -> Entity<'_> {
        let row = self.users.row(at);
        let profile = Profile {
            display_name: display_name(row),
            email: row.email.trim(),
            picture: match picture(&row.avatar, &self.policy.base_url) {
                Picture::Shown(url) => Some(url),
                Picture::Absent | Picture::Refused => None,
            },
        };
        let spec = UserSpec {
            profile,
            member_of: self.groups.names(&self.links.member_of[at]),
        };
        Entity::new(
            self.users.name(at),
            self.annotations(row.pk.to_string()),
            Spec::User(spec),
        )
    }

    /// The annotations of an entity made from the row with a pk.
    fn annotations(&self, pk: String) -> Annotations<'_> {
        Annotations {
            pk,
            location: &self.location,
            origin_location: &self.location,
        }
    }
}

impl Links {
    /// Resolves the pks of members and parents to positions.
    fn new(
        users: &NamedRows<'_, User>,
        groups: &NamedRows<'_, Group>,
        hierarchy: &Hierarchy,
    ) -> Self {
        let mut links = Self {
            member_of: vec![Vec::new(); users.len()],
            members: vec![Vec::new(); groups.len()],
            parents: vec![Vec::new(); groups.len()],
            children: vec![Vec::new(); groups.len()],
        };
        for group in 0..groups.len() {
            let pks = groups.row(group).users.iter();
            links.members[group] = sorted(pks.filter_map(|pk| users.position(*pk)).collect());
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

/// The display name, or the username if that is empty.
fn display_name(user: &User) -> &str {
    if user.name.is_empty() {
        &user.username
    } else {
        &user.name
    }
}

/// The hierarchy of the named groups, as pk indexes.
fn hierarchy(groups: &NamedRows<'_, Group>) -> Hierarchy {
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
fn cycle(groups: &NamedRows<'_, Group>, child: usize, parent: usize) -> Finding {
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

/// Returns the findings about avatars that are left out.
fn refused_pictures(users: &NamedRows<'_, User>, policy: &Policy) -> Vec<Finding> {
    let rows = (0..users.len()).map(|at| users.row(at));
    rows.filter(|row| picture(&row.avatar, &policy.base_url) == Picture::Refused)
        .map(|row| {
            Finding::about(Code::PictureRefused, Kind::User, row.pk, &row.username).with_message(
                format!(
                    "the avatar of {:?} is neither http, https nor data:image/ and is left out",
                    row.username
                ),
                "correct the avatar in Authentik",
            )
        })
        .collect()
}
