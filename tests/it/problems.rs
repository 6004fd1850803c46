//! Every error is a problem document (RFC 9457).

use fake_authentik::{FakeDirectory, Release};
use reqwest::Method;

use crate::support::app::Pair;
use crate::support::wire::Answer;

async fn pair() -> Pair {
    Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await
}

#[tokio::test]
async fn every_error_is_an_uncacheable_problem_document() {
    let pair = pair().await;
    for (method, path, accept, status, code) in [
        (Method::GET, "/unknown", "*/*", 404, "unknown-path"),
        (Method::GET, "/entities/", "*/*", 404, "unknown-path"),
        (Method::GET, "/sync/a/b", "*/*", 404, "unknown-path"),
        (Method::POST, "/nothing", "*/*", 404, "unknown-path"),
        (Method::GET, "/sync/nonsense", "*/*", 404, "unknown-run"),
        (Method::GET, "/sync/%FF", "*/*", 404, "unknown-run"),
        (Method::DELETE, "/entities", "*/*", 405, "unknown-method"),
        (Method::PUT, "/sync", "*/*", 405, "unknown-method"),
        (Method::OPTIONS, "/health", "*/*", 405, "unknown-method"),
        (Method::GET, "/entities?kind=x", "*/*", 400, "bad-query"),
        (Method::GET, "/entities?kind=%FF", "*/*", 400, "bad-query"),
        (Method::POST, "/sync?wait=x", "*/*", 400, "bad-query"),
        (Method::GET, "/entities", "image/png", 406, "not-acceptable"),
        (Method::GET, "/entities", "*/*", 503, "no-snapshot"),
        (Method::GET, "/health/ready", "*/*", 503, "no-snapshot"),
    ] {
        let answer = Answer::to(&pair.app, method.clone(), path, &[("accept", accept)]).await;
        let detail = answer.problem(status, code);
        assert!(
            !detail.is_empty() && !detail.ends_with('.'),
            "{method} {path}: {detail}"
        );
        let keys: Vec<_> = answer.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
        assert_eq!(
            answer.header("content-length"),
            answer.body.len().to_string()
        );
    }
}

#[tokio::test]
async fn every_answer_has_the_id_of_its_request() {
    let pair = pair().await;
    for path in ["/health/live", "/entities", "/nothing", "/entities?kind=x"] {
        let given = Answer::get(&pair.app, path, &[("x-request-id", "of-a-proxy")]).await;
        assert_eq!(given.header("x-request-id"), "of-a-proxy", "{path}");
        let [one, other] = [
            Answer::get(&pair.app, path, &[]).await,
            Answer::get(&pair.app, path, &[]).await,
        ];
        assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
        assert_eq!(one.header("x-request-id").len(), 36, "{path}");
    }
}

#[tokio::test]
async fn an_unsupported_method_gets_the_supported_ones() {
    let pair = pair().await;
    for (path, expected) in [
        ("/entities", vec!["GET", "HEAD"]),
        ("/sync", vec!["GET", "HEAD", "POST"]),
        ("/sync/nonsense", vec!["GET", "HEAD"]),
        ("/health", vec!["GET", "HEAD"]),
        ("/openapi.json", vec!["GET", "HEAD"]),
    ] {
        let answer = Answer::to(&pair.app, Method::DELETE, path, &[]).await;
        answer.problem(405, "unknown-method");
        let mut allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed, expected, "{path}");
    }
}

#[tokio::test]
async fn a_head_request_is_refused_without_a_body() {
    let pair = pair().await;
    for (path, status) in [
        ("/nothing", 404),
        ("/sync/nonsense", 404),
        ("/entities?kind=x", 400),
    ] {
        let answer = Answer::to(&pair.app, Method::HEAD, path, &[]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, "application/problem+json")
        );
        assert!(answer.body.is_empty());
    }
}

#[tokio::test]
async fn a_problem_does_not_repeat_the_value_of_an_unknown_parameter() {
    let pair = pair().await;
    let answer = Answer::get(&pair.app, "/entities?pass=secret-in-a-url", &[]).await;
    let detail = answer.problem(400, "bad-query");
    assert!(
        detail.contains("pass") && !detail.contains("secret-in-a-url"),
        "{detail}"
    );
}
