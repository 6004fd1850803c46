//! The search over users and groups.

use serde_json::{Value, json};

use crate::support::app::Pair;
use crate::support::directory::directory;
use crate::support::wire::Answer;

async fn synced() -> Pair {
    let mut people = directory(
        &[(1, "Ann"), (2, "joanna"), (3, "anna.b"), (4, "zed")],
        &[(1, "Annex", &[1])],
    );
    people.set_active(3, false);
    people.edit_user(4, |user| {
        "Zed of the ANNEX".clone_into(&mut user.name);
        "zed@elsewhere.example".clone_into(&mut user.email);
    });
    let pair = Pair::with(people).await;
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    pair
}

/// Returns the names in Authentik of the matches, in order.
async fn found(pair: &Pair, query: &str) -> Vec<String> {
    let found = pair.app.json(&format!("/search?{query}")).await;
    let matches = found["matches"]
        .as_array()
        .unwrap_or_else(|| panic!("{found}"));
    assert_eq!(found["total"], matches.len());
    matches
        .iter()
        .map(|row| row["source"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn equal_names_come_first_then_beginnings_then_parts() {
    let pair = synced().await;
    assert_eq!(
        found(&pair, "q=ANN").await,
        ["Ann", "Annex", "anna.b", "joanna", "zed"]
    );
    assert_eq!(found(&pair, "q=ann&kind=group").await, ["Annex"]);
    assert_eq!(
        found(&pair, "q=elsewhere.example").await,
        ["zed"],
        "by email"
    );
    assert_eq!(found(&pair, "q=3").await[0], "anna.b", "by pk");
    assert_eq!(found(&pair, "q=none-of-them").await, [""; 0]);
}

#[tokio::test]
async fn a_row_without_an_entity_has_no_name_in_the_catalog() {
    let pair = synced().await;
    let matches = |found: Value| found["matches"].clone();
    let ann = matches(pair.app.json("/search?q=ann&kind=user").await)[0].clone();
    let expected =
        json!({ "source": "Ann", "kind": "user", "pk": "1", "displayName": "Ann", "name": "ann" });
    assert_eq!(ann, expected);
    let inactive = matches(pair.app.json("/search?q=anna.b").await)[0].clone();
    assert_eq!(
        inactive,
        json!({ "source": "anna.b", "kind": "user", "pk": "3", "displayName": "anna.b" })
    );
}

#[tokio::test]
async fn at_most_fifty_matches_are_listed() {
    let users: Vec<_> = (1..=60).map(|pk| (pk, format!("user-{pk}"))).collect();
    let users: Vec<_> = users
        .iter()
        .map(|(pk, name)| (*pk, name.as_str()))
        .collect();
    let pair = Pair::with(directory(&users, &[])).await;
    pair.app.sync().await;
    let found = pair.app.json("/search?q=").await;
    assert_eq!(
        (&found["total"], found["matches"].as_array().unwrap().len()),
        (&json!(60), 50)
    );
}

#[tokio::test]
async fn a_query_without_a_text_is_refused_and_nothing_is_found_before_the_first_snapshot() {
    let pair = Pair::with(directory(&[(1, "pat")], &[])).await;
    Answer::get(&pair.app, "/search", &[])
        .await
        .problem(400, "bad-query");
    Answer::get(&pair.app, "/search?q=pat", &[])
        .await
        .problem(503, "no-snapshot");
    Answer::get(&pair.app, "/findings", &[])
        .await
        .problem(503, "no-snapshot");
}
