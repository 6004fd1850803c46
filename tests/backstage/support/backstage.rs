//! A real Backstage backend as a child process, asked through its own API.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use url::Url;

use super::catalog::Catalog;
use super::client;
use super::database::Database;
use super::wait::wait_until;

/// What the tests present to Backstage; it never leaves this machine.
const TOKEN: &str = "a-token-for-tests-only";
/// More than a page of Backstage's answers usually has, so that paging is rare.
const PAGE: &str = "1000";

/// What a Backstage is told at its start.
#[derive(Default)]
pub struct Setup {
    /// The locations that it reads.
    pub targets: Vec<String>,
    /// How often it reads them; its own default where nothing is given.
    pub interval: Option<Duration>,
    /// The block `catalog.providers.authentik`, which also switches the npm module on.
    pub npm_module: Option<Value>,
}

impl Setup {
    /// Reads one location every second.
    pub fn eager(target: &str) -> Self {
        Self { interval: Some(Duration::from_secs(1)), ..Self::patient(target) }
    }

    /// Reads one location as often as Backstage does by itself.
    pub fn patient(target: &str) -> Self {
        Self { targets: vec![target.to_owned()], ..Self::default() }
    }

    /// The whole `app-config`.
    fn configuration(&self, base: &Url, database: &Database) -> Value {
        let allowed = self.targets.iter().map(|target| json!({ "host": host_and_port(target) }));
        let static_token = json!({ "type": "static", "options": { "token": TOKEN, "subject": "tests" } });
        let mut catalog = json!({ "locations": self.locations() });
        if let Some(interval) = self.interval {
            catalog["processingInterval"] = json!({ "milliseconds": interval.as_millis() });
        }
        if let Some(block) = &self.npm_module {
            catalog["providers"] = json!({ "authentik": block });
        }
        json!({
            "app": { "title": "Backstage", "baseUrl": base },
            "backend": {
                "baseUrl": base,
                "listen": { "host": "127.0.0.1", "port": base.port() },
                "database": database.configuration(),
                "auth": { "externalAccess": [static_token] },
                "reading": { "allow": allowed.collect::<Vec<_>>() },
            },
            "catalog": catalog,
        })
    }

    fn locations(&self) -> Vec<Value> {
        let rules = json!([{ "allow": ["User", "Group", "Location"] }]);
        let location = |target| json!({ "type": "url", "target": target, "rules": rules });
        self.targets.iter().map(location).collect()
    }
}

/// A running Backstage; it is killed when dropped, and its log is kept if the test failed.
pub struct Backstage {
    /// Its database.
    pub database: Database,
    base: Url,
    client: Client,
    child: Child,
    config: PathBuf,
    log: PathBuf,
}

impl Backstage {
    /// Starts a Backstage with a database of its own and waits until it is ready.
    pub async fn spawn(setup: &Setup) -> Self {
        Self::with(setup, Database::new()).await
    }

    /// Ends it as its supervisor does, and starts it on the same database with another setup.
    pub async fn restart(mut self, setup: &Setup) -> Self {
        let pid = self.child.id().and_then(|id| id.try_into().ok()).expect("it runs");
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        self.child.wait().await.unwrap();
        Self::with(setup, self.database.clone()).await
    }

    async fn with(setup: &Setup, database: Database) -> Self {
        let base = free_base().await;
        let file = |kind: &str| {
            let name = format!("backstage-{}.{kind}", base.port().unwrap());
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
        };
        let (config, log) = (file("json"), file("log"));
        std::fs::write(&config, setup.configuration(&base, &database).to_string()).unwrap();
        let child = start(&config, &log, setup.npm_module.is_some());
        let mut backstage = Self { database, base, client: client(), child, config, log };
        backstage.ready().await;
        backstage
    }

    /// All users and groups, as its API gives them.
    pub async fn catalog(&self) -> Catalog {
        let (mut entities, mut cursor) = (Vec::new(), None);
        loop {
            let mut page = self.page(cursor.as_deref()).await;
            entities.append(
                page["items"].as_array_mut().unwrap_or_else(|| panic!("no items: {}", self.log.display())),
            );
            cursor = page["pageInfo"]["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Catalog::held(&entities);
            }
        }
    }

