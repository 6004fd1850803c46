//! Several replicas and one truth: who syncs and who follows, over a PostgreSQL database.
//!
//! One replica holds the lease and syncs. It publishes each snapshot in the database; the others serve the same
//! bytes. Without a database, the process is alone ([`Cluster::Solo`]).

pub mod clock;
pub mod database;
mod heartbeat;
mod leadership;
mod lease;
mod publication;
pub mod replica;
mod requests;
mod run_table;
mod runs;
mod term;

use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::snapshot::run::Failure;
use crate::snapshot::{Snapshot, Store};
use database::DatabaseError;
pub use publication::Publication;
pub use replica::Replica;
pub use term::Term;

/// Who syncs: what the scheduler knows of other replicas.
#[derive(Clone, Debug, Default)]
pub enum Cluster {
    /// It is alone: it always syncs and shares nothing.
    #[default]
    Solo,
    /// It shares a database with others, one of which syncs.
    Postgres(Arc<Replica>),
}

impl Cluster {
    /// Waits until this process may sync.
    pub async fn term(&self, shutdown: &CancellationToken) -> Term {
        match self {
            Self::Solo => Term::endless(shutdown),
            Self::Postgres(replica) => replica.term().await,
        }
    }

    /// Waits for a snapshot that another replica has published.
    pub async fn publication(&self, store: &Store) -> Publication {
        match self {
            Self::Solo => std::future::pending().await,
            Self::Postgres(replica) => replica.publication(store).await,
        }
    }

    /// Publishes a snapshot: first to the other replicas, then to this process.
    ///
    /// # Errors
    /// If the database does not store it, or another replica has taken over; nothing is published then.
    pub async fn publish(&self, store: &Store, snapshot: Snapshot) -> Result<(), Failure> {
        let snapshot = match self {
            Self::Solo => snapshot,
            Self::Postgres(replica) => {
                let published = replica.publish(snapshot).await;
                published.map_err(|error| failure(&error))?
            }
        };
        store.publish(snapshot);
        Ok(())
    }

    /// Returns the published snapshot at the beginning of a term, unless the store has it.
    ///
    /// # Errors
    /// If the database does not answer; no run may begin then.
    pub async fn latest(&self, store: &Store) -> Result<Option<Publication>, DatabaseError> {
        match self {
            Self::Solo => Ok(None),
            Self::Postgres(replica) => replica.latest(store).await,
        }
    }

    /// Takes the run that clients of any replica have requested, before a run begins.
    ///
    /// # Errors
    /// If the database does not answer; the run must not begin then.
    pub async fn claim(&self) -> Result<(), Failure> {
        match self {
            Self::Solo => Ok(()),
            Self::Postgres(replica) => replica.claim().await.map_err(|error| failure(&error)),
        }
    }

    /// Stores the last run for the next process that syncs.
    pub async fn store_last_run(&self, last_run: &Value) {
        if let Self::Postgres(replica) = self {
            replica.store_last_run(last_run).await;
        }
    }

    /// Lets another replica sync, if there is one.
    pub async fn step_down(&self) {
        if let Self::Postgres(replica) = self {
            replica.step_down().await;
        }
    }

    /// Reports that a published snapshot cannot be used.
    pub fn reject(&self, version: i64, reason: &str) {
        if let Self::Postgres(replica) = self {
            replica.reject(version, reason);
        }
    }
}

/// Returns the failure of a run that the database does not let through.
fn failure(error: &DatabaseError) -> Failure {
    Failure::new(error.code(), error.to_string())
}
