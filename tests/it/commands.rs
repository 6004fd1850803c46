//! The commands, run as the real binary.

mod configuration;
mod generated;
mod healthcheck;
mod help;
mod secrets;

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use tempfile::TempDir;

use crate::support::RunningAuthentik;
use crate::support::process::{Line, Process, get, post};
use crate::support::wire::documents;
use rustix::process::Signal;

const LISTEN: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

/// A fake Authentik for another process.
async fn authentik() -> RunningAuthentik {
    RunningAuthentik::spawn(&FakeAuthentik::new(
        Release::V2026_5,
        FakeDirectory::generate(30),
    ))
    .await
}

/// A directory with a file; it is removed on drop.
fn directory_with(name: &str, content: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    (directory, path.to_str().unwrap().to_owned())
}

/// Asserts that a service syncs from its Authentik.
async fn assert_syncs(service: &str) {
    let run = post(&format!("{service}/sync?wait=1m")).await;
    assert_eq!(run["state"], "succeeded", "{run}");
    let body = get(&format!("{service}/entities"))
        .await
        .text()
        .await
        .unwrap();
    assert!(documents(&body).len() > 30);
}

#[tokio::test]
async fn the_demo_prints_the_urls_that_it_serves() {
    let mut demo = Process::spawn(&["demo", "--users", "30", "--listen", "127.0.0.1:0"], &[]);
    let mut opened = Vec::new();
    let urls = demo.until(|line| {
        let Line::Out(line) = line else { return None };
        opened.extend(
            line.split_whitespace()
                .map(|word| word.trim_matches('\''))
                .find(is_url)
                .map(str::to_owned),
        );
        line.contains("Stop it")
            .then(|| std::mem::take(&mut opened))
    });
    let urls = urls.await;
    // The first URL belongs to the fake Authentik, the second to the service.
    let service = urls
        .iter()
        .find(|url| url.contains("/entities"))
        .unwrap()
        .replace("/entities", "");
    assert_eq!(
        post(&format!("{service}/sync?wait=1m")).await["state"],
        "succeeded"
    );
    let shown: Vec<_> = urls
        .iter()
        .filter(|url| url.starts_with(&format!("{service}/")))
        .collect();
    assert!(shown.len() >= 6, "{urls:?}");
    for url in shown {
        assert_eq!(get(url).await.status(), 200, "{url}");
    }
    assert_syncs(&service).await;
}

fn is_url(word: &&str) -> bool {
    word.starts_with("http://")
}

#[tokio::test]
async fn the_demo_takes_no_configuration() {
    for arguments in [
        ["demo", "--config", "app-config.yaml"],
        ["--config", "app-config.yaml", "demo"],
    ] {
        let ended = Process::run(&arguments, &[]).await;
        assert!(!ended.status.success());
        assert!(ended.error.contains("--config"), "{}", ended.error);
    }
}

#[tokio::test]
async fn a_probe_before_the_first_snapshot_is_no_error_in_the_log() {
    let variables = [
        ("AUTHENTIK_BASE_URL", "http://127.0.0.1:1"),
        ("AUTHENTIK_TOKEN", "unused"),
    ];
    let mut serve = Process::spawn(&["serve", "--listen", "127.0.0.1:0"], &variables);
    let service = serve.serving().await;
    assert_eq!(get(&format!("{service}/health/ready")).await.status(), 503);
    serve.signal(Signal::TERM);
    let ended = serve.end().await;
    assert!(
        ended.status.success() && !ended.error.contains("ERROR"),
        "{}",
        ended.error
    );
}

#[tokio::test]
async fn two_variables_are_enough_to_serve() {
    let authentik = authentik().await;
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
    ];
    let mut serve = Process::spawn(&LISTEN, &variables);
    let listening = serve.logged("listening").await;
    assert_eq!(listening["authentik"], authentik.base.as_str());
    let service = format!("http://{}", listening["address"].as_str().unwrap());
    assert_eq!(listening["target"], format!("{service}/entities"));
    assert_syncs(&service).await;
}

#[tokio::test]
async fn the_token_can_come_from_a_file() {
    let authentik = authentik().await;
    let (_directory, file) = directory_with("token", &format!("{}\n", FakeAuthentik::TOKEN));
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN_FILE", &file),
    ];
    let mut serve = Process::spawn(&LISTEN, &variables);
    assert_syncs(&serve.serving().await).await;
}

#[tokio::test]
async fn a_line_break_after_the_token_in_its_variable_is_ignored() {
    let authentik = authentik().await;
    let token = format!("{}\n", FakeAuthentik::TOKEN);
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", &token),
    ];
    let mut serve = Process::spawn(&LISTEN, &variables);
    assert_syncs(&serve.serving().await).await;
}

#[tokio::test]
async fn the_address_may_come_from_a_variable_and_the_flag_wins() {
    let authentik = authentik().await;
    let mut variables = vec![
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        ("ENTITY_PROVIDER_LISTEN", "127.0.0.1:0"),
    ];
    let mut serve = Process::spawn(&["serve"], &variables);
    assert_syncs(&serve.serving().await).await;
    variables[2].1 = "192.0.2.1:1";
    let mut serve = Process::spawn(&LISTEN, &variables);
    assert!(serve.serving().await.starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn the_flag_accepts_the_values_of_the_configuration() {
    let authentik = authentik().await;
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        // A compose file passes an unset variable as an empty one.
        ("ENTITY_PROVIDER_LISTEN", ""),
    ];
    let mut serve = Process::spawn(&["serve", "--listen", "localhost:0"], &variables);
    assert!(serve.serving().await.starts_with("http://127.0.0.1:"));
    for command in ["serve", "demo"] {
        let ended = Process::run(&[command, "--listen", "9090"], &[]).await;
        assert_eq!(ended.status.code(), Some(2));
        assert!(ended.error.contains("`127.0.0.1:9090`"), "{}", ended.error);
    }
}

#[tokio::test]
async fn an_empty_variable_counts_as_unset() {
    let authentik = authentik().await;
    let (_directory, file) = directory_with(
        "app-config.yaml",
        "entityProvider: { listen: '127.0.0.1:0' }",
    );
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        ("ENTITY_PROVIDER_LISTEN", ""),
    ];
    let mut serve = Process::spawn(&["serve", "--config", &file], &variables);
    assert!(serve.serving().await.starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Process::run(&["demo", "--listen", &address], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.error.contains(&address) && ended.error.contains("--listen"),
        "{}",
        ended.error
    );
}
