//! `/health` and the probes of orchestrators.

use std::time::Duration;

use authentik_entity_provider::config::Schedule;
use fake_authentik::{Action, FakeAuthentik, FakeDirectory, Gate, Release, ScriptStep, Target};
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::app::{Pair, TestApp};
use crate::support::wire::Answer;

/// Returns status and body of `/health`.
async fn health(app: &TestApp) -> (u16, Value) {
    let answer = Answer::get(app, "/health", &[]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    (answer.status, answer.json())
}

async fn assert_live_and_ready(app: &TestApp) {
    for path in ["/health/live", "/health/ready"] {
        let answer = Answer::get(app, path, &[]).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, "no-store"),
            "{path}"
        );
        assert_eq!(Answer::to(app, Method::HEAD, path, &[]).await.status, 200);
    }
}

#[tokio::test]
async fn before_the_first_snapshot_the_process_is_live_but_not_ready() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await;
    assert_eq!(
        Answer::get(&pair.app, "/health/live", &[]).await.status,
        200
    );
    let ready = Answer::get(&pair.app, "/health/ready", &[]).await;
    ready.problem(503, "no-snapshot");
    assert!(ready.header("retry-after").parse::<u32>().unwrap() > 0);
    let (status, summary) = health(&pair.app).await;
    assert_eq!((status, &summary["status"]), (503, &"starting".into()));
    assert_eq!(summary["version"], env!("CARGO_PKG_VERSION"));
    assert!(summary.get("snapshot").is_none() && summary.get("lastRun").is_none());
}

#[tokio::test]
async fn before_the_first_snapshot_every_answer_has_the_progress_of_the_run() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |config| {
        config.service.page_size = 5;
        config.service.concurrency = 1;
    })
    .await;
    let idle = Answer::get(&pair.app, "/entities", &[]).await;
    idle.problem(503, "no-snapshot");
    assert!(idle.json().get("run").is_none());
    let gate = Gate::new();
    pair.fake.script(
        ScriptStep::at(Target::Users, Action::gate(&gate))
            .nth(3)
            .always(),
    );
    pair.app.post("/sync").send().await.unwrap();
    gate.waiting(1).await;
    let run = health(&pair.app).await.1["run"].clone();
    let (done, total) = (&run["pages"]["done"], &run["pages"]["total"]);
    assert_eq!(run["state"], "running", "{run}");
    assert!(
        done.as_u64() > Some(0) && done.as_u64() < total.as_u64(),
        "{run}"
    );
    for path in [
        "/entities",
        "/entities/by-name/user/default/a",
        "/health/ready",
    ] {
        let answer = Answer::get(&pair.app, path, &[]).await;
        answer.problem(503, "no-snapshot");
        let problem = answer.json();
        assert_eq!(problem["run"], run, "{path}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains(&format!("{done} of {total} pages")),
            "{detail}"
        );
    }
    gate.open();
    pair.app.sync().await;
    assert!(health(&pair.app).await.1.get("run").is_none());
}

#[tokio::test]
async fn a_failing_first_run_is_shown_with_its_reason() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await;
    pair.fake.revoke(FakeAuthentik::TOKEN);
    pair.app.sync().await;
    let (status, summary) = health(&pair.app).await;
    assert_eq!((status, &summary["status"]), (503, &"starting".into()));
    assert_eq!(summary["lastRun"]["error"]["code"], "token");
    Answer::get(&pair.app, "/health/ready", &[])
        .await
        .problem(503, "no-snapshot");
}

#[tokio::test]
async fn the_summary_counts_what_is_served() {
    let mut directory = FakeDirectory::generate(60);
    directory.add_user("Tech Ops!");
    let pair = Pair::spawn(Release::V2026_5, directory, |_| ()).await;
    let run = pair.app.sync().await;
    let (status, summary) = health(&pair.app).await;
    assert_eq!((status, &summary["status"]), (200, &"ok".into()));
    let snapshot = &summary["snapshot"];
    for count in ["users", "groups", "findings"] {
        assert_eq!(
            (snapshot[count].is_u64(), &snapshot[count]),
            (true, &run[count]),
            "{count}"
        );
    }
    assert!(snapshot["findings"].as_u64().unwrap() > 0);
    let [started, read, ended] = [&run["startedAt"], &snapshot["readAt"], &run["endedAt"]]
        .map(|at| at.as_str().unwrap().parse().unwrap());
    assert!(
        (started..=ended).contains::<Timestamp>(&read),
        "{started} {read} {ended}"
    );
    assert!(snapshot["ageSeconds"].as_i64().unwrap() >= 0);
    assert_eq!(
        snapshot["etag"],
        Answer::get(&pair.app, "/entities", &[]).await.etag()
    );
    assert_eq!(
        (&summary["lastRun"]["id"], &summary["lastRun"]["state"]),
        (&run["id"], &"succeeded".into())
    );
    assert!(
        summary.get("nextRunAt").is_none(),
        "runs start on request only"
    );
    assert_live_and_ready(&pair.app).await;
}

