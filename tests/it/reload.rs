//! A changed configuration takes effect without a restart: the real binary, its files and SIGHUP.

use std::path::PathBuf;

use fake_authentik::{FakeAuthentik, Release, UserKind};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::RunningAuthentik;
use crate::support::directory::{crowd, directory};
use crate::support::process::{Process, get, post};

/// A process after one sync; later syncs run on request only.
struct Running {
    serve: Process,
    service: String,
    fake: FakeAuthentik,
    authentik: RunningAuthentik,
    file: PathBuf,
    _directory: TempDir,
}

impl Running {
    /// Starts it in front of five users in one group.
    async fn spawn() -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, crowd(5));
        let authentik = RunningAuthentik::spawn(&fake).await;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("app-config.yaml");
        std::fs::write(
            &file,
            content(&authentik.base, FakeAuthentik::TOKEN, "", ""),
        )
        .unwrap();
        let mut serve = Process::spawn(&["serve", "--config", file.to_str().unwrap()], &[]);
        let service = serve.serving().await;
        assert_eq!(
            post(&format!("{service}/sync?wait=1m")).await["state"],
            "succeeded"
        );
        serve.logged("sync succeeded").await;
        Self {
            serve,
            service,
            fake,
            authentik,
            file,
            _directory: directory,
        }
    }

    /// Writes a configuration with keys for Backstage's block and for the service's.
    fn write(&self, authentik: &str, own: &str) {
        std::fs::write(
            &self.file,
            content(&self.authentik.base, FakeAuthentik::TOKEN, authentik, own),
        )
        .unwrap();
    }

    /// Returns the latest run.
    async fn latest(&self) -> Value {
        self.json("/sync").await["runs"][0].clone()
    }

    /// Returns the value of a metric.
    async fn metric(&self, name: &str) -> u64 {
        let text = get(&format!("{}/metrics", self.service)).await;
        let text = text.text().await.unwrap();
        let line = format!("\nauthentik_entity_provider_{name} ");
        let value = text.split(&line).nth(1).unwrap_or_else(|| panic!("{text}"));
        value.lines().next().unwrap().parse().unwrap()
    }

    /// Returns the names of the entities of a kind.
    async fn names(&self, kind: &str) -> Vec<String> {
        let entities = self
            .json(&format!("/entities?format=json&kind={kind}"))
            .await;
        let entities = entities.as_array().unwrap().iter();
        entities
            .map(|entity| entity["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn json(&self, path: &str) -> Value {
        let answer = get(&format!("{}{path}", self.service)).await;
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

/// A configuration without a schedule.
fn content(base: &str, token: &str, authentik: &str, own: &str) -> String {
    format!(
        "catalog:\n  providers:\n    authentik:\n      baseUrl: {base}\n      token: {token}\n      \
         schedule: {{ frequency: {{ trigger: manual }} }}\n      {authentik}\n\
         entityProvider:\n  listen: 127.0.0.1:0\n  {own}\n"
    )
}

#[tokio::test]
async fn a_changed_file_takes_effect_without_a_request_to_authentik() {
    let mut running = Running::spawn().await;
    let before = running.fake.counters().requests;
    assert_eq!(running.names("group").await, ["everyone"]);
    running.write("excludeGroups: [everyone]", "");
    running.serve.logged("reload succeeded").await;
    assert!(running.names("group").await.is_empty());
    assert_eq!(running.names("user").await.len(), 5);
    let run = running.latest().await;
    assert_eq!(
        (&run["trigger"], &run["state"]),
        (&"reload".into(), &"succeeded".into()),
        "{run}"
    );
    assert_eq!(
        (&run["removed"], &run["changed"]),
        (&1.into(), &4.into()),
        "{run}"
    );
    assert_eq!(
        running.fake.counters().requests,
        before,
        "the current rows suffice"
    );
}

#[tokio::test]
async fn sighup_takes_effect_at_once() {
    let mut running = Running::spawn().await;
    running
        .fake
        .edit(|directory| directory.add_user("Ünpaired-"));
    assert_eq!(
        post(&format!("{}/sync?wait=1m", running.service)).await["added"],
        1
    );
    running.write("", "names: backstage");
    running.serve.signal(Signal::HUP);
    running.serve.logged("reload succeeded").await;
    assert!(running.names("user").await.contains(&"npaired".to_owned()));
    running.serve.signal(Signal::HUP);
    let entry = running.serve.logged("reload succeeded").await;
    assert_eq!(
        (&entry["changed"], &entry["added"]),
        (&0.into(), &0.into()),
        "nothing has changed: {entry}"
    );
}

#[tokio::test]
async fn an_invalid_configuration_is_reported_and_the_old_one_stays() {
    let mut running = Running::spawn().await;
    running.write("includeServiceAccounts: perhaps", "");
    running.serve.logged("reload failed").await;
    let run = running.latest().await;
    assert_eq!(run["error"]["code"], "configuration", "{run}");
    let message = run["error"]["message"].as_str().unwrap();
    for part in [
        "the previous one stays in effect",
        running.file.to_str().unwrap(),
        "includeServiceAccounts",
        "perhaps",
    ] {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
    assert_eq!(running.json("/health").await["status"], "degraded");
    assert_eq!(running.metric("configuration_invalid").await, 1);
    assert_eq!(running.names("user").await.len(), 5);
    assert_eq!(
        post(&format!("{}/sync?wait=1m", running.service)).await["state"],
        "succeeded"
    );
    let health = running.json("/health").await;
    assert_eq!(
        health["status"], "degraded",
        "a successful run does not correct the file: {health}"
    );
    assert!(
        health["configurationError"]
            .as_str()
            .unwrap()
            .contains("includeServiceAccounts")
    );
    running.write("excludeGroups: [everyone]", "");
    running.serve.logged("reload succeeded").await;
    let health = running.json("/health").await;
    assert_eq!(
        (&health["status"], health.get("configurationError")),
        (&"ok".into(), None),
        "{health}"
    );
    assert!(running.names("group").await.is_empty());
    assert_eq!(running.metric("configuration_invalid").await, 0);
}

#[tokio::test]
async fn another_server_is_read_at_once_and_the_old_rows_stay_until_then() {
    let mut running = Running::spawn().await;
    let other = FakeAuthentik::new(Release::V2025_10, crowd(7));
    let authentik = RunningAuthentik::spawn(&other).await;
    std::fs::write(
        &running.file,
        content(&authentik.base, FakeAuthentik::TOKEN, "", ""),
    )
    .unwrap();
    running.serve.logged("sync succeeded").await;
    assert_eq!(running.names("user").await.len(), 7);
    assert_eq!(running.latest().await["trigger"], "reload");
}

#[tokio::test]
async fn another_server_is_another_directory_and_no_shrink() {
    let mut running = Running::spawn().await;
    let other = FakeAuthentik::new(Release::V2025_10, directory(&[(1, "pat")], &[]));
    let authentik = RunningAuthentik::spawn(&other).await;
    std::fs::write(
        &running.file,
        content(&authentik.base, FakeAuthentik::TOKEN, "", ""),
    )
    .unwrap();
    running.serve.logged("sync succeeded").await;
    assert_eq!(running.names("user").await, ["pat"]);
    assert!(
        running.names("group").await.is_empty(),
        "the group of the other server does not count as removed"
    );
}

#[tokio::test]
async fn a_configuration_that_removes_much_is_held_until_it_is_accepted() {
    let mut running = Running::spawn().await;
    running.fake.edit(|directory| {
        for number in 0..20 {
            let pk = directory.add_user(&format!("robot-{number}"));
            assert!(directory.set_kind(pk, UserKind::ServiceAccount));
        }
    });
    running.write("includeServiceAccounts: true", "");
    running.serve.logged("reload succeeded").await;
    assert_eq!(
        post(&format!("{}/sync?wait=1m", running.service)).await["users"],
        25
    );
    running.serve.logged("sync succeeded").await;
    running.write("excludeGroups: [everyone]", "");
    running.serve.logged("reload was held").await;
    let run = post(&format!("{}/sync?wait=1m", running.service)).await;
    assert_eq!(run["error"]["code"], "entity-shrink", "{run}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("20 of 25 users, such as user:default/robot-0"),
        "{message}"
    );
    assert_eq!(
        running.names("user").await.len(),
        25,
        "the old entities stay"
    );
    let run = post(&format!("{}/sync?wait=1m&accept=shrink", running.service)).await;
    assert_eq!(
        (&run["state"], &run["removed"]),
        (&"succeeded".into(), &21.into()),
        "{run}"
    );
    let run = post(&format!("{}/sync?wait=1m", running.service)).await;
    assert_eq!(run["state"], "succeeded", "it is accepted once: {run}");
}

#[tokio::test]
async fn changed_limits_start_a_run_at_once_after_a_hold() {
    let mut running = Running::spawn().await;
    running
        .fake
        .edit(|directory| assert!((1..5).all(|pk| directory.remove_user(pk))));
    running.write("", "shrinkGuard: { absolute: 1 }");
    running.serve.logged("reload succeeded").await;
    let run = post(&format!("{}/sync?wait=1m", running.service)).await;
    assert_eq!(run["error"]["code"], "shrink", "{run}");
    assert_eq!(running.names("user").await.len(), 5);
    running.write("", "shrinkGuard: { enabled: false }");
    running.serve.logged("sync succeeded").await;
    assert_eq!(running.names("user").await.len(), 1);
}

#[tokio::test]
async fn a_corrected_token_starts_a_run_at_once() {
    let mut running = Running::spawn().await;
    running.fake.revoke(FakeAuthentik::TOKEN);
    let run = post(&format!("{}/sync?wait=1m", running.service)).await;
    assert_eq!(run["error"]["code"], "token", "{run}");
    running
        .fake
        .grant("another-token", fake_authentik::Access::Full);
    std::fs::write(
        &running.file,
        content(&running.authentik.base, "another-token", "", ""),
    )
    .unwrap();
    running.serve.signal(Signal::HUP);
    running.serve.logged("sync succeeded").await;
    assert_eq!(running.json("/health").await["status"], "ok");
    let sent = u64::try_from(running.fake.requests().len()).unwrap();
    assert!(
        running.metric("upstream_requests_total").await >= sent,
        "requests before the reload count too; one that a failed run cancelled may never arrive"
    );
}

#[tokio::test]
async fn a_change_applies_to_the_current_rows_while_authentik_is_down() {
    let mut running = Running::spawn().await;
    running.fake.revoke(FakeAuthentik::TOKEN);
    let run = post(&format!("{}/sync?wait=1m", running.service)).await;
    assert_eq!(run["error"]["code"], "token", "{run}");
    running.serve.logged("sync failed").await;
    running.write("excludeGroups: [everyone]", "");
    running.serve.logged("reload succeeded").await;
    assert!(running.names("group").await.is_empty());
    running.serve.logged("sync failed").await;
    assert_eq!(
        running.json("/health").await["status"],
        "degraded",
        "the change did not end the outage"
    );
}

#[tokio::test]
async fn what_needs_a_restart_is_named() {
    let mut running = Running::spawn().await;
    running.write("", "drainDelay: 1s");
    running
        .serve
        .logged("`entityProvider.drainDelay` has changed and takes effect after a restart")
        .await;
    running.serve.logged("reload succeeded").await;
}
