//! Invalid values of `shard` and `shards`.

use reqwest::Method;

use super::synced;
use crate::support::directory::{assert_contains, crowd};
use crate::support::wire::Answer;

#[tokio::test]
async fn an_invalid_value_gets_the_expected_form() {
    let pair = synced(crowd(3)).await;
    let (shape, power) = (
        "expected i/K, such as `0/64`",
        "K, must be a power of two from 1 to 1024",
    );
    for (path, parts) in [
        ("/entities?shard=3/6", ["`shard`: ", power]),
        ("/entities?shard=0/2048", ["`shard`: ", power]),
        ("/entities?shard=0/0", ["`shard`: ", power]),
        (
            "/entities?shard=4/4",
            ["`shard`: ", "the last of 4 shards is `3/4`"],
        ),
        ("/entities?shard=", ["`shard`: ", shape]),
        ("/entities?shard=1", ["`shard`: ", shape]),
        ("/entities?shard=01/4", ["`shard`: ", shape]),
        ("/entities?shard=+1/4", ["`shard`: ", shape]),
        ("/entities?shard=1/4/", ["`shard`: ", shape]),
        (
            "/entities?shard=0/4&shard=1/4",
            ["more than once", "`shard`"],
        ),
        ("/locations", ["missing", "shards"]),
        ("/locations?shards=", ["`shards`: ", power]),
        ("/locations?shards=3", ["`shards`: ", power]),
        ("/locations?shards=0", ["`shards`: ", power]),
        ("/locations?shards=064", ["`shards`: ", power]),
        ("/locations?shards=2048", ["`shards`: ", power]),
        (
            "/locations?shards=4&shard=0/4",
            ["there is no parameter", "\"shard\""],
        ),
        ("/locations?shards=4&kind=robot", ["kind", "robot"]),
    ] {
        let answer = Answer::get(&pair.app, path, &[]).await;
        assert_contains(&answer.problem(400, "bad-query"), &parts);
        let head = Answer::to(&pair.app, Method::HEAD, path, &[]).await;
        assert_eq!((head.status, head.body.len()), (400, 0), "{path}");
    }
    Answer::to(&pair.app, Method::POST, "/locations?shards=4", &[])
        .await
        .problem(405, "unknown-method");
}
