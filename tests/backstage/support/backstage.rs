//! A real Backstage backend as a child process, queried through its own API.

mod operation;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use reqwest::{Client, Method, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use url::Url;

use super::catalog::Catalog;
use super::database::Database;
pub use super::setup::{Setup, SignIn};
use super::wait::wait_until;
use super::{backend, client};

/// The token that the tests and the service present to Backstage; it is valid on this machine only.
pub const TOKEN: &str = "a-token-for-tests-only";
/// The variables of the documented block `auth`.
const SIGN_IN_VARIABLES: [(&str, &str); 3] = [
    ("AUTH_SESSION_SECRET", "a-session-secret-for-tests-only"),
    ("AUTH_OIDC_CLIENT_ID", "backstage-for-tests"),
    ("AUTH_OIDC_CLIENT_SECRET", "a-secret-for-tests-only"),
];
/// More than Backstage's usual page size, so that paging is rare.
const PAGE: &str = "1000";

/// The database and address of a Backstage, running or not.
pub struct Site {
    /// Its base URL.
    pub base: Url,
    /// Its database.
    pub database: Database,
}

/// A running Backstage; it is killed on drop, and the log file remains if the test failed.
pub struct Backstage {
    /// Its database.
    pub database: Database,
    /// Its base URL.
    pub base: Url,
    client: Client,
    child: Child,
    config: PathBuf,
    log: PathBuf,
}

impl Site {
    /// Reserves an unused database and address.
    pub async fn free() -> Self {
        Self {
            base: free_base().await,
            database: Database::new(),
        }
    }

    /// Starts a Backstage and waits until it is ready.
    pub async fn start(self, setup: &Setup) -> Backstage {
        let mut backstage = self.launch(setup);
        backstage.ready().await;
        backstage
    }

    /// Starts a Backstage that cannot start, and waits until its log says so with a text.
    pub async fn fail(self, setup: &Setup, text: &str) {
        let backstage = self.launch(setup);
        backstage.logs("Backend startup failed").await;
        backstage.logs(text).await;
    }

    fn launch(self, setup: &Setup) -> Backstage {
        let Self { base, database } = self;
        let file = |kind: &str| {
            let name = format!("backstage-{}.{kind}", base.port().unwrap());
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
        };
        let (config, log) = (file("json"), file("log"));
        std::fs::write(&config, setup.configuration(&base, &database).to_string()).unwrap();
        let child = start(&config, &log, setup);
        Backstage {
            database,
            base,
            client: client(),
            child,
            config,
            log,
        }
    }
}

impl Backstage {
    /// Starts a new Backstage and waits until it is ready.
    pub async fn spawn(setup: &Setup) -> Self {
        Site::free().await.start(setup).await
    }

    /// Stops it with SIGTERM; its content stays in the database.
    pub async fn stop(mut self) -> Site {
        let pid = self
            .child
            .id()
            .and_then(|id| id.try_into().ok())
            .expect("it runs");
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        self.child.wait().await.unwrap();
        Site {
            base: self.base.clone(),
            database: self.database.clone(),
        }
    }

    /// Stops it and starts it at the same site with another setup.
    pub async fn restart(self, setup: &Setup) -> Self {
        self.stop().await.start(setup).await
    }

    /// Returns all users and groups from its API.
    pub async fn catalog(&self) -> Catalog {
        let (mut entities, mut cursor) = (Vec::new(), None);
        loop {
            let mut page = self.page(cursor.as_deref()).await;
            entities.append(
                page["items"]
                    .as_array_mut()
                    .unwrap_or_else(|| panic!("no items: {}", self.log.display())),
            );
            cursor = page["pageInfo"]["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Catalog::held(&entities);
            }
        }
    }

    /// Waits until it contains exactly these entities.
    pub async fn becomes(&self, promised: &Catalog) {
        let awaited = format!("the catalog (log: {})", self.log.display());
        wait_until(&awaited, async || promised.compare(&self.catalog().await)).await;
    }

    /// Asserts that it contains exactly these entities and is not about to remove one.
    pub async fn holds(&self, promised: &Catalog) {
        promised
            .compare(&self.catalog().await)
            .unwrap_or_else(|difference| panic!("{difference}"));
        assert_eq!(
            self.database.claimed().await,
            promised.refs(),
            "claimed by a location"
        );
    }

    /// Waits until it has errors for exactly these entities; returns the errors.
    pub async fn refuses(&self, refs: &BTreeSet<String>) {
        wait_until("the refused entities", async || {
            let errors = self.database.errors().await;
            if errors.keys().eq(refs) {
                Ok(())
            } else {
                Err(format!("{errors:#?} instead of {refs:#?}"))
            }
        })
        .await;
    }

