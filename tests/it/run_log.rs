//! The log: a line for each run, with numbers as numbers, in the requested format.

use fake_authentik::{Action, ScriptStep, Target};
use jiff::Timestamp;
use reqwest::StatusCode;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::command::Upstream;
use crate::support::directory::crowd;
use crate::support::process::{Line, Process, log_entry, post};

const VARIABLES: [(&str, &str); 2] = [
    ("ENTITY_PROVIDER_LISTEN", "127.0.0.1:0"),
    ("ENTITY_PROVIDER_STATE_DIR", "false"),
];

/// Starts a service in front of five users, with more variables.
fn serve(upstream: &Upstream, arguments: &[&str], more: &[(&str, &str)]) -> Process {
    let variables = [&upstream.variables()[..], &VARIABLES, more].concat();
    Process::spawn(&[&["serve"], arguments].concat(), &variables)
}

/// Returns the names of the fields with numbers.
fn numbers(entry: &Value) -> Vec<&str> {
    let fields = entry.as_object().unwrap().iter();
    let numbers = fields.filter(|(_, value)| value.is_number());
    numbers.map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn a_run_is_one_line_with_its_outcome_and_cost() {
    let upstream = Upstream::spawn(crowd(5)).await;
    let mut serve = serve(&upstream, &[], &[]);
    let service = serve.serving().await;
    let before = upstream.fake.counters();
    let run = post(&format!("{service}/sync?wait=1m")).await;
    let line = serve.logged("sync succeeded").await;
    let counters = upstream.fake.counters();
    assert_eq!(line["run"], run["id"]);
    assert_eq!(
        (&line["trigger"], &line["mode"], &line["reason"]),
        (&"request".into(), &"full".into(), &"first".into())
    );
    assert_eq!(line["requests"], counters.requests - before.requests);
    assert!(line["rows"].as_u64() >= Some(counters.user_rows - before.user_rows));
    for count in ["users", "groups", "added", "changed", "removed", "findings"] {
        assert_eq!(line[count], run[count], "{count}");
    }
    let mut expected = vec!["duration_seconds", "requests", "rows"];
    expected.extend(["users", "groups", "added", "changed", "removed", "findings"]);
    expected.sort_unstable();
    assert_eq!(numbers(&line), expected, "{line}");
}

#[tokio::test]
async fn the_line_of_a_failed_run_has_the_time_of_the_next_run() {
    let upstream = Upstream::spawn(crowd(5)).await;
    let refused = Action::answer(StatusCode::BAD_REQUEST, r#"{"detail": "no"}"#);
    upstream
        .fake
        .script(ScriptStep::at(Target::Users, refused).always());
    let mut serve = serve(&upstream, &[], &[]);
    let service = serve.serving().await;
    let run = post(&format!("{service}/sync?wait=1m")).await;
    let line = serve.logged("sync failed").await;
    assert_eq!(
        (&line["level"], &line["run"]),
        (&"ERROR".into(), &run["id"])
    );
    assert_eq!(
        (&line["code"], &line["error"]),
        (&run["error"]["code"], &run["error"]["message"])
    );
    let next: Timestamp = line["next_run_at"].as_str().unwrap().parse().unwrap();
    let ended: Timestamp = run["endedAt"].as_str().unwrap().parse().unwrap();
    assert!(next > ended, "{line}");
}

#[tokio::test]
async fn the_format_comes_from_the_flag_the_variable_or_the_key() {
    let upstream = Upstream::spawn(crowd(5)).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app-config.yaml");
    let [text, json] = ["text", "json"].map(|form| [("ENTITY_PROVIDER_LOG_FORMAT", form)]);
    std::fs::write(&file, "entityProvider: { logFormat: text }").unwrap();
    let by_key = ["--config", file.to_str().unwrap()];
    let by_flag = ["--log-format", "text"];
    for (arguments, variables, is_text) in [
        (&by_key[..], &[][..], true),
        (&by_key, &json, false),
        (&[], &text, true),
        (&by_flag, &json, true),
        (&[], &[], false),
    ] {
        let mut serve = serve(&upstream, arguments, variables);
        let line = serve
            .until(|line| match line {
                Line::Error(text) if text.contains("listening") => Some(line.clone()),
                _ => None,
            })
            .await;
        assert_eq!(
            log_entry(&line).is_none(),
            is_text,
            "{arguments:?} {line:?}"
        );
    }
}

#[tokio::test]
async fn an_error_at_the_start_has_the_format_of_the_log() {
    let upstream = Upstream::spawn(crowd(5)).await;
    let open = [("ENTITY_PROVIDER_LISTEN", "0.0.0.0:0")];
    for (arguments, is_text) in [(&["--log-format", "text"][..], true), (&[], false)] {
        let ended = serve(&upstream, arguments, &open).end().await;
        assert_eq!(ended.status.code(), Some(1));
        let line = ended.error.lines().last().unwrap().to_owned();
        let entry = log_entry(&Line::Error(line.clone()));
        assert_eq!(line.starts_with("error: "), is_text, "{line}");
        let message = entry.map_or(line, |entry| {
            assert_eq!(entry["level"], "ERROR");
            entry["message"].as_str().unwrap().to_owned()
        });
        assert!(message.contains("allowAnonymous"), "{message}");
    }
}

#[tokio::test]
async fn a_run_cancelled_by_a_shutdown_is_no_error() {
    let upstream = Upstream::spawn(crowd(5)).await;
    let gate = fake_authentik::Gate::new();
    upstream
        .fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let mut serve = serve(&upstream, &[], &[]);
    let service = serve.serving().await;
    post(&format!("{service}/sync")).await;
    gate.waiting(1).await;
    serve.signal(Signal::TERM);
    let line = serve.logged("sync was cancelled").await;
    assert_eq!(line["level"], "INFO", "{line}");
    assert!(line.get("next_run_at").is_none(), "{line}");
    let ended = serve.end().await;
    assert!(!ended.error.contains("ERROR"), "{}", ended.error);
}
