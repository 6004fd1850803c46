//! The content of a body and its order.

use serde_json::Value;

use super::{CODINGS, VARIANTS, hostile_directory, synced};
use crate::support::wire::{Answer, BACKSTAGE, documents};

/// Returns the kinds and names of entities, in order.
fn kinds_and_names(entities: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    entities
        .iter()
        .map(|entity| (text(&entity["kind"]), text(&entity["metadata"]["name"])))
        .collect()
}

/// Parses the entities of a body in any format.
fn entities(answer: &Answer) -> Vec<Value> {
    match answer.header("content-type") {
        "application/yaml" => documents(&answer.text()),
        "application/json" => serde_json::from_value(answer.json()).unwrap(),
        "application/x-ndjson" => answer
            .text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        other => panic!("unknown format {other}"),
    }
}

#[tokio::test]
async fn groups_come_before_users_and_each_are_sorted_by_name() {
    let pair = synced(hostile_directory(300)).await;
    let found = kinds_and_names(&documents(
        &Answer::get(&pair.app, "/entities", &[]).await.text(),
    ));
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(
        found, sorted,
        "`Group` sorts before `User`, and names by their bytes"
    );
    assert!(found.iter().filter(|(kind, _)| kind == "Group").count() > 10);
    assert!(found.iter().filter(|(kind, _)| kind == "User").count() > 200);
}

#[tokio::test]
async fn the_default_body_is_json_documents_each_after_a_separator() {
    let pair = synced(hostile_directory(300)).await;
    let answer = Answer::get(&pair.app, "/entities", &BACKSTAGE).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/yaml")
    );
    assert_eq!(answer.header("content-encoding"), "gzip");
    let text = answer.text();
    assert!(text.starts_with("---\n{\"apiVersion\":\"backstage.io/v1alpha1\",\"kind\":\"Group\""));
    assert!(documents(&text).iter().all(Value::is_object));
}

#[tokio::test]
async fn a_yaml_parser_reads_the_default_body_as_the_same_objects() {
    let pair = synced(hostile_directory(120)).await;
    for path in ["/entities", "/entities?kind=user", "/entities?kind=group"] {
        let text = Answer::get(&pair.app, path, &[]).await.text();
        let parsed: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        assert!(parsed.len() > 10);
        assert_eq!(parsed, documents(&text));
    }
}

#[tokio::test]
async fn a_header_counts_the_entities_of_each_body() {
    let pair = synced(hostile_directory(60)).await;
    for (query, accept) in [VARIANTS.as_slice(), &[("?shard=1/4", "*/*")]].concat() {
        let headers = [("accept", accept), ("accept-encoding", "gzip")];
        let answer = Answer::get(&pair.app, &format!("/entities{query}"), &headers).await;
        let count = entities(&answer).len();
        assert!(count > 0, "{query}");
        assert_eq!(answer.header("entity-count"), count.to_string(), "{query}");
    }
}

#[tokio::test]
async fn hostile_names_are_unchanged() {
    let pair = synced(hostile_directory(20)).await;
    let user = pair.app.entity("user", "hostile-2").await.unwrap();
    assert_eq!(user["spec"]["profile"]["displayName"], "x\n---\n{}");
    let body = Answer::get(&pair.app, "/entities", &[]).await.text();
    assert_eq!(
        body.matches("\n---\n").count() + 1,
        documents(&body).len(),
        "one separator for each entity"
    );
}

#[tokio::test]
async fn all_formats_contain_the_same_entities() {
    let pair = synced(hostile_directory(150)).await;
    for kind in ["", "&kind=user", "&kind=group"] {
        let ask = async |format| {
            let path = format!("/entities?format={format}{kind}");
            entities(&Answer::get(&pair.app, &path, &[]).await)
        };
        let yaml = ask("yaml").await;
        assert!(yaml.len() > 10);
        assert_eq!(
            (ask("json").await, ask("ndjson").await),
            (yaml.clone(), yaml)
        );
    }
}

#[tokio::test]
async fn groups_followed_by_users_are_the_body_in_every_format() {
    let pair = synced(hostile_directory(150)).await;
    for format in ["yaml", "json", "ndjson"] {
        let ask = async |query| {
            let path = format!("/entities?format={format}{query}");
            Answer::get(&pair.app, &path, &[]).await
        };
        let (all, groups, users) = (
            ask("").await,
            ask("&kind=group").await,
            ask("&kind=user").await,
        );
        assert_eq!(
            entities(&all),
            [entities(&groups), entities(&users)].concat(),
            "{format}"
        );
        assert!(
            entities(&groups)
                .iter()
                .all(|entity| entity["kind"] == "Group")
        );
        assert!(
            entities(&users)
                .iter()
                .all(|entity| entity["kind"] == "User")
        );
        if format != "json" {
            assert_eq!(
                all.body,
                [groups.body, users.body].concat(),
                "{format}: not even a byte differs"
            );
        }
    }
}

#[tokio::test]
async fn a_gzip_body_decodes_to_the_plain_one_in_every_variant() {
    let pair = synced(hostile_directory(150)).await;
    for (query, accept) in VARIANTS {
        let path = format!("/entities{query}");
        let plain = Answer::get(&pair.app, &path, &[("accept", accept)]).await;
        let gzip = [("accept", accept), ("accept-encoding", "gzip")];
        let gzip = Answer::get(&pair.app, &path, &gzip).await;
        assert_eq!(
            (
                plain.header("content-encoding"),
                gzip.header("content-encoding")
            ),
            ("", "gzip")
        );
        assert_eq!(plain.header("content-type"), gzip.header("content-type"));
        assert_eq!(gzip.decoded(), plain.body, "{query}");
        assert!(gzip.body.len() < plain.body.len());
    }
}

#[tokio::test]
async fn every_variant_has_its_length_and_cache_headers() {
    let pair = synced(hostile_directory(60)).await;
    for (query, accept) in VARIANTS {
        for coding in CODINGS {
            let headers = [("accept", accept), ("accept-encoding", coding)];
            let answer = Answer::get(&pair.app, &format!("/entities{query}"), &headers).await;
            assert_eq!(
                answer.header("content-length"),
                answer.body.len().to_string(),
                "{query}"
            );
            assert_eq!(answer.header("vary"), "Accept, Accept-Encoding");
            assert_eq!(answer.header("cache-control"), "private, no-cache");
            assert!(!answer.headers.contains_key("transfer-encoding"));
            assert!(!answer.headers.contains_key("last-modified"));
        }
    }
}
