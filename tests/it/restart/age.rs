//! The maximum age of a snapshot.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use authentik_entity_provider::clock::Clock;
use jiff::Timestamp;

use super::*;
use crate::support::app::{TestApp, config};
use crate::support::wire::Answer;

#[tokio::test]
async fn a_snapshot_older_than_max_age_makes_the_service_not_ready_and_is_served() {
    let fake = FakeAuthentik::new(Release::V2026_5, crowd(5));
    let authentik = RunningAuthentik::spawn(&fake).await;
    let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
    config.service.max_age = Some(Duration::from_hours(1));
    let seconds = Arc::new(AtomicI64::new(1_000_000));
    let now = Arc::clone(&seconds);
    let clock = Clock::new(move || Timestamp::from_second(now.load(Ordering::Relaxed)).unwrap());
    let app = TestApp::spawn_at(config, clock).await;
    app.sync().await;
    let tag = Answer::get(&app, "/entities", &[]).await.etag().to_owned();

    seconds.fetch_add(3600, Ordering::Relaxed);
    assert_eq!(Answer::get(&app, "/health/ready", &[]).await.status, 200);
    seconds.fetch_add(1, Ordering::Relaxed);
    Answer::get(&app, "/health/ready", &[])
        .await
        .problem(503, "stale");
    let health = app.json("/health").await;
    assert_eq!(
        (&health["status"], &health["snapshot"]["stale"]),
        (&"degraded".into(), &true.into()),
        "{health}"
    );
    assert_eq!(health["snapshot"]["ageSeconds"], 3601);
    let entities = Answer::get(&app, "/entities", &[]).await;
    assert_eq!((entities.status, entities.etag()), (200, &*tag));
    assert_eq!(entities.header("snapshot-read-at"), "1970-01-12T13:46:40Z");
    let one = Answer::get(&app, "/entities/by-name/user/default/user-1", &[]).await;
    assert_eq!(one.header("snapshot-read-at"), "1970-01-12T13:46:40Z");

    app.sync().await;
    assert_eq!(Answer::get(&app, "/health/ready", &[]).await.status, 200);
    let entities = Answer::get(&app, "/entities", &[("if-none-match", &tag)]).await;
    assert_eq!(
        (entities.status, entities.header("snapshot-read-at")),
        (304, "1970-01-12T14:46:41Z")
    );
    assert_eq!(app.json("/health").await["status"], "ok");
}
