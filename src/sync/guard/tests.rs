use proptest::collection::btree_set;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::directory::{Group, GroupPk, User, UserPk, UserType};

const LIMITS: ShrinkGuard = ShrinkGuard {
    enabled: true,
    percent: 20,
    absolute: 5,
};

fn user(pk: i64) -> User {
    User {
        fields: crate::directory::Fields::default(),
        pk: UserPk(pk),
        username: format!("u{pk}").into(),
        name: "".into(),
        email: "".into(),
        avatar: "".into(),
        is_active: true,
        user_type: UserType::Internal,
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

/// Users by pk, and a group for each of some numbers.
fn rows(users: impl IntoIterator<Item = i64>, groups: impl IntoIterator<Item = u128>) -> Directory {
    let groups = groups.into_iter().map(|pk| group(pk, &[])).collect();
    Directory::new(users.into_iter().map(user).collect(), groups)
}

fn held(old: &Directory, new: &Directory) -> Option<Hold> {
    shrink(old, Sizes::of(old), new, &LIMITS)
}

#[test]
fn both_limits_must_be_exceeded() {
    for (before, left, is_held) in [
        (25, 20, false),
        (24, 19, true),
        (24, 20, false),
        (5, 1, false),
        (5, 0, true),
        (1, 0, true),
        (100, 80, false),
        (100, 79, true),
    ] {
        let hold = held(&rows(0..before, []), &rows(0..left, []));
        assert_eq!(hold.is_some(), is_held, "{before} to {left}: {hold:?}");
    }
    for (before, left, is_held) in [(3, 1, false), (3, 0, true), (6, 1, true)] {
        assert_eq!(
            held(&rows(0..9, 0..before), &rows(0..9, 0..left)).is_some(),
            is_held,
            "{before} to {left}"
        );
    }
}

#[test]
fn a_share_of_a_hundred_percent_leaves_only_the_last_row() {
    let limits = ShrinkGuard {
        percent: 100,
        ..LIMITS
    };
    let old = rows(0..1000, []);
    assert_eq!(shrink(&old, Sizes::of(&old), &rows([3], []), &limits), None);
    assert!(shrink(&old, Sizes::of(&old), &rows([], []), &limits).is_some());
    let off = ShrinkGuard {
        enabled: false,
        ..LIMITS
    };
    assert_eq!(shrink(&old, Sizes::of(&old), &rows([], []), &off), None);
}

#[test]
fn nothing_but_the_largest_of_the_day_shows_a_slow_loss() {
    let (old, new) = (rows(0..90, []), rows(0..79, []));
    assert_eq!(held(&old, &new), None);
    let hold = shrink(&old, Sizes::of(&rows(0..100, [])), &new, &LIMITS).unwrap();
    assert!(
        hold.what
            .starts_with("100 users within a day and 79 now (21 fewer, 21 %)"),
        "{}",
        hold.what
    );
}

#[test]
fn the_first_rows_are_held_by_what_they_hide() {
    let hiding = |listed: i64, hidden: i64| {
        let members: Vec<_> = (0..listed + hidden).collect();
        Directory::new((0..listed).map(user).collect(), vec![group(1, &members)])
    };
    for (listed, hidden, is_held) in [
        (3, 4, false),
        (3, 5, true),
        (20, 5, false),
        (19, 5, true),
        (9, 0, false),
    ] {
        let hold = first(&hiding(listed, hidden), &LIMITS);
        assert_eq!(
            hold.is_some(),
            is_held,
            "{listed} listed, {hidden} hidden: {hold:?}"
        );
    }
    assert_eq!(
        first(
            &hiding(3, 30),
            &ShrinkGuard {
                enabled: false,
                ..LIMITS
            }
        ),
        None
    );
}

#[test]
fn a_user_must_be_left_unless_there_was_none() {
    assert!(no_users(None, 0).is_some() && no_users(Some(3), 0).is_some());
    assert!(no_users(Some(0), 0).is_none() && no_users(None, 1).is_none());
}

/// Pks of users and numbers of groups.
fn any_rows() -> impl Strategy<Value = Directory> {
    (btree_set(0..40i64, 0..40), btree_set(0..12u128, 0..12))
        .prop_map(|(users, groups)| rows(users, groups))
}

proptest! {
    #[test]
    fn rows_that_lose_nothing_pass(old in any_rows(), more in any_rows()) {
        let (mut users, mut groups, _) = old.clone().into_rows();
        let (new_users, new_groups, _) = more.into_rows();
        users.extend(new_users);
        groups.extend(new_groups);
        prop_assert_eq!(held(&old, &Directory::new(users, groups)), None);
    }

    #[test]
    fn whoever_passes_lost_little_and_not_everything(old in any_rows(), new in any_rows()) {
        if held(&old, &new).is_none() {
            let (before, lost) = (Sizes::of(&old), Sizes::missing(&old, &new));
            for (before, lost) in [(before.users, lost.users), (before.groups, lost.groups)] {
                prop_assert!(lost < 5 || lost * 5 <= before, "{} of {}", lost, before);
            }
            prop_assert!(old.users().is_empty() || !new.users().is_empty());
            prop_assert!(old.groups().is_empty() || !new.groups().is_empty());
        }
    }

    #[test]
    fn a_stricter_limit_or_a_larger_past_never_lets_more_pass(
        old in any_rows(),
        new in any_rows(),
        past in 0..60usize,
        (percent, absolute) in (1..=100u32, 1..20usize),
    ) {
        let limits = ShrinkGuard { enabled: true, percent, absolute };
        let past = Sizes { users: past, ..Sizes::default() };
        let lenient = shrink(&old, Sizes::of(&old), &new, &limits);
        let stricter = ShrinkGuard { percent: percent.div_ceil(2), absolute: absolute.div_ceil(2), ..limits };
        let largest = Sizes::of(&old).largest(past);
        prop_assert!(lenient.is_none() || shrink(&old, largest, &new, &limits).is_some());
        prop_assert!(lenient.is_none() || shrink(&old, Sizes::of(&old), &new, &stricter).is_some());
    }
}
