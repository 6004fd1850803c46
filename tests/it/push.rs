//! A new snapshot makes Backstage refresh exactly the locations that changed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use authentik_entity_provider::backstage::location::RefreshTarget;
use authentik_entity_provider::config::BackstageConfig;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use fake_authentik::{FakeDirectory, Release};
use reqwest::Url;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use crate::support::app::{Pair, TestApp};
use crate::support::directory::crowd;

const TOKEN: &str = "backstage-external-access-token";
/// The catalog's answer for an unknown ref; see `tests/backstage/push.rs`.
const NOT_FOUND: &str = r#"{"error":{"name":"NotFoundError","message":"Entity location:default/x not found"},"request":{}}"#;
/// `printf 'url:http://entities.example.com/entities' | sha1sum`
const GENERATED: &str = "location:default/generated-ff6c2973489f76ecd2e2fe9bdb265073f867cbc1";

/// Records refresh requests and answers each with a status once the test allows it.
#[derive(Clone)]
struct RefreshStub {
    requested: mpsc::UnboundedSender<String>,
    status: Arc<AtomicU16>,
    body: Arc<Mutex<&'static str>>,
    allowed: Arc<Semaphore>,
    parts_are_known: Arc<AtomicBool>,
}

/// A stub of Backstage's `POST /api/catalog/refresh`; `tests/backstage` uses the real one.
struct Refreshes {
    base: String,
    requested: mpsc::UnboundedReceiver<String>,
    status: Arc<AtomicU16>,
    body: Arc<Mutex<&'static str>>,
    allowed: Arc<Semaphore>,
    parts_are_known: Arc<AtomicBool>,
}

impl Refreshes {
    async fn spawn() -> Self {
        let (sender, requested) = mpsc::unbounded_channel();
        let (status, allowed) = (
            Arc::new(AtomicU16::new(200)),
            Arc::new(Semaphore::new(10_000)),
        );
        let body = Arc::new(Mutex::new(""));
        let parts_are_known = Arc::new(AtomicBool::new(true));
        let stub = RefreshStub {
            requested: sender,
            status: Arc::clone(&status),
            body: Arc::clone(&body),
            allowed: Arc::clone(&allowed),
            parts_are_known: Arc::clone(&parts_are_known),
        };
        let router = Router::new()
            .route("/base/api/catalog/refresh", post(refresh))
            .with_state(stub);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/base", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            base,
            requested,
            status,
            body,
            allowed,
            parts_are_known,
        }
    }

    /// Returns the next requested ref.
    async fn next(&mut self) -> String {
        self.requested.recv().await.unwrap()
    }

    /// Returns the next requested refs, in any order.
    async fn take(&mut self, number: usize) -> BTreeSet<String> {
        let mut refs = BTreeSet::new();
        for _ in 0..number {
            refs.insert(self.next().await);
        }
        refs
    }

    /// A service with a directory that pushes changes of these locations.
    async fn pair(&self, directory: FakeDirectory, targets: &[&str]) -> Pair {
        Pair::spawn(Release::V2026_5, directory, |config| {
            config.service.backstage = Some(BackstageConfig {
                base_url: Url::parse(&self.base).unwrap(),
                token: TOKEN.into(),
                locations: targets
                    .iter()
                    .map(|target| RefreshTarget::parse(target).unwrap())
                    .collect(),
            });
        })
        .await
    }
}

async fn refresh(
    State(stub): State<RefreshStub>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, &'static str) {
    assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
    let entity_ref = body["entityRef"].as_str().unwrap().to_owned();
    let is_part = entity_ref.contains("-of-");
    let _ = stub.requested.send(entity_ref);
    let _turn = stub.allowed.acquire().await.unwrap();
    if is_part && !stub.parts_are_known.load(SeqCst) {
        return (StatusCode::NOT_FOUND, NOT_FOUND);
    }
    (
        StatusCode::from_u16(stub.status.load(SeqCst)).unwrap(),
        *stub.body.lock().unwrap(),
    )
}

/// Returns the push status of `/sync` once it satisfies a condition.
async fn push(app: &TestApp, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let push = app.json("/sync").await["push"].clone();
        if is_it(&push) {
            return push;
        }
        tokio::task::yield_now().await;
    }
}

