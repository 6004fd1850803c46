//! The directory as far as it is known in the middle of a reading; pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::authentik::client::Filter;
use crate::authentik::wire::Stamped;
use crate::directory::{Directory, Group, GroupPk, User, UserPk};

/// Rows of before with what this reading has seen so far.
pub(super) struct Draft {
    users: BTreeMap<UserPk, User>,
    /// Users whose own list of groups was read since the groups were.
    fresh: BTreeSet<UserPk>,
    /// Groups that were listed at any time: a row of before may name one that is gone.
    listed: BTreeSet<GroupPk>,
    /// Changes with a later stamp are asked for; others show only by luck or by a count.
    since: Timestamp,
    /// Later stamps do not count for the watermark.
    began: Timestamp,
    /// Rows of before are as they were at their stamps up to here.
    known_until: Timestamp,
    watermark: Timestamp,
    unannounced: BTreeSet<UserPk>,
}

impl Draft {
    /// Begins with the rows of before.
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
            unannounced: BTreeSet::new(),
        }
    }

    /// Takes a row over that an answer shows; tells whether the counts have to be compared anew.
    ///
    /// An avatar alone that differs without a new stamp stays as it was: it may be another one in every
    /// answer, and only a full sync sees all of them.
    pub(super) fn take(&mut self, row: Stamped) -> bool {
        let Stamped {
            mut user,
            last_updated,
        } = row;
        if let Some(stamp) = last_updated.filter(|stamp| *stamp <= self.began) {
            self.watermark = self.watermark.max(stamp);
        }
        let pk = user.pk;
        let known = self.users.get(&pk);
        let moves = known.is_none_or(|known| !known.is_counted_with(&user));
        let differs = known.is_none_or(|known| !known.is_described_as(&user));
        if differs && last_updated.is_none_or(|stamp| stamp <= self.since) {
            self.unannounced.insert(pk);
        }
        let is_stamped = last_updated.is_some_and(|stamp| stamp > self.known_until);
        if let Some(known) = known.filter(|_| !differs && !is_stamped) {
            user.avatar.clone_from(&known.avatar);
        }
        self.fresh.insert(pk);
        self.users.insert(pk, user);
        moves
    }

    /// Takes a row out that an answer proves to be absent.
    pub(super) fn remove(&mut self, pk: UserPk) {
        self.fresh.remove(&pk);
        self.unannounced.remove(&pk);
        self.users.remove(&pk);
    }

    /// The groups are read again: whatever was seen before is older.
    pub(super) fn forget_fresh(&mut self) {
        self.fresh.clear();
    }

    /// Every part of the user list whose rows can be counted, but the whole.
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

    /// A member of each group that was listed before and is not any more, if one is known.
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

    /// The directory with these groups, and whether a user seen meanwhile has joined one of them since.
    ///
    /// Memberships come from the groups. A group that is not listed stays with those who name it if
    /// they were just seen, or if it was never listed and so is known to be hidden.
    pub(super) fn with_groups(&mut self, groups: Vec<Group>) -> (Directory, bool) {
        let mut memberships: BTreeMap<UserPk, BTreeSet<GroupPk>> = BTreeMap::new();
        for group in &groups {
            for member in &group.users {
                memberships.entry(*member).or_default().insert(group.pk);
            }
        }
        let present: BTreeSet<_> = groups.iter().map(|group| group.pk).collect();
        self.listed.extend(&present);
        let mut behind = false;
        let users = self.users.values().map(|user| {
            let fresh = self.fresh.contains(&user.pk);
            let mut named = memberships.remove(&user.pk).unwrap_or_default();
            behind |= fresh
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
        (Directory::new(users, groups), behind)
    }

    /// When this reading began, by the server's clock.
    pub(super) fn began(&self) -> Timestamp {
        self.began
    }

    /// How far the changes are known; it never goes back.
    pub(super) fn watermark(&self) -> Timestamp {
        self.watermark
    }

    /// Users that came or changed without a stamp that would have told of it.
    pub(super) fn unannounced(&self) -> &BTreeSet<UserPk> {
        &self.unannounced
    }
}

/// Every part of a user list whose rows can be counted, but the whole: the active users, and each type.
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
