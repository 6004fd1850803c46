//! Failed runs: the old snapshot stays, and the reason says what to do.

use std::time::Duration;

use axum::http::StatusCode;
use fake_authentik::{Access, Action, FakeAuthentik, FakeDirectory, Release, ScriptStep, Target};
use serde_json::{Value, json};

use crate::support::RunningAuthentik;
use crate::support::app::{Pair, TestApp, config};
use crate::support::directory::{assert_contains, crowd, failure, hold};

/// Runs a sync with a rewritten JSON body of the user list.
async fn rewritten(rewrite: impl FnMut(Value) -> Value + Send + 'static) -> Value {
    let pair = Pair::with(crowd(5)).await;
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(rewrite)).always());
    pair.app.sync().await
}

/// Runs a sync of a service whose configured address is not an Authentik.
async fn run_at(base_url: &str) -> Value {
    TestApp::spawn(config(base_url, "a-token"))
        .await
        .sync()
        .await
}

#[tokio::test]
async fn a_failed_run_keeps_the_old_snapshot_and_health_gives_the_reason() {
    let pair = Pair::with(crowd(5)).await;
    pair.app.sync().await;
    let before = pair.app.fetch("/entities").await;
    let etag = before.headers()["etag"].clone();
    let before = before.text().await.unwrap();
    pair.fake.revoke(FakeAuthentik::TOKEN);
    pair.fake.edit(|directory| directory.add_user("new"));
    let failed = pair.app.sync().await;
    let after = pair.app.fetch("/entities").await;
    assert_eq!(
        (after.status().as_u16(), &after.headers()["etag"]),
        (200, &etag)
    );
    assert_eq!(after.text().await.unwrap(), before);
    let health = pair.app.fetch("/health").await;
    assert_eq!(health.status(), 200);
    let health: Value = serde_json::from_str(&health.text().await.unwrap()).unwrap();
    assert_eq!(health["status"], "degraded");
    let (summary, full) = (&health["lastRun"]["error"], &failed["error"]);
    assert_eq!(
        (&summary["code"], &full["code"]),
        (&"token".into(), &"token".into())
    );
    assert_contains(
        full["message"].as_str().unwrap(),
        &["refuses the token (Token invalid/expired)"],
    );
    assert_contains(
        summary["message"].as_str().unwrap(),
        &["refuses the token (…)", "create a token"],
    );
    assert_eq!(health["snapshot"]["users"], 5);
    assert_eq!(pair.app.fetch("/health/ready").await.status(), 200);
    pair.fake.grant(FakeAuthentik::TOKEN, Access::Full);
    assert_eq!(pair.app.sync().await["added"], 1);
    assert_eq!(pair.app.json("/health").await["status"], "ok");
}

#[tokio::test]
async fn before_the_first_snapshot_a_failure_leaves_503() {
    let pair = Pair::with(crowd(5)).await;
    pair.fake.revoke(FakeAuthentik::TOKEN);
    pair.app.sync().await;
    for path in ["/entities", "/health", "/health/ready"] {
        assert_eq!(pair.app.fetch(path).await.status(), 503, "{path}");
    }
    assert_eq!(
        pair.app.json("/health").await["lastRun"]["error"]["code"],
        "token"
    );
}

#[tokio::test]
async fn each_missing_permission_is_named() {
    for release in Release::ALL {
        for (access, expected, permission) in [
            (
                Access::ViewGroupOnly,
                "permission",
                "lacks the permission `view_user`",
            ),
            (
                Access::ViewUserOnly,
                "permission",
                "lacks the permission `view_group`",
            ),
            (
                Access::NoPermission,
                "permission",
                "`view_user` and `view_group`",
            ),
        ] {
            let pair = Pair::spawn(release, crowd(5), |_| ()).await;
            pair.fake.grant(FakeAuthentik::TOKEN, access);
            let run = pair.app.sync().await;
            let (code, message) = failure(&run);
            assert_eq!(code, expected, "{message}");
            assert_contains(message, &[permission]);
        }
    }
}

