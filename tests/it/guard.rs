//! The shrink guard: a suspiciously large removal is held until an operator accepts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::AuthConfig;
use fake_authentik::{
    Access, Action, FakeAuthentik, FakeDirectory, Gate, Release, ScriptStep, Target, UserKind,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::RunningAuthentik;
use crate::support::app::{Pair, TestApp, config};
use crate::support::directory::{assert_contains, crowd, directory, group_pk, hold};
use crate::support::wire::Answer;

/// A service that has published 35 users, 34 of them in the one group.
async fn published() -> Pair {
    let pair = Pair::with(crowd(35)).await;
    assert_eq!(pair.app.sync().await["users"], 35);
    pair
}

/// Removes the users with these pks.
fn remove(fake: &FakeAuthentik, pks: impl IntoIterator<Item = u64>) {
    fake.edit(|directory| {
        for pk in pks {
            assert!(directory.remove_user(pk), "{pk}");
        }
    });
}

/// Syncs and asserts that the run is held and that nothing else changes.
async fn assert_held(pair: &Pair, parts: &[&str]) {
    let before = Answer::get(&pair.app, "/entities", &[]).await;
    let run = pair.app.sync().await;
    let (code, message) = hold(&run);
    assert_eq!(code, "shrink", "{message}");
    assert_contains(message, parts);
    assert_contains(message, &["curl -X POST", "/sync?accept=shrink"]);
    let after = Answer::get(&pair.app, "/entities", &[]).await;
    assert_eq!(
        (after.status, after.etag(), &after.body),
        (200, before.etag(), &before.body)
    );
    let health = Answer::get(&pair.app, "/health", &[]).await;
    assert_eq!(
        (health.status, &health.json()["status"]),
        (200, &"degraded".into())
    );
    assert_eq!(health.json()["lastRun"]["error"]["message"], message);
    assert_eq!(
        Answer::get(&pair.app, "/health/ready", &[]).await.status,
        200
    );
}

#[tokio::test]
async fn a_held_run_lists_what_it_would_remove() {
    let pair = published().await;
    remove(&pair.fake, 1..=20);
    let run = pair.app.sync().await;
    assert_eq!(hold(&run).0, "shrink");
    assert_eq!(
        (&run["added"], &run["changed"], &run["removed"]),
        (&json!(0), &json!(1), &json!(20))
    );
    assert_eq!(
        run["changeList"]["changed"],
        json!(["group:default/everyone"])
    );
    assert_eq!(run["changeList"]["removed"][19], "user:default/user-9");
    assert!(run.get("users").is_none(), "it published nothing: {run}");
}

#[tokio::test]
async fn a_permission_that_is_narrowed_during_operation_removes_no_entity() {
    let pair = published().await;
    let access = Access::ObjectLevel {
        users: [1, 2, 3].into(),
        groups: [group_pk(1)].into(),
    };
    pair.fake.grant(FakeAuthentik::TOKEN, access);
    assert_held(
        &pair,
        &[
            "35 users before and 3 now (32 removed, 91 %)",
            "still name 31 of the users",
            "`view_user`",
        ],
    )
    .await;
    pair.fake.grant(FakeAuthentik::TOKEN, Access::Full);
    assert_eq!(pair.app.sync().await["removed"], 0);
    assert_eq!(pair.app.json("/health").await["status"], "ok");
}

#[tokio::test]
async fn deleting_all_users_but_the_token_s_own_is_held() {
    let pair = published().await;
    remove(&pair.fake, 1..35);
    assert_held(
        &pair,
        &[
            "35 users before and 1 now (34 removed, 97 %)",
            "neither list names them",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_group_that_is_emptied_is_held_by_its_memberships() {
    let pair = published().await;
    let empty = |directory: &mut FakeDirectory| {
        assert!((1..35).all(|user| directory.remove_member(group_pk(1), user)));
    };
    pair.fake.edit(empty);
    assert_held(
        &pair,
        &["34 memberships before and 0 now", "groups were emptied"],
    )
    .await;
}

#[tokio::test]
async fn the_removal_of_the_last_group_is_held() {
    let pair = published().await;
    pair.fake
        .edit(|directory| assert!(directory.remove_group(group_pk(1))));
    assert_held(&pair, &["1 group before and 0 now (1 removed, 100 %)"]).await;
}

#[tokio::test]
async fn replaced_rows_count_as_removed_although_the_number_is_the_same() {
    let pair = published().await;
    remove(&pair.fake, 1..10);
    pair.fake.edit(|directory| {
        for number in 0..9 {
            directory.add_user(&format!("new-{number}"));
        }
    });
    assert_held(&pair, &["35 users before and 35 now (9 removed, 25 %)"]).await;
}

#[tokio::test]
async fn many_deactivated_users_or_new_service_accounts_are_held() {
    type Edit = fn(&mut FakeDirectory, u64) -> bool;
    let deactivate: Edit = |directory, pk| directory.set_active(pk, false);
    let convert: Edit = |directory, pk| directory.set_kind(pk, UserKind::ServiceAccount);
    for (edit, part) in [
        (
            deactivate,
            "35 active users before and 25 now (10 removed, 28 %)",
        ),
        (
            convert,
            "35 active users that are no service accounts before and 25 now (10 removed, 28 %)",
        ),
    ] {
        let pair = published().await;
        pair.fake
            .edit(|directory| assert!((1..=10).all(|pk| edit(directory, pk))));
        assert_held(&pair, &[part, "still listed"]).await;
    }
}

#[tokio::test]
async fn a_removal_within_the_limits_is_published() {
    let pair = published().await;
    remove(&pair.fake, (1..7).chain([35]));
    let run = pair.app.sync().await;
    assert_eq!(
        (&run["state"], &run["removed"]),
        (&json!("succeeded"), &json!(7)),
        "20 % of 35 are 7"
    );
    let small = Pair::with(directory(
        &[(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")],
        &[],
    ))
    .await;
    small.app.sync().await;
    remove(&small.fake, 1..5);
    assert_eq!(
        small.app.sync().await["removed"],
        4,
        "fewer than five removed users are published while one user is left"
    );
}

#[tokio::test]
async fn the_limits_can_be_configured() {
    let pair = Pair::spawn(Release::V2026_5, crowd(35), |config| {
        config.service.shrink_guard.percent = 5;
        config.service.shrink_guard.absolute = 2;
    })
    .await;
    pair.app.sync().await;
    remove(&pair.fake, [35]);
    assert_eq!(pair.app.sync().await["removed"], 1);
    remove(&pair.fake, [33, 34]);
    assert_held(
        &pair,
        &[
            "34 users before and 32 now (2 removed, 5 %)",
            "5 % or fewer than 2",
        ],
    )
    .await;
}

#[tokio::test]
async fn without_the_guard_an_empty_directory_is_still_held() {
    let pair = Pair::spawn(Release::V2026_5, crowd(35), |config| {
        config.service.shrink_guard.enabled = false;
    })
    .await;
    pair.app.sync().await;
    remove(&pair.fake, 1..31);
    assert_eq!(pair.app.sync().await["removed"], 30);
    pair.fake
        .edit(|directory| assert!((31..36).all(|pk| directory.set_active(pk, false))));
    let run = pair.app.sync().await;
    let (code, message) = hold(&run);
    assert_eq!(code, "no-users");
    assert_contains(
        message,
        &[
            "inactive or a service account",
            "view_user",
            "accept=shrink",
        ],
    );
    assert_eq!(pair.app.names("user").await.len(), 5);
}

#[tokio::test]
async fn accepting_publishes_once_and_the_next_shrink_is_held_again() {
    let pair = published().await;
    remove(&pair.fake, 1..16);
    assert_held(&pair, &["35 users before and 20 now"]).await;
    let run = pair.app.sync_accepting().await;
    assert_eq!(
        (&run["state"], &run["removed"], &run["accept"]),
        (&"succeeded".into(), &15.into(), &"shrink".into())
    );
    assert_eq!(pair.app.json("/health").await["status"], "ok");
    let run = pair.app.sync().await;
    assert_eq!(
        (&run["state"], run.get("accept")),
        (&"succeeded".into(), None),
        "20 are compared with 20"
    );
    remove(&pair.fake, 16..21);
    assert_held(&pair, &["20 users before and 15 now (5 removed, 25 %)"]).await;
}

#[tokio::test]
async fn an_accepted_empty_directory_stays_accepted_until_users_appear() {
    let pair = published().await;
    pair.fake
        .edit(|directory| assert!((1..36).all(|pk| directory.set_active(pk, false))));
    assert_held(&pair, &["35 active users before and 0 now"]).await;
    assert_eq!(pair.app.sync_accepting().await["users"], 0);
    assert_eq!(
        pair.app.sync().await["state"],
        "succeeded",
        "it is still accepted"
    );
    pair.fake
        .edit(|directory| assert!(directory.set_active(1, true)));
    assert_eq!(pair.app.sync().await["added"], 1);
    pair.fake
        .edit(|directory| assert!(directory.set_active(1, false)));
    assert_held(&pair, &["1 active user before and 0 now"]).await;
}

#[tokio::test]
async fn an_acceptance_applies_to_a_run_that_starts_after_it() {
    let pair = published().await;
    remove(&pair.fake, 1..16);
    let gate = Gate::new();
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let running = Answer::to(&pair.app, Method::POST, "/sync", &[])
        .await
        .json();
    gate.waiting(1).await;
    let accepting = Answer::to(&pair.app, Method::POST, "/sync?accept=shrink", &[])
        .await
        .json();
    assert_ne!(running["id"], accepting["id"]);
    assert_eq!(
        (&accepting["state"], &accepting["accept"]),
        (&"queued".into(), &"shrink".into())
    );
    gate.open();
    let last = pair.app.sync().await;
    let ended = pair
        .app
        .json(&format!("/sync/{}", running["id"].as_str().unwrap()))
        .await;
    assert_eq!(hold(&ended).0, "shrink");
    let ended = pair
        .app
        .json(&format!("/sync/{}", accepting["id"].as_str().unwrap()))
        .await;
    assert_eq!(
        (&ended["state"], &ended["removed"]),
        (&"succeeded".into(), &15.into())
    );
    assert_eq!(last["state"], "succeeded");
}

#[tokio::test]
async fn only_a_shrink_can_be_accepted() {
    let pair = published().await;
    let refused = Answer::to(&pair.app, Method::POST, "/sync?accept=everything", &[]).await;
    assert!(refused.problem(400, "bad-query").contains("shrink"));
    assert_eq!(
        pair.app.json("/sync").await["runs"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "no run was requested"
    );
}

#[tokio::test]
async fn a_held_run_ends_its_stream_with_its_own_event() {
    let pair = published().await;
    remove(&pair.fake, 1..16);
    let id = pair.app.sync().await["id"].as_str().unwrap().to_owned();
    let stream = pair
        .app
        .fetch(&format!("/sync/{id}/events"))
        .await
        .text()
        .await
        .unwrap();
    assert_contains(&stream, &["event: held", "\"code\":\"shrink\""]);
}

#[tokio::test]
async fn a_first_view_that_hides_many_rows_is_not_served_until_it_is_accepted() {
    let pair = Pair::with(crowd(35)).await;
    let access = Access::ObjectLevel {
        users: [1, 2, 3].into(),
        groups: [group_pk(1)].into(),
    };
    pair.fake.grant(FakeAuthentik::TOKEN, access);
    let run = pair.app.sync().await;
    let (code, message) = hold(&run);
    assert_eq!(code, "hidden-rows");
    assert_contains(
        message,
        &[
            "31 of 34 users and 0 of 1 group",
            "`view_user` and `view_group`",
            "accept=shrink",
        ],
    );
    for path in ["/entities", "/health", "/health/ready"] {
        assert_eq!(pair.app.fetch(path).await.status(), 503, "{path}");
    }
    let health = pair.app.json("/health").await;
    assert_eq!(
        (&health["status"], &health["lastRun"]["error"]),
        (&"starting".into(), &run["error"])
    );
    assert_eq!(pair.app.sync_accepting().await["users"], 3);
    assert_eq!(
        pair.app.sync().await["state"],
        "succeeded",
        "the accepted view is the previous snapshot now"
    );
}

#[tokio::test]
async fn a_first_view_that_hides_few_rows_is_served() {
    let pair = Pair::with(crowd(35)).await;
    let users = (1..=31).chain([35]).collect();
    let access = Access::ObjectLevel {
        users,
        groups: [group_pk(1)].into(),
    };
    pair.fake.grant(FakeAuthentik::TOKEN, access);
    assert_eq!(pair.app.sync().await["users"], 32);
}

/// A service with a manual clock.
struct Clocked {
    pair: Pair,
    hours: Arc<AtomicI64>,
}

impl Clocked {
    async fn spawn(users: u64) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, crowd(users));
        let authentik = RunningAuthentik::spawn(&fake).await;
        let hours = Arc::new(AtomicI64::new(0));
        let (begin, moved) = (
            "2026-01-05T08:00:00Z".parse::<Timestamp>().unwrap(),
            Arc::clone(&hours),
        );
        let clock =
            Clock::new(move || begin + SignedDuration::from_hours(moved.load(Ordering::Relaxed)));
        let app = TestApp::spawn_at(config(&authentik.base, FakeAuthentik::TOKEN), clock).await;
        let pair = Pair {
            fake,
            app,
            authentik,
        };
        pair.app.sync().await;
        Self { pair, hours }
    }

    /// Removes users with these pks some hours later.
    async fn later(&self, hours: i64, removed: impl IntoIterator<Item = u64>) -> Value {
        self.hours.fetch_add(hours, Ordering::Relaxed);
        remove(&self.pair.fake, removed);
        self.pair.app.sync().await
    }
}

#[tokio::test]
async fn many_small_removals_within_a_day_are_held_like_one() {
    let service = Clocked::spawn(100).await;
    for hour in 0..3 {
        let run = service.later(1, hour * 5 + 1..hour * 5 + 6).await;
        assert_eq!(run["removed"], 5, "{run}");
    }
    let run = service.later(1, 16..22).await;
    let (code, message) = hold(&run);
    assert_eq!(code, "shrink");
    assert_contains(
        message,
        &[
            "100 users within a day and 79 now (21 fewer, 21 %)",
            "several runs",
        ],
    );
    assert_eq!(service.pair.app.names("user").await.len(), 85);
    assert_eq!(service.pair.app.sync_accepting().await["users"], 79);
    assert_eq!(
        service.later(1, 22..27).await["removed"],
        5,
        "the accepted size starts a new day"
    );
}

#[tokio::test]
async fn small_removals_on_different_days_are_published() {
    let service = Clocked::spawn(100).await;
    for day in 0..5 {
        let run = service.later(26, day * 10 + 1..day * 10 + 11).await;
        assert_eq!(run["removed"], 10, "{run}");
    }
    assert_eq!(
        hold(&service.later(26, 51..62).await).0,
        "shrink",
        "11 of 50 at once"
    );
}

#[tokio::test]
async fn the_command_to_accept_a_removal_sends_a_token_if_one_is_required() {
    const TOKEN: &str = "sYnC4tG7bN1mK8jH5gF2dS9aP6oI3uYq";
    let with_header = "curl -X POST -H 'Authorization: Bearer …' 'http://…/sync?accept=shrink'";
    let tokens = |auth: &mut AuthConfig| {
        auth.allow_anonymous = false;
        auth.read_tokens = vec!["rEaD4tG7bN1mK8jH5gF2dS9aP6oI3uYq".into()];
        auth.sync_tokens = vec![TOKEN.into()];
    };
    let pair = Pair::spawn(Release::V2026_5, crowd(35), |config| {
        tokens(&mut config.service.auth);
    })
    .await;
    let sync = async || -> Value {
        let request = pair.app.post("/sync?wait=5m").bearer_auth(TOKEN);
        request.send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(sync().await["state"], "succeeded");
    remove(&pair.fake, 4..=35);
    let run = sync().await;
    let (_, message) = hold(&run);
    assert_contains(message, &[with_header, "`syncTokens`"]);
    assert!(!message.contains(TOKEN), "{message}");
}
