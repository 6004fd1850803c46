//! Incremental syncs: the result after every kind of change, the cost, and the fallback to a full
//! sync.

mod fallbacks;
mod figures;
pub mod random;

use authentik_entity_provider::directory::UserPk;
use fake_authentik::{
    Action, FakeDirectory, FakeUser, Gate, Release, ScriptStep, Target, UserKind,
};
use jiff::Timestamp;

use crate::support::directory::{crowd, group_pk};
use crate::support::reader::{Reader, assert_same, stamped};

/// A user whose `last_updated` is older than all others, as after a restore.
fn unstamped(pk: u64, username: &str) -> FakeUser {
    stamped(pk, username, Timestamp::UNIX_EPOCH)
}

/// Advances the clock by this many seconds.
fn wait(directory: &mut FakeDirectory, seconds: usize) {
    for _ in 0..seconds {
        directory.tick();
    }
}

/// Users `user-1` to `user-N`, all but the last in a group; only the last changed recently.
fn settled(users: u64) -> FakeDirectory {
    let mut directory = crowd(users);
    wait(&mut directory, 100);
    assert!(directory.edit_user(users, |_| ()));
    directory
}

#[tokio::test]
async fn a_full_sync_gives_the_watermark_for_an_incremental_sync() {
    let mut directory = FakeDirectory::generate(300);
    let newest = directory
        .users()
        .iter()
        .map(|user| user.last_updated)
        .max()
        .unwrap();
    let first = directory.users()[0].pk;
    directory.user_mut(first).unwrap().last_updated = "2900-01-01T00:00:00Z".parse().unwrap();
    let reader = Reader::with(directory).await;
    let crawl = reader.crawl().await;
    assert_same(&crawl.directory, &reader.present());
    let newest_but_one = reader.fake.edit(|directory| {
        let others = directory.users().iter().filter(|user| user.pk != first);
        others.map(|user| user.last_updated).max().unwrap()
    });
    assert!(newest_but_one <= newest);
    let (watermark, now) = (
        crawl.watermark.unwrap(),
        reader.fake.edit(|directory| directory.now()),
    );
    assert!(
        (newest_but_one..=now).contains(&watermark),
        "a stamp in the future is not the watermark: {watermark}"
    );
}

#[tokio::test]
async fn an_unchanged_directory_costs_a_few_rows() {
    let mut reader = Reader::with(FakeDirectory::generate(2000)).await;
    let (delta, cost) = reader.follows(|_| ()).await;
    assert!(delta.unstamped.is_empty());
    assert!(cost.requests < 20 && cost.user_rows < 15, "{cost:?}");
}

#[tokio::test]
async fn changes_with_a_stamp_are_followed() {
    let mut reader = Reader::with(settled(300)).await;
    let before = reader.watermark;
    let (delta, _) = reader
        .follows(|directory| {
            assert!(directory.rename(17, "another") && directory.set_active(18, false));
            let new = directory.add_user("new");
            assert!(directory.add_member(group_pk(1), new));
        })
        .await;
    assert!(delta.watermark > before && delta.unstamped.is_empty());
    let (delta, _) = reader
        .follows(|directory| assert!(directory.set_active(18, true)))
        .await;
    assert_eq!(delta.directory.users().len(), 301);
}

#[tokio::test]
async fn memberships_and_groups_are_followed_without_a_stamp() {
    let mut reader = Reader::with(settled(30)).await;
    reader
        .follows(|directory| {
            let team = directory.add_group("team");
            assert!(directory.add_member(team, 7) && directory.remove_member(group_pk(1), 8));
            assert!(directory.set_parents(team, &[group_pk(1)]));
        })
        .await;
    let (delta, _) = reader
        .follows(|directory| assert!(directory.remove_group(group_pk(1))))
        .await;
    assert!(delta.directory.user(UserPk(9)).unwrap().groups.is_empty());
}

