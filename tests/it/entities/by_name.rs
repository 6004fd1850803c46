//! `GET /entities/by-name/{kind}/{namespace}/{name}`: one entity, as in Backstage's catalog API.

use fake_authentik::{FakeDirectory, Release};
use reqwest::Method;

use super::{hostile_directory, synced};
use crate::support::app::{Pair, TestApp};
use crate::support::wire::{Answer, REVALIDATION};

async fn named(app: &TestApp, entity: &str) -> Answer {
    Answer::get(app, &format!("/entities/by-name/{entity}"), &[]).await
}

#[tokio::test]
async fn every_entity_is_found_by_kind_and_name_and_equals_the_list() {
    let pair = synced(hostile_directory(150)).await;
    for kind in ["group", "user"] {
        let entities = pair.app.entities(kind).await;
        assert!(entities.len() > 10);
        for entity in entities {
            let name = entity["metadata"]["name"].as_str().unwrap();
            let answer = named(&pair.app, &format!("{kind}/default/{name}")).await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, "application/json"),
                "{name}"
            );
            assert_eq!(answer.json(), entity);
        }
    }
}

#[tokio::test]
async fn case_does_not_matter_in_any_part() {
    let mut directory = FakeDirectory::default();
    directory.add_user("Alice.Smith");
    let pair = synced(directory).await;
    let expected = named(&pair.app, "user/default/alice.smith").await;
    assert_eq!(expected.json()["metadata"]["name"], "alice.smith");
    for other in [
        "User/default/alice.smith",
        "USER/Default/Alice.Smith",
        "user/DEFAULT/ALICE.SMITH",
    ] {
        let answer = named(&pair.app, other).await;
        assert_eq!(
            (answer.status, answer.etag()),
            (200, expected.etag()),
            "{other}"
        );
    }
}

#[tokio::test]
async fn an_unknown_entity_is_a_problem() {
    let mut directory = FakeDirectory::default();
    directory.add_user("alice");
    directory.add_group("engineers");
    let pair = synced(directory).await;
    for entity in [
        "user/default/bob",
        "user/default/alic",
        "user/default/alicea",
        "user/default/engineers",
        "group/default/alice",
        "user/other/alice",
        "component/default/alice",
        "user/default/%FF",
        "user/default/a%2Fb",
    ] {
        let detail = named(&pair.app, entity)
            .await
            .problem(404, "unknown-entity");
        assert!(detail.contains("GET /entities"), "{detail}");
    }
    named(&pair.app, "user/default")
        .await
        .problem(404, "unknown-path");
}

#[tokio::test]
async fn before_the_first_snapshot_the_answer_is_not_404() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await;
    for entity in ["user/default/alice", "component/other/x"] {
        let answer = named(&pair.app, entity).await;
        answer.problem(503, "no-snapshot");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    }
}

#[tokio::test]
async fn an_entity_is_revalidated_like_the_list() {
    let mut directory = FakeDirectory::default();
    let [alice, _] = ["alice", "bob"].map(|name| directory.add_user(name));
    let pair = synced(directory).await;
    let path = "/entities/by-name/user/default/alice";
    let get = Answer::get(&pair.app, path, &[("accept-encoding", "gzip")]).await;
    let list = Answer::get(&pair.app, "/entities", &[]).await;
    for name in ["vary", "cache-control"] {
        assert_eq!(get.header(name), list.header(name));
    }
    assert_eq!(get.header("content-length"), get.body.len().to_string());
    let head = Answer::to(&pair.app, Method::HEAD, path, &[]).await;
    assert_eq!(
        (head.status, head.etag(), head.body.len()),
        (200, get.etag(), 0)
    );
    assert_eq!(head.header("content-length"), get.header("content-length"));

    let again = [REVALIDATION.as_slice(), &[("if-none-match", get.etag())]].concat();
    let revalidated = Answer::get(&pair.app, path, &again).await;
    assert_eq!(
        (
            revalidated.status,
            revalidated.etag(),
            revalidated.body.len()
        ),
        (304, get.etag(), 0)
    );
    pair.fake.edit(|directory| directory.add_user("carol"));
    assert_eq!(pair.app.sync().await["added"], 1);
    assert_eq!(
        Answer::get(&pair.app, path, &again).await.status,
        304,
        "others changed"
    );
    pair.fake
        .edit(|directory| directory.edit_user(alice, |user| user.name = "Alice".into()));
    assert_eq!(pair.app.sync().await["changed"], 1);
    let changed = Answer::get(&pair.app, path, &again).await;
    assert_eq!(
        (
            changed.status,
            &changed.json()["spec"]["profile"]["displayName"]
        ),
        (200, &"Alice".into())
    );
}
