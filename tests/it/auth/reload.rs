//! New tokens take effect without a restart; a changed file never opens the service by mistake.

use std::path::Path;

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{OLD_READ, READ, SYNC};
use crate::support::process::{Process, get};
use crate::support::{RunningAuthentik, client};

/// Writes a configuration without a schedule.
fn write(file: &Path, base: &str, own: &str) {
    let authentik = format!(
        "{{ baseUrl: '{base}', token: {}, schedule: {{ frequency: {{ trigger: manual }} }} }}",
        FakeAuthentik::TOKEN
    );
    let text = format!(
        "catalog: {{ providers: {{ authentik: {authentik} }} }}\nentityProvider: {{ {own} }}\n"
    );
    std::fs::write(file, text).unwrap();
}

/// Returns the statuses of a request with each of two tokens.
async fn statuses(service: &str) -> [u16; 2] {
    let ask = async |token: &str| {
        client()
            .get(format!("{service}/sync"))
            .bearer_auth(token)
            .send()
            .await
    };
    [
        ask(OLD_READ).await.unwrap().status().into(),
        ask(READ).await.unwrap().status().into(),
    ]
}

/// The service's block with read tokens and more keys.
fn tokens(read: &str, more: &str) -> String {
    format!("listen: '0.0.0.0:0', auth: {{ readTokens: [{read}], syncTokens: {SYNC}{more} }}")
}

/// A service after one sync, with its configuration file.
struct Reloading {
    authentik: RunningAuthentik,
    directory: TempDir,
    serve: Process,
    service: String,
}

impl Reloading {
    async fn spawn(own: &str) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(5));
        let (authentik, directory) = (
            RunningAuthentik::spawn(&fake).await,
            tempfile::tempdir().unwrap(),
        );
        let file = directory.path().join("app-config.yaml");
        write(&file, &authentik.base, own);
        let mut serve = Process::spawn(&["serve", "--config", file.to_str().unwrap()], &[]);
        let service = serve.serving().await.replace("0.0.0.0", "127.0.0.1");
        let run = client()
            .post(format!("{service}/sync?wait=1m"))
            .bearer_auth(SYNC)
            .send()
            .await
            .unwrap();
        assert_eq!(run.status(), 200);
        Self {
            authentik,
            directory,
            serve,
            service,
        }
    }

    /// Replaces the service's block and waits for a log message.
    async fn change(&mut self, own: &str, logged: &str) {
        write(
            &self.directory.path().join("app-config.yaml"),
            &self.authentik.base,
            own,
        );
        self.serve.signal(Signal::HUP);
        self.serve.logged(logged).await;
    }
}

#[tokio::test]
async fn a_token_changes_without_a_restart_and_without_a_gap() {
    let mut world = Reloading::spawn(&tokens(OLD_READ, "")).await;
    let service = world.service.clone();
    assert_eq!(statuses(&service).await, [200, 401]);
    for (read, expected) in [
        (format!("{OLD_READ}, {READ}"), [200, 200]),
        (READ.to_owned(), [401, 200]),
    ] {
        world.change(&tokens(&read, ""), "reload succeeded").await;
        assert_eq!(statuses(&service).await, expected);
    }
    // A change of `listen` takes effect after a restart, so the service still listens on all
    // addresses.
    for own in ["listen: '0.0.0.0:0'", "listen: '127.0.0.1:0'"] {
        world.change(own, "reload failed").await;
        assert_eq!(
            statuses(&service).await,
            [401, 200],
            "the old tokens stay: {own}"
        );
    }
    let health = get(&format!("{service}/health"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        health.contains("allowAnonymous") && !health.contains(READ),
        "{health}"
    );
}

#[tokio::test]
async fn access_to_the_metrics_changes_without_a_restart() {
    let mut world = Reloading::spawn(&tokens(READ, "")).await;
    let metrics = format!("{}/metrics", world.service);
    for (word, without, with) in [("open", 200, 200), ("off", 404, 404), ("token", 401, 200)] {
        world
            .change(
                &tokens(READ, &format!(", metrics: {word}")),
                "reload succeeded",
            )
            .await;
        assert_eq!(get(&metrics).await.status(), without, "{word}");
        let answer = client()
            .get(&metrics)
            .bearer_auth(READ)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), with, "{word}");
    }
}
