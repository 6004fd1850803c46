//! The database of one Backstage, queried with `psql`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::process::Command;

/// The owner of the temporary cluster.
const USER: &str = "backstage";

/// The databases of one Backstage, which creates one for each plugin, all with one prefix.
#[derive(Clone)]
pub struct Database {
    sockets: String,
    prefix: String,
}

impl Database {
    /// Chooses an unused prefix.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let sockets = std::env::var("TEST_POSTGRES").expect("run this with tests/backstage/run");
        let prefix = format!(
            "backstage_{}_{}_",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        Self { sockets, prefix }
    }

    /// Returns the configuration of the database for Backstage.
    pub fn configuration(&self) -> Value {
        let connection = json!({ "host": self.sockets, "user": USER });
        json!({ "client": "pg", "prefix": self.prefix, "connection": connection })
    }

    /// Returns Backstage's errors by entity ref, including those of locations.
    pub async fn errors(&self) -> BTreeMap<String, String> {
        let errors = "select json_object_agg(entity_ref, errors) from refresh_state where errors not in ('', '[]')";
        self.query::<Option<_>>(errors).await.unwrap_or_default()
    }

    /// Returns the users and groups that a location still provides; Backstage removes others within
    /// 30 seconds.
    pub async fn claimed(&self) -> BTreeSet<String> {
        let claimed = "select json_agg(target_entity_ref) from refresh_state_references \
                       where source_entity_ref like 'location:%' and target_entity_ref not like 'location:%'";
        self.query::<Option<_>>(claimed).await.unwrap_or_default()
    }

    /// Runs a query on the catalog's database whose result is one JSON value.
    async fn query<T: DeserializeOwned>(&self, statement: &str) -> T {
        let database = format!("{}catalog", self.prefix);
        let arguments = [
            "-XAtq",
            "-h",
            &self.sockets,
            "-U",
            USER,
            "-d",
            &database,
            "-c",
            statement,
        ];
        let output = Command::new("psql").args(arguments).output().await.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(if text.trim().is_empty() {
            "null"
        } else {
            &text
        })
        .unwrap()
    }
}

impl Database {
    /// Returns the users and groups in the catalog, also while Backstage is down.
    pub async fn shown(&self) -> BTreeSet<String> {
        let shown = "select json_agg(entity_ref) from final_entities \
                     where final_entity is not null and entity_ref not like 'location:%'";
        self.query::<Option<_>>(shown).await.unwrap_or_default()
    }

    /// Returns the location key of each user and group: the only source that may change it.
    pub async fn owners(&self) -> BTreeMap<String, String> {
        let owners = "select json_object_agg(entity_ref, coalesce(location_key, '')) from refresh_state \
                      where entity_ref not like 'location:%'";
        self.query::<Option<_>>(owners).await.unwrap_or_default()
    }

    /// Runs a statement without a result.
    pub async fn execute(&self, statement: &str) {
        assert_eq!(
            self.query::<Value>(statement).await,
            Value::Null,
            "{statement}"
        );
    }

    /// Returns the number of users and groups in the catalog.
    pub async fn count_shown(&self) -> usize {
        let count = "select count(*) from final_entities \
                     where final_entity is not null and entity_ref not like 'location:%'";
        self.query(count).await
    }

    /// Returns the number of entities that are due for processing or stitching.
    pub async fn due(&self) -> usize {
        let due = "select (select count(*) from refresh_state where next_update_at <= now()) \
                   + (select count(*) from stitch_queue)";
        self.query(due).await
    }

    /// Returns the database's time as text.
    pub async fn now(&self) -> String {
        self.query("select to_json(now()::text)").await
    }

    /// Returns the number of users and groups that a location or provider delivered since a time.
    pub async fn discovered_since(&self, since: &str) -> usize {
        let discovered = "select count(*) from refresh_state where entity_ref not like 'location:%' \
                          and last_discovery_at >";
        self.query(&format!("{discovered} '{since}'::timestamptz"))
            .await
    }
}