#[tokio::test]
async fn a_user_who_joins_a_group_just_after_it_was_read_is_a_member() {
    let reader = Reader::with(settled(30)).await;
    let join = |directory: &mut FakeDirectory| {
        let new = directory.add_user("new");
        assert!(directory.add_member(group_pk(1), new));
    };
    reader
        .fake
        .script(ScriptStep::at(Target::Groups, Action::after(join)));
    let (delta, _) = reader.delta().await;
    assert_same(&delta.directory, &reader.present());
}

#[tokio::test]
async fn a_deleted_user_is_found_at_any_offset() {
    for pk in 1..=26 {
        let mut reader = Reader::with(settled(26)).await;
        reader
            .follows(|directory| assert!(directory.remove_user(pk)))
            .await;
    }
}

#[tokio::test]
async fn several_deletes_are_found_one_by_one() {
    let mut reader = Reader::with(settled(400)).await;
    reader
        .follows(|directory| {
            for pk in [1, 2, 3, 50, 117, 118, 200, 399, 400] {
                assert!(directory.remove_user(pk));
            }
            directory.add_user("new");
        })
        .await;
}

#[tokio::test]
async fn an_activation_without_a_stamp_is_found_by_its_count() {
    for pk in [1, 77, 299] {
        let mut reader = Reader::with(settled(300)).await;
        for is_active in [false, true] {
            let switch = |directory: &mut FakeDirectory| {
                directory.user_mut(pk).unwrap().is_active = is_active;
            };
            let (delta, _) = reader.follows(switch).await;
            assert_eq!(delta.unstamped, [UserPk(i64::try_from(pk).unwrap())].into());
        }
    }
}

#[tokio::test]
async fn a_delete_between_the_counts_hides_no_activation() {
    let mut directory = settled(300);
    directory.user_mut(77).unwrap().is_active = false;
    let reader = Reader::with(directory).await;
    reader
        .fake
        .edit(|directory| directory.user_mut(77).unwrap().is_active = true);
    let gate = Gate::new();
    reader
        .fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)).page(299));
    let delete = async {
        gate.waiting(1).await;
        // The clock, the groups, two queries for recent users, the end; then two halves and three
        // probes.
        reader.fake.reached(10).await;
        while reader.fake.counters().in_flight > 1 {
            tokio::task::yield_now().await;
        }
        assert!(reader.fake.edit(|directory| directory.remove_user(5)));
        gate.open();
    };
    let ((delta, _), ()) = tokio::join!(reader.delta(), delete);
    assert_same(&delta.directory, &reader.present());
}

#[tokio::test]
async fn a_new_type_is_found_by_its_count() {
    let mut reader = Reader::with(settled(300)).await;
    for (pk, kind) in [
        (77, UserKind::External),
        (300, UserKind::ServiceAccount),
        (1, UserKind::External),
    ] {
        reader
            .follows(|directory| assert!(directory.set_kind(pk, kind)))
            .await;
    }
    reader
        .follows(|directory| {
            assert!(
                directory.set_kind(77, UserKind::Internal)
                    && directory.set_kind(1, UserKind::Internal)
            );
        })
        .await;
}

#[tokio::test]
async fn a_row_that_appears_late_is_found_by_its_stamp_or_by_the_count() {
    for (pk, username) in [(0, "first"), (151, "between"), (900, "last")] {
        let mut directory = settled(100);
        for pk in 1..=100 {
            assert!(directory.remove_user(pk));
            directory.insert_user(unstamped(pk * 2, &format!("u-{pk}")));
        }
        assert!(directory.edit_user(200, |_| ()));
        let mut reader = Reader::with(directory).await;
        let (delta, _) = reader
            .follows(|directory| directory.insert_user(unstamped(pk, username)))
            .await;
        assert_eq!(delta.unstamped, [UserPk(i64::try_from(pk).unwrap())].into());
        let late = stamped(pk + 3, "late", reader.watermark);
        let (delta, _) = reader
            .follows(|directory| directory.insert_user(late))
            .await;
        assert!(delta.unstamped.is_empty(), "it is within the overlap");
    }
}

