//! Conditions under which an incremental sync falls back to a full sync.

use authentik_entity_provider::authentik::delta::{FallbackReason, KnownRows, read_changes};
use authentik_entity_provider::directory::{Disagreement, UserPk};
use authentik_entity_provider::progress::Progress;
use fake_authentik::{
    Access, Action, FakeAuthentik, FakeDirectory, FakeGroup, Release, ScriptStep, Target, UserKind,
};
use serde_json::json;

use super::settled;
use crate::support::directory::group_pk;
use crate::support::reader::{Reader, assert_same, stamped};

/// Hides some users and groups.
fn hide(reader: &Reader, users: &[u64], groups: &[u128]) {
    let access = reader.fake.edit(|directory| Access::ObjectLevel {
        users: directory
            .users()
            .iter()
            .map(|user| user.pk)
            .filter(|pk| !users.contains(pk))
            .collect(),
        groups: directory
            .groups()
            .iter()
            .map(|group| group.pk)
            .filter(|pk| !groups.iter().any(|hidden| group_pk(*hidden) == *pk))
            .collect(),
    });
    reader.fake.grant(FakeAuthentik::TOKEN, access);
}

#[tokio::test]
async fn a_server_that_ignores_the_filter_causes_full_syncs() {
    let reader = Reader::spawn(Release::V2024_2, settled(30), 100).await;
    assert_eq!(reader.fallback().await, FallbackReason::Unsupported);
    assert_eq!(reader.crawl().await.watermark, None);
}

#[tokio::test]
async fn a_server_that_refuses_a_filter_causes_full_syncs() {
    let reader = Reader::with(settled(30)).await;
    let refusal = || Action::answer(axum::http::StatusCode::BAD_REQUEST, r#"{"type":["no"]}"#);
    reader
        .fake
        .script(ScriptStep::at(Target::Users, refusal()).nth(4).always());
    assert_eq!(reader.fallback().await, FallbackReason::Unsupported);
}

#[tokio::test]
async fn offsets_that_a_page_size_cap_shifts_are_not_used() {
    let reader = Reader::spawn(Release::V2026_5, settled(30), 3).await;
    let fake = reader.fake.clone().with_page_cap(Some(3));
    fake.edit(|directory| assert!(directory.remove_user(12)));
    assert_eq!(reader.fallback().await, FallbackReason::Unsupported);
}

#[tokio::test]
async fn rows_in_another_order_are_not_used() {
    let reader = Reader::with(settled(30)).await;
    reader.fake.edit(|directory| {
        directory.add_user("a");
        directory.add_user("b");
    });
    let turn = |mut page: serde_json::Value| {
        page["results"].as_array_mut().unwrap().reverse();
        page
    };
    reader
        .fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(turn)).always());
    assert_eq!(reader.fallback().await, FallbackReason::Unsupported);
}

#[tokio::test]
async fn permanently_wrong_counts_cause_a_fallback() {
    let reader = Reader::with(settled(30)).await;
    let lie = |mut page: serde_json::Value| {
        if page["pagination"]["total_pages"] == 30 {
            page["pagination"]["count"] = json!(31);
            page["pagination"]["total_pages"] = json!(31);
        }
        page
    };
    reader
        .fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(lie)).always());
    assert_eq!(reader.fallback().await, FallbackReason::Unstable);
}

#[tokio::test]
async fn changed_users_missing_from_an_answer_cause_a_fallback() {
    let reader = Reader::spawn(Release::V2026_5, settled(100), 5).await;
    reader.fake.edit(|directory| {
        (1..=12).for_each(|pk| assert!(directory.rename(pk, &format!("r-{pk}"))));
    });
    let leave_out = |mut page: serde_json::Value| {
        page["results"].as_array_mut().unwrap().pop();
        page
    };
    reader.fake.script(
        ScriptStep::at(Target::Users, Action::rewrite(leave_out))
            .page(2)
            .always(),
    );
    assert_eq!(reader.fallback().await, FallbackReason::Unstable);
}

