//! The cost of an incremental sync in a large directory, in requests and user rows; independent of
//! machine load.

use authentik_entity_provider::directory::UserPk;
use fake_authentik::FakeDirectory;

use crate::support::reader::{Reader, stamped};

const USERS: u64 = 100_000;

#[tokio::test]
async fn a_reading_costs_as_much_as_changed() {
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
