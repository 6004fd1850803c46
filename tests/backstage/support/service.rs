//! The service's binary, in front of anything that answers like Authentik.

use authentik_entity_provider::authentik::fake::FakeAuthentik;
use rustix::process::Signal;
use serde_json::Value;

use super::authentik::Authentik;
use super::catalog::Catalog;
use super::client;
use super::process::Process;

/// A running service that syncs only when it is asked to; it is killed when dropped.
pub struct Service {
    /// The base URL, without a trailing slash.
    pub base: String,
    process: Process,
}

impl Service {
    /// Starts the service with repaired names; it has read nothing yet.
    pub async fn spawn(authentik: &Authentik) -> Self {
        Self::with(&authentik.base, FakeAuthentik::TOKEN, &[("ENTITY_PROVIDER_NAMES", "backstage")]).await
    }

    /// Starts the service in front of any server, with more variables.
    pub async fn with(authentik: &str, token: &str, more: &[(&str, &str)]) -> Self {
        let own = [
            ("AUTHENTIK_BASE_URL", authentik),
            ("AUTHENTIK_TOKEN", token),
            ("ENTITY_PROVIDER_LISTEN", "127.0.0.1:0"),
            ("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", "{trigger: manual}"),
            ("ENTITY_PROVIDER_STATE_DIR", "false"),
        ];
        let mut process = Process::spawn(&["serve"], &[&own[..], more].concat());
        Self { base: process.serving().await, process }
    }

    /// The URL that Backstage reads.
    pub fn entities_url(&self) -> String {
        format!("{}/entities", self.base)
    }

    /// Syncs, whatever the outcome, and gives the run as it ended.
    pub async fn try_sync(&self) -> Value {
        let answer = client().post(format!("{}/sync?wait=30s", self.base)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "the run did not end");
        let run: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        self.json(&format!("/sync/{}", run["id"].as_str().unwrap())).await
    }

    /// Syncs and gives the run, which must succeed.
    pub async fn sync(&self) -> Value {
        let run = self.try_sync().await;
        assert_eq!(run["state"], "succeeded", "{run}");
        run
    }

    /// The catalog that Backstage ought to hold.
    pub async fn catalog(&self) -> Catalog {
        let entities = self.json("/entities?format=json").await;
        Catalog::promised(entities.as_array().unwrap_or_else(|| panic!("no entities: {entities}")))
    }

    /// Ends the service as its supervisor does.
    pub async fn stop(self) {
        self.process.signal(Signal::TERM);
        let ended = self.process.end().await;
        assert!(ended.status.success(), "{}", ended.error);
    }

    async fn json(&self, path: &str) -> Value {
        let answer = client().get(format!("{}{path}", self.base)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}