#[tokio::test]
async fn a_delete_behind_an_unstamped_row_is_found_by_the_sample_offsets() {
    let mut directory = settled(300);
    assert!(directory.remove_user(250));
    let mut reader = Reader::with(directory).await;
    let swap = |directory: &mut FakeDirectory| {
        assert!(directory.remove_user(3));
        directory.insert_user(unstamped(250, "restored"));
    };
    let (delta, _) = reader.follows(swap).await;
    assert_eq!(delta.unstamped, [UserPk(250)].into());
}

#[tokio::test]
async fn an_unstamped_name_change_is_found_by_the_next_full_sync() {
    let reader = Reader::with(settled(300)).await;
    reader
        .fake
        .edit(|directory| directory.user_mut(42).unwrap().name = "By SQL".into());
    let (delta, _) = reader.delta().await;
    assert_same(&delta.directory, &reader.directory);
    assert_same(&reader.crawl().await.directory, &reader.present());
}

#[tokio::test]
async fn a_new_avatar_signature_in_every_answer_is_no_change() {
    let reader = Reader::with(settled(300)).await;
    let mut answers = 0;
    let sign = move |mut page: serde_json::Value| {
        answers += 1;
        for row in page["results"].as_array_mut().unwrap() {
            row["avatar"] = format!("https://avatars.example.com/?signature={answers}").into();
        }
        page
    };
    reader
        .fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(sign)).always());
    let (delta, cost) = reader.delta().await;
    assert!(delta.unstamped.is_empty() && cost.requests < 15, "{cost:?}");
}

#[tokio::test]
async fn a_change_of_many_users_takes_several_pages() {
    let mut reader = Reader::spawn(Release::V2025_10, settled(200), 10).await;
    reader
        .follows(|directory| {
            for pk in (1..=200).step_by(5) {
                assert!(directory.rename(pk, &format!("renamed-{pk}")));
            }
        })
        .await;
}

#[tokio::test]
async fn many_changes_at_once_are_not_read_in_every_later_sync() {
    let mut reader = Reader::with(settled(400)).await;
    let rename = |directory: &mut FakeDirectory| {
        (1..=80).for_each(|pk| assert!(directory.rename(pk, &format!("renamed-{pk}"))));
    };
    let (_, cost) = reader.follows(rename).await;
    assert!(cost.user_rows >= 80, "{cost:?}");
    // Advances by twice the overlap; no row changes.
    let wait = |directory: &mut FakeDirectory| wait(directory, 11);
    reader.follows(wait).await;
    let (_, cost) = reader.follows(wait).await;
    assert!(cost.user_rows < 15, "{cost:?}");
}

#[tokio::test]
async fn without_recent_changes_the_watermark_is_the_start_minus_the_overlap() {
    let mut directory = settled(30);
    wait(&mut directory, 1000);
    let reader = Reader::with(directory).await;
    let now = reader.fake.edit(|directory| directory.now());
    let watermark = reader.crawl().await.watermark.unwrap();
    let age = now.duration_since(watermark);
    assert!(
        (5..7).contains(&age.as_secs()),
        "the overlap, and `Date` has whole seconds: {age:?}"
    );
}

#[tokio::test]
async fn a_delete_that_an_old_row_cancels_out_is_found_after_some_syncs() {
    let mut directory = settled(31);
    assert!(directory.remove_user(13));
    let mut reader = Reader::with(directory).await;
    reader.fake.edit(|directory| {
        assert!(directory.remove_user(12));
        directory.insert_user(unstamped(13, "old"));
    });
    for _ in 0..10 {
        reader.fake.edit(|directory| wait(directory, 1));
        let (delta, _) = reader.delta().await;
        (reader.directory, reader.watermark) = (delta.directory, delta.watermark);
    }
    assert_same(&reader.directory, &reader.present());
}
