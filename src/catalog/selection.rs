//! Decides which rows become entities: activity, service accounts, `excludeGroups` and the filters.
//!
//! Filters match names in Authentik and run before entities are named. Groups that they leave out
//! count for `users.filter.groups` and its subgroups.

use std::collections::BTreeSet;

use super::entity::Kind;
use super::exclusion::Exclusion;
use super::filter_findings;
use super::finding::Finding;
use super::group_tree::GroupTree;
use super::named_rows::Row;
use super::policy::Policy;
use super::shape::{Column, Columns, EmptyGroups, Membership, Pattern, Source};
use super::skip::{GroupSkip, Skip};
use crate::directory::{Directory, Group, GroupPk, User, UserPk};

/// The rules that select rows, prepared for one directory.
#[derive(Debug)]
pub(super) struct Selection<'d> {
    directory: &'d Directory,
    policy: &'d Policy,
    exclusion: Exclusion<'d>,
    /// The users that `users.filter.groups` selects, if it is set.
    members: Option<BTreeSet<UserPk>>,
    users: RowConditions<'d>,
    groups: RowConditions<'d>,
    path: Column,
    email: Columns,
    /// Groups without members, if they are pruned.
    empty: BTreeSet<GroupPk>,
}

/// The conditions on the fields of a row: the column and the accepted values.
type RowConditions<'d> = Vec<(Column, &'d [Box<str>])>;

impl<'d> Selection<'d> {
    /// Prepares the rules.
    pub(super) fn new(directory: &'d Directory, policy: &'d Policy) -> Self {
        let shape = &policy.shape;
        let (users, groups) = (&directory.selection().users, &directory.selection().groups);
        let conditions = |kind, fields, (source, values): (&Source, &'d Vec<Box<str>>)| {
            (source.column(kind, fields), &**values)
        };
        let of_users = shape.users.filter.attributes.iter();
        let of_groups = shape.groups.filter.attributes.iter();
        let mut selection = Self {
            directory,
            policy,
            exclusion: Exclusion::new(&policy.exclude_groups),
            members: members(directory, policy),
            users: of_users
                .map(|given| conditions(Kind::User, users, given))
                .collect(),
            groups: of_groups
                .map(|given| conditions(Kind::Group, groups, given))
                .collect(),
            path: Source::user_path().column(Kind::User, users),
            email: shape.users.email.columns(Kind::User, users),
            empty: BTreeSet::new(),
        };
        if shape.groups.filter.empty == EmptyGroups::Prune {
            selection.empty = selection.empty_groups();
        }
        selection
    }

    /// Why a user has no entity, if a rule leaves it out.
    pub(super) fn user(&self, user: &User) -> Option<Skip> {
        if !user.is_active {
            return Some(Skip::Inactive);
        }
        if user.is_service_account() && !self.policy.include_service_accounts {
            return Some(Skip::ServiceAccount);
        }
        self.failed_condition(user).map(Skip::Filtered)
    }

    /// Why a group has no entity, if a rule leaves it out.
    pub(super) fn group(&self, group: &Group) -> Option<GroupSkip<'d>> {
        if let Some(entry) = self.exclusion.entry(group) {
            return Some(GroupSkip::Excluded(entry));
        }
        if self.empty.contains(&group.pk) {
            return Some(GroupSkip::Filtered("groups.filter.empty"));
        }
        self.failed_group_condition(group).map(GroupSkip::Filtered)
    }

    /// The findings about entries that match nothing.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.exclusion.findings(self.directory.groups());
        findings.extend(filter_findings::of(self.directory, self.policy));
        findings
    }

    /// The first key of `users.filter` whose condition does not hold.
    fn failed_condition(&self, user: &User) -> Option<&'static str> {
        let filter = &self.policy.shape.users.filter;
        let is_member = self
            .members
            .as_ref()
            .is_none_or(|members| members.contains(&user.pk));
        let has_type = filter.types.is_empty() || {
            let user_type = user.user_type.to_string();
            filter.types.iter().any(|accepted| **accepted == user_type)
        };
        let is_at = |path: &str| {
            self.path
                .value(user)
                .is_some_and(|found| is_below(&found, path))
        };
        let fails = [
            ("users.filter.groups", !is_member),
            ("users.filter.exclude", any(&filter.exclude, &user.username)),
            ("users.filter.types", !has_type),
            (
                "users.filter.path",
                filter.path.as_deref().is_some_and(|path| !is_at(path)),
            ),
            ("users.filter.attributes", !hold(&self.users, user)),
            (
                "users.filter.email",
                filter.email_required && self.email.value(user).is_none(),
            ),
        ];
        fails
            .into_iter()
            .find(|(_, fails)| *fails)
            .map(|(key, _)| key)
    }

    /// The first key of `groups.filter` whose condition does not hold, `empty` aside.
    fn failed_group_condition(&self, group: &Group) -> Option<&'static str> {
        let filter = &self.policy.shape.groups.filter;
        let is_included = filter.include.is_empty() || any(&filter.include, &group.name);
        let fails = [
            ("groups.filter.include", !is_included),
            ("groups.filter.exclude", any(&filter.exclude, &group.name)),
            ("groups.filter.attributes", !hold(&self.groups, group)),
        ];
        fails
            .into_iter()
            .find(|(_, fails)| *fails)
            .map(|(key, _)| key)
    }

    /// The groups that neither have a member with an entity nor are above a group that has one.
    fn empty_groups(&self) -> BTreeSet<GroupPk> {
        let selected: BTreeSet<UserPk> = self
            .directory
            .users()
            .iter()
            .filter(|user| self.user(user).is_none())
            .map(|user| user.pk)
            .collect();
        let is_transitive = self.policy.shape.membership == Membership::Transitive;
        let mut full = BTreeSet::new();
        for (group, line) in GroupTree::new(self.directory).lines() {
            let has_member = group.users.iter().any(|pk| selected.contains(pk));
            if has_member && (is_transitive || self.group(group).is_none()) {
                full.extend(line.into_iter().map(|group| group.pk));
            }
        }
        let pks = self.directory.groups().iter().map(|group| group.pk);
        pks.filter(|pk| !full.contains(pk)).collect()
    }
}

/// The users that `users.filter.groups` selects, if it is set.
fn members(directory: &Directory, policy: &Policy) -> Option<BTreeSet<UserPk>> {
    let filter = &policy.shape.users.filter;
    if filter.groups.is_empty() {
        return None;
    }
    let is_named = |group: &Group| any(&filter.groups, &group.name);
    let selected: Vec<&Group> = if filter.subgroups {
        let tree = GroupTree::new(directory);
        let lines = tree
            .lines()
            .filter(|(_, line)| line.iter().any(|group| is_named(group)));
        lines.map(|(group, _)| group).collect()
    } else {
        directory
            .groups()
            .iter()
            .filter(|group| is_named(group))
            .collect()
    };
    let members = selected
        .into_iter()
        .flat_map(|group| group.users.iter().copied());
    Some(members.collect())
}

/// Whether any pattern matches a name.
fn any(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

/// Whether every condition on the fields of a row holds.
fn hold<R: Row>(conditions: &RowConditions<'_>, row: &R) -> bool {
    conditions.iter().all(|(column, values)| {
        let found = column.value(row);
        found.is_some_and(|found| values.iter().any(|value| **value == *found))
    })
}

/// Whether a path in Authentik is another one or below it.
pub(super) fn is_below(path: &str, above: &str) -> bool {
    let path = path.trim_matches('/');
    let below = path.strip_prefix(above.trim_matches('/'));
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}