#[tokio::test]
async fn the_next_scheduled_run_is_announced() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |config| {
        config.authentik.schedule = Schedule {
            initial_delay: Duration::from_hours(2),
            ..Schedule::default()
        };
    })
    .await;
    let run = pair.app.sync().await;
    let (_, summary) = health(&pair.app).await;
    let next: Timestamp = summary["nextRunAt"].as_str().unwrap().parse().unwrap();
    let started: Timestamp = run["startedAt"].as_str().unwrap().parse().unwrap();
    assert!(next > started);
}

#[tokio::test]
async fn the_text_of_another_server_is_not_shown_without_a_token() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(60), |_| ()).await;
    pair.app.sync().await;
    let secret = "alice.secret@example.com";
    let refusal = Action::answer(
        StatusCode::BAD_REQUEST,
        format!(r#"{{"detail": "no filter for {secret}"}}"#),
    );
    let elsewhere = Action::redirect(&format!("http://127.0.0.1:1/u/{secret}"));
    let page = Action::answer(StatusCode::OK, format!("<p>Hello {secret}</p>"));
    let row = Action::answer(StatusCode::OK, format!(r#"{{"pagination": "{secret}"}}"#));
    for answer in [refusal, elsewhere, page, row] {
        pair.fake
            .script(ScriptStep::at(Target::Users, answer).always());
        assert_eq!(pair.app.sync().await["state"], "failed");
        let (_, summary) = health(&pair.app).await;
        assert!(
            summary["lastRun"]["error"]["message"].is_string()
                && !summary.to_string().contains(secret)
        );
        pair.fake.clear_script();
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_authentik_degrades_the_service_and_leaves_it_ready() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(60), |_| ()).await;
    pair.app.sync().await;
    let before = Answer::get(&pair.app, "/entities", &[]).await;
    let broken = Action::answer(
        StatusCode::INTERNAL_SERVER_ERROR,
        r#"{"detail": "database is down"}"#,
    );
    pair.fake
        .script(ScriptStep::at(Target::Anywhere, broken).always());
    assert_eq!(pair.app.sync().await["state"], "failed");

    let (status, summary) = health(&pair.app).await;
    assert_eq!((status, &summary["status"]), (200, &"degraded".into()));
    assert!(
        summary["lastRun"]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("500"),
        "{summary}"
    );
    assert_live_and_ready(&pair.app).await;
    let during = Answer::get(&pair.app, "/entities", &[]).await;
    assert_eq!(
        (during.status, during.etag(), &during.body),
        (200, before.etag(), &before.body)
    );

    pair.fake.clear_script();
    pair.app.sync().await;
    assert_eq!(health(&pair.app).await.1["status"], "ok");
}

#[tokio::test]
async fn while_draining_the_service_is_not_ready_but_still_answers() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(60), |config| {
        config.service.drain_delay = Duration::from_hours(1);
    })
    .await;
    pair.app.sync().await;
    pair.app.shutdown.cancel();
    let ready = Answer::get(&pair.app, "/health/ready", &[]).await;
    ready.problem(503, "draining");
    assert_eq!(
        Answer::get(&pair.app, "/health/live", &[]).await.status,
        200
    );
    assert_eq!(Answer::get(&pair.app, "/entities", &[]).await.status, 200);
    let (status, summary) = health(&pair.app).await;
    assert_eq!((status, &summary["status"]), (200, &"draining".into()));
}

#[tokio::test]
async fn while_draining_no_run_is_queued() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(60), |config| {
        config.service.drain_delay = Duration::from_hours(1);
    })
    .await;
    pair.app.shutdown.cancel();
    for query in ["", "?wait=30s"] {
        let refused = Answer::to(&pair.app, Method::POST, &format!("/sync{query}"), &[]).await;
        refused.problem(503, "draining");
    }
    assert_eq!(pair.app.json("/sync").await["runs"], serde_json::json!([]));
}

#[tokio::test]
async fn a_client_that_waits_for_a_run_is_answered_when_the_service_drains() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(60), |config| {
        config.service.drain_delay = Duration::from_hours(1);
    })
    .await;
    let gate = Gate::new();
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let waiting = Answer::to(&pair.app, Method::POST, "/sync?wait=10m", &[]);
    let drain = async {
        gate.waiting(1).await;
        pair.app.shutdown.cancel();
    };
    let (answer, ()) = tokio::join!(waiting, drain);
    assert!(answer.status == 200 || answer.status == 202);
    let state = answer.json()["state"].clone();
    assert_eq!(state == "failed", answer.status == 200, "{state}");
}

#[tokio::test]
async fn the_summary_contains_no_names_and_no_secrets() {
    let mut directory = FakeDirectory::generate(30);
    let pk = directory.add_user("Private Person!");
    directory.edit_user(pk, |user| {
        user.email = "private@example.com".into();
        user.avatar = "javascript:private()".into();
    });
    directory.add_group("Private Group!");
    let pair = Pair::spawn(Release::V2026_5, directory, |_| ()).await;
    pair.app.sync().await;
    let healthy = health(&pair.app).await.1.to_string();
    pair.fake.revoke(FakeAuthentik::TOKEN);
    pair.app.sync().await;
    for text in [healthy, health(&pair.app).await.1.to_string()] {
        assert!(!text.to_lowercase().contains("private"), "{text}");
        assert!(
            !text.contains(FakeAuthentik::TOKEN) && !text.contains("akadmin"),
            "{text}"
        );
    }
}
