//! The service in front of a fake Authentik, both in this process.

use std::collections::BTreeMap;
use std::time::Duration;

use authentik_entity_provider::app::App;
use authentik_entity_provider::base_url::BaseUrl;
use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::{
    AuthentikConfig, Config, Frequency, Schedule, ServiceConfig, StateDir,
};
use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running service with a schedule of its own, or without one; it stops on drop.
pub struct Service {
    /// The fake Authentik, for edits and scripts.
    pub fake: FakeAuthentik,
    /// The base URL, with a trailing slash.
    pub base: String,
    _stop: DropGuard,
}

impl Service {
    /// Starts the service, and syncs once if `is_synced`.
    pub async fn spawn(directory: FakeDirectory, adjust: impl FnOnce(&mut Config)) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, directory).with_directory_time();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authentik = format!("http://{}", listener.local_addr().unwrap());
        let served = fake.clone();
        tokio::spawn(async move { served.serve(listener, std::future::pending()).await });
        let mut config = config(&authentik);
        adjust(&mut config);
        let stop = CancellationToken::new();
        let app = App::build(config, Clock::system(), TimeZone::UTC, stop.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(app.with_cooldown(Duration::ZERO).run(listener));
        Self {
            fake,
            base,
            _stop: stop.drop_guard(),
        }
    }

    /// Starts the service and syncs once.
    pub async fn synced(directory: FakeDirectory) -> Self {
        let service = Self::spawn(directory, |_| ()).await;
        service.post("sync?wait=30s").await;
        service
    }

    /// Sends a POST request, which must succeed.
    pub async fn post(&self, path: &str) {
        let answer = client().post(self.url(path)).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// Returns the URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// A client without a proxy.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A configuration with syncs on request only.
fn config(authentik: &str) -> Config {
    Config {
        authentik: AuthentikConfig {
            base_url: BaseUrl::parse(authentik).unwrap(),
            token: FakeAuthentik::TOKEN.into(),
            exclude_groups: Vec::new(),
            include_service_accounts: false,
            schedule: Schedule {
                frequency: Frequency::Manual,
                ..Schedule::default()
            },
        },
        service: ServiceConfig {
            state_dir: StateDir::Off,
            ..ServiceConfig::default()
        },
        warnings: Vec::new(),
        shared_settings: BTreeMap::new(),
    }
}
