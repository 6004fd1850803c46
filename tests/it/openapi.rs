//! `/openapi.json`: the description is committed, served and accurate.

use authentik_entity_provider::http::endpoints::openapi::text;
use fake_authentik::{FakeDirectory, Release};
use reqwest::Method;
use serde_json::Value;

use crate::support::app::{Pair, TestApp};
use crate::support::wire::Answer;

const COMMITTED: &str = include_str!("../../openapi/openapi.json");

fn description() -> Value {
    serde_json::from_str(COMMITTED).unwrap()
}

async fn pair() -> Pair {
    Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await
}

/// Returns every operation: method, path and description.
fn operations(description: &Value) -> Vec<(Method, String, Value)> {
    let paths = description["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| {
                (
                    method.to_uppercase().parse().unwrap(),
                    path.clone(),
                    operation.clone(),
                )
            })
    });
    operations.collect()
}

/// Sends a request and checks the answer against the description; returns the status.
async fn held_against(app: &TestApp, method: Method, path: &str, operation: &Value) -> u16 {
    let answer = Answer::to(app, method.clone(), path, &[]).await;
    let documented = &operation["responses"][answer.status.to_string()];
    assert!(
        documented.is_object(),
        "{method} {path} answers {}, which is not described",
        answer.status
    );
    let media_type = answer
        .header("content-type")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        documented["content"].get(&media_type).is_some(),
        !answer.body.is_empty(),
        "{method} {path}: {media_type}"
    );
    for name in documented["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        let description = documented["headers"][name]["description"].as_str().unwrap();
        let optional = ["Content-Encoding", "Preference-Applied"].contains(&name.as_str())
            || description.contains(", if ");
        assert!(
            optional || answer.headers.contains_key(name),
            "{method} {path}: no {name}"
        );
    }
    for name in answer.headers.keys() {
        // The description omits headers that every HTTP response has.
        let is_common = ["content-type", "content-length", "date", "connection"];
        let is_described = documented["headers"].as_object().is_some_and(|headers| {
            headers
                .keys()
                .any(|known| known.eq_ignore_ascii_case(name.as_str()))
        });
        assert!(
            is_described || is_common.contains(&name.as_str()) || name == "transfer-encoding",
            "{method} {path}: {name} is sent with {} and not described",
            answer.status
        );
    }
    answer.status
}

#[test]
fn the_committed_description_is_the_generated_one() {
    assert!(text() == COMMITTED, "run `cargo xtask generate`");
}

#[test]
fn the_description_is_the_same_every_time() {
    assert_eq!(text(), text());
}

#[tokio::test]
async fn the_service_serves_the_committed_description() {
    let pair = pair().await;
    let answer = Answer::get(&pair.app, "/openapi.json", &[]).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(answer.text(), COMMITTED);
}

#[tokio::test]
async fn every_operation_answers_as_described_before_and_after_the_first_snapshot() {
    let pair = pair().await;
    for _ in 0..2 {
        for (method, path, operation) in operations(&description()) {
            let path = path.replace("{id}", "nonsense");
            let status = held_against(&pair.app, method, &path, &operation).await;
            assert!(![405, 500].contains(&status));
        }
        pair.app.sync().await;
    }
    let run = pair.app.sync().await["id"].as_str().unwrap().to_owned();
    let one_run = &description()["paths"]["/sync/{id}"]["get"];
    assert_eq!(
        held_against(&pair.app, Method::GET, &format!("/sync/{run}"), one_run).await,
        200
    );
    let events = &description()["paths"]["/sync/{id}/events"]["get"];
    assert_eq!(
        held_against(
            &pair.app,
            Method::GET,
            &format!("/sync/{run}/events"),
            events
        )
        .await,
        200
    );
    let name = pair.app.names("user").await.remove(0);
    let one_entity = &description()["paths"]["/entities/by-name/{kind}/{namespace}/{name}"]["get"];
    let path = format!("/entities/by-name/user/default/{name}");
    assert_eq!(
        held_against(&pair.app, Method::GET, &path, one_entity).await,
        200
    );
    let ask = &description()["paths"]["/sync"]["post"];
    assert_eq!(
        held_against(&pair.app, Method::POST, "/sync?wait=30s", ask).await,
        200
    );
}

#[tokio::test]
async fn refusals_are_described_too() {
    let pair = pair().await;
    let description = description();
    let entities = &description["paths"]["/entities"]["get"];
    assert_eq!(
        held_against(&pair.app, Method::GET, "/entities?kind=x", entities).await,
        400
    );
    let ask = &description["paths"]["/sync"]["post"];
    assert_eq!(
        held_against(&pair.app, Method::POST, "/sync?wait=x", ask).await,
        400
    );
    assert!(
        entities["responses"].get("406").is_some() && entities["responses"].get("304").is_some()
    );
}

