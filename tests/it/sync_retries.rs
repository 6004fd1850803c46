//! Retries: which requests are retried, and for how long. The clock is paused, so delays cost no
//! time.

use std::time::Duration;

use authentik_entity_provider::clock::Clock;
use axum::http::StatusCode;
use fake_authentik::{
    Action, CannedAnswer, FakeAuthentik, FakeDirectory, Release, ScriptStep, Target,
};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::app::{Pair, TestApp, config};
use crate::support::directory::{assert_contains, crowd, failure};

/// An answer without a body, with an optional `Retry-After`.
fn busy(status: u16, retry_after: Option<&str>) -> Action {
    let headers = retry_after.map(|value| ("retry-after".to_owned(), value.to_owned()));
    Action::Answer(CannedAnswer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.into_iter().collect(),
        body: br#"{"error":"authentik starting"}"#.to_vec(),
    })
}

/// Runs a sync with an action at the first request to the user list; returns the run and the number
/// of requests to that list.
async fn meeting(action: Action) -> (serde_json::Value, u64) {
    let pair = Pair::with(crowd(5)).await;
    pair.fake.script(ScriptStep::at(Target::Users, action));
    let run = pair.app.sync().await;
    (run, pair.fake.counters().user_lists)
}

#[tokio::test(start_paused = true)]
async fn a_request_on_a_broken_connection_is_retried() {
    for action in [Action::Drop, Action::Cut(1), Action::Cut(700)] {
        let name = format!("{action:?}");
        let (run, requests) = meeting(action).await;
        assert_eq!((&run["users"], requests), (&5.into(), 2), "{name}: {run}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_to_an_overloaded_server_is_retried() {
    for status in [429, 501, 502, 503, 504, 507, 522, 599] {
        for retry_after in [None, Some("0"), Some("1"), Some("soon"), Some("-1")] {
            let (run, requests) = meeting(busy(status, retry_after)).await;
            assert_eq!(
                (&run["users"], requests),
                (&5.into(), 2),
                "{status} {retry_after:?}: {run}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_is_retried() {
    let (run, requests) = meeting(Action::Hang).await;
    assert_eq!((&run["users"], requests), (&5.into(), 2), "{run}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_retry_after_in_seconds_and_as_a_date() {
    let now = "2026-01-05T08:00:00Z".parse().unwrap();
    let (seconds, date) = ("40", "Mon, 05 Jan 2026 08:00:40 GMT");
    for (status, retry_after) in [(429, seconds), (429, date), (503, seconds), (503, date)] {
        let pair = Pair::with(crowd(5)).await;
        let settings = config(&pair.authentik.base, FakeAuthentik::TOKEN);
        let app = TestApp::spawn_at(settings, Clock::new(move || now)).await;
        pair.fake.script(ScriptStep::at(
            Target::Users,
            busy(status, Some(retry_after)),
        ));
        let begun = Instant::now();
        assert_eq!(app.sync().await["users"], 5);
        let waited = begun.elapsed();
        assert!(
            (Duration::from_secs(40)..Duration::from_secs(45)).contains(&waited),
            "{waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_too_long_retry_after_ends_the_run() {
    let (run, requests) = meeting(busy(503, Some("86400"))).await;
    assert_eq!((failure(&run).0, requests), ("unavailable", 1));
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_the_run_after_some_retries() {
    let pair = Pair::with(crowd(5)).await;
    pair.fake
        .script(ScriptStep::at(Target::Users, busy(503, None)).always());
    let run = pair.app.sync().await;
    let (code, message) = failure(&run);
    assert_eq!(code, "unavailable");
    assert_contains(
        message,
        &[&pair.authentik.base, "503", "overloaded, restarting"],
    );
    assert_eq!(pair.fake.counters().user_lists, 5);
}

#[tokio::test(start_paused = true)]
async fn a_server_error_is_retried() {
    for body in [
        "Internal Server Error",
        r#"{"detail":"A server error occurred."}"#,
    ] {
        let (run, requests) =
            meeting(Action::answer(StatusCode::INTERNAL_SERVER_ERROR, body)).await;
        assert_eq!((&run["users"], requests), (&5.into(), 2), "{run}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_persistent_server_error_ends_the_run_with_its_status() {
    for users in [5, 2000] {
        let pair = Pair::with(crowd(users)).await;
        pair.fake.recycle_every(1);
        let run = pair.app.sync().await;
        let (code, message) = failure(&run);
        assert_eq!(code, "status", "{message}");
        assert_contains(message, &[&pair.authentik.base, "answered 500"]);
        let requests = pair.fake.counters().requests;
        assert!(requests <= 15, "{requests} requests of {users} users");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_error_of_the_version_page_alone_fails_no_run() {
    let pair = Pair::with(crowd(5)).await;
    let boom = Action::answer(StatusCode::INTERNAL_SERVER_ERROR, "boom");
    pair.fake
        .script(ScriptStep::at(Target::Version, boom).always());
    assert_eq!(pair.app.sync().await["users"], 5);
}

#[tokio::test]
async fn recycled_workers_fail_no_run_of_a_large_directory() {
    let fake = FakeDirectory::generate(50_000);
    let users = fake.users().len();
    let pair = Pair::with(fake).await;
    pair.fake.recycle_every(150);
    let run = pair.app.sync().await;
    assert_eq!(run["state"], "succeeded", "{run}");
    let recycled = pair.fake.recycled();
    assert!(recycled >= 3, "{recycled}");
    let (requests, rows) = (
        pair.fake.counters().requests,
        pair.fake.counters().user_rows,
    );
    assert!(
        rows >= users as u64 && requests < 700,
        "{requests} requests"
    );
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_request_survives_a_recycle() {
    let pair = Pair::with(crowd(200)).await;
    for every in 2..12 {
        pair.fake.recycle_every(every);
        let run = pair.app.follow().await;
        assert_eq!(
            (&run["users"], &run["state"]),
            (&200.into(), &"succeeded".into()),
            "{run}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_has_a_budget_of_retries() {
    let pair = Pair::spawn(Release::V2026_5, crowd(2000), |config| {
        (config.service.page_size, config.service.concurrency) = (10, 1);
    })
    .await;
    for _ in 0..2 {
        // Each request fails once, and never twice in a row.
        pair.fake.recycle_every(2);
        let before = pair.fake.counters().requests;
        let run = pair.app.sync().await;
        assert_eq!(failure(&run).0, "status", "{run}");
        let requests = pair.fake.counters().requests - before;
        assert!((40..60).contains(&requests), "{requests} requests");
    }
    pair.fake.recycle_every(20);
    let run = pair.app.sync().await;
    assert_eq!(
        run["users"], 2000,
        "five percent are within the budget: {run}"
    );
    assert!(pair.fake.recycled() > 40 + 20, "{}", pair.fake.recycled());
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_costs_no_retries_of_the_budget() {
    let pair = Pair::spawn(Release::V2026_5, crowd(500), |config| {
        (config.service.page_size, config.service.concurrency) = (10, 1);
    })
    .await;
    for nth in (1..200).step_by(2) {
        let step = ScriptStep::at(Target::Users, busy(429, Some("1")));
        pair.fake.script(step.nth(nth));
    }
    assert_eq!(pair.app.sync().await["users"], 500);
}

#[tokio::test]
async fn permanent_errors_are_not_retried() {
    for (status, body, code) in [
        (403, r#"{"detail":"no"}"#, "permission"),
        (400, r#"{"type":["no choice"]}"#, "status"),
        (418, "boom", "status"),
        (404, "<!DOCTYPE html>", "not-authentik"),
        (
            200,
            "<!DOCTYPE html><title>Sign in</title>",
            "not-authentik",
        ),
    ] {
        let action = Action::answer(StatusCode::from_u16(status).unwrap(), body);
        let (run, requests) = meeting(action).await;
        assert_eq!((failure(&run).0, requests), (code, 1), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_was_closed_is_no_failure() {
    let pair = Pair::with(crowd(5)).await;
    pair.app.sync().await;
    pair.fake
        .script(ScriptStep::at(Target::Anywhere, Action::Drop).times(2));
    assert_eq!(pair.app.sync().await["users"], 5);
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_server_has_its_error() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let app = TestApp::spawn(config(&format!("http://{closed}"), "a-token")).await;
    let run = app.sync().await;
    let (code, message) = failure(&run);
    assert_eq!(code, "connect");
    assert_contains(
        message,
        &[&closed.to_string(), "cannot connect", "firewall"],
    );
}
