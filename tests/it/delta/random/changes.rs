//! Random changes of a small directory, of every kind that an incremental sync must find.
//!
//! Changes that no query can reveal are left out (see the documentation of `delta`). Within a
//! script, changes without a new `last_updated` go in one direction, users are either deleted or
//! appear with an old `last_updated`, and a row that appears during a sync stays until its end.

use fake_authentik::{FakeDirectory, UserKind};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::support::reader::stamped;

/// A deterministic sequence of pseudo-random numbers (`SplitMix64`).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let bound = u64::try_from(from.len()).unwrap().max(1);
        from.get(usize::try_from(self.below(bound)).unwrap())
            .copied()
    }
}

/// Account types, ordered; a script only moves up or only down.
const KINDS: [UserKind; 3] = [
    UserKind::Internal,
    UserKind::External,
    UserKind::ServiceAccount,
];

/// A directory of 10 to 29 users with even pks, in some of up to four groups.
pub fn beginning(numbers: &mut Numbers) -> FakeDirectory {
    let mut directory = FakeDirectory::starting_at(Timestamp::UNIX_EPOCH);
    let groups: Vec<_> = (0..=numbers.below(4))
        .map(|at| directory.add_group(&format!("g-{at}")))
        .collect();
    for pk in 1..=numbers.below(20) + 10 {
        let last_updated = directory.tick();
        let mut user = stamped(pk * 2, &format!("u-{pk}"), last_updated);
        user.is_active = numbers.below(5) > 0;
        user.kind = numbers.pick(&KINDS).unwrap();
        directory.insert_user(user);
        for _ in 0..numbers.below(3) {
            directory.add_member(numbers.pick(&groups).unwrap(), pk * 2);
        }
    }
    for _ in 0..20 {
        directory.tick();
    }
    directory
}

/// The changes without a new `last_updated` in a script.
#[derive(Clone, Copy)]
pub struct Changes {
    deletes: bool,
    activates: bool,
    raises: bool,
}

impl Changes {
    pub fn new(numbers: &mut Numbers) -> Self {
        let mut coin = || numbers.below(2) == 0;
        Self {
            deletes: coin(),
            activates: coin(),
            raises: coin(),
        }
    }

    /// Applies a change; `begun` is the directory at the start of the running sync, if there is
    /// one.
    pub fn apply(
        self,
        directory: &mut FakeDirectory,
        numbers: &mut Numbers,
        begun: Option<&FakeDirectory>,
    ) {
        let users: Vec<_> = directory.users().iter().map(|user| user.pk).collect();
        let old: Vec<_> = users
            .iter()
            .copied()
            .filter(|pk| begun.is_none_or(|begun| begun.user(*pk).is_some()))
            .collect();
        let groups: Vec<_> = directory.groups().iter().map(|group| group.pk).collect();
        let name = format!("n-{:x}", numbers.next());
        let (Some(user), Some(stayer)) = (numbers.pick(&users), numbers.pick(&old)) else {
            return;
        };
        match numbers.below(14) {
            0 => enter(directory, numbers, &groups, |directory| {
                directory.add_user(&name)
            }),
            1 => {
                directory.rename(user, &name);
            }
            2 => {
                let is_active = numbers.below(2) == 0;
                directory.set_active(user, is_active);
            }
            3 => {
                let kind = numbers.pick(&KINDS).unwrap();
                directory.edit_user(user, |user| user.kind = kind);
            }
            4 | 5 if self.deletes => {
                directory.remove_user(stayer);
            }
            4 | 5 => appear(directory, numbers, &groups, Timestamp::UNIX_EPOCH, &name),
            6 => {
                let stamp = late(directory, numbers);
                appear(directory, numbers, &groups, stamp, &name);
            }
            7 => {
                let stamp = late(directory, numbers);
                let user = directory.user_mut(user).unwrap();
                (user.last_updated, user.name) = (stamp, name);
                user.is_active = numbers.below(2) == 0;
            }
            8 => directory.user_mut(user).unwrap().is_active = self.activates,
            9 => self.change_kind(directory, user),
            10 | 11 => change_membership(directory, numbers, &groups, user),
            _ => change_group(directory, numbers, &groups, &name),
        }
    }

    /// Changes the type, without a new `last_updated`, to the next one in the script's direction.
    fn change_kind(self, directory: &mut FakeDirectory, user: u64) {
        let user = directory.user_mut(user).unwrap();
        let at = KINDS.iter().position(|kind| *kind == user.kind).unwrap();
        let next = if self.raises {
            at + 1
        } else {
            at.wrapping_sub(1)
        };
        user.kind = KINDS.get(next).copied().unwrap_or(user.kind);
    }
}

/// Inserts a new user into one group or none.
fn enter(
    directory: &mut FakeDirectory,
    numbers: &mut Numbers,
    groups: &[Uuid],
    add: impl FnOnce(&mut FakeDirectory) -> u64,
) {
    let user = add(directory);
    if let Some(group) = numbers.pick(groups).filter(|_| numbers.below(2) == 0) {
        directory.add_member(group, user);
    }
}

/// Inserts a user with an odd pk, unless it exists.
fn appear(
    directory: &mut FakeDirectory,
    numbers: &mut Numbers,
    groups: &[Uuid],
    stamp: Timestamp,
    name: &str,
) {
    let pk = numbers.below(30) * 2 + 1;
    if directory.user(pk).is_none() {
        enter(directory, numbers, groups, |directory| {
            directory.insert_user(stamped(pk, name, stamp));
            pk
        });
    }
}

/// Returns a unique timestamp of up to three seconds ago.
fn late(directory: &mut FakeDirectory, numbers: &mut Numbers) -> Timestamp {
    let ago = i64::try_from(numbers.below(3_000_000)).unwrap();
    directory
        .tick()
        .checked_sub(SignedDuration::from_micros(ago))
        .unwrap()
}

fn change_membership(
    directory: &mut FakeDirectory,
    numbers: &mut Numbers,
    groups: &[Uuid],
    user: u64,
) {
    let Some(group) = numbers.pick(groups) else {
        return;
    };
    if !directory.remove_member(group, user) {
        directory.add_member(group, user);
    }
}

fn change_group(directory: &mut FakeDirectory, numbers: &mut Numbers, groups: &[Uuid], name: &str) {
    let (Some(group), Some(other)) = (numbers.pick(groups), numbers.pick(groups)) else {
        directory.add_group(name);
        return;
    };
    match numbers.below(4) {
        0 => {
            directory.add_group(name);
        }
        1 => {
            directory.rename_group(group, name);
        }
        2 => {
            directory.remove_group(group);
        }
        _ => {
            directory.set_parents(group, &[other]);
        }
    }
}
