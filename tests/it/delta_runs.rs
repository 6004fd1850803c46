//! Incremental syncs of the service, and the reasons for full syncs.

mod persistence;
mod random;
mod reasons;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use authentik_entity_provider::authentik::cost::ServerCost;
use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::Config;
use authentik_entity_provider::jitter::Jitter;
use fake_authentik::{Action, FakeAuthentik, FakeDirectory, Release, ScriptStep, Target, UserKind};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::RunningAuthentik;
use crate::support::app::{Pair, TestApp, config};
use crate::support::directory::{
    assert_contains, crowd, failure, finding, findings, group_pk, hold,
};

/// Users without recent changes, all but the last in a group.
fn settled(users: u64) -> FakeDirectory {
    let mut directory = crowd(users);
    for _ in 0..100 {
        directory.tick();
    }
    assert!(directory.edit_user(users, |_| ()));
    directory
}

/// A fake Authentik and a service after its first sync, with a manual clock.
struct Following {
    pair: Pair,
    hours: Arc<AtomicI64>,
}

impl Following {
    async fn spawn(
        release: Release,
        directory: FakeDirectory,
        adjust: impl FnOnce(&mut Config),
    ) -> (Self, Value) {
        let fake = FakeAuthentik::new(release, directory).with_directory_time();
        let authentik = RunningAuthentik::spawn(&fake).await;
        let hours = Arc::new(AtomicI64::new(0));
        let (begin, moved) = (
            "2026-01-05T08:00:00Z".parse::<Timestamp>().unwrap(),
            Arc::clone(&hours),
        );
        let clock =
            Clock::new(move || begin + SignedDuration::from_hours(moved.load(Ordering::Relaxed)));
        let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
        // Shorter than the default, because the fake Authentik's clock advances a second with each
        // change.
        config.service.incremental_overlap = Duration::from_secs(5);
        adjust(&mut config);
        // A full sync of a small directory is cheaper, unless requests have no cost.
        let app = TestApp::spawn_as(config, clock, |app| {
            app.with_jitter(Jitter::new(|| 0.0))
                .with_cooldown(Duration::ZERO)
                .with_server_cost(ServerCost::FREE)
        })
        .await;
        let run = app.follow().await;
        (
            Self {
                pair: Pair {
                    fake,
                    app,
                    authentik,
                },
                hours,
            },
            run,
        )
    }

    /// Uses a release that supports incremental syncs.
    async fn of(directory: FakeDirectory) -> Self {
        let (following, run) = Self::spawn(Release::V2026_5, directory, |_| ()).await;
        assert_eq!((mode(&run), reason(&run)), ("full", "first"), "{run}");
        following
    }

    /// Edits the directory and syncs.
    async fn after(&self, edit: impl FnOnce(&mut FakeDirectory)) -> Value {
        self.pair.fake.edit(edit);
        self.pair.app.follow().await
    }

    /// Edits the directory, syncs and asserts an incremental sync.
    async fn follows(&self, edit: impl FnOnce(&mut FakeDirectory)) -> Value {
        let run = self.after(edit).await;
        assert_eq!((mode(&run), reason(&run)), ("incremental", ""), "{run}");
        assert_eq!(run["state"], "succeeded", "{run}");
        run
    }

    /// Returns the number of user rows that a sync reads.
    async fn cost(&self, edit: impl FnOnce(&mut FakeDirectory)) -> u64 {
        let before = self.pair.fake.counters().user_rows;
        self.follows(edit).await;
        self.pair.fake.counters().user_rows - before
    }
}

fn mode(run: &Value) -> &str {
    run["mode"].as_str().unwrap_or_default()
}

