//! `/sync`: requests for runs and their progress.

mod events;
mod history;
mod list;
mod wait;

use fake_authentik::{Action, FakeDirectory, Gate, Release, ScriptStep, Target};
use jiff::Timestamp;
use serde_json::Value;

use crate::support::app::{Pair, TestApp};
use crate::support::wire::Answer;

/// A service in front of 250 users, whose next run blocks at the second page of users.
async fn held() -> (Pair, Gate) {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(250), |_| ()).await;
    let gate = hold(&pair);
    (pair, gate)
}

/// Blocks the next run at the second page of users.
fn hold(pair: &Pair) -> Gate {
    let gate = Gate::new();
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)).page(2));
    gate
}

/// Posts without waiting and returns the run's id.
async fn post(app: &TestApp) -> String {
    let answer = Answer::to(app, reqwest::Method::POST, "/sync", &[]).await;
    assert_eq!(answer.status, 202);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/sync/{id}"));
    assert_eq!(answer.header("cache-control"), "no-store");
    id
}

/// Fetches a run by its id.
async fn run(app: &TestApp, id: &str) -> Value {
    let answer = Answer::get(app, &format!("/sync/{id}"), &[]).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, "no-store")
    );
    answer.json()
}

fn time(value: &Value) -> Timestamp {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no time: {value}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_run_can_be_followed_from_queued_over_running_to_succeeded() {
    let (pair, gate) = held().await;
    let first = post(&pair.app).await;
    gate.waiting(1).await;
    let second = post(&pair.app).await;

    let queued = run(&pair.app, &second).await;
    assert_eq!(
        (&queued["id"], &queued["state"]),
        (&second.as_str().into(), &"queued".into())
    );
    for missing in [
        "startedAt",
        "endedAt",
        "durationSeconds",
        "pages",
        "users",
        "error",
        "findingList",
    ] {
        assert!(queued.get(missing).is_none(), "{missing}: {queued}");
    }

    let running = run(&pair.app, &first).await;
    assert_eq!(
        (&running["state"], &running["trigger"]),
        (&"running".into(), &"request".into())
    );
    let (done, total) = (
        running["pages"]["done"].as_u64().unwrap(),
        running["pages"]["total"].as_u64().unwrap(),
    );
    assert!(done > 0 && done < total, "{running}");
    assert!(time(&running["startedAt"]) >= time(&running["queuedAt"]));
    assert!(running.get("endedAt").is_none() && running.get("users").is_none());

    gate.open();
    pair.app.sync().await;
    let succeeded = run(&pair.app, &first).await;
    assert_eq!(succeeded["state"], "succeeded");
    assert_eq!(succeeded["pages"]["done"], succeeded["pages"]["total"]);
    assert_eq!(
        succeeded["added"],
        succeeded["users"].as_u64().unwrap() + succeeded["groups"].as_u64().unwrap()
    );
    assert_eq!(
        succeeded["findings"],
        succeeded["findingList"].as_array().unwrap().len()
    );
    assert!(time(&succeeded["endedAt"]) >= time(&succeeded["startedAt"]));
}

#[tokio::test]
async fn the_location_answers_at_once() {
    let (pair, _gate) = held().await;
    for _ in 0..3 {
        let id = post(&pair.app).await;
        let state = run(&pair.app, &id).await["state"].clone();
        assert!(state == "queued" || state == "running", "{state}");
    }
}

#[tokio::test]
async fn a_failed_run_has_its_reason_and_the_old_snapshot_stays() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await;
    pair.app.sync().await;
    let before = Answer::get(&pair.app, "/entities", &[]).await;
    pair.fake.script(ScriptStep::at(
        Target::Groups,
        Action::answer(reqwest::StatusCode::IM_A_TEAPOT, "{}"),
    ));
    pair.fake.edit(|directory| directory.add_user("unseen"));
    let failed = pair.app.sync().await;
    assert_eq!(
        (&failed["state"], &failed["error"]["code"]),
        (&"failed".into(), &"status".into())
    );
    assert!(
        failed["error"]["message"].as_str().unwrap().contains("418"),
        "{failed}"
    );
    assert!(failed.get("users").is_none() && failed.get("added").is_none());
    assert!(failed.get("durationSeconds").is_some() && failed.get("pages").is_some());
    assert_eq!(
        Answer::get(&pair.app, "/entities", &[]).await.body,
        before.body
    );
}

#[tokio::test]
async fn posts_during_a_run_share_the_run_that_starts_after_them() {
    let (pair, gate) = held().await;
    let first = post(&pair.app).await;
    gate.waiting(1).await;
    pair.fake
        .edit(|directory| directory.add_user("added-during-the-run"));
    let second = post(&pair.app).await;
    assert_ne!(first, second);
    for _ in 0..5 {
        assert_eq!(post(&pair.app).await, second);
    }
    gate.open();
    let outcome = Answer::to(&pair.app, reqwest::Method::POST, "/sync?wait=5m", &[]).await;
    assert_eq!(outcome.status, 200);
    let (first, second) = (run(&pair.app, &first).await, run(&pair.app, &second).await);
    assert_eq!(
        (&first["state"], &second["state"]),
        (&"succeeded".into(), &"succeeded".into())
    );
    assert!(
        time(&second["startedAt"]) >= time(&first["endedAt"]),
        "one run at a time"
    );
    assert!(time(&second["startedAt"]) >= time(&second["queuedAt"]));
    assert!(
        pair.app
            .names("user")
            .await
            .contains(&"added-during-the-run".to_owned())
    );
}

#[tokio::test]
async fn an_unknown_run_is_a_problem() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await;
    for id in [
        "01900000-0000-7000-8000-000000000000",
        "nonsense",
        "1",
        "%20",
        "%FF",
    ] {
        let detail = Answer::get(&pair.app, &format!("/sync/{id}"), &[])
            .await
            .problem(404, "unknown-run");
        assert!(detail.contains("GET /sync"), "{detail}");
    }
}

#[tokio::test]
async fn a_run_counts_what_an_edit_added_changed_and_removed() {
    let mut directory = FakeDirectory::default();
    let [anna, _, clara, dora] =
        ["anna", "bert", "clara", "dora"].map(|name| directory.add_user(name));
    let group = directory.add_group("engineers");
    let pair = Pair::spawn(Release::V2026_5, directory, |_| ()).await;
    let counts =
        |run: &Value| ["added", "changed", "removed"].map(|name| run[name].as_u64().unwrap());
    assert_eq!(counts(&pair.app.sync().await), [5, 0, 0]);
    assert_eq!(counts(&pair.app.sync().await), [0, 0, 0]);
    pair.fake.edit(|directory| {
        // The user and the group change.
        assert!(directory.add_member(group, anna));
        assert!(directory.remove_user(clara));
        assert!(directory.rename(dora, "dorothea"));
        directory.add_user("emil");
    });
    assert_eq!(counts(&pair.app.sync().await), [2, 2, 2]);
}
