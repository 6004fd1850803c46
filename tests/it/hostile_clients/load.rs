//! Load shedding: the service rejects excess requests at once and still answers probes.

use std::time::Duration;

use authentik_entity_provider::http::load::Capacity;
use fake_authentik::{Action, Gate, ScriptStep, Target};

use super::{Limited, far};
use crate::support::wire::Answer;

async fn assert_overloaded(service: &Limited, path: &str) {
    let answer = Answer::get(&service.app, path, &[]).await;
    answer.problem(503, "overloaded");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn excess_reads_are_refused_and_probes_are_answered() {
    let service = Limited::spawn(
        far(),
        Capacity {
            reading: 0,
            ..Capacity::default()
        },
    )
    .await;
    for path in [
        "/entities",
        "/entities?shard=0/4",
        "/locations?shards=4",
        "/explain?user=a",
        "/openapi.json",
    ] {
        assert_overloaded(&service, path).await;
    }
    for path in [
        "/health",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/sync",
    ] {
        assert_eq!(service.app.fetch(path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_slow_rendition_is_refused_and_a_ready_one_is_served() {
    let service = Limited::spawn(
        far(),
        Capacity {
            read_timeout: Duration::ZERO,
            ..Capacity::default()
        },
    )
    .await;
    let answer = Answer::get(&service.app, "/entities", &[("accept-encoding", "br")]).await;
    answer.problem(503, "too-slow");
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(
        Answer::get(&service.app, "/entities", &[]).await.status,
        200
    );
}

#[tokio::test]
async fn an_event_stream_has_a_slot_until_it_ends() {
    let service = Limited::spawn(
        far(),
        Capacity {
            following: 1,
            ..Capacity::default()
        },
    )
    .await;
    let gate = Gate::new();
    service
        .upstream
        .fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let answer = service.app.post("/sync").send().await.unwrap();
    let run = answer.headers()["location"].to_str().unwrap().to_owned();
    // The slot is released after the body was sent.
    answer.bytes().await.unwrap();
    gate.waiting(1).await;
    let events = format!("{run}/events");
    let stream = loop {
        let stream = service.app.fetch(&events).await;
        if stream.status() == 200 {
            break stream;
        }
    };
    assert_overloaded(&service, "/sync").await;
    assert_overloaded(&service, &events).await;
    assert_eq!(service.app.fetch("/metrics").await.status(), 200);
    assert_eq!(service.app.fetch("/entities").await.status(), 200);
    assert_eq!(service.app.fetch("/health/ready").await.status(), 200);
    gate.open();
    assert!(stream.text().await.unwrap().contains("event: succeeded"));
    while service.app.fetch("/sync").await.status() != 200 {}
}