fn reason(run: &Value) -> &str {
    run["reason"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_second_run_is_incremental_and_every_output_shows_it() {
    let following = Following::of(settled(500)).await;
    let app = &following.pair.app;
    let run = following
        .follows(|directory| assert!(directory.rename(7, "renamed")))
        .await;
    assert_eq!(
        (&run["added"], &run["removed"], &run["users"]),
        (&json!(1), &json!(1), &json!(500))
    );
    let since: Timestamp = run["since"].as_str().unwrap().parse().unwrap();
    let now = following.pair.fake.edit(|directory| directory.now());
    let age = now.duration_since(since).as_secs();
    assert!(
        (5..13).contains(&age),
        "the overlap before the last known change: {age} s"
    );
    assert!(
        app.entity("user", "renamed").await.unwrap()["spec"]["memberOf"] == json!(["everyone"])
    );
    assert_eq!(mode(&app.json("/sync").await["runs"][0]), "incremental");
    let events = app
        .fetch(&format!("/sync/{}/events", run["id"].as_str().unwrap()))
        .await;
    assert_contains(
        &events.text().await.unwrap(),
        &["event: succeeded", "\"mode\":\"incremental\""],
    );
}

#[tokio::test]
async fn an_unchanged_directory_costs_a_few_rows_and_the_body_stays() {
    let following = Following::of(settled(2000)).await;
    let app = &following.pair.app;
    let tag = app.fetch("/entities").await.headers()["etag"].clone();
    following.hours.store(1, Ordering::Relaxed);
    let cost = following.cost(|_| ()).await;
    assert!(cost < 20, "{cost} rows");
    let answer = app.fetch("/entities").await;
    assert_eq!(answer.headers()["etag"], tag);
    assert_eq!(answer.headers()["snapshot-read-at"], "2026-01-05T09:00:00Z");
}

#[tokio::test]
async fn every_kind_of_change_is_followed() {
    let following = Following::of(settled(300)).await;
    let app = &following.pair.app;
    let run = following
        .follows(|directory| assert!(directory.set_active(18, false)))
        .await;
    assert_eq!(run["removed"], 1);
    let run = following
        .follows(|directory| assert!(directory.remove_user(150)))
        .await;
    assert_eq!(run["removed"], 1);
    let join = |directory: &mut FakeDirectory| {
        let team = directory.add_group("team");
        assert!(directory.add_member(team, 300) && directory.remove_member(group_pk(1), 9));
    };
    following.follows(join).await;
    assert_eq!(
        app.entity("group", "team").await.unwrap()["spec"]["members"],
        json!(["user-300"])
    );
    assert_eq!(
        app.entity("user", "user-9").await.unwrap()["spec"]["memberOf"],
        json!([])
    );
    let dissolve = |directory: &mut FakeDirectory| {
        let team = directory.group_named("team").unwrap().pk;
        assert!(directory.remove_group(team));
    };
    following.follows(dissolve).await;
    assert_eq!(app.names("group").await, ["everyone"]);
    let run = following
        .follows(|directory| assert!(directory.set_kind(7, UserKind::ServiceAccount)))
        .await;
    assert_eq!(run["removed"], 1);
}

#[tokio::test]
async fn rows_keep_their_names() {
    let following = Following::of(settled(30)).await;
    let run = following
        .follows(|directory| {
            directory.add_user("User-7");
        })
        .await;
    assert_eq!(finding(&run, "name-collision")["pk"], "31");
    let run = following
        .follows(|directory| assert!(directory.remove_user(7)))
        .await;
    assert!(findings(&run, "name-collision").is_empty());
    let entity = following.pair.app.entity("user", "user-7").await.unwrap();
    assert_eq!(
        entity["metadata"]["annotations"]["authentik.goauthentik.io/pk"],
        "31"
    );
}

#[tokio::test]
async fn the_shrink_guard_checks_incremental_syncs() {
    let following = Following::of(settled(30)).await;
    let run = following
        .after(|directory| (1..=7).for_each(|pk| assert!(directory.remove_user(pk * 3))))
        .await;
    assert_eq!((hold(&run).0, mode(&run)), ("shrink", "incremental"));
    let run = following.after(|_| ()).await;
    assert_eq!(
        (hold(&run).0, following.pair.app.names("user").await.len()),
        ("shrink", 30)
    );
    let run = following
        .pair
        .app
        .post("/sync?wait=1m&accept=shrink")
        .send()
        .await
        .unwrap()
        .text()
        .await;
    let run: Value = serde_json::from_str(&run.unwrap()).unwrap();
    assert_eq!(
        (mode(&run), &run["removed"]),
        ("incremental", &json!(7)),
        "{run}"
    );
}

#[tokio::test]
async fn a_failed_run_changes_nothing_and_needs_no_full_sync() {
    let following = Following::of(settled(300)).await;
    let cut = ScriptStep::at(
        Target::Users,
        Action::answer(axum::http::StatusCode::IM_A_TEAPOT, "{}"),
    );
    following.pair.fake.script(cut.nth(3));
    let run = following
        .after(|directory| assert!(directory.remove_user(5)))
        .await;
    assert_eq!((failure(&run).0, mode(&run)), ("status", "incremental"));
    assert_eq!(following.pair.app.names("user").await.len(), 300);
    assert_eq!(following.follows(|_| ()).await["removed"], 1);
}

#[tokio::test]
async fn a_change_that_no_entity_shows_keeps_the_body() {
    let following = Following::of(settled(30)).await;
    let tag = following.pair.app.fetch("/entities").await.headers()["etag"].clone();
    let run = following
        .follows(|directory| assert!(directory.set_kind(7, UserKind::External)))
        .await;
    assert_eq!(
        (&run["changed"], &run["users"], &run["groups"]),
        (&json!(0), &json!(30), &json!(1)),
        "{run}"
    );
    assert_eq!(
        following.pair.app.fetch("/entities").await.headers()["etag"],
        tag
    );
}

/// Changes every avatar without a stamp.
fn flip_avatars(directory: &mut FakeDirectory) {
    let pks: Vec<_> = directory.users().iter().map(|user| user.pk).collect();
    for pk in pks {
        let user = directory.user_mut(pk).unwrap();
        user.avatar = if user.avatar.starts_with("https:") {
            "data:image/svg+xml;base64,PHN2Zy8+".into()
        } else {
            format!("https://gravatar.example.com/{pk}")
        };
    }
}

#[tokio::test]
async fn unstamped_avatar_changes_are_found_by_a_full_sync() {
    // Some users are read in each run: they changed just before the first run.
    let mut directory = settled(300);
    (1..=20).for_each(|pk| assert!(directory.edit_user(pk, |_| ())));
    flip_avatars(&mut directory);
    let following = Following::of(directory).await;
    let app = &following.pair.app;
    let tag = async || app.fetch("/entities").await.headers()["etag"].clone();
    let before = tag().await;
    for _ in 0..3 {
        let run = following.follows(flip_avatars).await;
        assert_eq!(run["changed"], 0, "{run}");
        assert_eq!(tag().await, before);
    }
    let edit = |directory: &mut FakeDirectory| assert!(directory.edit_user(7, |_| ()));
    let run = following.follows(edit).await;
    assert_eq!(run["changed"], 1, "the stamp shows it: {run}");
    let run = app.sync().await;
    assert_eq!(run["changed"], 299, "the full sync finds all others: {run}");
}
