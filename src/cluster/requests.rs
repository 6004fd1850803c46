//! Requests of HTTP clients at any replica.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, timeout};

use super::database::DatabaseError;
use super::publication::Publication;
use super::replica::Replica;
use crate::snapshot::Store;
use crate::snapshot::requests::{RequestError, Requests};
use crate::snapshot::run::{Failure, Run, RunId, RunOptions, Trigger};

/// How long a reader waits for the snapshot that another replica may already serve.
const CATCH_UP: Duration = Duration::from_secs(1);
/// The pause after a failed read of the published snapshot.
const PAUSE: Duration = Duration::from_secs(1);

#[async_trait]
impl Requests for Arc<Replica> {
    async fn request(&self, options: RunOptions) -> Result<RunId, RequestError> {
        if self.process.draining.is_cancelled() {
            return Err(RequestError::Draining);
        }
        let now = self.now();
        let run = Run {
            options,
            ..Run::queued(Trigger::Request, now)
        };
        // Held until the ledger has the run, so that it is found at once.
        let _table = self.runs.lock().await;
        let queued = self.database.queue(&self.server, &run).await;
        let queued = queued.map_err(|error| refused(&error))?;
        let id = queued.id;
        self.process.ledger.adopt(queued);
        self.wake.notify_one();
        Ok(id)
    }

    async fn receive_webhook(&self) -> Result<(), RequestError> {
        if self.process.draining.is_cancelled() {
            return Err(RequestError::Draining);
        }
        let stored = self.database.webhook(&self.server).await;
        stored.map_err(|error| refused(&error))?;
        self.database.notify().await;
        self.wake.notify_one();
        Ok(())
    }

    async fn catch_up(&self) {
        let is_leader = self.current_term().is_some();
        if !is_leader && self.process.replicas.state().database_error.is_none() {
            // An answer without the newer snapshot is still right.
            let _ = timeout(CATCH_UP, self.check_published()).await;
        }
    }
}

impl Replica {
    /// Waits until this replica serves the published version. Requests that arrive during a check share the
    /// next one.
    async fn check_published(&self) -> Result<(), DatabaseError> {
        let arrived = Instant::now();
        let mut checked = self.checked.lock().await;
        if checked.is_none_or(|began| began < arrived) {
            *checked = Some(Instant::now());
            self.note_published(self.database.published(&self.server).await?);
        }
        drop(checked);
        let mut served = self.process.store.subscribe();
        while self.version() < *self.published.borrow() && served.changed().await.is_ok() {}
        Ok(())
    }

    /// Waits for a published snapshot that is not the one in the store.
    pub(super) async fn publication(&self, store: &Store) -> Publication {
        let mut published = self.published.subscribe();
        loop {
            let known = store.current().map_or(0, |snapshot| snapshot.version);
            let is_new = |version: &i64| ![0, known, self.rejected.load(Relaxed)].contains(version);
            if published.wait_for(is_new).await.is_err() {
                return std::future::pending().await;
            }
            match self.latest(store).await {
                Ok(Some(publication)) => return publication,
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "cannot read the published snapshot; it is tried again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Reads the published snapshot, unless it is the one in the store.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(super) async fn latest(&self, store: &Store) -> Result<Option<Publication>, DatabaseError> {
        let known = store.current().map_or(0, |current| current.version);
        let publication = self.database.read(&self.server, known).await?;
        let version = publication
            .as_ref()
            .map_or(0, |publication| publication.version);
        self.note_published(version);
        Ok(publication.filter(|publication| publication.version != known))
    }

    /// Reports a published snapshot that cannot be used.
    pub(super) fn reject(&self, version: i64, reason: &str) {
        self.rejected.store(version, Relaxed);
        tracing::error!(version, reason, "cannot serve the published snapshot");
    }

    /// Notes a webhook that any replica has received.
    pub(super) fn note_webhook(&self, at: Option<i64>) {
        let Some(at) = at.filter(|_| self.current_term().is_some()) else {
            return;
        };
        if self.webhook.fetch_max(at, Relaxed) < at {
            self.process.ledger.notify();
        }
    }
}

fn refused(error: &DatabaseError) -> RequestError {
    RequestError::Database(Failure::new(error.code(), error.to_string()))
}