/// Changes the display name of a user; no group entity contains it.
fn set_display_name(directory: &mut FakeDirectory, pk: u64, name: &str) {
    assert!(directory.edit_user(pk, |user| user.name = name.into()));
}

/// Returns the ETags of the shards.
async fn tags(app: &TestApp, of: usize) -> Vec<String> {
    let mut tags = Vec::new();
    for index in 0..of {
        let answer = app.fetch(&format!("/entities?shard={index}/{of}")).await;
        tags.push(answer.headers()["etag"].to_str().unwrap().to_owned());
    }
    tags
}

#[tokio::test]
async fn a_plain_location_is_read_again_only_when_its_content_changed() {
    let mut backstage = Refreshes::spawn().await;
    let targets = [
        "http://entities.example.com/entities",
        "http://entities.example.com/entities?kind=group",
    ];
    let pair = backstage.pair(crowd(5), &targets).await;
    pair.app.sync().await;
    assert_eq!(
        backstage.take(2).await.len(),
        2,
        "after a start the service does not know what Backstage has read"
    );
    pair.app.sync().await;
    // Users only, so that the location of the groups does not change.
    pair.fake
        .edit(|directory| set_display_name(directory, 3, "someone else"));
    let run = pair.app.sync().await;
    assert_eq!(
        (&run["state"], &run["changed"]),
        (&"succeeded".into(), &1.into()),
        "{run}"
    );
    assert_eq!(backstage.next().await, GENERATED);
    let push = push(&pair.app, |push| push["refreshed"] == 1).await;
    assert_eq!(
        (&push["waiting"], &push["unknown"], &push["error"]),
        (&0.into(), &0.into(), &Value::Null)
    );
    assert!(backstage.requested.is_empty());
}

#[tokio::test]
async fn only_changed_shards_are_refreshed() {
    let mut backstage = Refreshes::spawn().await;
    let pair = backstage
        .pair(
            crowd(200),
            &["http://entities.example.com/locations?shards=16&token=t"],
        )
        .await;
    pair.app.sync().await;
    assert_eq!(backstage.take(16).await.len(), 16);
    let before = tags(&pair.app, 16).await;
    pair.fake
        .edit(|directory| set_display_name(directory, 7, "someone else"));
    pair.app.sync().await;
    let after = tags(&pair.app, 16).await;
    let changed = (0..16).filter(|index| before[*index] != after[*index]);
    let expected: BTreeSet<_> = changed
        .map(|index| format!("location:default/authentik-{index}-of-16"))
        .collect();
    assert_eq!(expected.len(), 1);
    assert_eq!(backstage.take(1).await, expected);
    push(&pair.app, |push| push["refreshed"] == 1).await;
    assert!(backstage.requested.is_empty());
}

#[tokio::test]
async fn if_backstage_does_not_know_the_shards_their_list_is_refreshed() {
    let mut backstage = Refreshes::spawn().await;
    backstage.parts_are_known.store(false, SeqCst);
    let pair = backstage
        .pair(
            crowd(20),
            &["http://entities.example.com/locations?shards=4"],
        )
        .await;
    pair.app.sync().await;
    assert!(
        backstage
            .take(4)
            .await
            .iter()
            .all(|entity_ref| entity_ref.contains("-of-4"))
    );
    assert!(
        backstage
            .next()
            .await
            .starts_with("location:default/generated-")
    );
    let push = push(&pair.app, |push| push["refreshed"] == 1).await;
    assert_eq!(
        (&push["waiting"], &push["unknown"], &push["error"]),
        (&0.into(), &0.into(), &Value::Null)
    );
    assert!(backstage.requested.is_empty());
}

