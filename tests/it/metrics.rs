//! `GET /metrics`: the values agree with `/health` and `/sync` and contain no directory data.

#![expect(
    clippy::float_cmp,
    reason = "the figures are the same, not near each other"
)]

mod exposition;
mod instruments;
mod monitoring;
mod state;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use authentik_entity_provider::clock::Clock;
use fake_authentik::{Access, FakeAuthentik, FakeDirectory, Release};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use crate::support::RunningAuthentik;
use crate::support::app::{Pair, TestApp, config};
use crate::support::directory::crowd;
use crate::support::wire::Answer;
use text::Metrics;

/// The content type that Prometheus needs to detect the format.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The header that requests this format.
const OPEN_METRICS: [(&str, &str); 1] = [("accept", "application/openmetrics-text")];

async fn scraped(app: &TestApp) -> String {
    let answer = Answer::get(app, "/metrics", &OPEN_METRICS).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, MEDIA_TYPE)
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.text()
}

async fn scrape(app: &TestApp) -> Metrics {
    Metrics::read(&scraped(app).await)
}

/// Converts a timestamp of an answer to seconds.
fn seconds(time: &Value) -> f64 {
    time.as_str()
        .unwrap()
        .parse::<Timestamp>()
        .unwrap()
        .as_duration()
        .as_secs_f64()
}

/// Counts the runs of `/sync` by outcome and mode, keyed as in the samples.
fn tally(runs: &[Value]) -> BTreeMap<String, f64> {
    let mut tally = BTreeMap::new();
    for run in runs {
        let (mode, outcome) = (
            run["mode"].as_str().unwrap_or("none"),
            run["state"].as_str().unwrap(),
        );
        let name = format!("runs_total{{mode=\"{mode}\",outcome=\"{outcome}\"}}");
        *tally.entry(name).or_default() += 1.0;
    }
    tally
}

/// Asserts that the metrics agree with the other answers, and returns them.
async fn agreeing(app: &TestApp) -> Metrics {
    let metrics = scrape(app).await;
    let (health, runs) = (app.json("/health").await, app.json("/sync").await);
    let runs = runs["runs"].as_array().unwrap();
    let counted = metrics.runs().into_iter().filter(|(_, count)| *count > 0.0);
    assert_eq!(
        counted
            .map(|(name, count)| (name.to_owned(), count))
            .collect::<BTreeMap<_, _>>(),
        tally(runs)
    );
    let success = runs
        .iter()
        .find(|run| run["state"] == "succeeded" && run["mode"].is_string());
    let success = success.map_or(0.0, |run| seconds(&run["endedAt"]));
    assert_eq!(metrics.value("last_success_timestamp_seconds"), success);
    assert_eq!(
        metrics.find("last_run_duration_seconds"),
        health["lastRun"]["durationSeconds"].as_f64()
    );
    agree_on_snapshot(&metrics, &health["snapshot"]);
    metrics
}

fn agree_on_snapshot(metrics: &Metrics, snapshot: &Value) {
    if snapshot.is_null() {
        for name in metrics.names() {
            assert!(
                !["entities", "findings", "snapshot", "state"]
                    .iter()
                    .any(|what| name.starts_with(what))
            );
        }
        return;
    }
    for (sample, key) in [
        ("entities{kind=\"user\"}", "users"),
        ("entities{kind=\"group\"}", "groups"),
    ] {
        assert_eq!(
            Some(metrics.value(sample)),
            snapshot[key].as_f64(),
            "{sample}"
        );
    }
    assert_eq!(
        Some(metrics.by_label("findings").values().sum()),
        snapshot["findings"].as_f64()
    );
    assert_eq!(
        metrics.value("snapshot_read_timestamp_seconds"),
        seconds(&snapshot["readAt"])
    );
    for (sample, key) in [
        ("snapshot_stale", "stale"),
        ("snapshot_restored", "restored"),
    ] {
        assert_eq!(
            metrics.value(sample) == 1.0,
            snapshot[key].as_bool().unwrap(),
            "{sample}"
        );
        assert!([0.0, 1.0].contains(&metrics.value(sample)));
    }
}

#[tokio::test]
async fn the_metrics_agree_with_health_and_sync_after_every_outcome() {
    let pair = Pair::with(FakeDirectory::generate(200)).await;
    let mut before = agreeing(&pair.app).await;
    assert_eq!(
        before.runs().len(),
        9,
        "every counter exists from the start"
    );
    let grant = |access| pair.fake.grant(FakeAuthentik::TOKEN, access);
    for (step, state) in [
        "failed",
        "succeeded",
        "succeeded",
        "failed",
        "held",
        "succeeded",
    ]
    .iter()
    .enumerate()
    {
        match step {
            0 | 3 => grant(Access::NoPermission),
            1 | 5 => grant(Access::Full),
            2 => pair
                .fake
                .edit(|directory| _ = directory.add_user("Tech Ops!")),
            _ => grant(Access::ObjectLevel {
                users: [1, 2, 3].into(),
                groups: [].into(),
            }),
        }
        let run = if step == 2 {
            pair.app.follow().await
        } else {
            pair.app.sync().await
        };
        assert_eq!(run["state"], *state, "{step}: {run}");
        let after = agreeing(&pair.app).await;
        for (name, count) in before.runs() {
            assert!(
                after.value(name) >= count,
                "{name} fell from {count} to {}",
                after.value(name)
            );
        }
        assert_eq!(
            after.runs().values().sum::<f64>(),
            before.runs().values().sum::<f64>() + 1.0
        );
        before = after;
    }
    assert_eq!(
        before.value("runs_total{mode=\"incremental\",outcome=\"succeeded\"}"),
        1.0
    );
    assert_eq!(
        before.value("runs_total{mode=\"full\",outcome=\"held\"}"),
        1.0
    );
}

