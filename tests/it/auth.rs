//! Authorization: read and sync tokens, and the endpoints that are open without one.

mod docs;
mod exposure;
mod metrics;
mod reload;
mod secrecy;
mod targets;

use authentik_entity_provider::app::App;
use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::{AuthConfig, Config};
use authentik_entity_provider::http::load::Capacity;
use authentik_entity_provider::server::limits::Limits;
use fake_authentik::{FakeAuthentik, Release};
use reqwest::Method;

use crate::support::app::{Pair, TestApp, config};
use crate::support::command::Upstream;
use crate::support::directory::{assert_contains, crowd};
use crate::support::wire::Answer;

/// Tokens without any word that may appear in a log.
const READ: &str = "rEaD7xW2vK9pLmR4tY8uB3nC6hJ1sD5f";
const OLD_READ: &str = "oLdR3aD5kQ8wZ1xV7cN2mB9gH4jF6pT0";
const SYNC: &str = "sYnC4tG7bN1mK8jH5gF2dS9aP6oI3uYq";
const WRONG: &str = "wRoNg0zX9cV8bN7mA6sD5fG4hJ3kL2pQ";

/// An `auth` section with these tokens.
fn section(read: &[&str], sync: &[&str]) -> AuthConfig {
    let secrets = |tokens: &[&str]| tokens.iter().map(|&token| token.into()).collect();
    AuthConfig {
        read_tokens: secrets(read),
        sync_tokens: secrets(sync),
        ..AuthConfig::default()
    }
}

/// A service with a read token and a sync token, after one sync.
async fn guarded() -> Pair {
    guarded_by(section(&[READ, OLD_READ], &[SYNC])).await
}

/// A service with this `auth` section, after one sync with the sync token.
async fn guarded_by(auth: AuthConfig) -> Pair {
    let adjust = |config: &mut Config| config.service.auth = auth;
    let pair = Pair::spawn(Release::V2026_5, crowd(5), adjust).await;
    let run = pair
        .app
        .post("/sync?wait=5m")
        .bearer_auth(SYNC)
        .send()
        .await
        .unwrap();
    assert_eq!(run.status(), 200);
    pair
}

/// Sends a request with a token in the header.
async fn ask(app: &TestApp, method: Method, path: &str, token: Option<&str>) -> Answer {
    let header = token.map(|token| format!("Bearer {token}"));
    let header = header
        .as_ref()
        .map(|value| ("authorization", value.as_str()));
    Answer::to(app, method, path, header.as_slice()).await
}