#[tokio::test]
async fn a_failed_refresh_is_retried_and_no_sync_waits_for_it() {
    let mut backstage = Refreshes::spawn().await;
    backstage.status.store(503, SeqCst);
    let pair = backstage
        .pair(crowd(5), &["http://entities.example.com/entities"])
        .await;
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    assert_eq!(backstage.next().await, GENERATED);
    let failed = push(&pair.app, |push| push["waiting"] == 1).await;
    assert_eq!(failed["error"]["code"], "backstage-status", "{failed}");
    backstage.status.store(200, SeqCst);
    assert_eq!(backstage.next().await, GENERATED);
    let mended = push(&pair.app, |push| push["waiting"] == 0).await;
    assert_eq!(
        (&mended["refreshed"], &mended["error"]),
        (&1.into(), &Value::Null)
    );
    let metrics = pair.app.fetch("/metrics").await.text().await.unwrap();
    for outcome in ["failed", "succeeded"] {
        let counted = format!("_pushes_total{{outcome=\"{outcome}\"}} 1\n");
        assert!(metrics.contains(&counted), "{counted} {metrics}");
    }
}

#[tokio::test]
async fn snapshots_during_a_push_are_pushed_together() {
    let mut backstage = Refreshes::spawn().await;
    let pair = backstage
        .pair(crowd(5), &["http://entities.example.com/entities"])
        .await;
    backstage.allowed.forget_permits(10_000);
    pair.app.sync().await;
    assert_eq!(backstage.next().await, GENERATED);
    for name in ["one", "two", "three"] {
        pair.fake
            .edit(|directory| set_display_name(directory, 3, name));
        assert_eq!(
            pair.app.sync().await["changed"],
            1,
            "a sync does not wait for Backstage"
        );
    }
    backstage.allowed.add_permits(10_000);
    assert_eq!(backstage.next().await, GENERATED);
    pair.fake
        .edit(|directory| set_display_name(directory, 3, "four"));
    pair.app.sync().await;
    assert_eq!(backstage.next().await, GENERATED);
    push(&pair.app, |push| push["waiting"] == 0).await;
    assert!(
        backstage.requested.is_empty(),
        "one for the first, one for three, one for the last"
    );
}

#[tokio::test]
async fn an_unknown_location_is_not_retried() {
    let mut backstage = Refreshes::spawn().await;
    backstage.status.store(404, SeqCst);
    *backstage.body.lock().unwrap() = NOT_FOUND;
    let pair = backstage
        .pair(crowd(5), &["http://entities.example.com/entities"])
        .await;
    pair.app.sync().await;
    backstage.next().await;
    let push = push(&pair.app, |push| push["unknown"] == 1).await;
    assert_eq!(
        (&push["refreshed"], &push["waiting"]),
        (&0.into(), &0.into())
    );
}

#[tokio::test]
async fn a_push_to_a_backstage_without_routes_is_retried() {
    let mut backstage = Refreshes::spawn().await;
    backstage.status.store(404, SeqCst);
    let pair = backstage
        .pair(crowd(5), &["http://entities.example.com/entities"])
        .await;
    pair.app.sync().await;
    backstage.next().await;
    let failed = push(&pair.app, |push| push["waiting"] == 1).await;
    assert_eq!(
        (&failed["unknown"], &failed["error"]["code"]),
        (&0.into(), &"backstage-status".into())
    );
    backstage.status.store(200, SeqCst);
    assert_eq!(backstage.next().await, GENERATED);
    push(&pair.app, |push| push["refreshed"] == 1).await;
}

#[tokio::test]
async fn a_refused_token_is_named_by_its_key_and_not_shown() {
    let mut backstage = Refreshes::spawn().await;
    backstage.status.store(401, SeqCst);
    let pair = backstage
        .pair(crowd(5), &["http://entities.example.com/entities"])
        .await;
    pair.app.sync().await;
    backstage.next().await;
    let push = push(&pair.app, |push| push["waiting"] == 1).await;
    assert_eq!(push["error"]["code"], "backstage-token");
    let message = push["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("entityProvider.backstage.token") && !message.contains(TOKEN),
        "{message}"
    );
    let health = pair.app.json("/health").await;
    assert_eq!(
        health["status"], "ok",
        "Backstage polls by itself: {health}"
    );
}

#[tokio::test]
async fn an_unreachable_backstage_is_reported() {
    let backstage = Refreshes::spawn().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let unreachable = Refreshes {
        base: closed,
        ..backstage
    };
    let pair = unreachable
        .pair(crowd(5), &["http://entities.example.com/entities"])
        .await;
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    let push = push(&pair.app, |push| push["waiting"] == 1).await;
    assert_eq!(push["error"]["code"], "backstage-unreachable");
}
