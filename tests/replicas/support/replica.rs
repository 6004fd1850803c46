//! Replicas of the service in front of one fake Authentik, with one database.

use std::ops::Deref;
use std::path::Path;

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use reqwest::{Client, Response, StatusCode};
use rustix::process::Signal;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::postgres::Postgres;
use super::process::{Ended, Process};
use super::{client, wait_until};

/// A fake Authentik, a database, and what replicas need to use both.
pub struct Site {
    /// The database.
    pub postgres: Postgres,
    /// The fake Authentik, for edits and scripts.
    pub fake: FakeAuthentik,
    /// The base URL of the fake Authentik.
    authentik: String,
    _stop: oneshot::Sender<()>,
}

impl Site {
    /// Starts a database and a fake Authentik.
    pub async fn start(directory: FakeDirectory) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, directory).with_directory_time();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authentik = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = fake.clone();
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            served.serve(listener, stopped).await
        });
        let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
        Self {
            postgres,
            fake,
            authentik,
            _stop: stop,
        }
    }

    /// Returns the variables of a replica, with these further ones.
    pub fn variables(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let url = self.postgres.url();
        let mut variables = vec![
            ("AUTHENTIK_BASE_URL", self.authentik.as_str()),
            ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
            ("ENTITY_PROVIDER_LISTEN", "127.0.0.1:0"),
            ("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", "{trigger: manual}"),
            ("ENTITY_PROVIDER_INCREMENTAL_OVERLAP", "{seconds: 1}"),
            ("ENTITY_PROVIDER_DATABASE_URL", &url),
            ("RUST_LOG", "info,authentik_entity_provider=debug"),
        ];
        for (name, value) in more {
            variables.retain(|(known, _)| known != name);
            variables.push((name, value));
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        variables.into_iter().map(owned).collect()
    }

    /// Starts a replica with these further variables, and waits until it listens.
    pub async fn replica_with(&self, more: &[(&str, &str)]) -> Replica {
        let variables = self.variables(more);
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Replica::of(Process::spawn(&["serve"], &variables)).await
    }

    /// Starts a replica of another release, which renders every entity otherwise.
    pub async fn replica_of_other_release(&self) -> Replica {
        let program = std::env::var_os("OTHER_RELEASE").expect("tests/replicas/run builds it");
        let variables = self.variables(&[]);
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let process = Process::spawn_build(Path::new(&program), &["serve"], &variables);
        Replica::of(process).await
    }

    /// Runs `check` with the variables of a replica and these further ones.
    pub async fn check(&self, more: &[(&str, &str)]) -> Ended {
        let variables = self.variables(more);
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Process::run(&["check"], &variables).await
    }

    /// Starts a replica that syncs on request only.
    pub async fn replica(&self) -> Replica {
        self.replica_with(&[]).await
    }

    /// Starts a replica and waits until it syncs.
    pub async fn leader(&self) -> Replica {
        let replica = self.replica().await;
        replica.leads().await;
        replica
    }

    /// Lets the database lose all notifications, as a connection pool between transactions does.
    pub fn silence(&self) {
        self.postgres.sql(
            "create schema silent;
             create function silent.pg_notify(text, text) returns void language sql as 'select';
             alter role service set search_path = silent, pg_catalog",
        );
    }

    /// Returns the number of requests that Authentik has seen.
    pub fn requests(&self) -> usize {
        self.fake.requests().len()
    }
}

/// A running replica; it is killed on drop.
pub struct Replica {
    /// The process.
    pub process: Process,
    reader: Reader,
}

impl Replica {
    /// Waits until a process listens.
    async fn of(mut process: Process) -> Self {
        let base = process.serving().await;
        Self {
            process,
            reader: Reader::at(base),
        }
    }

    /// Ends the process in order.
    pub async fn stop(self) {
        self.process.signal(Signal::TERM);
        assert!(self.process.end().await.status.success());
    }
}

impl Deref for Replica {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

/// A client of a replica.
pub struct Reader {
    base: String,
    client: Client,
}

impl Reader {
    /// Returns a client of the replica at a base URL.
    pub fn at(base: String) -> Self {
        Self {
            base,
            client: client(),
        }
    }

    /// Sends a GET request.
    pub async fn get(&self, path: &str) -> Response {
        self.client
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap()
    }

    /// Sends a GET request with a tag.
    pub async fn get_unless(&self, path: &str, tag: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.base));
        request.header("if-none-match", tag).send().await.unwrap()
    }

    /// Sends a POST request.
    pub async fn post(&self, path: &str) -> Response {
        self.client
            .post(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap()
    }

    /// Fetches JSON with any status.
    pub async fn json(&self, path: &str) -> Value {
        parsed(self.get(path).await).await
    }

    /// Requests a run with a query, waits for its end and returns it.
    pub async fn sync(&self, query: &str) -> Value {
        let answer = self.post(&format!("/sync?wait=1m{query}")).await;
        assert_eq!(answer.status(), StatusCode::OK, "the run has not ended");
        parsed(answer).await
    }

    /// Returns what `/health` says of the replicas.
    pub async fn replicas(&self) -> Value {
        self.json("/health").await["replicas"].take()
    }

    /// Returns the tag and the body of the entities.
    pub async fn entities(&self) -> (String, String) {
        let answer = self.get("/entities").await;
        assert_eq!(answer.status(), StatusCode::OK);
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        (tag, answer.text().await.unwrap())
    }

    /// Returns the tag of the entities; empty before the first snapshot.
    pub async fn tag(&self) -> String {
        let health = self.json("/health").await;
        health["snapshot"]["etag"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until this replica syncs.
    pub async fn leads(&self) {
        wait_until("it leads", async || {
            let replicas = self.replicas().await;
            if replicas["isLeader"] == true {
                Ok(())
            } else {
                Err(replicas)
            }
        })
        .await;
    }

    /// Waits until this replica serves entities with a tag.
    pub async fn serves(&self, tag: &str) {
        wait_until("it serves the tag", async || {
            let own = self.tag().await;
            if own == tag {
                Ok(())
            } else {
                Err(format!("{own} instead of {tag}"))
            }
        })
        .await;
    }
}

/// Parses the body of an answer with any status.
pub async fn parsed(answer: Response) -> Value {
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}
