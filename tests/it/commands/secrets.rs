//! The log: JSON lines, and never a token.

use fake_authentik::{Access, FakeAuthentik, FakeDirectory, Release};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::RunningAuthentik;
use crate::support::process::{Process, get, post};

/// A token without any word that may appear in a log.
const TOKEN: &str = "zQ7xW2vK9pLmR4tY8uB3nC6hJ1sD5fG0aEqZ";
/// A secret that a client puts into a URL.
const IN_A_URL: &str = "qUeRySeCrEt0815";

#[tokio::test]
async fn the_log_at_trace_level_contains_no_token_or_part_of_it() {
    let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(30))
        .with_token(TOKEN, Access::Full);
    let authentik = RunningAuthentik::spawn(&fake).await;
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", TOKEN),
        ("RUST_LOG", "trace"),
    ];
    let mut serve = Process::spawn(&["serve", "--listen", "127.0.0.1:0"], &variables);
    let service = serve.serving().await;
    assert_eq!(
        post(&format!("{service}/sync?wait=1m")).await["state"],
        "succeeded"
    );
    for path in [
        "/entities",
        "/entities?format=json&kind=user",
        "/sync",
        "/health",
    ] {
        assert_eq!(get(&format!("{service}{path}")).await.status(), 200);
    }
    for query in [format!("secret={IN_A_URL}"), format!("kind={IN_A_URL}")] {
        assert_eq!(
            get(&format!("{service}/entities?{query}")).await.status(),
            400
        );
    }
    fake.revoke(TOKEN);
    assert_eq!(
        post(&format!("{service}/sync?wait=1m")).await["error"]["code"],
        "token"
    );
    serve.signal(Signal::TERM);
    let ended = serve.end().await;
    assert_eq!(ended.status.code(), Some(0));
    let output = format!("{}{}", ended.out, ended.error);
    assert!(
        output.contains("\"level\":\"TRACE\""),
        "the log has trace lines"
    );
    for part in TOKEN.as_bytes().windows(8).chain([IN_A_URL.as_bytes()]) {
        let part = str::from_utf8(part).unwrap();
        let line = output.lines().find(|line| line.contains(part));
        assert_eq!(line, None, "{part}");
    }
}

#[tokio::test]
async fn the_log_is_json_unless_it_is_a_terminal() {
    let authentik = super::authentik().await;
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
    ];
    let mut serve = Process::spawn(&super::LISTEN, &variables);
    let service = serve.serving().await;
    post(&format!("{service}/sync?wait=1m")).await;
    serve.signal(Signal::TERM);
    let ended = serve.end().await;
    assert_eq!(ended.out, "");
    let entries: Vec<Value> = ended
        .error
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        entries.len() >= 3,
        "listening, sync succeeded, shutting down"
    );
    for entry in &entries {
        let level = entry["level"].as_str().unwrap();
        assert!(["INFO", "WARN"].contains(&level), "{entry}");
        assert!(
            entry["timestamp"].is_string() && entry["message"].is_string(),
            "{entry}"
        );
    }
}