    /// Waits until it holds exactly this.
    pub async fn becomes(&self, promised: &Catalog) {
        let awaited = format!("the catalog (log: {})", self.log.display());
        wait_until(&awaited, async || promised.compare(&self.catalog().await)).await;
    }

    /// Fails unless it holds exactly this, and is not about to remove any of it.
    pub async fn holds(&self, promised: &Catalog) {
        promised.compare(&self.catalog().await).unwrap_or_else(|told| panic!("{told}"));
        assert_eq!(self.database.claimed().await, promised.refs(), "claimed by a location");
    }

    /// Waits until it has something against exactly these entities, and gives its reasons.
    pub async fn refuses(&self, refs: &BTreeSet<String>) {
        wait_until("the refused entities", async || {
            let errors = self.database.errors().await;
            if errors.keys().eq(refs) { Ok(()) } else { Err(format!("{errors:#?} instead of {refs:#?}")) }
        })
        .await;
    }

    /// Asks it to read an entity again now.
    pub async fn refresh(&self, entity_ref: &str) {
        let body = json!({ "entityRef": entity_ref }).to_string();
        let answer = self.send(Method::POST, "/api/catalog/refresh", &[], body).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    /// The longest block of its event loop since the last look, in seconds, and its memory in bytes.
    pub async fn load(&self) -> (f64, u64) {
        let answer = self.send(Method::GET, "/api/probe", &[], String::new()).await;
        let load: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (load["longestBlockSeconds"].as_f64().unwrap(), load["residentBytes"].as_u64().unwrap())
    }

    /// The ref of the location entity that reads a target.
    pub async fn location_of(&self, target: &str) -> String {
        let filter = format!("kind=location,spec.target={target}");
        let query = [("filter", filter.as_str())];
        let answer = self.send(Method::GET, "/api/catalog/entities/by-query", &query, String::new()).await;
        let found: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        super::catalog::entity_ref(&found["items"][0])
    }

    async fn page(&self, cursor: Option<&str>) -> Value {
        let kinds = [("filter", "kind=user"), ("filter", "kind=group"), ("limit", PAGE)];
        let next = cursor.map(|cursor| [("cursor", cursor), ("limit", PAGE)]);
        let query = next.as_ref().map_or(&kinds[..], |next| &next[..]);
        let answer = self.send(Method::GET, "/api/catalog/entities/by-query", query, String::new()).await;
        assert_eq!(answer.status(), 200, "{}", self.log.display());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn send(&self, method: Method, path: &str, query: &[(&str, &str)], body: String) -> Response {
        let request = self.client.request(method, self.base.join(path).unwrap()).query(query);
        let request = request.bearer_auth(TOKEN).header("content-type", "application/json").body(body);
        request.send().await.unwrap_or_else(|error| panic!("{error}: {}", self.log.display()))
    }

    async fn ready(&mut self) {
        let health = self.base.join("/.backstage/health/v1/readiness").unwrap();
        let (client, log) = (self.client.clone(), self.log.clone());
        wait_until("Backstage is ready", async || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {ended:?}, {}", std::fs::read_to_string(&log).unwrap());
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

/// Starts Node with what it writes going to a file.
fn start(config: &Path, log: &Path, npm_module: bool) -> Child {
    let output = File::create(log).unwrap();
    Command::new("node")
        .args(["index.js", "--config"])
        .arg(config)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/backstage/backend"))
        .env("NODE_ENV", "production")
        .env("WITH_AUTHENTIK_MODULE", npm_module.to_string())
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// An address where nothing listens; Backstage has to know its own before it starts.
async fn free_base() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}

/// What `backend.reading.allow` calls the host of a URL.
fn host_and_port(url: &str) -> String {
    Url::parse(url).unwrap().authority().to_owned()
}
