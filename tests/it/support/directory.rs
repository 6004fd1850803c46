//! Small directories for the fake Authentik, and accessors for findings and errors.

use fake_authentik::{FakeDirectory, FakeGroup, FakeUser};
use serde_json::Value;
use uuid::Uuid;

/// Returns the primary key of the n-th group; keys sort by number.
pub fn group_pk(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A directory of users by pk and username, and of groups by number, name and members.
pub fn directory(users: &[(u64, &str)], groups: &[(u128, &str, &[u64])]) -> FakeDirectory {
    let mut directory = FakeDirectory::default();
    for (pk, username) in users {
        directory.insert_user(FakeUser::new(*pk, username));
    }
    for (number, name, members) in groups {
        directory.insert_group(FakeGroup::new(group_pk(*number), name));
        for member in *members {
            assert!(
                directory.add_member(group_pk(*number), *member),
                "{name} has no user {member}"
            );
        }
    }
    directory
}

/// A directory with one edited user, whose pk is 1.
pub fn one_user(edit: impl FnOnce(&mut FakeUser)) -> FakeDirectory {
    let mut directory = directory(&[(1, "pat")], &[]);
    edit(directory.user_mut(1).unwrap());
    directory
}

/// Users `user-1` to `user-N`; all but the last are members of one group.
pub fn crowd(users: u64) -> FakeDirectory {
    let names: Vec<_> = (1..=users).map(|pk| (pk, format!("user-{pk}"))).collect();
    let users: Vec<_> = names
        .iter()
        .map(|(pk, name)| (*pk, name.as_str()))
        .collect();
    let members: Vec<_> = users.iter().rev().skip(1).map(|(pk, _)| *pk).collect();
    directory(&users, &[(1, "everyone", &members)])
}

/// Returns the findings of a run with a code.
pub fn findings<'r>(run: &'r Value, code: &str) -> Vec<&'r Value> {
    assert_eq!(run["state"], "succeeded", "{run}");
    run["findingList"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["code"] == code)
        .collect()
}

/// Returns the only finding of a run with a code.
pub fn finding<'r>(run: &'r Value, code: &str) -> &'r Value {
    let found = findings(run, code);
    assert_eq!(found.len(), 1, "{code}: {run}");
    found[0]
}

/// Returns the code and the message of a failed run.
pub fn failure(run: &Value) -> (&str, &str) {
    assert_eq!(run["state"], "failed", "{run}");
    (
        run["error"]["code"].as_str().unwrap(),
        run["error"]["message"].as_str().unwrap(),
    )
}

/// Returns the code and the message of a held run.
pub fn hold(run: &Value) -> (&str, &str) {
    assert_eq!(run["state"], "held", "{run}");
    (
        run["error"]["code"].as_str().unwrap(),
        run["error"]["message"].as_str().unwrap(),
    )
}

/// Asserts that a text contains all these parts.
#[track_caller]
pub fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}
