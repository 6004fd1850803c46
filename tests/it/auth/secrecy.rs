//! No token, valid or invalid, appears in a log, an answer or a run.

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use reqwest::Client;
use rustix::process::Signal;

use super::{READ, SYNC, WRONG};
use crate::support::process::Process;
use crate::support::{RunningAuthentik, client_builder};

/// Returns all answers to requests with tokens in every position, as one text with headers.
async fn answers(client: &Client, service: &str) -> String {
    let mut text = String::new();
    let get = |path: &str| client.get(format!("{service}{path}"));
    let post = |path: &str| client.post(format!("{service}{path}"));
    let mut requests = vec![
        post("/sync?wait=1m").bearer_auth(SYNC),
        post(&format!("/sync?token={SYNC}")),
    ];
    let paths = [
        "/entities",
        "/sync",
        "/health",
        "/metrics",
        "/docs/",
        "/docs",
        "/nothing",
        "/explain?user=x",
    ];
    for token in [READ, SYNC, WRONG] {
        for path in paths {
            let separator = if path.contains('?') { '&' } else { '?' };
            let with_token = format!("{path}{separator}token={token}");
            requests.push(get(path).bearer_auth(token));
            requests.push(get(&with_token).header("referer", format!("{service}{with_token}")));
        }
    }
    for request in requests {
        let answer = request.send().await.unwrap();
        text.push_str(&format!("{answer:?}").replace(answer.url().as_str(), ""));
        text.push_str(&answer.text().await.unwrap());
    }
    text
}

#[tokio::test]
async fn no_token_appears_in_a_log_or_in_an_answer() {
    let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(30));
    let authentik = RunningAuthentik::spawn(&fake).await;
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        ("ENTITY_PROVIDER_AUTH_READ_TOKENS", READ),
        ("ENTITY_PROVIDER_AUTH_SYNC_TOKENS", SYNC),
        ("RUST_LOG", "trace"),
    ];
    let mut serve = Process::spawn(&["serve", "--listen", "127.0.0.1:0"], &variables);
    let service = serve.serving().await;
    let mut output = String::new();
    for client in [client_builder(), client_builder().http2_prior_knowledge()] {
        output.push_str(&answers(&client.build().unwrap(), &service).await);
    }
    serve.signal(Signal::TERM);
    let ended = serve.end().await;
    assert!(
        ended.error.contains("\"level\":\"TRACE\"") && output.contains("token-invalid"),
        "both logs have entries"
    );
    output.push_str(&ended.out);
    output.push_str(&ended.error);
    for part in [READ, SYNC, WRONG]
        .iter()
        .flat_map(|token| token.as_bytes().windows(8))
    {
        let part = str::from_utf8(part).unwrap();
        assert_eq!(
            output.lines().find(|line| line.contains(part)),
            None,
            "{part}"
        );
    }
}
