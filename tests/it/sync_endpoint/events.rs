//! `GET /sync/{id}/events`: a run as server-sent events.

use std::sync::Arc;

use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::ServiceConfig;
use authentik_entity_provider::http;
use authentik_entity_provider::http::load::Capacity;
use authentik_entity_provider::http::state::AppState;
use authentik_entity_provider::snapshot::run::Trigger;
use fake_authentik::FakeAuthentik;
use reqwest::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{held, post, run};
use crate::support::app::{Pair, TestApp};
use crate::support::client;
use crate::support::directory::crowd;
use crate::support::wire::Answer;

/// A stream of events.
struct Events {
    response: Response,
    text: String,
}

impl Events {
    async fn of(app: &TestApp, id: &str) -> Self {
        Self::at(&format!("{}/sync/{id}/events", app.base)).await
    }

    async fn at(url: &str) -> Self {
        let response = client().get(url).send().await.unwrap();
        assert_eq!(
            (
                response.status().as_u16(),
                &response.headers()["content-type"]
            ),
            (200, &"text/event-stream".parse().unwrap())
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            response,
            text: String::new(),
        }
    }

    /// Returns the next event, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if !event.starts_with(':') {
                    return Some(parsed(&event));
                }
            } else {
                let chunk = self.response.chunk().await.unwrap()?;
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        }
    }

    /// Returns all events up to the end of the stream.
    async fn remaining(mut self) -> Vec<(String, Value)> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

/// Parses name and data of an event.
fn parsed(event: &str) -> (String, Value) {
    let field = |name: &str| {
        event
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .trim()
            .to_owned()
    };
    (
        field("event:"),
        serde_json::from_str(&field("data:")).unwrap(),
    )
}

fn count(data: &Value, name: &str) -> u64 {
    data[name]
        .as_u64()
        .unwrap_or_else(|| panic!("no {name}: {data}"))
}

#[tokio::test]
async fn a_client_sees_the_progress_of_a_run_and_then_its_success() {
    let (pair, gate) = held().await;
    let id = post(&pair.app).await;
    gate.waiting(1).await;
    let mut events = Events::of(&pair.app, &id).await;
    let (name, first) = events.next().await.unwrap();
    assert_eq!(name, "progress");
    assert!(count(&first, "done") < count(&first, "total"), "{first}");
    gate.open();
    let mut earlier = events.remaining().await;
    let (name, last) = earlier.pop().unwrap();
    assert_eq!(
        (name.as_str(), &last["state"], &last["id"]),
        ("succeeded", &"succeeded".into(), &id.as_str().into())
    );
    assert!(earlier.iter().all(|(name, _)| name == "progress"));
    let shown = run(&pair.app, &id).await;
    for (key, value) in last.as_object().unwrap() {
        assert_eq!(&shown[key], value, "{key}");
    }
}

#[tokio::test]
async fn progress_never_goes_back() {
    let (pair, gate) = held().await;
    let id = post(&pair.app).await;
    let events = Events::of(&pair.app, &id).await;
    gate.open();
    let events = events.remaining().await;
    let steps: Vec<_> = events
        .iter()
        .filter(|(name, _)| name == "progress")
        .map(|(_, data)| (count(data, "done"), count(data, "total")))
        .collect();
    assert!(
        steps.is_sorted_by(|before, after| before.0 <= after.0 && before.1 <= after.1),
        "{steps:?}"
    );
    assert_eq!(events.last().unwrap().0, "succeeded");
}

#[tokio::test]
async fn a_queued_run_is_followed_from_its_beginning() {
    let (pair, gate) = held().await;
    post(&pair.app).await;
    gate.waiting(1).await;
    let queued = post(&pair.app).await;
    let mut events = Events::of(&pair.app, &queued).await;
    let (name, first) = events.next().await.unwrap();
    assert_eq!(
        (name.as_str(), count(&first, "done"), count(&first, "total")),
        ("progress", 0, 0)
    );
    gate.open();
    assert_eq!(events.remaining().await.last().unwrap().0, "succeeded");
}

#[tokio::test]
async fn a_failed_run_ends_with_the_reason() {
    let (pair, gate) = held().await;
    let id = post(&pair.app).await;
    gate.waiting(1).await;
    let events = Events::of(&pair.app, &id).await;
    pair.fake.revoke(FakeAuthentik::TOKEN);
    gate.open();
    let (name, last) = events.remaining().await.pop().unwrap();
    assert_eq!(
        (name.as_str(), &last["state"], &last["error"]["code"]),
        ("failed", &"failed".into(), &"token".into())
    );
}

#[tokio::test]
async fn a_finished_run_is_one_event() {
    let pair = Pair::with(crowd(3)).await;
    let id = pair.app.sync().await["id"].as_str().unwrap().to_owned();
    let events = Events::of(&pair.app, &id).await.remaining().await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].0.as_str(), count(&events[0].1, "users")),
        ("succeeded", 3)
    );
}

#[tokio::test]
async fn a_shutdown_ends_every_stream_and_the_service() {
    let (mut pair, gate) = held().await;
    let running = post(&pair.app).await;
    gate.waiting(1).await;
    let queued = post(&pair.app).await;
    let (first, second) = (
        Events::of(&pair.app, &running).await,
        Events::of(&pair.app, &queued).await,
    );
    pair.app.shutdown.cancel();
    for events in [first, second] {
        let (name, last) = events.remaining().await.pop().unwrap();
        assert_eq!(
            (name.as_str(), &last["error"]["code"]),
            ("failed", &"cancelled".into())
        );
    }
    (&mut pair.app.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_unknown_run_is_a_problem_and_no_stream() {
    let pair = Pair::with(crowd(3)).await;
    for id in ["01900000-0000-7000-8000-000000000000", "nonsense", "%FF"] {
        let answer = Answer::get(&pair.app, &format!("/sync/{id}/events"), &[]).await;
        answer.problem(404, "unknown-run");
    }
}

#[tokio::test]
async fn a_disconnected_client_leaves_nothing() {
    let service = ServiceConfig::default();
    let draining = CancellationToken::new();
    let state = AppState::new(&service, Arc::default(), Clock::system(), draining);
    let ledger = Arc::clone(&state.ledger);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        axum::serve(listener, http::router(state, Capacity::default())).await
    });
    let id = ledger.request(Trigger::Request).unwrap();
    let progress = ledger.start().unwrap().progress;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut events = Events::at(&format!("{base}/sync/{id}/events")).await;
        assert_eq!(events.next().await.unwrap().0, "progress");
        clients.push(events);
    }
    drop(clients);
    // The run has not finished, and no event is due.
    progress.no_receivers().await;
    server.abort();
}
