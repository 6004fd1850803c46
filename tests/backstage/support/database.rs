//! The database of one Backstage, asked with `psql`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::process::Command;

/// The owner of the throw-away cluster.
const USER: &str = "backstage";

/// The databases of one Backstage, which makes them itself: one a plugin, all with one prefix.
#[derive(Clone)]
pub struct Database {
    sockets: String,
    prefix: String,
}

impl Database {
    /// Names a database that nobody else uses.
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

    /// What Backstage's configuration says about it.
    pub fn configuration(&self) -> Value {
        let connection = json!({ "host": self.sockets, "user": USER });
        json!({ "client": "pg", "prefix": self.prefix, "connection": connection })
    }

    /// What Backstage has against entities, by their refs: the locations' errors too.
    pub async fn errors(&self) -> BTreeMap<String, String> {
        let errors = "select json_object_agg(entity_ref, errors) from refresh_state where errors not in ('', '[]')";
        self.query::<Option<_>>(errors).await.unwrap_or_default()
    }

    /// The users and groups that some location still holds; others are removed within 30 seconds.
    pub async fn claimed(&self) -> BTreeSet<String> {
        let claimed = "select json_agg(target_entity_ref) from refresh_state_references \
                       where source_entity_ref like 'location:%' and target_entity_ref not like 'location:%'";
        self.query::<Option<_>>(claimed).await.unwrap_or_default()
    }

    /// Asks the catalog's database a question whose answer is one JSON value.
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
    /// The users and groups that the catalog shows, also while Backstage is down.
    pub async fn shown(&self) -> BTreeSet<String> {
        let shown = "select json_agg(entity_ref) from final_entities \
                     where final_entity is not null and entity_ref not like 'location:%'";
        self.query::<Option<_>>(shown).await.unwrap_or_default()
    }

    /// The location key of each user and group: what it was read from, and what alone may change it.
    pub async fn owners(&self) -> BTreeMap<String, String> {
        let owners = "select json_object_agg(entity_ref, coalesce(location_key, '')) from refresh_state \
                      where entity_ref not like 'location:%'";
        self.query::<Option<_>>(owners).await.unwrap_or_default()
    }

    /// Runs a statement that answers nothing.
    pub async fn execute(&self, statement: &str) {
        assert_eq!(
            self.query::<Value>(statement).await,
            Value::Null,
            "{statement}"
        );
    }

    /// How many users and groups the catalog shows.
    pub async fn count_shown(&self) -> usize {
        let count = "select count(*) from final_entities \
                     where final_entity is not null and entity_ref not like 'location:%'";
        self.query(count).await
    }

    /// How many entities wait to be processed or stitched now.
    pub async fn due(&self) -> usize {
        let due = "select (select count(*) from refresh_state where next_update_at <= now()) \
                   + (select count(*) from stitch_queue)";
        self.query(due).await
    }

    /// The database's own clock, as text.
    pub async fn now(&self) -> String {
        self.query("select to_json(now()::text)").await
    }

    /// How many users and groups a location or provider gave Backstage to process since then.
    pub async fn discovered_since(&self, since: &str) -> usize {
        let discovered = "select count(*) from refresh_state where entity_ref not like 'location:%' \
                          and last_discovery_at >";
        self.query(&format!("{discovered} '{since}'::timestamptz"))
            .await
    }
}
