//! The transform: from rows, policy and the previous snapshot's names to entities and findings.
//!
//! Memberships and hierarchy follow pks, never names, so a user never gets the groups of another
//! user with the same name. Links to rows without an entity are dropped: every reference in the
//! output points to an entity in the output.

mod links;
mod mapping;

use std::fmt::Display;

use super::entity::{Annotations, Entity, GroupSpec, Kind, Metadata, Spec, UserSpec};
use super::finding::{Code, Finding};
use super::hierarchy::Hierarchy;
use super::name_rule::NameRule;
use super::named_rows::{NamedRows, Row};
use super::naming::HeldNames;
use super::picture::Picture;
use super::policy::Policy;
use super::selection::Selection;
use super::shape::Namespace;
use super::{broken_rows, email_findings, hidden_rows, value_findings};
use crate::directory::{Directory, Group, GroupPk, User, UserPk};
use links::{Links, cycle, hierarchy};

pub(super) use mapping::{
    GroupMapping, LONGEST_TEXT, MetadataMapping, ProfileMapping, UserMapping,
};

/// The names that rows have in a snapshot. They decide collisions in the next transform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The namespace of the entities.
    pub namespace: Namespace,
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
    pub(super) selection: Selection<'d>,
    pub(super) users: NamedRows<'d, User>,
    pub(super) groups: NamedRows<'d, Group>,
    pub(super) links: Links,
    pub(super) user_mapping: UserMapping<'d>,
    pub(super) group_mapping: GroupMapping<'d>,
    location: String,
    findings: Vec<Finding>,
}

impl<'d> Plan<'d> {
    /// Selects the rows that become entities, and assigns their names and links.
    #[must_use]
    pub fn new(directory: &'d Directory, policy: &'d Policy, held: &Names) -> Self {
        let selection = Selection::new(directory, policy);
        let users = directory.users().iter();
        let selected: Vec<_> = users
            .filter(|user| selection.user(user).is_none())
            .collect();
        let (shape, fields) = (&policy.shape, directory.selection());
        let rule = NameRule::new(Kind::User, policy.names, &shape.users.name, &fields.users);
        let (users, mut findings) = NamedRows::new(&selected, rule, &held.users);
        let groups = directory.groups().iter();
        let selected: Vec<_> = groups
            .filter(|group| selection.group(group).is_none())
            .collect();
        let rule = NameRule::new(
            Kind::Group,
            policy.names,
            &shape.groups.name,
            &fields.groups,
        );
        let (groups, of_groups) = NamedRows::new(&selected, rule, &held.groups);
        findings.extend(of_groups);
        let hierarchy = hierarchy(&groups);
        let plan = Self {
            directory,
            policy,
            selection,
            links: Links::new(directory, shape.membership, &users, &groups, &hierarchy),
            user_mapping: UserMapping::new(&shape.users, &fields.users),
            group_mapping: GroupMapping::new(&shape.groups, &fields.groups),
            users,
            groups,
            location: format!("authentik:{}", policy.base_url),
            findings,
        };
        plan.with_findings(&hierarchy)
    }

    /// Adds the findings about links, filters, values and rows.
    fn with_findings(mut self, hierarchy: &Hierarchy) -> Self {
        let cut = hierarchy.cut.iter();
        let cut = cut.map(|(child, parent)| cycle(&self.groups, *child, *parent));
        let fields = self.directory.selection();
        let all = [
            cut.collect(),
            self.selection.findings(),
            refused_pictures(&self),
            self.email_findings(),
            value_findings::of_users(&self.users, &self.user_mapping, &fields.users),
            value_findings::of_groups(&self.groups, &self.group_mapping, &fields.groups),
            hidden_rows::findings(self.directory),
            broken_rows::findings(self.directory),
        ];
        self.findings.extend(all.into_iter().flatten());
        self.findings.sort_unstable();
        self.findings.dedup();
        self
    }

    fn email_findings(&self) -> Vec<Finding> {
        if self.policy.shape.users.check_emails {
            email_findings::findings(&self.users, &self.user_mapping.profile)
        } else {
            Vec::new()
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
            namespace: self.namespace().clone(),
            users: self.users.held(),
            groups: self.groups.held(),
        }
    }

    /// The namespace of all entities.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.policy.shape.namespace
    }

    /// The findings, sorted.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The groups whose names differ from those in Authentik: the name there, and that of the entity.
    pub fn renamed_groups(&self) -> impl Iterator<Item = (&str, &str)> {
        let groups = (0..self.groups.len()).map(|at| (self.groups.row(at), self.groups.name(at)));
        groups
            .map(|(row, name)| (&*row.name, name))
            .filter(|(source, name)| source != name)
    }

    /// The group at a position.
    pub(super) fn group(&self, at: usize) -> Entity<'_> {
        let (row, mapping) = (self.groups.row(at), &self.group_mapping);
        let spec = GroupSpec {
            group_type: mapping.group_type(row),
            profile: mapping.profile(row, &self.policy.base_url),
            children: self.groups.names(&self.links.children[at]),
            members: self.users.names(&self.links.members[at]),
            parent: self.links.parents[at]
                .first()
                .map(|parent| self.groups.name(*parent)),
        };
        let metadata = self.metadata(self.groups.name(at), row, &mapping.metadata);
        Entity::new(metadata, Spec::Group(spec))
    }

    /// The user at a position.
    pub(super) fn user(&self, at: usize) -> Entity<'_> {
        let (row, mapping) = (self.users.row(at), &self.user_mapping);
        let spec = UserSpec {
            profile: mapping.profile(row, &self.policy.base_url),
            member_of: self.groups.names(&self.links.member_of[at]),
        };
        let metadata = self.metadata(self.users.name(at), row, &mapping.metadata);
        Entity::new(metadata, Spec::User(spec))
    }

    /// The metadata of the entity of a row.
    fn metadata<'s, R: Row>(
        &'s self,
        name: &'s str,
        row: &'s R,
        mapping: &'s MetadataMapping<'_>,
    ) -> Metadata<'s> {
        Metadata {
            name,
            namespace: self.policy.shape.namespace.named(),
            description: mapping.description(row),
            labels: mapping.labels(row),
            annotations: Annotations {
                pk: row.pk().to_string(),
                location: &self.location,
                further: mapping.annotations(row),
            },
        }
    }
}

/// Returns the findings about pictures that are left out.
fn refused_pictures(plan: &Plan<'_>) -> Vec<Finding> {
    let base_url = &plan.policy.base_url;
    let rows = (0..plan.users.len()).map(|at| plan.users.row(at));
    let profile = &plan.user_mapping.profile;
    let users = rows.filter(|row| profile.picture(*row, base_url) == Picture::Refused);
    let users = users.map(|row| refused_picture(Kind::User, row.pk, &row.username, "avatar"));
    let rows = (0..plan.groups.len()).map(|at| plan.groups.row(at));
    let profile = &plan.group_mapping.profile;
    let groups = rows.filter(|row| profile.picture(*row, base_url) == Picture::Refused);
    let groups = groups.map(|row| refused_picture(Kind::Group, row.pk, &row.name, "picture"));
    users.chain(groups).collect()
}

/// Returns the finding about a picture that is left out.
fn refused_picture(kind: Kind, pk: impl Display, source: &str, what: &str) -> Finding {
    Finding::about(Code::PictureRefused, kind, pk, source).with_message(
        format!("the {what} of {source:?} is neither http, https nor data:image/ and is left out"),
        format!("correct the {what} in Authentik"),
    )
}
