//! The cost of an incremental sync in a large directory, in requests and user rows; independent of
//! machine load.

use std::time::Duration;

use authentik_entity_provider::authentik::cost::ServerCost;
use authentik_entity_provider::directory::UserPk;
use fake_authentik::{FakeDirectory, Release, UserKind};

use super::settled;
use crate::support::reader::{Reader, stamped};

const USERS: u64 = 100_000;

#[tokio::test]
async fn the_cost_grows_with_the_number_of_changes() {
    let mut directory = FakeDirectory::default();
    for pk in 1..=USERS {
        let last_updated = directory.tick();
        directory.insert_user(stamped(pk * 3, &format!("user-{pk}"), last_updated));
    }
    let mut reader = Reader::with(directory).await;
    let (_, nothing) = reader.follows(|_| ()).await;
    assert!(nothing.user_rows * 100 < USERS, "{nothing:?}");

    let pks: Vec<_> = reader
        .directory
        .users()
        .iter()
        .map(|user| user.pk)
        .collect();
    let pk = |place: usize| pks[place].0.unsigned_abs();
    let (_, edit) = reader
        .follows(|directory| assert!(directory.rename(pk(70_000), "renamed")))
        .await;
    assert!(edit.user_rows * 100 < USERS, "{edit:?}");
    assert!(edit.requests <= nothing.requests, "{edit:?} {nothing:?}");

    let (_, delete) = reader
        .follows(|directory| assert!(directory.remove_user(pk(12_345))))
        .await;
    assert!(
        delete.requests <= nothing.requests + 60,
        "{delete:?} {nothing:?}"
    );
    let both = |directory: &mut FakeDirectory| {
        assert!(directory.remove_user(pk(99_000)));
        directory.add_user("new");
    };
    let (delta, both) = reader.follows(both).await;
    assert!(
        both.requests <= nothing.requests + 60,
        "{both:?} {nothing:?}"
    );
    assert!(!delta.directory.has_user(UserPk(pks[99_000].0)));
    println!("nothing {nothing:?}, edit {edit:?}, delete {delete:?}, delete and insert {both:?}");
}

#[tokio::test]
async fn the_estimate_by_which_full_or_incremental_is_chosen_is_right() {
    let second = Duration::from_secs(1);
    let requests = ServerCost {
        per_request: second,
        ..ServerCost::FREE
    };
    let rows = ServerCost {
        per_user: second,
        ..ServerCost::FREE
    };
    for (users, page_size) in [(30, 100), (60, 100), (500, 100), (500, 20)] {
        let mut directory = settled(users);
        assert!(directory.set_kind(9, UserKind::External));
        let mut reader = Reader::spawn(Release::V2026_5, directory, page_size).await;
        let size = page_size as usize;
        let (_, cost) = reader.follows(|_| ()).await;
        let of_incremental = |price: ServerCost| price.of_incremental(&reader.directory, size);
        assert_eq!(cost.requests, of_incremental(requests).as_secs());
        // The last user changed just before, and is read twice.
        assert_eq!(cost.user_rows, of_incremental(rows).as_secs() + 2);
        let before = reader.fake.counters();
        let known = reader.crawl().await.directory;
        let after = reader.fake.counters();
        let of_full = |price: ServerCost| price.of_full(&known, size).as_secs();
        assert_eq!(after.requests - before.requests, of_full(requests));
        let read = after.user_rows - before.user_rows;
        assert!(
            (of_full(rows)..of_full(rows) * 5 / 4).contains(&read),
            "{read}"
        );
    }
}