#[tokio::test]
async fn an_empty_user_list_empties_the_catalog_only_if_it_is_accepted() {
    let pair = Pair::with(crowd(5)).await;
    pair.app.sync().await;
    pair.fake
        .edit(|directory| *directory = FakeDirectory::default());
    for _ in 0..2 {
        let run = pair.app.sync().await;
        let (code, message) = hold(&run);
        assert_eq!(code, "empty-user-list");
        assert_contains(message, &["/sync?accept=shrink"]);
        assert_eq!(pair.app.json("/health").await["status"], "degraded");
        assert_eq!(pair.app.names("user").await.len(), 5);
    }
    assert_eq!(pair.app.sync_accepting().await["removed"], 6);
    assert!(pair.app.names("user").await.is_empty());
    assert_eq!(
        pair.app.sync().await["removed"],
        0,
        "the next run is compared with the accepted rows"
    );
    pair.fake.edit(|directory| *directory = crowd(5));
    assert_eq!(pair.app.sync().await["users"], 5);
    pair.fake
        .edit(|directory| *directory = FakeDirectory::default());
    assert_eq!(
        hold(&pair.app.sync().await).0,
        "empty-user-list",
        "the acceptance applies to one run"
    );
}

#[tokio::test]
async fn an_empty_user_list_is_held_without_limits_too() {
    let authentik = RunningAuthentik::spawn(&FakeAuthentik::new(
        Release::V2026_5,
        FakeDirectory::default(),
    ))
    .await;
    let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
    config.service.shrink_guard.enabled = false;
    let app = TestApp::spawn(config).await;
    assert_eq!(hold(&app.sync().await).0, "empty-user-list");
    assert_eq!(app.fetch("/entities").await.status(), 503);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_target_is_named() {
    let elsewhere = FakeAuthentik::new(Release::V2026_5, crowd(5));
    let target = RunningAuthentik::spawn(&elsewhere).await;
    let pair = Pair::with(crowd(5)).await;
    let url = format!("{}/api/v3/core/users/?session=hidden", target.base);
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::redirect(&url)).always());
    let run = pair.app.sync().await;
    let (code, message) = failure(&run);
    assert_eq!(code, "redirect");
    assert_contains(message, &[&target.base, "not followed", "baseUrl"]);
    assert!(
        !message.contains("hidden"),
        "the query of the target may contain secrets: {message}"
    );
    assert_eq!(pair.fake.counters().user_lists, 1, "it is not retried");
    assert_eq!(
        elsewhere.counters().requests,
        0,
        "the token was not sent there"
    );
}

