//! The generated directory and its edits.

use std::collections::HashSet;

use fake_authentik::{FakeDirectory, UserKind};

#[test]
fn the_same_size_gives_the_same_directory() {
    let (one, two) = (FakeDirectory::generate(500), FakeDirectory::generate(500));
    assert_eq!(format!("{one:?}"), format!("{two:?}"));
}

#[test]
fn a_generated_directory_is_lifelike() {
    let directory = FakeDirectory::generate(5000);
    let (users, groups) = (directory.users(), directory.groups());
    let share = |chosen: usize| chosen * 100 / users.len();
    let of_kind = |kind| users.iter().filter(|user| user.kind == kind).count();
    assert_eq!((users.len(), groups.len()), (5000, 200));
    assert!(users.is_sorted_by(|a, b| a.pk < b.pk) && groups.is_sorted_by(|a, b| a.pk < b.pk));
    assert!(users.last().unwrap().pk > 5001, "keys have gaps");
    assert!((2..=6).contains(&share(users.iter().filter(|user| !user.is_active).count())));
    assert!((1..=3).contains(&share(of_kind(UserKind::ServiceAccount))));
    assert_eq!(of_kind(UserKind::InternalServiceAccount), 1);
    assert!(
        users.iter().any(|user| user.email.is_empty())
            && users.iter().any(|user| user.name.is_empty())
    );
    assert!(
        users
            .iter()
            .skip(2)
            .all(|user| (1..=5).contains(&user.groups().len()))
    );
    assert!(groups.iter().any(|group| group.parents().len() == 2));
    let usernames: HashSet<_> = users.iter().map(|user| &user.username).collect();
    assert_eq!(usernames.len(), users.len());
    let names: HashSet<_> = groups.iter().map(|group| &group.name).collect();
    assert_eq!(names.len(), groups.len());
}

#[test]
fn both_sides_of_a_membership_agree() {
    let directory = FakeDirectory::generate(1000);
    let by_user: HashSet<_> = directory
        .users()
        .iter()
        .flat_map(|user| user.groups().iter().map(|group| (*group, user.pk)))
        .collect();
    let by_group: HashSet<_> = directory
        .groups()
        .iter()
        .flat_map(|group| group.users().iter().map(|user| (group.pk, *user)))
        .collect();
    assert_eq!(by_user, by_group);
}

#[test]
fn the_smallest_directories_can_be_generated() {
    for users in 0..4 {
        assert_eq!(FakeDirectory::generate(users).users().len(), users);
    }
}

#[test]
fn renames_are_stamped_and_memberships_are_not() {
    let mut directory = FakeDirectory::default();
    let (user, group) = (directory.add_user("pat"), directory.add_group("team"));
    let stamp = |directory: &FakeDirectory| directory.user(user).unwrap().last_updated;
    let before = stamp(&directory);
    assert!(directory.add_member(group, user) && directory.set_kind(user, UserKind::External));
    assert_eq!(stamp(&directory), before);
    assert!(directory.rename(user, "patricia"));
    let renamed = stamp(&directory);
    assert!(renamed > before);
    assert!(directory.set_active(user, false) && stamp(&directory) > renamed);
}

#[test]
fn removals_leave_no_trace() {
    let mut directory = FakeDirectory::default();
    let (one, two) = (directory.add_user("one"), directory.add_user("two"));
    let (parent, child) = (directory.add_group("parent"), directory.add_group("child"));
    for (group, user) in [(parent, one), (parent, two), (child, one)] {
        assert!(directory.add_member(group, user));
    }
    assert!(directory.set_parents(child, &[parent]));
    assert!(directory.remove_user(two) && !directory.remove_user(two));
    assert_eq!(directory.group(parent).unwrap().users(), [one]);
    assert!(directory.remove_group(parent) && !directory.remove_group(parent));
    assert_eq!(directory.user(one).unwrap().groups(), [child]);
    assert!(directory.group(child).unwrap().parents().is_empty());
    assert!(directory.remove_member(child, one) && !directory.remove_member(child, one));
}
