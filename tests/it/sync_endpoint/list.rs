//! `GET /sync`: the recorded runs.

use std::time::Duration;

use authentik_entity_provider::config::Schedule;
use fake_authentik::{Action, FakeAuthentik, FakeDirectory, Release, ScriptStep, Target};
use serde_json::Value;

use super::{hold, post, time};
use crate::support::RunningAuthentik;
use crate::support::app::{Pair, TestApp, config};
use crate::support::wire::Answer;

async fn runs(app: &TestApp) -> Vec<Value> {
    serde_json::from_value(app.json("/sync").await["runs"].take()).unwrap()
}

#[tokio::test]
async fn runs_are_listed_with_their_results_newest_first() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(60), |_| ()).await;
    assert_eq!(
        pair.app.json("/sync").await,
        serde_json::json!({"runs": []})
    );
    let succeeded = pair.app.sync().await["id"].clone();
    pair.fake.revoke(FakeAuthentik::TOKEN);
    let failed = pair.app.sync().await["id"].clone();
    let runs = runs(&pair.app).await;
    let [second, first] = runs.as_slice() else {
        panic!("{runs:?}")
    };
    assert_eq!((&first["id"], &second["id"]), (&succeeded, &failed));
    let (succeeded, failed) = (first, second);
    for run in [failed, succeeded] {
        assert_eq!(run["trigger"], "request");
        assert!(time(&run["queuedAt"]) <= time(&run["startedAt"]));
        assert!(time(&run["startedAt"]) <= time(&run["endedAt"]));
        assert!(run["durationSeconds"].as_f64().unwrap() >= 0.0);
    }
    for count in ["users", "groups", "added", "changed", "removed", "findings"] {
        assert!(
            succeeded[count].is_u64() && failed.get(count).is_none(),
            "{count}"
        );
    }
    assert_eq!(failed["error"]["code"], "token");
    assert!(succeeded.get("error").is_none());
    assert!(
        succeeded.get("findingList").is_none(),
        "the list of runs omits it"
    );
}

#[tokio::test]
async fn queued_and_running_runs_are_listed_before_those_that_ended() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(250), |_| ()).await;
    let ended = pair.app.sync().await["id"].clone();
    let gate = hold(&pair);
    let running = post(&pair.app).await;
    gate.waiting(1).await;
    let queued = post(&pair.app).await;
    let listed: Vec<_> = runs(&pair.app)
        .await
        .iter()
        .map(|run| (run["id"].clone(), run["state"].clone()))
        .collect();
    let expected = [
        (queued.into(), "queued".into()),
        (running.into(), "running".into()),
        (ended, "succeeded".into()),
    ];
    assert_eq!(listed, expected);
    gate.open();
}

#[tokio::test]
async fn no_cache_stores_the_answer() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await;
    let answer = Answer::get(&pair.app, "/sync", &[]).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, "no-store")
    );
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_run_shows_whether_it_was_scheduled_or_requested() {
    let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(30));
    let gate = fake_authentik::Gate::new();
    fake.script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let authentik = RunningAuthentik::spawn(&fake).await;
    let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
    config.authentik.schedule = Schedule {
        initial_delay: Duration::ZERO,
        ..Schedule::default()
    };
    let app = TestApp::spawn(config).await;
    gate.waiting(1).await;
    let running = runs(&app).await;
    assert_eq!(
        (running.len(), &running[0]["trigger"]),
        (1, &"schedule".into())
    );
    gate.open();
    app.sync().await;
    let triggers: Vec<_> = runs(&app)
        .await
        .iter()
        .map(|run| run["trigger"].clone())
        .collect();
    assert_eq!(triggers, ["request", "schedule"]);
    let list = app.json("/sync").await;
    assert!(time(&list["nextRunAt"]) > time(&list["runs"][0]["startedAt"]));
}

#[tokio::test]
async fn a_run_lists_its_findings_with_the_names_and_the_remedy() {
    let mut directory = FakeDirectory::generate(30);
    directory.add_user("Build Bots!");
    let pair = Pair::spawn(Release::V2026_5, directory, |config| {
        config.authentik.exclude_groups = vec!["Authentik Admins".into(), "no-such-group".into()];
    })
    .await;
    let run = pair.app.sync().await;
    let findings = run["findingList"].as_array().unwrap();
    assert_eq!(run["findings"], findings.len());
    let about = |source: &str| {
        let finding = findings.iter().find(|finding| finding["source"] == source);
        finding.unwrap_or_else(|| panic!("no finding about {source}: {run}"))
    };
    let refused = about("Build Bots!");
    assert_eq!(
        (&refused["code"], &refused["name"]),
        (&"name-refused".into(), &"build-bots-".into())
    );
    assert_eq!(about("Authentik Admins")["code"], "exclude-misspelt");
    assert_eq!(about("no-such-group")["code"], "exclude-unmatched");
    for finding in findings {
        assert!(
            !finding["message"].as_str().unwrap().is_empty(),
            "{finding}"
        );
        assert!(!finding["remedy"].as_str().unwrap().is_empty(), "{finding}");
    }
}
