//! How a replica becomes the one that syncs, and what it does as such.

use std::sync::atomic::Ordering::Relaxed;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::database::DatabaseError;
use super::lease::{Acquired, DURATION};
use super::publication::{self, Encoded};
use super::replica::Replica;
use super::term::Term;
use crate::snapshot::Snapshot;
use crate::snapshot::ledger::SETTLING;
use crate::snapshot::push::PushRecord;
use crate::snapshot::replicas::LiveReplica;

impl Replica {
    /// Waits until this replica may sync.
    pub(super) async fn term(&self) -> Term {
        let mut terms = self.term.subscribe();
        loop {
            if let Some(term) = self.current_term() {
                return term;
            }
            // It cannot fail: `self` owns the sender.
            let _ = terms.changed().await;
        }
    }

    /// Returns the term, if this replica may sync. A replica that was suspended past its lease has none, before it
    /// has asked the database.
    pub(super) fn current_term(&self) -> Option<Term> {
        let term = self.term.borrow().clone();
        term.filter(|term| !term.ended.is_cancelled() && term.expires > Instant::now())
    }

    /// Renews the lease, or takes it if no replica holds it.
    pub(super) async fn hold_lease(&self) -> Result<(), DatabaseError> {
        let asked = Instant::now();
        if let Some(term) = self.current_term() {
            let next_run_at = self.process.status.next_run_at(Timestamp::MIN);
            let renewed = self.database.renew(&self.server, term.token, next_run_at);
            if renewed.await? {
                self.term.send_modify(|term| {
                    if let Some(term) = term {
                        term.expires = asked + DURATION;
                    }
                });
            } else {
                self.end_term("another replica may have taken over");
            }
            return Ok(());
        }
        let waits = (*self.waits_until.lock().await).is_some_and(|until| until > asked);
        if waits || self.process.draining.is_cancelled() {
            return Ok(());
        }
        let acquired = self.database.acquire(&self.server, self.id).await?;
        if let Some(acquired) = acquired {
            self.take_over(acquired, asked).await?;
        }
        Ok(())
    }

    /// Begins a term. Runs of the previous holder that have not ended never will.
    async fn take_over(&self, acquired: Acquired, asked: Instant) -> Result<(), DatabaseError> {
        let Acquired {
            token,
            last_run,
            pushed,
        } = acquired;
        self.end_interrupted_runs(token).await?;
        self.mirror_runs().await?;
        self.begin_recording().await;
        let started = self
            .process
            .ledger
            .runs()
            .iter()
            .filter_map(|run| run.started_at)
            .max();
        // A webhook shortly before a run may announce a change that the run has missed.
        let known = started.map_or(0, |started| (started - SETTLING).as_millisecond());
        self.webhook.store(known, Relaxed);
        tracing::info!(token, "this replica syncs from now on");
        self.term.send_replace(Some(Term {
            last_run,
            pushed,
            ended: self.process.draining.child_token(),
            shutdown: self.process.draining.clone(),
            token,
            expires: asked + DURATION,
        }));
        Ok(())
    }

    /// Ends the term if the lease was not renewed in time.
    pub(super) fn end_expired_term(&self) {
        let term = self.term.borrow().clone();
        if term.is_some_and(|term| term.expires <= Instant::now()) {
            self.end_term("the lease was not renewed in time");
        }
    }

    fn end_term(&self, reason: &str) {
        if let Some(term) = self.term.send_replace(None) {
            tracing::warn!("this replica does not sync any more: {reason}");
            term.ended.cancel();
        }
    }

    /// Releases the lease and leaves it to the others for a while.
    pub(super) async fn step_down(&self) {
        let Some(term) = self.current_term() else {
            return;
        };
        *self.waits_until.lock().await = Some(Instant::now() + DURATION);
        self.record_runs(&term).await;
        self.end_term("the run exceeded its timeout, so that another replica tries next");
        if let Err(error) = self.database.release(&self.server, term.token).await {
            tracing::debug!(%error, "cannot release the lease; it expires");
        }
    }

    /// Publishes a snapshot in the database, and returns it with its version.
    pub(super) async fn publish(&self, snapshot: Snapshot) -> Result<Snapshot, DatabaseError> {
        let token = self.current_term().ok_or(DatabaseError::Fenced)?.token;
        let (snapshot, version) = if let Some(version) = self.confirm(token, &snapshot).await? {
            (snapshot, version)
        } else {
            let (snapshot, encoded) = Encoded::of(snapshot).await?;
            let version = self.database.publish(&self.server, token, &encoded);
            (snapshot, version.await?)
        };
        self.published.send_replace(version);
        self.database.notify().await;
        Ok(snapshot.with_version(version))
    }

    /// Publishes a snapshot that only repeats the served one, if that is the published one.
    async fn confirm(&self, token: i64, snapshot: &Snapshot) -> Result<Option<i64>, DatabaseError> {
        let current = self.process.store.current();
        let Some(current) = current.filter(|current| snapshot.repeats(current)) else {
            return Ok(None);
        };
        let header = publication::header(snapshot)?;
        let confirmed = self
            .database
            .confirm(&self.server, token, current.version, &header);
        confirmed.await
    }

    /// Lets the push to Backstage see the snapshot, once every other replica serves it or is not ready.
    pub(super) fn offer_to_push(&self, replicas: &[LiveReplica]) {
        let current = self.process.store.current();
        let Some(current) = current.filter(|_| self.current_term().is_some()) else {
            return;
        };
        let pushable = self.process.pushable.current();
        let is_new = pushable.is_none_or(|pushable| pushable.version != current.version);
        let is_served = replicas.iter().all(|other| {
            other.id == self.id || !other.is_ready || other.version >= current.version
        });
        if is_new && is_served {
            self.process.pushable.publish(current);
        }
    }

    /// Stores the last run for the next holder of the lease.
    pub(super) async fn store_last_run(&self, last_run: &Value) {
        let Some(term) = self.current_term() else {
            return;
        };
        let stored = self
            .database
            .store_last_run(&self.server, term.token, last_run)
            .await;
        if let Err(error) = stored {
            tracing::debug!(%error, "cannot store the last run; the next replica that syncs starts early");
        }
    }
}

#[async_trait]
impl PushRecord for Replica {
    fn is_pusher(&self) -> bool {
        self.current_term().is_some()
    }

    fn is_pushed(&self, digest: &str) -> bool {
        let term = self.current_term();
        term.is_some_and(|term| term.pushed.as_deref() == Some(digest))
    }

    async fn record_push(&self, digest: &str) {
        let Some(Term { token, .. }) = self.current_term() else {
            return;
        };
        self.term.send_modify(|term| {
            if let Some(term) = term {
                term.pushed = Some(digest.to_owned());
            }
        });
        let recorded = self.database.record_push(&self.server, token, digest);
        if let Err(error) = recorded.await {
            tracing::debug!(%error, "cannot record the push; the next replica that syncs repeats it");
        }
    }
}
