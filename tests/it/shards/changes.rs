//! The shards that a change in Authentik affects.

use std::collections::BTreeSet;

use fake_authentik::FakeDirectory;

use super::{shard, shard_of, synced, tags};
use crate::support::app::Pair;
use crate::support::directory::directory;
use crate::support::wire::Answer;

/// Enough shards to separate most entities of these tests.
const OF: u32 = 256;

/// Two groups, one of them with alice, and ten users without a group.
fn team() -> FakeDirectory {
    let mut users = vec![(1, "alice"), (2, "bob")];
    let others: Vec<_> = (3..13).map(|pk| format!("other-{pk}")).collect();
    users.extend((3..).zip(others.iter().map(String::as_str)));
    directory(&users, &[(1, "engineers", &[1, 2]), (2, "writers", &[2])])
}

/// Edits the directory, syncs and returns the shards whose ETags differ.
async fn changed(pair: &Pair, edit: impl FnOnce(&mut FakeDirectory)) -> BTreeSet<u32> {
    let before = tags(&pair.app, OF).await;
    pair.fake.edit(edit);
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    let after = tags(&pair.app, OF).await;
    for (index, tag) in (0..).zip(&before) {
        let path = format!("/entities?shard={index}/{OF}");
        let answer = Answer::get(&pair.app, &path, &[("if-none-match", tag)]).await;
        assert_eq!(
            answer.status == 304,
            *tag == after[usize::try_from(index).unwrap()],
            "{index}"
        );
    }
    (0..)
        .zip(before.iter().zip(&after))
        .filter(|(_, (before, after))| before != after)
        .map(|(at, _)| at)
        .collect()
}

fn shards(references: &[&str]) -> BTreeSet<u32> {
    references
        .iter()
        .map(|reference| shard_of(reference, OF))
        .collect()
}

#[tokio::test]
async fn a_changed_user_changes_its_shard_alone() {
    let pair = synced(team()).await;
    let found = changed(&pair, |directory| {
        assert!(directory.edit_user(1, |user| user.name = "Alice Liddell".into()));
    });
    assert_eq!(found.await, shards(&["user:default/alice"]));
    assert!(
        shard(&pair.app, shard_of("user:default/alice", OF), OF)
            .await
            .text()
            .contains("Alice Liddell")
    );
}

#[tokio::test]
async fn a_renamed_user_changes_two_shards_and_those_of_the_groups_that_list_it() {
    let pair = synced(team()).await;
    let found = changed(&pair, |directory| assert!(directory.rename(1, "alicia")));
    let expected = [
        "user:default/alice",
        "user:default/alicia",
        "group:default/engineers",
    ];
    assert_eq!(found.await, shards(&expected));
}

#[tokio::test]
async fn a_new_or_deleted_user_changes_its_shard_and_those_of_its_groups() {
    let pair = synced(team()).await;
    let found = changed(&pair, |directory| {
        directory.add_user("newcomer");
    });
    assert_eq!(found.await, shards(&["user:default/newcomer"]));
    let found = changed(&pair, |directory| assert!(directory.set_active(2, false)));
    let expected = [
        "user:default/bob",
        "group:default/engineers",
        "group:default/writers",
    ];
    assert_eq!(found.await, shards(&expected));
}

#[tokio::test]
async fn a_run_without_changes_changes_no_shard() {
    let pair = synced(team()).await;
    assert_eq!(changed(&pair, |_| ()).await, BTreeSet::new());
}