    /// Waits until its log contains a text.
    pub async fn logs(&self, text: &str) {
        wait_until(&format!("a log line with {text:?}"), async || {
            let log = std::fs::read_to_string(&self.log).unwrap();
            if log.contains(text) { Ok(()) } else { Err(log) }
        })
        .await;
    }

    /// Requests an immediate refresh of an entity.
    pub async fn refresh(&self, entity_ref: &str) {
        let body = json!({ "entityRef": entity_ref }).to_string();
        let answer = self
            .send(Method::POST, "/api/catalog/refresh", &[], body)
            .await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    /// Returns the longest block of its event loop since the last call, in seconds, and its memory
    /// in bytes.
    pub async fn load(&self) -> (f64, u64) {
        let answer = self
            .send(Method::GET, "/api/probe", &[], String::new())
            .await;
        let load: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (
            load["longestBlockSeconds"].as_f64().unwrap(),
            load["residentBytes"].as_u64().unwrap(),
        )
    }

    /// Returns the ref of the location entity for a target.
    pub async fn location_of(&self, target: &str) -> String {
        super::catalog::entity_ref(&self.location(target).await)
    }

    /// Waits for an error of the location that reads a target, and returns it.
    pub async fn error_of(&self, target: &str) -> String {
        wait_until("the location's error", async || {
            let location = self.location(target).await;
            let error = location["status"]["items"][0]["error"]["message"]
                .as_str()
                .map(str::to_owned);
            error.ok_or(location)
        })
        .await
    }

    async fn location(&self, target: &str) -> Value {
        let filter = format!("kind=location,spec.target={target}");
        let query = [("filter", filter.as_str())];
        let answer = self
            .send(
                Method::GET,
                "/api/catalog/entities/by-query",
                &query,
                String::new(),
            )
            .await;
        let mut found: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        found["items"].get_mut(0).map_or(Value::Null, Value::take)
    }

    /// Returns all entities of all kinds, as any reader of its catalog sees them.
    pub async fn everything(&self) -> String {
        let answer = self
            .send(Method::GET, "/api/catalog/entities", &[], String::new())
            .await;
        assert_eq!(answer.status(), 200, "{}", self.log.display());
        answer.text().await.unwrap()
    }

    async fn page(&self, cursor: Option<&str>) -> Value {
        let kinds = [
            ("filter", "kind=user"),
            ("filter", "kind=group"),
            ("limit", PAGE),
        ];
        let next = cursor.map(|cursor| [("cursor", cursor), ("limit", PAGE)]);
        let query = next.as_ref().map_or(&kinds[..], |next| &next[..]);
        let answer = self
            .send(
                Method::GET,
                "/api/catalog/entities/by-query",
                query,
                String::new(),
            )
            .await;
        assert_eq!(answer.status(), 200, "{}", self.log.display());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: String,
    ) -> Response {
        let request = self
            .client
            .request(method, self.base.join(path).unwrap())
            .query(query);
        let request = request
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .body(body);
        request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{error}: {}", self.log.display()))
    }

    async fn ready(&mut self) {
        let health = self.base.join("/.backstage/health/v1/readiness").unwrap();
        let (client, log) = (self.client.clone(), self.log.clone());
        wait_until("Backstage is ready", async || {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "it ended: {ended:?}, {}",
                std::fs::read_to_string(&log).unwrap()
            );
            client.get(health.clone()).send().await?.error_for_status()
        })
        .await;
    }
}

impl Drop for Backstage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_file(&self.config);
            let _ = std::fs::remove_file(&self.log);
        }
    }
}

/// Starts Node with its output in a file.
fn start(config: &Path, log: &Path, setup: &Setup) -> Child {
    let output = File::create(log).unwrap();
    Command::new("node")
        .args(["--preserve-symlinks", "index.js", "--config"])
        .arg(config)
        .current_dir(backend())
        .env("NODE_ENV", "production")
        .env(
            "WITH_AUTHENTIK_MODULE",
            setup.npm_module.is_some().to_string(),
        )
        .env("WITH_URL_READER", setup.url_reader.is_some().to_string())
        .env(
            "WITH_ENTITY_PROVIDER",
            setup.entity_provider.is_some().to_string(),
        )
        .env("SIGN_IN", setup.sign_in.as_ref().map_or("", |it| it.module))
        .envs(SIGN_IN_VARIABLES)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Finds an address without a listener; Backstage needs its own address before it starts.
async fn free_base() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}
