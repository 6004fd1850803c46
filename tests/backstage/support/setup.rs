//! What a Backstage is told at its start: its `app-config`.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::backstage::TOKEN;
use super::database::Database;

/// What a Backstage is told at its start.
#[derive(Default)]
pub struct Setup {
    /// The locations that it reads.
    pub targets: Vec<String>,
    /// How often it reads them; its own default where nothing is given.
    pub interval: Option<Duration>,
    /// The block `catalog.providers.authentik`, which also switches the npm module on.
    pub npm_module: Option<Value>,
    /// Whether what a removed provider left stays, until a later start.
    pub keep_orphans: bool,
    /// The kinds that may come from its locations; all of ours where nothing is given.
    pub kinds: Option<Value>,
    /// The block `authentikEntityProvider`, which also switches the documented URL reader on.
    pub url_reader: Option<Value>,
}

impl Setup {
    /// Reads one location every second.
    pub fn eager(target: &str) -> Self {
        Self {
            interval: Some(Duration::from_secs(1)),
            ..Self::patient(target)
        }
    }

    /// Reads one location as often as Backstage does by itself.
    pub fn patient(target: &str) -> Self {
        Self {
            targets: vec![target.to_owned()],
            ..Self::default()
        }
    }

    /// The whole `app-config`.
    pub fn configuration(&self, base: &Url, database: &Database) -> Value {
        let allowed = self
            .targets
            .iter()
            .filter(|target| !self.has_own_reader(target));
        let allowed: Vec<_> = allowed
            .map(|target| json!({ "host": host_and_port(target) }))
            .collect();
        let static_token = json!({
            "type": "static",
            "options": { "token": TOKEN, "subject": "tests" },
            "accessRestrictions": [{ "plugin": "catalog" }],
        });
        let mut catalog = json!({ "locations": self.locations() });
        if let Some(interval) = self.interval {
            catalog["processingInterval"] = json!({ "milliseconds": interval.as_millis() });
        }
        if let Some(block) = &self.npm_module {
            catalog["providers"] = json!({ "authentik": block });
        }
        if self.keep_orphans {
            catalog["orphanProviderStrategy"] = json!("keep");
        }
        let mut configuration = json!({
            "app": { "title": "Backstage", "baseUrl": base },
            "backend": {
                "baseUrl": base,
                "listen": { "host": "127.0.0.1", "port": base.port() },
                "database": database.configuration(),
                "auth": { "externalAccess": [static_token] },
                "reading": { "allow": allowed },
            },
            "catalog": catalog,
        });
        if let Some(block) = &self.url_reader {
            configuration["authentikEntityProvider"] = block.clone();
        }
        configuration
    }

    /// Whether the documented URL reader reads a target, so that nothing else may.
    fn has_own_reader(&self, target: &str) -> bool {
        let block = self.url_reader.as_ref();
        block.is_some_and(|block| target.starts_with(block["baseUrl"].as_str().unwrap()))
    }

    fn locations(&self) -> Vec<Value> {
        let kinds = self
            .kinds
            .clone()
            .unwrap_or_else(|| json!(["User", "Group", "Location"]));
        let rules = json!([{ "allow": kinds }]);
        let location = |target| json!({ "type": "url", "target": target, "rules": rules });
        self.targets.iter().map(location).collect()
    }
}

/// What `backend.reading.allow` calls the host of a URL.
fn host_and_port(url: &str) -> String {
    Url::parse(url).unwrap().authority().to_owned()
}
