//! The reasons for full syncs.

use reqwest::StatusCode;

use super::*;
use crate::support::app::loaded;

#[tokio::test]
async fn a_request() {
    let following = Following::of(settled(30)).await;
    assert_eq!(reason(&following.pair.app.sync().await), "requested");
    following.follows(|_| ()).await;
    for wrong in ["full=yes", "full=", "full=1"] {
        let answer = following
            .pair
            .app
            .post(&format!("/sync?{wrong}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{wrong}");
    }
    let run = following
        .pair
        .app
        .post("/sync?wait=1m&full=false")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_contains(&run, &["\"mode\":\"incremental\""]);
}

#[tokio::test]
async fn a_full_sync_of_a_small_directory_is_cheaper() {
    for (users, page_size, wanted) in [
        (60, 100, "cheaper"),
        (100, 100, "cheaper"),
        (150, 100, ""),
        (60, 10, ""),
        (500, 100, ""),
    ] {
        let pair = Pair::spawn(Release::V2026_5, settled(users), |config| {
            config.service.page_size = page_size;
            config.service.incremental_overlap = Duration::from_secs(5);
        })
        .await;
        assert_eq!(reason(&pair.app.follow().await), "first");
        let before = pair.fake.counters().requests;
        pair.fake
            .edit(|directory| assert!(directory.rename(7, "renamed")));
        let run = pair.app.follow().await;
        assert_eq!(
            (reason(&run), &run["added"]),
            (wanted, &json!(1)),
            "{users} users: {run}"
        );
        let requests = pair.fake.counters().requests - before;
        assert_eq!(requests == 3, wanted == "cheaper", "{requests} requests");
    }
}

#[tokio::test]
async fn a_request_for_a_full_sync_lasts_until_one_succeeds() {
    let following = Following::of(settled(30)).await;
    let Following { pair, .. } = &following;
    let refused = Action::answer(StatusCode::BAD_REQUEST, r#"{"detail": "no"}"#);
    pair.fake
        .script(ScriptStep::at(Target::Users, refused).always());
    for run in [pair.app.sync().await, pair.app.follow().await] {
        assert_eq!((mode(&run), reason(&run)), ("full", "requested"), "{run}");
        assert_eq!(run["state"], "failed", "{run}");
    }
    pair.fake.clear_script();
    let run = pair.app.follow().await;
    assert_eq!((mode(&run), reason(&run)), ("full", "requested"), "{run}");
    assert_eq!(run["state"], "succeeded", "{run}");
    following.follows(|_| ()).await;
}

#[tokio::test]
async fn a_full_sync_is_due_or_the_clock_went_back() {
    let following = Following::of(settled(30)).await;
    for (hours, wanted) in [
        (23, ""),
        (24, "due"),
        (47, ""),
        (48, "due"),
        (47, "due"),
        (48, ""),
    ] {
        following.hours.store(hours, Ordering::Relaxed);
        assert_eq!(
            reason(&following.after(|_| ()).await),
            wanted,
            "after {hours} h"
        );
    }
}

#[tokio::test]
async fn a_cron_expression_sets_when_a_full_sync_is_due() {
    // Mondays at midnight; the service starts on Monday the 5th at 8.
    let weekly = json!({"frequency": {"cron": "0 0 * * 1"}});
    let (following, run) = Following::spawn(Release::V2026_5, settled(30), |config| {
        config.service.full_sync = loaded("APP_CONFIG_entityProvider_fullSync", &weekly)
            .service
            .full_sync;
    })
    .await;
    assert_eq!(reason(&run), "first");
    for (hours, wanted) in [
        (40, ""),
        (159, ""),
        (160, "due"),
        (161, ""),
        (327, ""),
        (350, "due"),
        (351, ""),
    ] {
        following.hours.store(hours, Ordering::Relaxed);
        assert_eq!(
            reason(&following.after(|_| ()).await),
            wanted,
            "after {hours} h"
        );
    }
}

#[tokio::test]
async fn a_server_without_the_filter_gets_a_full_sync_every_time() {
    let (following, run) = Following::spawn(Release::V2024_2, settled(30), |_| ()).await;
    assert_eq!(reason(&run), "first");
    let run = following
        .after(|directory| assert!(directory.remove_user(5)))
        .await;
    assert_eq!(
        (mode(&run), reason(&run), &run["removed"]),
        ("full", "unsupported", &json!(1))
    );
}

#[tokio::test]
async fn a_fallback_makes_the_same_run_a_full_sync() {
    let following = Following::of(settled(400)).await;
    let rename = |directory: &mut FakeDirectory| {
        let renamed =
            |user: &mut fake_authentik::FakeUser| user.name = format!("Renamed {}", user.pk);
        (1..=160).for_each(|pk| assert!(directory.edit_user(pk, renamed)));
    };
    let run = following.after(rename).await;
    assert_eq!(
        (reason(&run), &run["changed"]),
        ("too-many-changes", &json!(160)),
        "{run}"
    );
    following.follows(|_| ()).await;
}

#[tokio::test]
async fn a_fallback_lasts_until_a_full_sync_succeeds() {
    let following = Following::of(settled(400)).await;
    let capped = |mut page: Value| {
        page["pagination"]["total_pages"] = 99.into();
        page
    };
    let refuse = Action::answer(axum::http::StatusCode::IM_A_TEAPOT, "{}");
    following
        .pair
        .fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(capped)));
    following
        .pair
        .fake
        .script(ScriptStep::at(Target::Users, refuse).page(4));
    let run = following
        .after(|directory| assert!(directory.rename(7, "renamed")))
        .await;
    assert_eq!((failure(&run).0, reason(&run)), ("status", "unsupported"));
    let run = following.after(|_| ()).await;
    assert_eq!(
        (reason(&run), &run["added"]),
        ("unsupported", &json!(1)),
        "the fallback lasts: {run}"
    );
    following.follows(|_| ()).await;
}

