//! The page for people: its files and headers. `tests/page` runs it in a browser.

use authentik_entity_provider::config::{AuthConfig, Exposure};
use fake_authentik::{FakeDirectory, Release};

use crate::support::app::Pair;
use crate::support::wire::Answer;

const BROWSER: (&str, &str) = (
    "accept",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
);

async fn with_docs(docs: Exposure) -> Pair {
    Pair::spawn(Release::V2026_5, FakeDirectory::generate(10), |config| {
        config.service.auth = AuthConfig {
            docs,
            read_tokens: vec!["rEaD7xW2vK9pLmR4tY8uB3nC6hJ1sD5f".into()],
            ..AuthConfig::default()
        };
    })
    .await
}

#[tokio::test]
async fn the_page_and_every_file_that_it_loads_need_no_token_and_allow_no_foreign_code() {
    let pair = with_docs(Exposure::Token).await;
    let page = Answer::get(&pair.app, "/", &[BROWSER]).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    let mut files = vec!["main.js".to_owned(), "style.css".to_owned()];
    let mut seen = 0;
    while let Some(file) = files.get(seen).cloned() {
        seen += 1;
        let answer = Answer::get(&pair.app, &format!("/page/{file}"), &[]).await;
        assert_eq!(answer.status, 200, "{file}");
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "content-security-policy",
                page.header("content-security-policy"),
            ),
        ] {
            assert_eq!(answer.header(header), value, "{file}");
        }
        let text = answer.text();
        let imports = text.split("from \"./").skip(1);
        for import in imports.map(|rest| rest.split('"').next().unwrap()) {
            if !files.iter().any(|known| known == import) {
                files.push(import.to_owned());
            }
        }
    }
    assert_eq!(files.len(), 11, "{files:?}");
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; "),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
}

#[tokio::test]
async fn a_browser_is_led_to_the_page_and_its_token_is_dropped() {
    let pair = with_docs(Exposure::Token).await;
    for path in ["/entities", "/entities?kind=user&token=secret"] {
        let answer = Answer::get(&pair.app, path, &[BROWSER]).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "./"),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    let list = Answer::get(&pair.app, "/entities?format=json", &[BROWSER]).await;
    list.problem(401, "token-missing");
}

#[tokio::test]
async fn without_docs_there_is_no_page_and_a_browser_gets_the_list() {
    let pair = with_docs(Exposure::Off).await;
    for path in ["/", "/page/main.js"] {
        Answer::get(&pair.app, path, &[BROWSER])
            .await
            .problem(404, "unknown-path");
    }
    Answer::get(&pair.app, "/entities", &[BROWSER])
        .await
        .problem(401, "token-missing");
}

#[tokio::test]
async fn an_unknown_file_is_a_problem() {
    let pair = with_docs(Exposure::Open).await;
    for path in ["/page/other.js", "/page/..%2f..%2fpage.rs", "/page/"] {
        Answer::get(&pair.app, path, &[])
            .await
            .problem(404, "unknown-path");
    }
}
