//! The service's binary, in front of any server with Authentik's API.

use fake_authentik::FakeAuthentik;
use reqwest::{Method, Response};
use rustix::process::Signal;
use serde_json::Value;

use super::authentik::Authentik;
use super::catalog::Catalog;
use super::client;
use super::process::Process;
use super::wait::wait_until;

/// The read token of a service with tokens.
pub const READ_TOKEN: &str = "rEaD7xW2vK9pLmR4tY8uB3nC6hJ1sD5f";
/// The sync token of a service with tokens.
const SYNC_TOKEN: &str = "sYnC4tG7bN1mK8jH5gF2dS9aP6oI3uYq";

/// A running service with syncs on request only; it is killed on drop.
pub struct Service {
    /// The base URL, without a trailing slash.
    pub base: String,
    guarded: bool,
    process: Process,
}

impl Service {
    /// Starts the service with `names: backstage` and without a snapshot.
    pub async fn spawn(authentik: &Authentik) -> Self {
        Self::with(
            &authentik.base,
            FakeAuthentik::TOKEN,
            &[("ENTITY_PROVIDER_NAMES", "backstage")],
        )
        .await
    }

    /// Starts the service with tokens.
    pub async fn guarded(authentik: &Authentik) -> Self {
        let tokens = [
            ("ENTITY_PROVIDER_NAMES", "backstage"),
            ("ENTITY_PROVIDER_AUTH_READ_TOKENS", READ_TOKEN),
            ("ENTITY_PROVIDER_AUTH_SYNC_TOKENS", SYNC_TOKEN),
        ];
        Self {
            guarded: true,
            ..Self::with(&authentik.base, FakeAuthentik::TOKEN, &tokens).await
        }
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
        Self {
            base: process.serving().await,
            guarded: false,
            process,
        }
    }

    /// Returns the URL that Backstage reads.
    pub fn entities_url(&self) -> String {
        format!("{}/entities", self.base)
    }

    /// Syncs and returns the finished run with any outcome.
    pub async fn try_sync(&self) -> Value {
        let answer = self.send(Method::POST, "/sync?wait=30s", SYNC_TOKEN).await;
        assert_eq!(answer.status(), 200, "the run did not end");
        let run: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        self.json(&format!("/sync/{}", run["id"].as_str().unwrap()))
            .await
    }

    /// Syncs, asserts success and returns the run.
    pub async fn sync(&self) -> Value {
        let run = self.try_sync().await;
        assert_eq!(run["state"], "succeeded", "{run}");
        run
    }

    /// Posts a webhook as Authentik does.
    pub async fn notify(&self) {
        let request = client().post(format!("{}/hooks/authentik", self.base));
        let answer = request
            .body(r#"{"body": "model_updated: {…}"}"#)
            .send()
            .await;
        assert_eq!(answer.unwrap().status(), 202);
    }

    /// Returns the run that ended last.
    pub async fn last_run(&self) -> Value {
        self.json("/health").await["lastRun"].take()
    }

    /// Returns the catalog that Backstage should contain.
    pub async fn catalog(&self) -> Catalog {
        let entities = self.json("/entities?format=json").await;
        Catalog::promised(
            entities
                .as_array()
                .unwrap_or_else(|| panic!("no entities: {entities}")),
        )
    }

    /// Returns the push status once it satisfies a condition.
    pub async fn pushed(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        wait_until("the push status", async || {
            let push = self.json("/sync").await["push"].take();
            if is_it(&push) { Ok(push) } else { Err(push) }
        })
        .await
    }

    /// Stops the service with SIGTERM.
    pub async fn stop(self) {
        self.process.signal(Signal::TERM);
        let ended = self.process.end().await;
        assert!(ended.status.success(), "{}", ended.error);
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, READ_TOKEN).await;
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn send(&self, method: Method, path: &str, token: &str) -> Response {
        let request = client().request(method, format!("{}{path}", self.base));
        let request = if self.guarded {
            request.bearer_auth(token)
        } else {
            request
        };
        request.send().await.unwrap()
    }
}
