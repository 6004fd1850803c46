//! The snapshot's age and its persistence.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use authentik_entity_provider::config::{Config, StateDir};
use tempfile::TempDir;

use super::*;

const PAGE: &str = include_str!("../../../docs/metrics.md");

/// A fake Authentik and a configuration with a state directory.
async fn keeping(folder: &Path) -> (RunningAuthentik, Config) {
    let authentik = RunningAuthentik::spawn(&FakeAuthentik::new(Release::V2026_5, crowd(5))).await;
    let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
    config.service.state_dir = StateDir::At(folder.to_owned());
    (authentik, config)
}

fn disk() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Scrapes until a sample has a value; then asserts that all others agree.
async fn until(app: &TestApp, sample: &str, value: f64) -> Metrics {
    let reached = async {
        loop {
            if scrape(app).await.find(sample) == Some(value) {
                break agreeing(app).await;
            }
        }
    };
    let reached = tokio::time::timeout(Duration::from_mins(1), reached).await;
    reached.unwrap_or_else(|_| panic!("{sample} is never {value}"))
}

#[tokio::test]
async fn a_restored_snapshot_is_persisted_and_does_not_count_as_a_success() {
    let disk = disk();
    let (_authentik, config) = keeping(disk.path()).await;
    let first = TestApp::spawn(config.clone()).await;
    assert_eq!(
        agreeing(&first).await.find("state_kept"),
        None,
        "there is no snapshot yet"
    );
    first.sync().await;
    let before = until(&first, "state_kept", 1.0).await;
    let second = TestApp::spawn(config).await;
    let restored = until(
        &second,
        "runs_total{mode=\"none\",outcome=\"succeeded\"}",
        1.0,
    )
    .await;
    for sample in ["snapshot_restored", "state_kept"] {
        assert_eq!(restored.value(sample), 1.0, "{sample}");
    }
    assert_eq!(
        restored.value("last_success_timestamp_seconds"),
        0.0,
        "no request reached Authentik"
    );
    let read_at = "snapshot_read_timestamp_seconds";
    assert_eq!(restored.value(read_at), before.value(read_at));
    second.sync().await;
    assert_eq!(agreeing(&second).await.value("snapshot_restored"), 0.0);
}

#[tokio::test]
async fn every_metric_is_described_and_no_other() {
    let disk = disk();
    let (_authentik, config) = keeping(disk.path()).await;
    let app = TestApp::spawn(config).await;
    app.sync().await;
    let metrics = agreeing(&app).await;
    let own = metrics.kinds().iter().filter_map(|(name, kind)| {
        let name = name.strip_prefix("authentik_entity_provider_")?;
        let suffix = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        Some(format!("{name}{suffix}"))
    });
    let found: BTreeSet<_> = own.collect();
    let section = PAGE.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| {
        let row = line.strip_prefix("| `")?;
        let may_be_absent = row.contains("; absent ");
        row.split('`')
            .next()
            .map(|name| (name.to_owned(), may_be_absent))
    });
    let rows: Vec<_> = rows.collect();
    let described: BTreeSet<_> = rows.iter().map(|(name, _)| name.clone()).collect();
    assert!(found.is_subset(&described), "{found:?}");
    let missing = rows
        .iter()
        .filter(|(name, may_be_absent)| !may_be_absent && !found.contains(name));
    assert_eq!(missing.count(), 0, "{described:?} {found:?}");
}

#[tokio::test]
async fn a_snapshot_is_not_persisted_until_a_write_succeeds() {
    let disk = disk();
    let blocked = disk.path().join("blocked");
    std::fs::write(&blocked, "in the way").unwrap();
    let (_authentik, config) = keeping(&blocked.join("state")).await;
    let app = TestApp::spawn(config).await;
    app.sync().await;
    until(&app, "state_kept", 0.0).await;
    while app.json("/health").await.get("stateError").is_none() {}
    assert_eq!(agreeing(&app).await.value("state_kept"), 0.0);
    std::fs::remove_file(&blocked).unwrap();
    app.sync().await;
    until(&app, "state_kept", 1.0).await;
}

#[tokio::test]
async fn without_a_state_directory_there_is_no_metric_of_it() {
    let pair = Pair::with(crowd(5)).await;
    pair.app.sync().await;
    assert_eq!(agreeing(&pair.app).await.find("state_kept"), None);
}

#[tokio::test]
async fn a_snapshot_older_than_max_age_is_stale() {
    let authentik = RunningAuthentik::spawn(&FakeAuthentik::new(Release::V2026_5, crowd(5))).await;
    let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
    config.service.max_age = Some(Duration::from_hours(1));
    let now = Arc::new(AtomicI64::new(1_800_000_000));
    let time = Arc::clone(&now);
    let clock = Clock::new(move || Timestamp::from_second(time.load(Ordering::Relaxed)).unwrap());
    let app = TestApp::spawn_at(config, clock).await;
    app.sync().await;
    for (later, stale) in [(0, 0.0), (3600, 0.0), (1, 1.0)] {
        now.fetch_add(later, Ordering::Relaxed);
        let metrics = agreeing(&app).await;
        assert_eq!(metrics.value("snapshot_stale"), stale, "{later}");
        assert_eq!(
            metrics.value("snapshot_read_timestamp_seconds"),
            1_800_000_000.0,
            "it does not move"
        );
    }
}
