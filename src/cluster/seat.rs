//! The place of a process among the replicas: alone, or one of several that share a database.

use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::database::DatabaseError;
use super::member::Member;
use super::publication::Publication;
use super::term::Term;
use crate::snapshot::run::Failure;
use crate::snapshot::{Snapshot, Store};

/// The place of a process among the replicas.
#[derive(Clone, Debug, Default)]
pub enum Seat {
    /// It is alone: it always syncs and shares nothing.
    #[default]
    Solo,
    /// It shares a database with others, one of which syncs.
    Shared(Arc<Member>),
}

impl Seat {
    /// Waits until this process may sync.
    pub async fn term(&self, shutdown: &CancellationToken) -> Term {
        match self {
            Self::Solo => Term::endless(shutdown),
            Self::Shared(member) => member.term().await,
        }
    }

    /// Waits for a snapshot that another replica has published.
    pub async fn publication(&self, store: &Store) -> Publication {
        match self {
            Self::Solo => std::future::pending().await,
            Self::Shared(member) => member.publication(store).await,
        }
    }

    /// Publishes a snapshot: first to the other replicas, then to this process.
    ///
    /// # Errors
    /// If the database does not store it, or another replica has taken over; nothing is published then.
    pub async fn publish(&self, store: &Store, snapshot: Snapshot) -> Result<(), Failure> {
        let snapshot = match self {
            Self::Solo => snapshot,
            Self::Shared(member) => {
                let published = member.publish(snapshot).await;
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
            Self::Shared(member) => member.latest(store).await,
        }
    }

    /// Takes the run that clients of any replica have requested, before a run begins.
    ///
    /// # Errors
    /// If the database does not answer; the run must not begin then.
    pub async fn claim(&self) -> Result<(), Failure> {
        match self {
            Self::Solo => Ok(()),
            Self::Shared(member) => member.claim().await.map_err(|error| failure(&error)),
        }
    }

    /// Stores the last run for the next process that syncs.
    pub async fn remember(&self, last_run: &Value) {
        if let Self::Shared(member) = self {
            member.remember(last_run).await;
        }
    }

    /// Lets another replica sync, if there is one.
    pub async fn step_down(&self) {
        if let Self::Shared(member) = self {
            member.step_down().await;
        }
    }

    /// Reports that a published snapshot cannot be used.
    pub fn reject(&self, version: i64, reason: &str) {
        if let Self::Shared(member) = self {
            member.reject(version, reason);
        }
    }
}

/// Returns the failure of a run that the database does not let through.
fn failure(error: &DatabaseError) -> Failure {
    Failure::new(error.code(), error.to_string())
}