#[tokio::test]
async fn an_unstable_directory_causes_a_fallback() {
    let reader = Reader::with(settled(100)).await;
    let mut turn = 0;
    let churn = move |directory: &mut FakeDirectory| {
        turn += 1;
        assert!(directory.rename(5, &format!("turn-{turn}")));
    };
    reader
        .fake
        .script(ScriptStep::at(Target::Users, Action::before(churn)).always());
    assert_eq!(reader.fallback().await, FallbackReason::Unstable);
}

#[tokio::test]
async fn a_change_of_half_of_the_users_causes_a_full_sync() {
    let mut reader = Reader::with(settled(400)).await;
    reader.fake.edit(|directory| {
        (1..=200).for_each(|pk| assert!(directory.rename(pk, &format!("r-{pk}"))));
    });
    assert_eq!(reader.fallback().await, FallbackReason::TooManyChanges);
    reader.know_all();
    reader.fake.edit(|directory| {
        for _ in 0..10 {
            directory.tick();
        }
        (1..=40).for_each(|pk| assert!(directory.remove_user(pk * 9)));
    });
    assert_eq!(reader.fallback().await, FallbackReason::TooManyChanges);
}

#[tokio::test]
async fn hidden_users_are_not_treated_as_deleted() {
    let reader = Reader::with(settled(100)).await;
    hide(&reader, &[42], &[]);
    assert_eq!(
        reader.fallback().await,
        FallbackReason::ListsDisagree,
        "the group still names the user"
    );
    for hidden in [33, 60, 99] {
        hide(&reader, &(1..=hidden).collect::<Vec<_>>(), &[]);
        assert_eq!(
            reader.fallback().await,
            FallbackReason::ListsDisagree,
            "{hidden}"
        );
    }
}

/// A reader of 100 users, of whom 40 are alone in a group each.
async fn with_many_groups() -> Reader {
    let mut directory = settled(100);
    for number in 2..42 {
        directory.insert_group(FakeGroup::new(group_pk(number), &format!("team-{number}")));
        let member = u64::try_from(number).unwrap();
        assert!(directory.add_member(group_pk(number), member));
    }
    Reader::with(directory).await
}

#[tokio::test]
async fn many_hidden_groups_and_many_deleted_groups_have_different_reasons() {
    let reader = with_many_groups().await;
    let teams: Vec<_> = (2..42).collect();
    hide(&reader, &[], &teams);
    let before = reader.fake.counters().requests;
    assert_eq!(reader.fallback().await, FallbackReason::ListsDisagree);
    assert!(reader.fake.counters().requests - before < 60);
    let reader = with_many_groups().await;
    reader.fake.edit(|directory| {
        for team in teams {
            assert!(directory.remove_group(group_pk(team)));
        }
    });
    assert_eq!(
        reader.fallback().await,
        FallbackReason::TooManyChanges,
        "no user row names them"
    );
}

#[tokio::test]
async fn hidden_groups_are_not_treated_as_deleted() {
    let mut directory = settled(100);
    directory.insert_group(FakeGroup::new(group_pk(2), "board"));
    assert!(directory.add_member(group_pk(2), 50));
    let reader = Reader::with(directory).await;
    hide(&reader, &[], &[2]);
    assert_eq!(
        reader.fallback().await,
        FallbackReason::ListsDisagree,
        "the member's row still names the group"
    );
}

