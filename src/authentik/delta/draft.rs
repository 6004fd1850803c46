//! The known rows during an incremental sync. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::authentik::client::Filter;
use crate::authentik::wire::Stamped;
use crate::directory::{Directory, Group, GroupPk, User, UserPk};

/// The rows of the last snapshot with the rows that this sync has read so far.
pub(super) struct Draft {
    users: BTreeMap<UserPk, User>,
    /// Users whose row was read after the groups.
    fresh: BTreeSet<UserPk>,
    /// Groups that were listed at any time. A user row may still name a deleted one.
    listed: BTreeSet<GroupPk>,
    /// Users with a later stamp are recent. Other changes show only by chance or by a count.
    since: Timestamp,
    /// The start of the sync by the server's clock. Later stamps do not move the watermark.
    began: Timestamp,
    /// The watermark of the last sync. The last snapshot has all changes with a stamp up to here.
    known_until: Timestamp,
    watermark: Timestamp,
    unstamped: BTreeSet<UserPk>,
}

impl Draft {
    /// Starts with the rows of the last snapshot.
    pub(super) fn new(
        known: &Directory,
        since: Timestamp,
        began: Timestamp,
        watermark: Timestamp,
    ) -> Self {
        Self {
            users: known
                .users()
                .iter()
                .map(|user| (user.pk, user.clone()))
                .collect(),
            fresh: BTreeSet::new(),
            listed: known.groups().iter().map(|group| group.pk).collect(),
            since,
            began,
            known_until: watermark,
            watermark,
            unstamped: BTreeSet::new(),
        }
    }

    /// Applies a row from an answer. Returns whether it moves a count.
    ///
    /// If only the avatar differs and the row has no new stamp, the known avatar stays: it may
    /// differ in every answer, and only a full sync reads all avatars.
    pub(super) fn apply(&mut self, row: Stamped) -> bool {
        let Stamped {
            mut user,
            last_updated,
        } = row;
        if let Some(stamp) = last_updated.filter(|stamp| *stamp <= self.began) {
            self.watermark = self.watermark.max(stamp);
        }
        let pk = user.pk;
        let known = self.users.get(&pk);
        let moves = known.is_none_or(|known| !known.is_in_same_partition(&user));
        let differs = known.is_none_or(|known| !known.has_same_description(&user));
        if differs && last_updated.is_none_or(|stamp| stamp <= self.since) {
            self.unstamped.insert(pk);
        }
        let is_stamped = last_updated.is_some_and(|stamp| stamp > self.known_until);
        if let Some(known) = known.filter(|_| !differs && !is_stamped) {
            user.avatar.clone_from(&known.avatar);
        }
        self.fresh.insert(pk);
        self.users.insert(pk, user);
        moves
    }

    /// Removes a row that an answer proves to be absent.
    pub(super) fn remove(&mut self, pk: UserPk) {
        self.fresh.remove(&pk);
        self.unstamped.remove(&pk);
        self.users.remove(&pk);
    }

    /// Marks all user rows as older than the groups, which are about to be read again.
    pub(super) fn forget_fresh(&mut self) {
        self.fresh.clear();
    }

    /// The parts of the user list that a probe can count.
    pub(super) fn parts(&self) -> Vec<Filter> {
        parts(self.users.values())
    }

    /// The pks of a part of the user list, ascending.
    pub(super) fn pks(&self, part: &Filter) -> Vec<UserPk> {
        let belongs = |user: &&User| match part {
            Filter::Active => user.is_active,
            Filter::Type(user_type) => user.user_type == *user_type,
            Filter::All | Filter::UpdatedAfter(_) => true,
        };
        self.users
            .values()
            .filter(belongs)
            .map(|user| user.pk)
            .collect()
    }

    /// One known member of each group that was listed before and no longer is.
    pub(super) fn members_of_vanished(&self, groups: &[Group]) -> BTreeSet<UserPk> {
        let present: BTreeSet<_> = groups.iter().map(|group| group.pk).collect();
        let mut vanished: BTreeSet<_> = self.listed.difference(&present).copied().collect();
        let names = |user: &&User| {
            let named: Vec<_> = user
                .groups
                .iter()
                .filter(|pk| vanished.remove(pk))
                .collect();
            !named.is_empty()
        };
        self.users
            .values()
            .filter(names)
            .map(|user| user.pk)
            .collect()
    }

    /// The directory with these groups, and whether a user row has a membership that they lack.
    ///
    /// Memberships come from the groups. A user keeps a group that is not listed if the user row
    /// was read after the groups, or if the group was never listed and so is hidden.
    pub(super) fn with_groups(&mut self, groups: Vec<Group>) -> (Directory, bool) {
        let mut memberships: BTreeMap<UserPk, BTreeSet<GroupPk>> = BTreeMap::new();
        for group in &groups {
            for member in &group.users {
                memberships.entry(*member).or_default().insert(group.pk);
            }
        }
        let present: BTreeSet<_> = groups.iter().map(|group| group.pk).collect();
        self.listed.extend(&present);
        let mut is_outdated = false;
        let users = self.users.values().map(|user| {
            let fresh = self.fresh.contains(&user.pk);
            let mut named = memberships.remove(&user.pk).unwrap_or_default();
            is_outdated |= fresh
                && user
                    .groups
                    .iter()
                    .any(|pk| present.contains(pk) && !named.contains(pk));
            let hidden =
                |pk: &&GroupPk| !present.contains(pk) && (fresh || !self.listed.contains(pk));
            named.extend(user.groups.iter().filter(hidden));
            User {
                groups: named.into_iter().collect(),
                ..user.clone()
            }
        });
        let users = users.collect();
        (Directory::new(users, groups), is_outdated)
    }

    /// The start of this sync by the server's clock.
    pub(super) fn began(&self) -> Timestamp {
        self.began
    }

    /// The greatest stamp so far. It never decreases.
    pub(super) fn watermark(&self) -> Timestamp {
        self.watermark
    }

    /// Users that appeared or changed without a recent stamp.
    pub(super) fn unstamped(&self) -> &BTreeSet<UserPk> {
        &self.unstamped
    }
}

/// The parts of a user list that a probe can count: the active users, and the users of each type.
pub(in crate::authentik) fn parts<'a>(users: impl IntoIterator<Item = &'a User>) -> Vec<Filter> {
    let mut parts = vec![Filter::Active];
    for user in users {
        let is_of = |part: &Filter| matches!(part, Filter::Type(known) if *known == user.user_type);
        if !parts.iter().any(is_of) {
            parts.push(Filter::Type(user.user_type.clone()));
        }
    }
    parts
}

#[cfg(test)]
mod tests;