#[tokio::test]
async fn findings_are_counted_by_code_and_every_code_has_a_sample() {
    let pair = Pair::with(FakeDirectory::generate(200)).await;
    let run = pair.app.sync().await;
    let mut expected = BTreeMap::new();
    for finding in run["findingList"].as_array().unwrap() {
        *expected
            .entry(finding["code"].as_str().unwrap())
            .or_insert(0.0) += 1.0;
    }
    assert!(expected.len() >= 2, "{expected:?}");
    let metrics = scrape(&pair.app).await;
    let counts = metrics.by_label("findings");
    let found: BTreeMap<_, _> = counts
        .iter()
        .filter(|(_, count)| **count > 0.0)
        .map(|(c, n)| (*c, *n))
        .collect();
    assert_eq!(found, expected);
    let description = pair.app.json("/openapi.json").await;
    let codes = description["components"]["schemas"]["FindingCode"]["enum"]
        .as_array()
        .unwrap()
        .clone();
    let codes: BTreeSet<_> = codes.iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(counts.into_keys().collect::<BTreeSet<_>>(), codes);
}

#[tokio::test]
async fn metrics_contain_no_name_of_a_hostile_directory() {
    let names = [
        "private person",
        "private\"} 1\n# EOF\nforged_total{x=\"",
        "private\\\u{1b}[2J",
        "PRIVATE PERSON",
    ];
    let mut directory = FakeDirectory::generate(5);
    for name in names {
        let pk = directory.add_user("x");
        directory.edit_user(pk, |user| {
            user.username = name.into();
            user.email = format!("{name}@example.com");
            user.avatar = "javascript:private()".into();
        });
        assert!(!directory.add_group(name).is_nil());
    }
    let exclude = |config: &mut authentik_entity_provider::config::Config| {
        config.authentik.exclude_groups = vec!["Private Group".into(), "private-nobody".into()];
    };
    let pair = Pair::spawn(Release::V2026_5, directory, exclude).await;
    let run = pair.app.sync().await;
    assert!(
        run["findingList"]
            .to_string()
            .to_lowercase()
            .contains("private"),
        "the directory has findings"
    );
    let fine = scraped(&pair.app).await;
    Metrics::read(&fine);
    let classic = exposition::classic(&pair.app).await;
    pair.fake.revoke(FakeAuthentik::TOKEN);
    assert_eq!(pair.app.sync().await["state"], "failed");
    let failed = scraped(&pair.app).await;
    Metrics::read(&failed);
    for text in [fine, classic, failed] {
        let text = text.to_lowercase();
        for word in [
            "private",
            "forged",
            "akadmin",
            "javascript",
            "127.0.0.1",
            FakeAuthentik::TOKEN,
        ] {
            assert!(!text.contains(&word.to_lowercase()), "{word} in {text}");
        }
    }
}

#[tokio::test]
async fn the_text_is_the_reviewed_one() {
    let authentik = RunningAuthentik::spawn(&FakeAuthentik::new(Release::V2026_5, crowd(5))).await;
    let clock = Clock::new(|| "2026-01-02T03:04:05.678Z".parse().unwrap());
    let app = TestApp::spawn_at(config(&authentik.base, FakeAuthentik::TOKEN), clock).await;
    app.sync().await;
    let text = stable(&scraped(&app).await);
    insta::assert_snapshot!("text", text);
    assert_eq!(
        text,
        stable(&scraped(&app).await),
        "the order does not change"
    );
    insta::assert_snapshot!("text_format", stable(&exposition::classic(&app).await));
}

/// Removes the version, the samples that each scrape changes, and measured values.
fn stable(text: &str) -> String {
    let text = text.replace(env!("CARGO_PKG_VERSION"), "0.0.0");
    let name = |line: &str| line.replace("authentik_entity_provider_", "");
    let lines = text.lines().filter(|line| {
        let name = name(line);
        !name.starts_with("process_") && !name.starts_with("http_")
    });
    let measured = ["upstream_request_duration", "upstream_received"];
    let lines = lines.map(|line| {
        if measured.iter().any(|part| name(line).starts_with(part)) {
            line.split(' ').next().unwrap().to_owned()
        } else {
            line.to_owned()
        }
    });
    lines.map(|line| line + "\n").collect()
}
