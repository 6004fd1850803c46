//! The real service on a free port, in front of a fake Authentik or any other server.

use std::collections::BTreeMap;
use std::time::Duration;

use authentik_entity_provider::app::App;
use authentik_entity_provider::base_url::BaseUrl;
use authentik_entity_provider::catalog::policy::NamePolicy;
use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::{
    AuthentikConfig, Config, Frequency, Schedule, ServiceConfig, StateDir,
};
use authentik_entity_provider::jitter::Jitter;
use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use jiff::tz::TimeZone;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{RunningAuthentik, client};

/// A running service; it stops on drop.
pub struct TestApp {
    /// The base URL of the service, without a trailing slash.
    pub base: String,
    /// Starts the shutdown.
    pub shutdown: CancellationToken,
    /// The result of the service.
    pub ended: JoinHandle<anyhow::Result<()>>,
    client: Client,
}

impl TestApp {
    /// Starts the service with a configuration.
    pub async fn spawn(config: Config) -> Self {
        Self::spawn_at(config, Clock::system()).await
    }

    /// Starts the service with this clock.
    pub async fn spawn_at(config: Config, clock: Clock) -> Self {
        Self::spawn_with(config, clock, Jitter::new(|| 0.0)).await
    }

    /// Starts the service with this clock and jitter, and without a cooldown between runs.
    pub async fn spawn_with(config: Config, clock: Clock, jitter: Jitter) -> Self {
        Self::spawn_as(config, clock, |app| {
            app.with_jitter(jitter).with_cooldown(Duration::ZERO)
        })
        .await
    }

    /// Starts the service after an adjustment.
    pub async fn spawn_as(config: Config, clock: Clock, adjust: impl FnOnce(App) -> App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!(
            "{}://{}",
            config.service.scheme(),
            listener.local_addr().unwrap()
        );
        let shutdown = CancellationToken::new();
        let app = App::build(config, clock, TimeZone::UTC, shutdown.clone()).unwrap();
        let ended = tokio::spawn(adjust(app).run(listener));
        Self {
            base,
            shutdown,
            ended,
            client: client(),
        }
    }

    /// Starts a GET request.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    /// Starts a POST request.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }

    /// Sends a GET request.
    pub async fn fetch(&self, path: &str) -> Response {
        self.get(path).send().await.unwrap()
    }

    /// Fetches JSON with any status.
    pub async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.fetch(path).await.text().await.unwrap()).unwrap()
    }

    /// Runs a full sync and returns the finished run.
    pub async fn sync(&self) -> Value {
        self.posted("/sync?wait=5m&full=true").await
    }

    /// Runs an incremental sync, if possible, and returns the finished run.
    pub async fn follow(&self) -> Value {
        self.posted("/sync?wait=5m").await
    }

    /// Syncs, accepts a shrink and returns the finished run.
    pub async fn sync_accepting(&self) -> Value {
        self.posted("/sync?wait=5m&full=true&accept=shrink").await
    }

    /// Posts to a path and returns the finished run.
    async fn posted(&self, path: &str) -> Value {
        let run = self.post(path).send().await.unwrap();
        assert_eq!(run.status(), 200, "the run did not end");
        let run: Value = serde_json::from_str(&run.text().await.unwrap()).unwrap();
        self.json(&format!("/sync/{}", run["id"].as_str().unwrap()))
            .await
    }

    /// Returns the entities of a kind (`user` or `group`).
    pub async fn entities(&self, kind: &str) -> Vec<Value> {
        let entities = self
            .json(&format!("/entities?format=json&kind={kind}"))
            .await;
        entities
            .as_array()
            .unwrap_or_else(|| panic!("no entities: {entities}"))
            .clone()
    }

    /// Returns the entity with a kind and name, if it exists.
    pub async fn entity(&self, kind: &str, name: &str) -> Option<Value> {
        let mut entities = self.entities(kind).await.into_iter();
        entities.find(|entity| entity["metadata"]["name"] == name)
    }

    /// Returns the names of the entities of a kind, in the order of the body.
    pub async fn names(&self, kind: &str) -> Vec<String> {
        let entities = self.entities(kind).await;
        entities
            .iter()
            .map(|entity| entity["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A configuration for a server, with syncs on request only.
pub fn config(base_url: &str, token: &str) -> Config {
    Config {
        authentik: AuthentikConfig {
            base_url: BaseUrl::parse(base_url).unwrap(),
            token: token.into(),
            exclude_groups: Vec::new(),
            include_service_accounts: false,
            schedule: Schedule {
                frequency: Frequency::Manual,
                ..Schedule::default()
            },
        },
        service: ServiceConfig {
            request_timeout: Duration::from_secs(20),
            state_dir: StateDir::Off,
            ..ServiceConfig::default()
        },
        warnings: Vec::new(),
        shared_settings: BTreeMap::new(),
    }
}

/// Loads a configuration from a variable of Backstage's form and the two required ones.
pub fn loaded(variable: &str, value: &Value) -> Config {
    let variables = [
        ("AUTHENTIK_BASE_URL", "https://authentik.example.com"),
        ("AUTHENTIK_TOKEN", "unused"),
        (variable, &value.to_string()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::load(&[], &BTreeMap::from(variables)).unwrap()
}

/// A fake Authentik with a directory and the service in front of it.
pub struct Pair {
    /// The fake Authentik, for edits and scripts.
    pub fake: FakeAuthentik,
    /// The service.
    pub app: TestApp,
    /// The running server of the fake Authentik.
    pub authentik: RunningAuthentik,
}

impl Pair {
    /// Starts both after an adjustment of the configuration.
    pub async fn spawn(
        release: Release,
        directory: FakeDirectory,
        adjust: impl FnOnce(&mut Config),
    ) -> Self {
        let fake = FakeAuthentik::new(release, directory).with_directory_time();
        let authentik = RunningAuthentik::spawn(&fake).await;
        let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
        adjust(&mut config);
        Self {
            fake,
            app: TestApp::spawn(config).await,
            authentik,
        }
    }

    /// Starts both with the newest release.
    pub async fn with(directory: FakeDirectory) -> Self {
        Self::spawn(Release::V2026_5, directory, |_| ()).await
    }

    /// Starts both with `names: backstage`.
    pub async fn with_repaired_names(release: Release, directory: FakeDirectory) -> Self {
        Self::spawn(release, directory, |config| {
            config.service.names = NamePolicy::Backstage;
        })
        .await
    }
}