#[tokio::test(start_paused = true)]
async fn the_token_appears_in_no_answer_even_if_the_server_repeats_it() {
    let token = FakeAuthentik::TOKEN;
    let echo = format!(r#"{{"detail":"who is Bearer {token}?"}}"#);
    let location = format!("https://sso.example.com/{token}/login");
    for action in [
        Action::answer(StatusCode::BAD_REQUEST, echo.clone()),
        Action::answer(StatusCode::INTERNAL_SERVER_ERROR, token),
        Action::answer(StatusCode::OK, echo.clone()),
        Action::answer(StatusCode::NOT_FOUND, echo.clone()),
        Action::redirect(&location),
    ] {
        let pair = Pair::with(crowd(5)).await;
        let name = format!("{action:?}");
        pair.fake
            .script(ScriptStep::at(Target::Users, action).always());
        let run = pair.app.sync().await;
        let (runs, health) = (pair.app.json("/sync").await, pair.app.json("/health").await);
        let output = format!("{run} {runs} {health} {}", pair.app.json("/entities").await);
        assert!(!output.contains(token), "{name}: {output}");
    }
}

#[tokio::test]
async fn a_refused_token_is_not_repeated() {
    let pair = Pair::with(crowd(5)).await;
    let refused = Action::answer(StatusCode::FORBIDDEN, r#"{"detail":"no"}"#);
    pair.fake
        .script(ScriptStep::at(Target::Version, refused).always());
    let echo = format!(r#"{{"detail":"Token {} invalid"}}"#, FakeAuthentik::TOKEN);
    pair.fake.script(
        ScriptStep::at(Target::Users, Action::answer(StatusCode::FORBIDDEN, echo)).always(),
    );
    let run = pair.app.sync().await;
    assert_eq!(failure(&run).0, "token");
    assert!(!run.to_string().contains(FakeAuthentik::TOKEN), "{run}");
}

#[tokio::test]
async fn a_server_that_is_not_authentik_has_its_error() {
    for body in [
        "<!DOCTYPE html><title>Sign in</title>",
        "[]",
        "{}",
        r#"{"results":[]}"#,
        "",
        "null",
    ] {
        let pair = Pair::with(crowd(5)).await;
        pair.fake.script(ScriptStep::at(
            Target::Users,
            Action::answer(StatusCode::OK, body),
        ));
        let run = pair.app.sync().await;
        let (code, message) = failure(&run);
        assert_eq!(code, "not-authentik", "{body}: {message}");
        assert_contains(message, &[&pair.authentik.base, "baseUrl"]);
    }
}

#[tokio::test]
async fn a_row_without_a_pk_fails_the_run_and_its_value_is_not_shown() {
    for pk in [
        json!("a, expected classified, expected b"),
        json!({"classified": 1}),
        Value::Null,
    ] {
        let run = rewritten(move |mut page| {
            page["results"][2]["pk"] = pk.clone();
            page
        })
        .await;
        let (code, message) = failure(&run);
        assert_eq!(code, "malformed", "{message}");
        assert_contains(message, &["results[2].pk", "report this"]);
        assert!(!message.contains("classified"), "{message}");
    }
}

#[tokio::test]
async fn a_wrong_count_fails_the_run_after_a_few_rounds() {
    for (lie, list) in [(7, Target::Users), (3, Target::Users), (7, Target::Groups)] {
        let pair = Pair::with(crowd(5)).await;
        let rewrite = move |mut page: Value| {
            page["pagination"]["count"] = json!(lie);
            page
        };
        pair.fake
            .script(ScriptStep::at(list, Action::rewrite(rewrite)).always());
        let run = pair.app.sync().await;
        let (code, message) = failure(&run);
        assert_eq!(code, "incomplete", "{message}");
        assert_contains(
            message,
            &[&format!("{lie} counted"), "the next run tries again"],
        );
        assert!(
            pair.fake.counters().requests < 12,
            "{:?}",
            pair.fake.counters()
        );
    }
}

#[tokio::test]
async fn a_next_page_without_end_is_not_followed() {
    let run = rewritten(|mut page| {
        page["pagination"]["next"] = json!(2);
        page
    })
    .await;
    assert_eq!(run["users"], 5, "{run}");
    let pair = Pair::with(crowd(5)).await;
    let page = pair
        .authentik
        .json("/api/v3/core/users/?page=1&page_size=100&ordering=pk")
        .await;
    let repeated = move |_| {
        let mut page = page.clone();
        page["pagination"]["total_pages"] = json!(99);
        page
    };
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::answer(StatusCode::OK, "{}")).always());
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(repeated)).always());
    let run = pair.app.sync().await;
    assert_eq!(failure(&run).0, "incomplete", "count and pages disagree");
    assert!(pair.fake.counters().user_lists < 20);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_ends_at_its_own_timeout() {
    let pair = Pair::spawn(Release::V2026_5, crowd(5), |config| {
        config.service.request_timeout = Duration::from_millis(1500);
    })
    .await;
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::Hang).always());
    let run = pair.app.sync().await;
    let (code, message) = failure(&run);
    assert_eq!(code, "request-timeout");
    assert_contains(
        message,
        &[
            &pair.authentik.base,
            "within 1.5 s",
            "entityProvider.requestTimeout",
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_full_sync_has_the_progress_and_a_sufficient_timeout() {
    let pair = Pair::spawn(Release::V2026_5, crowd(45), |config| {
        config.service.page_size = 10;
        config.service.request_timeout = Duration::from_hours(1);
        config.authentik.schedule.timeout = Duration::from_secs(30);
        config.service.full_sync.timeout = Duration::from_mins(1);
    })
    .await;
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::Hang).page(2).always());
    let run = pair.app.sync().await;
    let (code, message) = failure(&run);
    assert_eq!(code, "timeout");
    assert_contains(
        message,
        &[
            "after 60 s",
            "`fullSync.timeout`",
            "6 of 7 pages",
            "{ minutes: 2 }",
        ],
    );
    assert_eq!(run["pages"], json!({"done": 6, "total": 7}));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_without_any_page_suggests_no_timeout() {
    let pair = Pair::spawn(Release::V2026_5, crowd(5), |config| {
        config.service.request_timeout = Duration::from_hours(1);
        config.service.full_sync.timeout = Duration::from_mins(3);
    })
    .await;
    pair.fake
        .script(ScriptStep::at(Target::Anywhere, Action::Hang).always());
    let run = pair.app.sync().await;
    assert_contains(
        failure(&run).1,
        &["0 of 0 pages", "check whether Authentik answers at all"],
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_without_an_address_has_its_error() {
    let run = run_at("http://does-not-exist.invalid").await;
    let (code, message) = failure(&run);
    assert_eq!(code, "dns", "{message}");
    assert_contains(message, &["does-not-exist.invalid", "baseUrl", "DNS"]);
}

#[tokio::test(start_paused = true)]
async fn tls_to_a_server_without_tls_has_its_error() {
    let pair = Pair::with(crowd(5)).await;
    let run = run_at(&pair.authentik.base.replace("http://", "https://")).await;
    let (code, message) = failure(&run);
    assert_eq!(code, "tls", "{message}");
    assert_contains(message, &["certificate", "scheme"]);
}
