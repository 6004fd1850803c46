//! Formats by `Accept` and by query, and unsupported ones.

use fake_authentik::{FakeDirectory, Release};
use reqwest::Method;

use super::{CODINGS, VARIANTS, synced};
use crate::support::app::Pair;
use crate::support::wire::{Answer, BACKSTAGE};

const YAML: &str = "application/yaml";
const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

#[tokio::test]
async fn accept_chooses_the_format() {
    let pair = synced(FakeDirectory::generate(30)).await;
    for (accept, expected) in [
        ("*/*", YAML),
        (JSON, JSON),
        (NDJSON, NDJSON),
        ("application/ndjson", NDJSON),
        ("text/yaml", YAML),
        ("text/html;q=0.8, application/json;q=0.9, */*;q=0.1", JSON),
        ("application/json;q=0.2, application/x-ndjson;q=0.3", NDJSON),
        ("application/yaml;q=0, */*", JSON),
    ] {
        let answer = Answer::get(&pair.app, "/entities", &[("accept", accept)]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, expected),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn the_query_wins_over_accept() {
    let pair = synced(FakeDirectory::generate(30)).await;
    for (format, expected) in [("yaml", YAML), ("json", JSON), ("ndjson", NDJSON)] {
        for accept in ["application/json", "application/x-ndjson", "text/html"] {
            let path = format!("/entities?format={format}");
            let answer = Answer::get(&pair.app, &path, &[("accept", accept)]).await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, expected),
                "{accept}"
            );
        }
    }
}

#[tokio::test]
async fn an_unacceptable_format_is_a_problem_that_names_the_possible_ones() {
    let pair = synced(FakeDirectory::generate(30)).await;
    for accept in ["text/plain", "application/json;q=0", "image/*"] {
        let answer = Answer::get(&pair.app, "/entities", &[("accept", accept)]).await;
        let detail = answer.problem(406, "not-acceptable");
        assert!(
            [YAML, JSON, NDJSON, "?format="]
                .iter()
                .all(|name| detail.contains(name)),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_coding_is_sent_only_to_a_client_that_accepts_it() {
    let pair = synced(FakeDirectory::generate(30)).await;
    for (accept, expected) in [
        ("gzip, deflate", "gzip"),
        ("br, *", "br"),
        ("*", "gzip"),
        ("identity", ""),
        ("compress", ""),
        ("gzip;q=0", ""),
        ("gzip;q=0, *", ""),
        ("*;q=0", ""),
    ] {
        let answer = Answer::get(&pair.app, "/entities", &[("accept-encoding", accept)]).await;
        assert_eq!(
            (answer.status, answer.header("content-encoding")),
            (200, expected),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn an_unknown_parameter_or_value_is_a_problem_that_names_it() {
    let pair = synced(FakeDirectory::generate(30)).await;
    for (query, named) in [
        ("format=xml", ["format", "xml", "ndjson"]),
        ("kind=location", ["kind", "location", "group"]),
        ("kind=User", ["kind", "User", "user"]),
        ("kind=", ["kind", "user", "group"]),
        ("kinds=user", ["kinds", "kind", "format"]),
        ("format=json&page=2", ["page", "kind", "format"]),
        ("kind=user&kind=group", ["kind", "more than once", "kind"]),
    ] {
        let answer = Answer::get(&pair.app, &format!("/entities?{query}"), &[]).await;
        let detail = answer.problem(400, "bad-query");
        assert!(
            named.iter().all(|name| detail.contains(name)),
            "{query}: {detail}"
        );
    }
}

#[tokio::test]
async fn a_head_request_has_the_headers_of_get_and_no_body() {
    let pair = synced(FakeDirectory::generate(60)).await;
    for (query, accept) in VARIANTS {
        for coding in CODINGS {
            let (path, headers) = (
                format!("/entities{query}"),
                [
                    ("accept", accept),
                    ("accept-encoding", coding),
                    ("x-request-id", "same"),
                ],
            );
            // HEAD first: it must not depend on a rendition that GET built.
            let head = Answer::to(&pair.app, Method::HEAD, &path, &headers).await;
            let get = Answer::get(&pair.app, &path, &headers).await;
            assert_eq!(without_date(&head), without_date(&get), "{query} {coding}");
            assert!(head.body.is_empty() && !get.body.is_empty());
        }
    }
}

/// Returns status and headers without `Date`.
fn without_date(answer: &Answer) -> (u16, reqwest::header::HeaderMap) {
    let mut headers = answer.headers.clone();
    headers.remove("date");
    (answer.status, headers)
}

#[tokio::test]
async fn before_the_first_snapshot_the_answer_is_an_error_and_not_empty() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |_| ()).await;
    for (query, accept) in VARIANTS {
        let path = format!("/entities{query}");
        let headers = [
            BACKSTAGE[1],
            BACKSTAGE[2],
            ("accept", accept),
            ("if-none-match", "*"),
            ("x-request-id", "same"),
        ];
        let get = Answer::get(&pair.app, &path, &headers).await;
        assert!(get.problem(503, "no-snapshot").contains("/health"));
        let head = Answer::to(&pair.app, Method::HEAD, &path, &headers).await;
        assert_eq!(without_date(&head), without_date(&get));
        assert!(get.header("retry-after").parse::<u32>().unwrap() > 0);
        assert!(head.body.is_empty());
    }
}

#[tokio::test]
async fn a_failed_first_run_serves_nothing_either() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::default(), |_| ()).await;
    assert_eq!(
        pair.app.sync().await["state"],
        "held",
        "an empty user list is held"
    );
    Answer::get(&pair.app, "/entities", &BACKSTAGE)
        .await
        .problem(503, "no-snapshot");
}
