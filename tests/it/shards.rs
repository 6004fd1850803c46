//! `GET /entities?shard=i/K` and `GET /locations?shards=K`: stable parts of the entities.

mod changes;
mod content;
mod locations;
mod public_url;
mod refusals;

use fake_authentik::FakeDirectory;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::app::{Pair, TestApp};
use crate::support::wire::Answer;

/// Returns the ref of an entity, in lower case.
fn reference(entity: &Value) -> String {
    let [kind, name] =
        [&entity["kind"], &entity["metadata"]["name"]].map(|text| text.as_str().unwrap());
    format!("{kind}:default/{name}").to_lowercase()
}

/// Computes the shard of a ref by the published rule, independently of the service.
fn shard_of(reference: &str, of: u32) -> u32 {
    let digest = Sha256::digest(reference);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % of
}

/// Fetches one shard.
async fn shard(app: &TestApp, index: u32, of: u32) -> Answer {
    Answer::get(app, &format!("/entities?shard={index}/{of}"), &[]).await
}

/// Returns the ETags of all shards, in order.
async fn tags(app: &TestApp, of: u32) -> Vec<String> {
    let mut tags = Vec::new();
    for index in 0..of {
        tags.push(shard(app, index, of).await.etag().to_owned());
    }
    tags
}

/// A service after one sync of the directory.
async fn synced(directory: FakeDirectory) -> Pair {
    let pair = Pair::with(directory).await;
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    pair
}
