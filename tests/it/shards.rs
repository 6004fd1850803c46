//! `GET /entities?shard=i/K` and `GET /locations?shards=K`: parts that never move.

mod changes;
mod content;
mod locations;
mod origin;
mod refusals;

use fake_authentik::FakeDirectory;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::app::{Pair, TestApp};
use crate::support::wire::Answer;

/// The ref of an entity, in lower case.
fn reference(entity: &Value) -> String {
    let [kind, name] =
        [&entity["kind"], &entity["metadata"]["name"]].map(|text| text.as_str().unwrap());
    format!("{kind}:default/{name}").to_lowercase()
}

/// The shard of a ref by the published rule, worked out here once more.
fn shard_of(reference: &str, of: u32) -> u32 {
    let digest = Sha256::digest(reference);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % of
}

/// The answer with one shard.
async fn shard(app: &TestApp, index: u32, of: u32) -> Answer {
    Answer::get(app, &format!("/entities?shard={index}/{of}"), &[]).await
}

/// The tags of all shards, in the order of their numbers.
async fn tags(app: &TestApp, of: u32) -> Vec<String> {
    let mut tags = Vec::new();
    for index in 0..of {
        tags.push(shard(app, index, of).await.etag().to_owned());
    }
    tags
}

/// A service that has synced the directory once.
async fn synced(directory: FakeDirectory) -> Pair {
    let pair = Pair::with(directory).await;
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    pair
}
