//! `GET /docs`: the API page, with all its resources built in.

use std::collections::BTreeSet;

use reqwest::{Method, Url};

use crate::support::app::{Pair, TestApp};
use crate::support::directory::crowd;
use crate::support::wire::Answer;

async fn page() -> Pair {
    Pair::with(crowd(3)).await
}

/// Returns the addresses after a prefix, up to one of the end characters.
fn addresses<'a>(text: &'a str, before: &str, end: &[char]) -> Vec<&'a str> {
    text.split(before)
        .skip(1)
        .map(|rest| rest.split(end).next().unwrap().trim_matches(['"', '\'']))
        .collect()
}

/// Returns the addresses that a page or a style sheet loads, unresolved.
fn loaded(text: &str) -> BTreeSet<&str> {
    let attributes = ["src=\"", "href=\""].map(|before| addresses(text, before, &['"']));
    let styles = [
        addresses(text, "url(", &[')']),
        addresses(text, "@import ", &[';']),
    ];
    attributes.into_iter().chain(styles).flatten().collect()
}

/// Fetches a file of the page by a relative address.
async fn fetch(app: &TestApp, from: &Url, address: &str) -> (Url, Answer) {
    let url = from.join(address).unwrap();
    let answer = Answer::get(app, &url[url::Position::BeforePath..], &[]).await;
    assert_eq!(answer.status, 200, "{url}");
    (url, answer)
}

#[tokio::test]
async fn the_short_url_redirects_to_the_page_below_any_prefix() {
    let pair = page().await;
    for method in [Method::GET, Method::HEAD] {
        let answer = Answer::to(&pair.app, method, "/docs", &[]).await;
        assert_eq!((answer.status, answer.header("location")), (303, "docs/"));
    }
    let proxied = Url::parse("https://example.com/some/prefix/docs").unwrap();
    assert_eq!(proxied.join("docs/").unwrap().path(), "/some/prefix/docs/");
}

#[tokio::test]
async fn every_file_that_the_page_loads_is_served_by_this_service() {
    let pair = page().await;
    let base = Url::parse(&pair.app.base).unwrap();
    let (page, html) = fetch(&pair.app, &base, "/docs/").await;
    assert_eq!(html.header("content-type"), "text/html");
    let html = html.text();
    let files = loaded(&html);
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        assert!(
            !file.contains("//") && !file.starts_with('/'),
            "not relative: {file}"
        );
        let (at, answer) = fetch(&pair.app, &page, file).await;
        assert!(!answer.body.is_empty());
        if answer.header("content-type") == "text/css" {
            for address in loaded(&answer.text()) {
                assert!(address.starts_with("data:"), "{at} loads {address}");
            }
        }
    }
}

#[tokio::test]
async fn the_page_reads_its_relative_description_and_uses_no_validator() {
    let pair = page().await;
    let base = Url::parse(&pair.app.base).unwrap();
    let (at, script) = fetch(&pair.app, &base, "/docs/swagger-initializer.js").await;
    assert!(script.header("content-type").ends_with("/javascript"));
    let script = script.text();
    assert!(
        !script.contains("http") && !script.contains("{{"),
        "{script}"
    );
    assert!(script.contains("\"validatorUrl\": \"none\""), "{script}");
    let [address] = addresses(&script, "\"url\": \"", &['"'])[..] else {
        panic!("{script}")
    };
    let (url, description) = fetch(&pair.app, &at, address).await;
    assert_eq!(
        (url.path(), description.header("content-type")),
        ("/openapi.json", "application/json")
    );
    let servers = &description.json()["servers"];
    assert_eq!(
        servers[0]["url"], "./",
        "the page sends requests relative to the description, behind any prefix"
    );
}

#[tokio::test]
async fn a_browser_loads_nothing_from_another_origin() {
    let pair = page().await;
    for path in [
        "/docs/",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
    ] {
        let answer = Answer::get(&pair.app, path, &[]).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'self';"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("http") && !policy.contains('*'),
            "{path}: {policy}"
        );
    }
}

#[tokio::test]
async fn an_unknown_file_of_the_page_is_a_problem() {
    let pair = page().await;
    for path in [
        "/docs/nothing.js",
        "/docs/..%2fCargo.toml",
        "/docs/%FF",
        "/docs/a/b",
    ] {
        Answer::get(&pair.app, path, &[])
            .await
            .problem(404, "unknown-path");
    }
}
