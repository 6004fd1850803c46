//! The `app-config` of a Backstage.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::backstage::TOKEN;
use super::database::Database;
use super::oidc::Oidc;

/// The settings of a Backstage.
#[derive(Default)]
pub struct Setup {
    /// The targets of its locations.
    pub targets: Vec<String>,
    /// Interval of its reads; Backstage's default if `None`.
    pub interval: Option<Duration>,
    /// The block `catalog.providers.authentik`; if present, the npm module is installed.
    pub npm_module: Option<Value>,
    /// The block `catalog.providers.authentikEntityProvider`; if present, the provider module is
    /// installed.
    pub entity_provider: Option<Value>,
    /// Whether entities of a removed provider stay as orphans.
    pub keep_orphans: bool,
    /// Whether entities that no location or provider names any more stay.
    pub keep_all_orphans: bool,
    /// The kinds that its locations may contain; by default all that the service has.
    pub kinds: Option<Value>,
    /// The block `authentikEntityProvider`; if present, the documented URL reader is installed.
    pub url_reader: Option<Value>,
    /// The block `auth` with the module that it is for; if present, users can sign in.
    pub sign_in: Option<SignIn>,
}

/// Sign-in through the provider `oidc`.
pub struct SignIn {
    /// The module: `email` for Backstage's own, `uid` for that of `integrations/backstage`.
    pub module: &'static str,
    /// The block `auth`.
    pub auth: Value,
}

impl SignIn {
    /// Reads the block that the documentation shows for a module, and connects it to a provider.
    pub fn documented(module: &'static str, oidc: &Oidc) -> Self {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sign-in.md");
        let page = std::fs::read_to_string(page).unwrap();
        let (_, section) = page.split_once(&format!("\n## By {module}\n")).unwrap();
        let (_, block) = section.split_once("```yaml\n").unwrap();
        let (block, _) = block.split_once("```").unwrap();
        let block = block.replace("https://authentik.example.com", &oidc.base);
        let block: Value = serde_saphyr::from_str(&block).unwrap();
        let auth = block["auth"].clone();
        Self { module, auth }
    }

    /// The settings of the provider.
    pub fn provider(&mut self) -> &mut Value {
        &mut self.auth["providers"]["oidc"]["production"]
    }
}

impl Setup {
    /// Reads one location every second.
    pub fn eager(target: &str) -> Self {
        Self {
            interval: Some(Duration::from_secs(1)),
            ..Self::patient(target)
        }
    }

    /// Reads one location at Backstage's default interval.
    pub fn patient(target: &str) -> Self {
        Self {
            targets: vec![target.to_owned()],
            ..Self::default()
        }
    }

    /// Builds the whole `app-config`.
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
            catalog["providers"]["authentik"] = block.clone();
        }
        if let Some(block) = &self.entity_provider {
            catalog["providers"]["authentikEntityProvider"] = block.clone();
        }
        if self.keep_all_orphans {
            catalog["orphanStrategy"] = json!("keep");
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
        if let Some(sign_in) = &self.sign_in {
            configuration["auth"] = sign_in.auth.clone();
        }
        configuration
    }

    /// Returns true if the documented URL reader handles a target, so that no other reader may.
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

/// Returns the host of a URL in the form of `backend.reading.allow`.
fn host_and_port(url: &str) -> String {
    Url::parse(url).unwrap().authority().to_owned()
}