#[tokio::test]
async fn rows_hidden_before_cause_no_fallback() {
    let mut reader = Reader::with(settled(100)).await;
    reader.fake.edit(|directory| {
        let secret = directory.add_group("secret");
        assert!(directory.add_member(secret, 5) && directory.set_parents(group_pk(1), &[secret]));
    });
    let secret = reader
        .fake
        .edit(|directory| directory.group_named("secret").unwrap().pk.as_u128());
    hide(&reader, &[42], &[secret]);
    let crawl = reader.crawl().await;
    let hidden = Disagreement::of(&crawl.directory);
    assert_eq!((hidden.users.len(), hidden.groups.len()), (1, 1));
    (reader.directory, reader.watermark) = (crawl.directory, crawl.watermark.unwrap());
    reader
        .fake
        .edit(|directory| assert!(directory.rename(7, "renamed")));
    let (delta, _) = reader.delta().await;
    assert_same(&delta.directory, &reader.crawl().await.directory);
    assert_eq!(Disagreement::of(&delta.directory), hidden);
}

#[tokio::test]
async fn a_clock_that_went_back_causes_a_fallback() {
    let mut reader = Reader::with(settled(30)).await;
    reader.watermark = "2900-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(reader.fallback().await, FallbackReason::Clock);
}

#[tokio::test]
async fn a_rejected_token_is_an_error_and_no_fallback() {
    let reader = Reader::with(settled(30)).await;
    reader.fake.revoke(FakeAuthentik::TOKEN);
    let known = KnownRows {
        directory: &reader.directory,
        watermark: reader.watermark,
    };
    let read = read_changes(&reader.client, known, reader.settings, &Progress::default()).await;
    assert_eq!(read.unwrap_err().code(), "token");
}

/// Replaces a field of a row by a number in every answer.
fn break_field(reader: &Reader, place: Target, pk: &serde_json::Value, field: &'static str) {
    let pk = pk.clone();
    let rewrite = move |mut page: serde_json::Value| {
        let rows = page["results"].as_array_mut().into_iter().flatten();
        for row in rows.filter(|row| row["pk"] == pk) {
            row[field] = 7.into();
        }
        page
    };
    reader
        .fake
        .script(ScriptStep::at(place, Action::rewrite(rewrite)).always());
}

#[tokio::test]
async fn a_broken_row_causes_a_full_sync_without_a_watermark() {
    let users = (Target::Users, json!(17), "username");
    for (place, pk, field) in [users, (Target::Groups, json!(group_pk(1)), "name")] {
        let reader = Reader::with(settled(30)).await;
        break_field(&reader, place, &pk, field);
        reader
            .fake
            .edit(|directory| assert!(directory.edit_user(17, |user| user.name = "New".into())));
        assert_eq!(reader.fallback().await, FallbackReason::BrokenRow);
        let crawl = reader.crawl().await;
        assert_eq!(crawl.watermark, None, "its stamp is not known");
        assert!(
            crawl.directory.has_user(UserPk(17)),
            "its earlier version is used"
        );
    }
}

#[tokio::test]
async fn a_full_sync_finds_changes_without_a_new_stamp() {
    let mut reader = Reader::with(settled(300)).await;
    reader.fake.edit(|directory| {
        assert!(directory.rename(3, "announced") && directory.remove_user(4));
        directory.user_mut(42).unwrap().name = "By SQL".into();
        directory.user_mut(43).unwrap().avatar = "https://avatars.example.com/other".into();
        directory.insert_user(stamped(900, "restored", jiff::Timestamp::UNIX_EPOCH));
    });
    assert_eq!(
        reader.crawl().await.unstamped,
        [UserPk(42), UserPk(900)].into()
    );
    reader.know_all();
    assert!(reader.crawl().await.unstamped.is_empty());
}

#[tokio::test]
async fn a_type_that_all_users_lost_at_once_is_not_searched_user_by_user() {
    let reader = Reader::with(settled(300)).await;
    reader.fake.edit(|directory| {
        for pk in 1..=300 {
            directory.set_kind(pk, UserKind::External);
        }
    });
    let before = reader.fake.counters().requests;
    assert_eq!(reader.fallback().await, FallbackReason::TooManyChanges);
    let requests = reader.fake.counters().requests - before;
    assert!(requests < 60, "{requests} requests");
}