#[tokio::test]
async fn every_path_describes_the_response_to_other_methods() {
    let pair = pair().await;
    for (method, path, operation) in operations(&description()) {
        let path = path.replace("{id}", "nonsense");
        if method == Method::HEAD {
            assert!(operation["responses"]["405"].is_object(), "{path}");
            continue;
        }
        let status = held_against(&pair.app, Method::DELETE, &path, &operation).await;
        assert_eq!(status, 405, "{path}");
    }
}

#[test]
fn every_get_has_a_head() {
    for (path, methods) in description()["paths"].as_object().unwrap() {
        assert_eq!(
            methods["get"].is_object(),
            methods["head"].is_object(),
            "{path}"
        );
    }
}

#[test]
fn parameters_that_exclude_each_other_say_so() {
    let description = description();
    let explain = &description["paths"]["/explain"]["get"]["parameters"];
    for (at, other) in [(0, "group"), (1, "user")] {
        let says = explain[at]["description"].as_str().unwrap();
        assert!(says.contains(&format!("Excludes `{other}`")), "{says}");
    }
    let schemes = &description["components"]["securitySchemes"];
    for scheme in ["bearer", "token"] {
        let says = schemes[scheme]["description"].as_str().unwrap();
        assert!(says.contains("Excludes "), "{says}");
    }
}

#[tokio::test]
async fn the_required_tokens_are_described_and_enforced() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(3), |config| {
        config.service.auth.read_tokens = vec!["rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr".into()];
        config.service.auth.sync_tokens = vec!["ssssssssssssssssssssssssssssssss".into()];
        config.service.auth.webhook_tokens = vec!["wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww".into()];
    })
    .await;
    for (method, path, operation) in operations(&description()) {
        let status = held_against(&pair.app, method.clone(), &path, &operation).await;
        let is_open = path.starts_with("/health");
        assert_eq!(status == 401, !is_open, "{method} {path}: {status}");
        assert_eq!(
            operation["security"].is_array(),
            !is_open,
            "{method} {path}"
        );
        let in_url = operation["security"].to_string().contains("token");
        assert_eq!(
            in_url,
            !is_open && (method != Method::POST || path.starts_with("/hooks/")),
            "{method} {path}"
        );
    }
}

#[test]
fn every_operation_has_a_summary_and_every_parameter_and_schema_a_description() {
    let description = description();
    for (method, path, operation) in operations(&description) {
        assert!(
            operation["summary"].is_string() && operation["operationId"].is_string(),
            "{method} {path}"
        );
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                parameter["description"].is_string(),
                "{method} {path}: {parameter}"
            );
        }
    }
    for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
    }
}

#[tokio::test]
async fn every_key_of_an_answer_is_in_its_schema() {
    let pair = pair().await;
    let run = pair.app.sync().await;
    let explained = pair.app.json("/explain?user=alice.smith").await;
    let group = pair.app.entities("group").await[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let group = pair.app.json(&format!("/explain?group={group}")).await;
    pair.fake.revoke(fake_authentik::FakeAuthentik::TOKEN);
    let failed = pair.app.sync().await;
    let schemas = &description()["components"]["schemas"];
    for (schema, answer) in [
        ("HealthView", pair.app.json("/health").await),
        ("RunsView", pair.app.json("/sync").await),
        ("Problem", pair.app.json("/nothing").await),
        ("Explanations", explained.clone()),
        ("Explanation", explained["matches"][0].clone()),
        ("UserSource", explained["matches"][0]["source"].clone()),
        ("GroupSource", group["matches"][0]["source"].clone()),
        ("RunView", pair.app.json("/sync").await["runs"][0].clone()),
        ("RunDetailView", run),
        ("RunDetailView", failed),
    ] {
        let (described, required) = properties(schemas, &schemas[schema]);
        for key in answer.as_object().unwrap().keys() {
            assert!(described.contains(key), "{schema} lacks {key}");
        }
        for key in required {
            assert!(
                answer.get(&key).is_some(),
                "{schema} requires {key}: {answer}"
            );
        }
    }
}

/// Returns the properties of a schema and the required ones.
fn properties(schemas: &Value, schema: &Value) -> (Vec<String>, Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return properties(schemas, &schemas[reference.rsplit('/').next().unwrap()]);
    }
    let keys = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.clone());
    let required = schema["required"].as_array().into_iter().flatten();
    let own = (
        keys.collect::<Vec<_>>(),
        required
            .map(|key| key.as_str().unwrap().to_owned())
            .collect::<Vec<_>>(),
    );
    schema["allOf"]
        .as_array()
        .into_iter()
        .flatten()
        .fold(own, |(mut keys, mut required), part| {
            let (more, more_required) = properties(schemas, part);
            keys.extend(more);
            required.extend(more_required);
            (keys, required)
        })
}
