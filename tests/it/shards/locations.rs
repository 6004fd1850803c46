//! The list of locations.

use authentik_entity_provider::catalog::location::LocationPrefix;
use fake_authentik::{FakeDirectory, Release};
use reqwest::Method;
use serde_json::{Value, json};

use super::synced;
use crate::support::app::Pair;
use crate::support::directory::crowd;
use crate::support::wire::{Answer, documents};

/// Returns the targets of a list of locations.
fn targets(locations: &[Value]) -> Vec<&str> {
    locations
        .iter()
        .map(|location| location["spec"]["target"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn each_shard_has_one_location_with_one_absolute_target() {
    let pair = Pair::with(crowd(3)).await;
    for of in [1, 2, 64, 1024] {
        let answer = Answer::get(&pair.app, &format!("/locations?shards={of}"), &[]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/yaml")
        );
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        let expected: Vec<_> = (0..of)
            .map(|index| {
                json!({
                    "apiVersion": "backstage.io/v1alpha1",
                    "kind": "Location",
                    "metadata": { "name": format!("authentik-{index}-of-{of}") },
                    "spec": { "type": "url", "target": format!("{}/entities?shard={index}/{of}", pair.app.base) },
                })
            })
            .collect();
        assert_eq!(documents(&answer.text()), expected);
    }
}

#[tokio::test]
async fn the_targets_lead_to_all_entities() {
    let pair = synced(FakeDirectory::generate(60)).await;
    for (list, whole) in [
        ("/locations?shards=8", "/entities"),
        ("/locations?shards=4&kind=user", "/entities?kind=user"),
    ] {
        let locations = documents(&Answer::get(&pair.app, list, &[]).await.text());
        let mut found = Vec::new();
        for target in targets(&locations) {
            let path = target.strip_prefix(&pair.app.base).unwrap();
            found.extend(documents(&Answer::get(&pair.app, path, &[]).await.text()));
        }
        let mut all = documents(&Answer::get(&pair.app, whole, &[]).await.text());
        assert!(all.len() > 40);
        for entities in [&mut found, &mut all] {
            entities.sort_by_key(ToString::to_string);
        }
        assert_eq!(found, all, "{list}");
    }
}

#[tokio::test]
async fn a_kind_is_part_of_names_and_targets() {
    let pair = Pair::with(crowd(3)).await;
    let locations = documents(
        &Answer::get(&pair.app, "/locations?shards=2&kind=group", &[])
            .await
            .text(),
    );
    let names: Vec<_> = locations
        .iter()
        .map(|location| &location["metadata"]["name"])
        .collect();
    assert_eq!(names, ["authentik-group-0-of-2", "authentik-group-1-of-2"]);
    let base = &pair.app.base;
    let expected = [0, 1].map(|index| format!("{base}/entities?shard={index}/2&kind=group"));
    assert_eq!(targets(&locations), expected);
}

#[tokio::test]
async fn formats_and_codings_are_those_of_entities() {
    let pair = Pair::with(crowd(3)).await;
    let ask = async |query, headers: &[(&str, &str)]| {
        Answer::get(&pair.app, &format!("/locations?shards=4{query}"), headers).await
    };
    let yaml = ask("", &[]).await;
    let locations = documents(&yaml.text());
    assert_eq!(
        ask("&format=json", &[]).await.json(),
        Value::Array(locations.clone())
    );
    let lines = ask("", &[("accept", "application/x-ndjson")]).await.text();
    assert_eq!(
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<Value>>(),
        locations
    );
    for coding in ["gzip", "br", "zstd"] {
        let coded = ask("", &[("accept-encoding", coding)]).await;
        assert_eq!(
            (coded.header("content-encoding"), coded.decoded()),
            (coding, yaml.body.clone())
        );
        assert_ne!(coded.etag(), yaml.etag());
    }
    ask("", &[("accept", "image/png")])
        .await
        .problem(406, "not-acceptable");
}

#[tokio::test]
async fn the_list_is_the_same_before_and_after_any_change() {
    let pair = Pair::with(crowd(3)).await;
    let first = Answer::get(&pair.app, "/locations?shards=64", &[]).await;
    pair.app.sync().await;
    pair.fake.edit(|directory| directory.add_user("newcomer"));
    pair.app.sync().await;
    for method in [Method::GET, Method::HEAD] {
        let full = Answer::to(&pair.app, method.clone(), "/locations?shards=64", &[]).await;
        assert_eq!((full.status, full.etag()), (200, first.etag()));
        assert_eq!(full.header("content-length"), first.body.len().to_string());
        let has = [("if-none-match", first.etag())];
        let again = Answer::to(&pair.app, method, "/locations?shards=64", &has).await;
        assert_eq!(
            (again.status, again.body.len(), again.etag()),
            (304, 0, first.etag())
        );
        assert_eq!(again.header("vary"), first.header("vary"));
    }
}

#[tokio::test]
async fn the_prefix_of_names_is_configured() {
    let pair = Pair::spawn(Release::V2026_5, crowd(3), |config| {
        config.service.location_prefix = LocationPrefix::new("people").unwrap();
    });
    let pair = pair.await;
    let locations = documents(
        &Answer::get(&pair.app, "/locations?shards=2", &[])
            .await
            .text(),
    );
    assert_eq!(locations[1]["metadata"]["name"], "people-1-of-2");
}
