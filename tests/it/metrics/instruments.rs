//! The counters and histograms of requests, and the state of the service.

use std::time::Duration;

use authentik_entity_provider::config::Schedule;
use fake_authentik::{Action, CannedAnswer, ScriptStep, Target};

use super::*;

/// The name of the counter of requests with these labels.
fn requests(route: &str, method: &str, status: u16, coding: &str) -> String {
    format!(
        "http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\",coding=\"{coding}\"}}"
    )
}

#[tokio::test]
async fn requests_are_counted_by_route_method_status_and_coding() {
    let pair = Pair::with(crowd(5)).await;
    let app = &pair.app;
    Answer::get(app, "/entities", &[])
        .await
        .problem(503, "no-snapshot");
    app.sync().await;
    let read = Answer::get(app, "/entities", &[("accept-encoding", "gzip")]).await;
    Answer::get(
        app,
        "/entities",
        &[("accept-encoding", "gzip"), ("if-none-match", read.etag())],
    )
    .await;
    Answer::get(app, "/private-person", &[])
        .await
        .problem(404, "unknown-path");
    Answer::to(app, Method::DELETE, "/sync/private", &[]).await;
    let metrics = scrape(app).await;
    for counted in [
        requests("/entities", "GET", 503, "identity"),
        requests("/entities", "GET", 200, "gzip"),
        requests("/entities", "GET", 304, "identity"),
        requests("unknown", "GET", 404, "identity"),
        requests("/sync/{id}", "other", 405, "identity"),
        "http_problems_total{code=\"no-snapshot\"}".to_owned(),
        "http_problems_total{code=\"unknown-path\"}".to_owned(),
    ] {
        assert_eq!(metrics.value(&counted), 1.0, "{counted}");
    }
    let durations = "http_request_duration_seconds_count{route=\"/entities\"}";
    assert_eq!(metrics.value(durations), 3.0);
    assert!(metrics.names().all(|name| !name.contains("private")));
}

#[tokio::test]
async fn requests_to_authentik_are_counted_with_retries_rows_and_bytes() {
    let pair = Pair::with(crowd(35)).await;
    let busy = CannedAnswer {
        status: axum::http::StatusCode::TOO_MANY_REQUESTS,
        headers: vec![("retry-after".into(), "0".into())],
        body: Vec::new(),
    };
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::Answer(busy)));
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    let metrics = scrape(&pair.app).await;
    let sent = pair.fake.requests().len();
    assert_eq!(
        metrics.value("upstream_requests_total"),
        f64::from(u32::try_from(sent).unwrap())
    );
    assert_eq!(
        metrics.value("upstream_request_duration_seconds_count"),
        metrics.value("upstream_requests_total")
    );
    assert_eq!(metrics.value("upstream_retries_total"), 1.0);
    assert!(metrics.value("upstream_rows_total") >= 36.0);
    assert!(metrics.value("upstream_received_bytes_total") > 1000.0);
}

#[tokio::test]
async fn a_failed_and_a_held_run_show_in_the_state_and_by_code() {
    let pair = Pair::with(crowd(35)).await;
    pair.app.sync().await;
    let fine = scrape(&pair.app).await;
    for gauge in ["held", "degraded", "configuration_invalid"] {
        assert_eq!(fine.value(gauge), 0.0, "{gauge}");
    }
    assert_eq!(fine.value("run_duration_seconds_count{mode=\"full\"}"), 1.0);
    pair.fake.grant(FakeAuthentik::TOKEN, Access::NoPermission);
    assert_eq!(pair.app.sync().await["state"], "failed");
    let failed = scrape(&pair.app).await;
    assert_eq!((failed.value("degraded"), failed.value("held")), (1.0, 0.0));
    assert_eq!(failed.value("run_failures_total{code=\"permission\"}"), 1.0);
    pair.fake.grant(
        FakeAuthentik::TOKEN,
        Access::ObjectLevel {
            users: [1, 2, 3].into(),
            groups: [].into(),
        },
    );
    assert_eq!(pair.app.sync().await["state"], "held");
    let held = scrape(&pair.app).await;
    assert_eq!((held.value("degraded"), held.value("held")), (1.0, 1.0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_metrics_of_the_process_have_their_usual_names() {
    let pair = Pair::with(crowd(1)).await;
    let metrics = scrape(&pair.app).await;
    assert!(metrics.value("process_resident_memory_bytes") > 1e6);
    assert!(metrics.value("process_start_time_seconds") > 1.7e9);
    assert!(metrics.value("process_open_fds") >= 3.0);
    for name in [
        "process_cpu_seconds_total",
        "process_virtual_memory_bytes",
        "process_max_fds",
    ] {
        assert!(metrics.value(name) >= 0.0, "{name}");
    }
}

#[tokio::test]
async fn the_next_run_is_the_one_of_health() {
    let authentik = RunningAuthentik::spawn(&FakeAuthentik::new(Release::V2026_5, crowd(1))).await;
    let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
    config.authentik.schedule = Schedule {
        initial_delay: Duration::from_hours(1),
        ..Schedule::default()
    };
    let app = TestApp::spawn(config).await;
    let due = loop {
        // The scheduler announces it when it starts.
        if let due @ Value::String(_) = &app.json("/health").await["nextRunAt"] {
            break seconds(due);
        }
    };
    assert_eq!(scrape(&app).await.value("next_run_timestamp_seconds"), due);
}