#[tokio::test]
async fn a_broken_row_causes_a_full_sync() {
    let following = Following::of(settled(30)).await;
    let break_row = |mut page: Value| {
        for row in page["results"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .filter(|row| row["pk"] == 17)
        {
            row["email"] = 7.into();
        }
        page
    };
    following
        .pair
        .fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(break_row)).always());
    let edit = |directory: &mut FakeDirectory| {
        assert!(directory.edit_user(17, |user| user.name = "N".into()));
    };
    for _ in 0..2 {
        let run = following.after(edit).await;
        assert_eq!(
            (reason(&run), findings(&run, "broken-row").len()),
            ("broken-row", 1)
        );
    }
    following.pair.fake.clear_script();
    let run = following.after(|_| ()).await;
    assert_eq!(
        (reason(&run), &run["findings"], &run["changed"]),
        ("broken-row", &json!(0), &json!(1))
    );
    following.follows(|_| ()).await;
}

#[tokio::test]
async fn unstamped_changes_are_a_finding_until_the_next_full_sync() {
    let following = Following::of(settled(300)).await;
    let by_sql =
        |directory: &mut FakeDirectory| directory.user_mut(42).unwrap().name = "By SQL".into();
    assert_eq!(
        following.follows(by_sql).await["changed"],
        0,
        "no query shows it"
    );
    let run = following.pair.app.sync().await;
    assert_eq!(run["changed"], 1);
    let found = finding(&run, "unstamped-changes");
    assert_contains(
        found["message"].as_str().unwrap(),
        &["1 user added", "\"user-42\" (pk 42)"],
    );
    assert_eq!(
        findings(&following.follows(|_| ()).await, "unstamped-changes").len(),
        1
    );
    let switch = |directory: &mut FakeDirectory| directory.user_mut(77).unwrap().is_active = false;
    let run = following.follows(switch).await;
    assert_contains(
        finding(&run, "unstamped-changes")["message"]
            .as_str()
            .unwrap(),
        &["2 users", "user-77"],
    );
    assert!(findings(&following.pair.app.sync().await, "unstamped-changes").is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_mode_has_its_own_timeout() {
    let (following, run) = Following::spawn(Release::V2026_5, settled(45), |config| {
        config.service.request_timeout = Duration::from_hours(5);
        config.authentik.schedule.timeout = Duration::from_mins(1);
        config.service.full_sync.timeout = Duration::from_mins(4);
    })
    .await;
    assert_eq!(run["state"], "succeeded");
    following
        .pair
        .fake
        .script(ScriptStep::at(Target::Groups, Action::Hang).always());
    let run = following.after(|_| ()).await;
    assert_contains(failure(&run).1, &["after 60 s", "`schedule.timeout`"]);
    let run = following.pair.app.sync().await;
    assert_contains(failure(&run).1, &["after 240 s", "`fullSync.timeout`"]);
}

#[tokio::test(start_paused = true)]
async fn repeated_timeouts_of_incremental_syncs_cause_a_full_sync() {
    let (following, _) = Following::spawn(Release::V2026_5, settled(45), |config| {
        config.service.request_timeout = Duration::from_hours(5);
    })
    .await;
    for _ in 0..2 {
        following
            .pair
            .fake
            .script(ScriptStep::at(Target::Groups, Action::Hang));
        let run = following.after(|_| ()).await;
        assert_eq!(
            (mode(&run), failure(&run).0),
            ("incremental", "timeout"),
            "{run}"
        );
    }
    assert_eq!(reason(&following.after(|_| ()).await), "too-slow");
    following.follows(|_| ()).await;
}
