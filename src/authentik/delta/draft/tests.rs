use jiff::ToSpan;
use uuid::Uuid;

use super::*;
use crate::directory::UserType;

const SINCE: Timestamp = Timestamp::UNIX_EPOCH;

/// This many minutes after [`SINCE`].
fn minute(minutes: i64) -> Timestamp {
    SINCE + minutes.minutes()
}

fn user(pk: i64, groups: &[u128]) -> User {
    User {
        fields: crate::directory::Fields::default(),
        pk: UserPk(pk),
        username: format!("u{pk}").into(),
        name: "".into(),
        email: "".into(),
        avatar: "".into(),
        is_active: true,
        user_type: UserType::Internal,
        groups: groups.iter().map(|pk| group_pk(*pk)).collect(),
    }
}

fn group_pk(pk: u128) -> GroupPk {
    GroupPk(Uuid::from_u128(pk))
}

fn group(pk: u128, users: &[i64]) -> Group {
    let users = users.iter().map(|pk| UserPk(*pk)).collect();
    Group {
        fields: crate::directory::Fields::default(),
        pk: group_pk(pk),
        name: "g".into(),
        parents: [].into(),
        users,
    }
}

fn seen(user: User, stamp: Timestamp) -> Stamped {
    Stamped {
        user,
        last_updated: Some(stamp),
    }
}

/// Users 1 and 2, both in group 1. The watermark is at 10 minutes, and the sync started at 20.
fn draft() -> Draft {
    let known = Directory::new(vec![user(1, &[1]), user(2, &[1])], vec![group(1, &[1, 2])]);
    Draft::new(&known, SINCE, minute(20), minute(10))
}

#[test]
fn apply_returns_whether_a_row_moves_a_count() {
    let renamed = User {
        name: "N".into(),
        ..user(1, &[1])
    };
    let retired = User {
        is_active: false,
        ..user(1, &[1])
    };
    let converted = User {
        user_type: UserType::ServiceAccount,
        ..user(1, &[1])
    };
    for (row, moves) in [
        (user(1, &[1]), false),
        (renamed, false),
        (retired, true),
        (converted, true),
    ] {
        assert_eq!(
            draft().apply(seen(row.clone(), minute(11))),
            moves,
            "{row:?}"
        );
    }
    assert!(draft().apply(seen(user(3, &[]), minute(11))), "a new user");
}

#[test]
fn the_watermark_never_decreases_and_never_passes_the_start() {
    let mut draft = draft();
    for (stamp, expected) in [(5, 10), (15, 15), (12, 15), (20, 20), (21, 20)] {
        draft.apply(seen(user(1, &[1]), minute(stamp)));
        assert_eq!(draft.watermark(), minute(expected), "after {stamp}");
    }
}

#[test]
fn only_a_change_without_a_recent_stamp_is_unstamped() {
    let mut draft = draft();
    draft.apply(seen(user(1, &[1]), SINCE));
    draft.apply(seen(
        User {
            name: "N".into(),
            ..user(2, &[1])
        },
        minute(1),
    ));
    assert!(
        draft.unstamped().is_empty(),
        "one is unchanged, one has a recent stamp"
    );
    draft.apply(seen(
        User {
            name: "O".into(),
            ..user(2, &[1])
        },
        SINCE,
    ));
    draft.apply(Stamped {
        user: user(3, &[]),
        last_updated: None,
    });
    assert_eq!(draft.unstamped(), &[UserPk(2), UserPk(3)].into());
    draft.remove(UserPk(3));
    assert_eq!(
        draft.unstamped(),
        &[UserPk(2)].into(),
        "a removed user is not one of them"
    );
}

#[test]
fn a_changed_avatar_alone_is_applied_only_with_a_new_stamp() {
    let with = |avatar: &str, name: &str| User {
        avatar: avatar.into(),
        name: name.into(),
        ..user(1, &[1])
    };
    let shown = |row: User, stamp| {
        let mut draft = draft();
        draft.apply(Stamped {
            user: row,
            last_updated: stamp,
        });
        let (directory, _) = draft.with_groups(vec![group(1, &[1, 2])]);
        directory.user(UserPk(1)).unwrap().avatar.clone()
    };
    for stamp in [None, Some(SINCE), Some(minute(5)), Some(minute(10))] {
        assert_eq!(&*shown(with("new", ""), stamp), "", "{stamp:?}");
        let both = shown(with("new", "N"), stamp);
        assert_eq!(&*both, "new", "another field changed too: {stamp:?}");
    }
    for stamp in [minute(11), minute(21)] {
        assert_eq!(&*shown(with("new", ""), Some(stamp)), "new", "{stamp}");
    }
}

#[test]
fn memberships_come_from_the_groups() {
    let mut draft = draft();
    let (directory, is_outdated) = draft.with_groups(vec![group(1, &[2]), group(2, &[1])]);
    assert_eq!(directory.users(), [user(1, &[2]), user(2, &[1])]);
    assert!(
        !is_outdated,
        "rows of the last snapshot are older than the groups"
    );
}

#[test]
fn a_user_who_joins_after_the_groups_were_read_makes_them_outdated() {
    let mut draft = draft();
    draft.apply(seen(user(2, &[1, 2]), minute(11)));
    let groups = || vec![group(1, &[1, 2]), group(2, &[])];
    assert!(draft.with_groups(groups()).1);
    draft.forget_fresh();
    assert!(!draft.with_groups(groups()).1, "the groups are newer now");
}

#[test]
fn a_vanished_group_stays_in_user_rows_that_are_newer_than_the_groups() {
    let mut draft = draft();
    assert_eq!(
        draft.members_of_vanished(&[]),
        [UserPk(1)].into(),
        "one member is enough"
    );
    draft.apply(seen(user(1, &[1]), minute(11)));
    let (directory, _) = draft.with_groups(Vec::new());
    assert_eq!(
        directory.users(),
        [user(1, &[1]), user(2, &[])],
        "the row of user 2 is older than the groups"
    );
}

#[test]
fn a_group_that_was_never_listed_stays_hidden() {
    let known = Directory::new(vec![user(1, &[7])], Vec::new());
    let mut draft = Draft::new(&known, SINCE, minute(20), minute(10));
    assert!(draft.members_of_vanished(&[]).is_empty());
    assert_eq!(draft.with_groups(Vec::new()).0.users(), [user(1, &[7])]);
}