/// Returns the id of the last run.
async fn last_run(app: &TestApp) -> String {
    let runs = ask(app, Method::GET, "/sync", Some(READ)).await.json();
    runs["runs"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_operation_requires_its_kind_of_token() {
    let pair = guarded().await;
    let run = last_run(&pair.app).await;
    let entity = "/entities/by-name/group/default/everyone";
    let (id, events) = (format!("/sync/{run}"), format!("/sync/{run}/events"));
    let get = Method::GET;
    // Without a token, with a read token, with the older read token, with a sync token.
    for (method, path, expected) in [
        (&get, "/entities", [401, 200, 200, 403]),
        (&Method::HEAD, "/entities", [401, 200, 200, 403]),
        (&get, entity, [401, 200, 200, 403]),
        (&get, "/explain?group=everyone", [401, 200, 200, 403]),
        (&get, &id, [401, 200, 200, 403]),
        (&get, "/sync", [401, 200, 200, 200]),
        (&get, &events, [401, 200, 200, 200]),
        (&Method::POST, "/sync", [401, 403, 403, 202]),
        (&get, "/openapi.json", [401, 200, 200, 403]),
        (&get, "/docs/", [401, 200, 200, 403]),
        (&get, "/docs/swagger-ui.css", [200; 4]),
        (&get, "/metrics", [401, 200, 200, 200]),
        (&get, "/health", [200; 4]),
        (&get, "/health/live", [200; 4]),
        (&get, "/health/ready", [200; 4]),
        (&get, "/nothing", [404; 4]),
        (&Method::DELETE, "/entities", [405; 4]),
    ] {
        let mut statuses = Vec::new();
        for token in [None, Some(READ), Some(OLD_READ), Some(SYNC)] {
            statuses.push(ask(&pair.app, method.clone(), path, token).await.status);
        }
        assert_eq!(statuses, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_problem_and_shows_no_data() {
    let pair = guarded().await;
    let in_query = format!("/entities?token={READ}");
    let post = format!("/sync?token={SYNC}");
    let twice = format!("/entities?token={READ}&token={READ}");
    let realm = "Bearer realm=\"authentik-entity-provider\"";
    for (method, path, token, (status, code, error)) in [
        (Method::GET, "/entities", None, (401, "token-missing", "")),
        (
            Method::GET,
            "/entities?token=",
            None,
            (401, "token-missing", ""),
        ),
        (
            Method::GET,
            "/entities",
            Some(WRONG),
            (401, "token-invalid", ", error=\"invalid_token\""),
        ),
        (
            Method::GET,
            "/entities",
            Some(SYNC),
            (403, "token-kind", ", error=\"insufficient_scope\""),
        ),
        (
            Method::POST,
            "/sync",
            Some(READ),
            (403, "token-kind", ", error=\"insufficient_scope\""),
        ),
        (
            Method::GET,
            &in_query,
            Some(READ),
            (400, "token-twice", ", error=\"invalid_request\""),
        ),
        (
            Method::GET,
            &twice,
            None,
            (400, "token-twice", ", error=\"invalid_request\""),
        ),
        (
            Method::POST,
            &post,
            None,
            (400, "token-in-query", ", error=\"invalid_request\""),
        ),
    ] {
        let answer = ask(&pair.app, method.clone(), path, token).await;
        let detail = answer.problem(status, code);
        assert_eq!(
            answer.header("www-authenticate"),
            format!("{realm}{error}"),
            "{method} {path}"
        );
        for secret in [READ, SYNC, WRONG, "person"] {
            assert!(
                !detail.contains(secret) && !answer.text().contains(secret),
                "{detail}"
            );
        }
    }
    let runs = ask(&pair.app, Method::GET, "/sync", Some(READ))
        .await
        .json();
    assert_eq!(
        runs["runs"].as_array().unwrap().len(),
        1,
        "no refused request led to a run"
    );
}

#[tokio::test]
async fn a_read_token_in_the_query_is_removed_before_the_query_is_parsed() {
    let pair = guarded().await;
    let with_header = ask(&pair.app, Method::GET, "/entities?kind=user", Some(READ)).await;
    for path in [
        format!("/entities?kind=user&token={READ}"),
        format!("/entities?token={OLD_READ}&kind=user"),
    ] {
        let answer = ask(&pair.app, Method::GET, &path, None).await;
        assert_eq!((answer.status, &answer.body), (200, &with_header.body));
        assert_eq!(
            answer.etag(),
            with_header.etag(),
            "the token is not part of the content"
        );
    }
    for (query, status, code) in [
        (format!("token={WRONG}"), 401, "token-invalid"),
        (format!("token={SYNC}"), 403, "token-kind"),
        (format!("token={READ}&tokens={READ}"), 400, "bad-query"),
    ] {
        ask(&pair.app, Method::GET, &format!("/entities?{query}"), None)
            .await
            .problem(status, code);
    }
}

#[tokio::test]
async fn a_service_without_tokens_is_open_and_also_accepts_a_token() {
    let pair = Pair::with(crowd(5)).await;
    pair.app.sync().await;
    for (path, token) in [
        ("/entities".to_owned(), None),
        ("/entities".to_owned(), Some(WRONG)),
        (format!("/entities?token={WRONG}"), None),
        ("/openapi.json?token=x".to_owned(), None),
    ] {
        assert_eq!(
            ask(&pair.app, Method::GET, &path, token).await.status,
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn wrong_tokens_are_answered_at_once_and_take_no_slot() {
    let upstream = Upstream::spawn(crowd(5)).await;
    let mut config = config(&upstream.authentik.base, FakeAuthentik::TOKEN);
    config.service.auth.read_tokens = vec![READ.into()];
    let capacity = Capacity {
        reading: 0,
        ..Capacity::default()
    };
    let full = |app: App| app.with_limits(Limits::default(), capacity);
    let app = TestApp::spawn_as(config, Clock::system(), full).await;
    for _ in 0..100 {
        let answer = ask(&app, Method::GET, "/entities", Some(WRONG)).await;
        answer.problem(401, "token-invalid");
    }
    let missing = ask(&app, Method::GET, "/entities", None).await;
    missing.problem(401, "token-missing");
    let right = ask(&app, Method::GET, "/entities", Some(READ)).await;
    right.problem(503, "overloaded");
}

#[tokio::test]
async fn the_service_does_not_start_with_a_short_token() {
    let upstream = Upstream::spawn(crowd(1)).await;
    for variable in [
        "ENTITY_PROVIDER_AUTH_READ_TOKENS",
        "ENTITY_PROVIDER_AUTH_SYNC_TOKENS",
    ] {
        let ended = upstream
            .run_with(&["serve"], &[(variable, &READ[1..])])
            .await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.error);
        assert_contains(
            &ended.error,
            &[variable, "fewer than 32 characters", "openssl rand -hex 32"],
        );
        assert!(!ended.error.contains(&READ[1..]), "{}", ended.error);
    }
}
