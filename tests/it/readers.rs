//! The record of who reads the entities.

use fake_authentik::FakeDirectory;
use serde_json::{Value, json};

use crate::support::app::Pair;
use crate::support::wire::Answer;

async fn readers(pair: &Pair) -> Vec<Value> {
    let mut readers = pair.app.json("/readers").await["readers"].take();
    let readers = readers.as_array_mut().unwrap();
    for reader in &mut *readers {
        assert!(reader["lastReadAt"].take().is_string());
    }
    std::mem::take(readers)
}

#[tokio::test]
async fn each_client_and_selection_has_its_last_answer() {
    let pair = Pair::with(FakeDirectory::generate(10)).await;
    assert_eq!(readers(&pair).await, [Value::Null; 0]);
    let agent = ("user-agent", "backstage");
    let refused = Answer::get(&pair.app, "/entities?shard=1/4&kind=user", &[agent]).await;
    refused.problem(503, "no-snapshot");
    pair.app.sync().await;
    let read = Answer::get(&pair.app, "/entities", &[agent]).await;
    let again = [agent, ("if-none-match", read.etag())];
    assert_eq!(
        Answer::get(&pair.app, "/entities", &again).await.status,
        304
    );
    Answer::get(&pair.app, "/locations?shards=4", &[agent]).await;
    Answer::get(
        &pair.app,
        "/entities",
        &[("user-agent", "curl/8"), ("sec-fetch-site", "none")],
    )
    .await;
    Answer::get(
        &pair.app,
        "/entities",
        &[("user-agent", "page"), ("sec-fetch-site", "same-origin")],
    )
    .await;
    let reader = |target: &str, agent: &str, status: u16, requests: u64| json!({ "target": target, "agent": agent, "lastReadAt": null, "status": status, "requests": requests });
    let expected = [
        reader("/entities", "backstage", 304, 2),
        reader("/entities", "curl/8", 200, 1),
        reader("/entities?kind=user&shard=1/4", "backstage", 503, 1),
        reader("/locations?shards=4", "backstage", 200, 1),
    ];
    assert_eq!(readers(&pair).await, expected);
}
