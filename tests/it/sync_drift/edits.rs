//! Random edits of a directory, as by administrators, programs and slow transactions.

use fake_authentik::{FakeDirectory, FakeGroup, FakeUser, UserKind};
use uuid::Uuid;

use super::history::History;
use crate::support::directory::group_pk;

/// A deterministic sequence of pseudo-random numbers (`SplitMix64`).
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// Picks one element.
    pub fn pick<'a, T>(&mut self, many: &'a [T]) -> &'a T {
        &many[usize::try_from(self.below(many.len() as u64)).unwrap()]
    }
}

/// Inserts a user with an unused pk below the latest one, as a slow transaction does.
fn commit_late(numbers: &mut Numbers, directory: &mut FakeDirectory, history: &History) {
    let pk = numbers.below(350) + 1;
    if !history.had_user(pk) {
        directory.insert_user(FakeUser::new(pk, &format!("late-{pk}")));
    }
}

/// Inserts a group at any pk, half of the time below another one.
fn add_group(numbers: &mut Numbers, directory: &mut FakeDirectory, history: &History) {
    let pk = group_pk(u128::from(numbers.below(400) + 1));
    if history.had_group(pk) {
        return;
    }
    directory.insert_group(FakeGroup::new(pk, &format!("late-{}", pk.as_u128())));
    if numbers.below(2) == 0 {
        move_group(numbers, directory, pk);
    }
}

/// Moves a group below one with a lower pk, so that there are no cycles, or to the root.
fn move_group(numbers: &mut Numbers, directory: &mut FakeDirectory, pk: Uuid) {
    let parent = numbers.pick(directory.groups()).pk;
    directory.set_parents(
        pk,
        if parent < pk {
            std::slice::from_ref(&parent)
        } else {
            &[]
        },
    );
}

/// Makes one edit; no name is used twice, so that there are no collisions.
pub fn edit(numbers: &mut Numbers, directory: &mut FakeDirectory, history: &History) {
    let (user, group) = (
        numbers.pick(directory.users()).pk,
        numbers.pick(directory.groups()).pk,
    );
    let name = format!("new-{}", history.len());
    let _ = match numbers.below(14) {
        0 => {
            directory.insert_user(FakeUser::new(history.next_user(), &name));
            true
        }
        1 | 2 => {
            commit_late(numbers, directory, history);
            true
        }
        3 | 4 => directory.remove_user(user),
        5 => directory.rename(user, &name),
        6 => directory.edit_user(user, |user| user.name = name),
        7 => {
            let active = directory.user(user).is_some_and(|user| user.is_active);
            directory.set_active(user, !active)
        }
        8 => directory.set_kind(user, *numbers.pick(&UserKind::ALL)),
        9 => {
            add_group(numbers, directory, history);
            true
        }
        10 => directory.remove_group(group),
        11 => directory.rename_group(group, &name),
        12 => directory.remove_member(group, user) || directory.add_member(group, user),
        _ => {
            move_group(numbers, directory, group);
            true
        }
    };
}
