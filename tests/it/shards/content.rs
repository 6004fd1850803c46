//! The content of a shard.

use fake_authentik::{FakeAuthentik, FakeDirectory};
use reqwest::Method;
use serde_json::Value;

use super::{reference, shard, shard_of, synced, tags};
use crate::support::app::{Pair, TestApp, config};
use crate::support::directory::crowd;
use crate::support::wire::{Answer, documents};

#[tokio::test]
async fn all_shards_together_are_all_entities_each_in_the_shard_of_the_rule() {
    let pair = synced(FakeDirectory::generate(90)).await;
    let all = documents(&Answer::get(&pair.app, "/entities", &[]).await.text());
    for of in [1, 2, 16, 1024] {
        let mut found = Vec::new();
        for index in 0..of {
            let part = documents(&shard(&pair.app, index, of).await.text());
            assert!(
                part.iter()
                    .all(|entity| shard_of(&reference(entity), of) == index),
                "{index}/{of}"
            );
            let expected = all
                .iter()
                .filter(|entity| shard_of(&reference(entity), of) == index);
            assert!(part.iter().eq(expected), "in the order of the full body");
            found.extend(part);
        }
        assert_eq!(found.len(), all.len(), "each entity once: {of}");
    }
}

#[tokio::test]
async fn the_only_shard_has_the_bytes_and_the_tag_of_the_full_body() {
    let pair = synced(FakeDirectory::generate(30)).await;
    for coding in ["identity", "gzip", "zstd"] {
        let ask = async |path| Answer::get(&pair.app, path, &[("accept-encoding", coding)]).await;
        let (whole, only) = (ask("/entities").await, ask("/entities?shard=0/1").await);
        assert_eq!(
            (only.etag(), &only.body),
            (whole.etag(), &whole.body),
            "{coding}"
        );
    }
}

#[tokio::test]
async fn kinds_formats_and_codings_combine_with_shards() {
    let pair = synced(FakeDirectory::generate(90)).await;
    let ask = async |query: &str, coding| {
        let path = format!("/entities?shard=1%2F2&{query}");
        let answer = Answer::get(&pair.app, &path, &[("accept-encoding", coding)]).await;
        assert_eq!(answer.header("vary"), "Accept, Accept-Encoding");
        answer
    };
    let whole = ask("format=yaml", "identity").await;
    let (groups, users) = (
        ask("kind=group", "identity").await,
        ask("kind=user", "identity").await,
    );
    assert_eq!(whole.body, [&groups.body[..], &users.body[..]].concat());
    assert!(!groups.body.is_empty() && !users.body.is_empty());
    let entities = documents(&whole.text());
    let array: Vec<Value> = serde_json::from_value(ask("format=json", "br").await.json()).unwrap();
    assert_eq!(array, entities);
    let lines = ask("format=ndjson", "gzip").await.text();
    assert_eq!(
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<Value>>(),
        entities
    );
    for coding in ["gzip", "br", "zstd"] {
        let coded = ask("format=yaml", coding).await;
        assert_eq!(
            (coded.header("content-encoding"), coded.decoded()),
            (coding, whole.body.clone())
        );
        assert_ne!(coded.etag(), whole.etag());
    }
}

#[tokio::test]
async fn a_shard_without_entities_is_an_empty_body_and_no_error() {
    let pair = synced(crowd(1)).await;
    let present =
        ["user:default/user-1", "group:default/everyone"].map(|name| shard_of(name, 1024));
    let empty = (0..1024).find(|index| !present.contains(index)).unwrap();
    let answer = shard(&pair.app, empty, 1024).await;
    assert_eq!(
        (
            answer.status,
            answer.body.len(),
            answer.header("content-length")
        ),
        (200, 0, "0")
    );
    let array = Answer::get(
        &pair.app,
        &format!("/entities?shard={empty}/1024&format=json"),
        &[],
    )
    .await;
    assert_eq!(array.json(), serde_json::json!([]));
}

#[tokio::test]
async fn before_the_first_snapshot_no_shard_is_served() {
    let pair = Pair::with(crowd(3)).await;
    for index in 0..4 {
        shard(&pair.app, index, 4).await.problem(503, "no-snapshot");
    }
}

#[tokio::test]
async fn an_unchanged_shard_answers_304() {
    let pair = synced(FakeDirectory::generate(60)).await;
    let full = shard(&pair.app, 3, 4).await;
    for method in [Method::GET, Method::HEAD] {
        let has = [("if-none-match", full.etag())];
        let answer = Answer::to(&pair.app, method.clone(), "/entities?shard=3/4", &has).await;
        assert_eq!(
            (answer.status, answer.body.len(), answer.etag()),
            (304, 0, full.etag())
        );
        let other = Answer::to(&pair.app, method, "/entities?shard=2/4", &has).await;
        assert_eq!(other.status, 200, "another shard has another tag");
    }
}

#[tokio::test]
async fn tags_of_shards_are_the_same_on_another_machine() {
    let pair = synced(FakeDirectory::generate(60)).await;
    let other = TestApp::spawn(config(&pair.authentik.base, FakeAuthentik::TOKEN)).await;
    other.sync().await;
    assert_eq!(tags(&pair.app, 16).await, tags(&other, 16).await);
}
