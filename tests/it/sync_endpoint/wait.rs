//! Waiting for the end of a run, by query or by preference.

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use reqwest::Method;

use super::held;
use crate::support::app::Pair;
use crate::support::wire::Answer;

async fn pair() -> Pair {
    Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await
}

async fn post(pair: &Pair, query: &str, headers: &[(&str, &str)]) -> Answer {
    Answer::to(&pair.app, Method::POST, &format!("/sync{query}"), headers).await
}

#[tokio::test]
async fn a_wait_in_any_form_gives_the_outcome() {
    let pair = pair().await;
    for wait in ["30s", "30", "PT30S", "5m", "1h", "30%20seconds"] {
        let answer = post(&pair, &format!("?wait={wait}"), &[]).await;
        assert_eq!(
            (answer.status, &answer.json()["state"]),
            (200, &"succeeded".into()),
            "{wait}"
        );
        assert!(!answer.headers.contains_key("preference-applied"));
    }
}

#[tokio::test]
async fn every_end_of_a_run_is_an_outcome() {
    let pair = pair().await;
    pair.fake
        .edit(|directory| *directory = FakeDirectory::default());
    let answer = post(&pair, "?wait=30s", &[]).await;
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (200, &"held".into())
    );
    assert_eq!(answer.json()["error"]["code"], "empty-user-list");
    pair.fake.revoke(FakeAuthentik::TOKEN);
    let answer = post(&pair, "?wait=30s", &[]).await;
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (200, &"failed".into())
    );
    assert_eq!(answer.json()["error"]["code"], "token");
}

#[tokio::test]
async fn an_invalid_wait_is_a_problem_and_requests_no_run() {
    let pair = pair().await;
    for wait in ["soon", "-1", "-5s", "", "PT", "30x", "1e400s", "NaN"] {
        let answer = post(&pair, &format!("?wait={wait}"), &[]).await;
        assert!(answer.problem(400, "bad-query").contains("wait"), "{wait}");
    }
    assert!(
        post(&pair, "?wiat=30s", &[])
            .await
            .problem(400, "bad-query")
            .contains("wiat")
    );
    assert!(
        post(&pair, "?wait=1s&wait=2s", &[])
            .await
            .problem(400, "bad-query")
            .contains("wait")
    );
    assert_eq!(pair.app.json("/sync").await["runs"], serde_json::json!([]));
    assert_eq!(pair.fake.counters().requests, 0);
}

#[tokio::test]
async fn a_preference_is_applied_and_confirmed() {
    let pair = pair().await;
    for (prefer, applied) in [
        ("wait=30", "wait=30"),
        ("respond-async, wait=30", "wait=30"),
        ("WAIT = 30 ; foo", "wait=30"),
        ("wait=86400", "wait=600"),
    ] {
        let answer = post(&pair, "", &[("prefer", prefer)]).await;
        assert_eq!(
            (answer.status, answer.header("preference-applied")),
            (200, applied),
            "{prefer}"
        );
    }
}

#[tokio::test]
async fn a_preference_that_cannot_be_read_is_ignored() {
    let (pair, gate) = held().await;
    for prefer in ["wait=soon", "wait", "return=minimal", "wait=30s", ""] {
        let answer = post(&pair, "", &[("prefer", prefer)]).await;
        assert_eq!(
            (answer.status, answer.header("preference-applied")),
            (202, ""),
            "{prefer}"
        );
    }
    gate.open();
}

#[tokio::test]
async fn the_query_wins_over_the_preference() {
    let (pair, gate) = held().await;
    let answer = post(&pair, "?wait=0", &[("prefer", "wait=300")]).await;
    assert_eq!(
        (answer.status, answer.header("preference-applied")),
        (202, "")
    );
    gate.open();
}

#[tokio::test]
async fn a_wait_that_ends_first_gives_the_run_as_it_is() {
    let (pair, gate) = held().await;
    for query in ["?wait=0", "?wait=0s", "?wait=20ms"] {
        let answer = post(&pair, query, &[]).await;
        assert_eq!(answer.status, 202, "{query}");
        let run = answer.json();
        assert_eq!(
            answer.header("location"),
            format!("/sync/{}", run["id"].as_str().unwrap())
        );
        assert!(run["state"] == "queued" || run["state"] == "running");
    }
    let answer = post(&pair, "", &[("prefer", "wait=0")]).await;
    assert_eq!(
        (answer.status, answer.header("preference-applied")),
        (202, "wait=0")
    );
    gate.open();
}
