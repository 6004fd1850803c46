//! What a replica does while another one syncs, and how it takes over.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::reconfigure::Reload;
use super::timetable::LastRun;
use super::{Past, Scheduler};
use crate::cluster::{Publication, Term};
use crate::snapshot::run::Trigger;
use crate::snapshot::sync_mode::FullReason;

/// The pause after a failed attempt to take over.
const PAUSE: Duration = Duration::from_secs(1);

impl Scheduler {
    /// Follows the other replicas until this one may sync; `None` at the shutdown.
    pub(super) async fn next_term(&mut self, shutdown: &CancellationToken) -> Option<Term> {
        let cluster = self.cycle.cluster.clone();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return None,
                Some(reload) = self.reloads.recv() => match reload {
                    Reload::Settings(settings) => self.apply(*settings),
                    Reload::Invalid(failure) => {
                        tracing::error!(code = &*failure.code, "{}", failure.message);
                        self.status.set_configuration_error(Some(failure.message));
                    }
                },
                publication = cluster.publication(&self.cycle.store) => {
                    self.follow(publication).await;
                }
                term = cluster.term(shutdown) => return Some(term),
            }
        }
    }

    /// Serves the snapshot that another replica has published. Returns false if this version of the program cannot
    /// read it.
    pub(super) async fn follow(&self, publication: Publication) -> bool {
        let version = publication.version;
        let previous = self.cycle.store.current();
        let policy = Arc::clone(&self.cycle.policy);
        let decoding = spawn_blocking(move || {
            let base_url = policy.base_url.clone();
            publication.decode(&base_url, policy, previous.as_deref())
        });
        match decoding.await {
            Ok(Ok(snapshot)) => {
                tracing::debug!(
                    version,
                    "serves the snapshot that another replica has published"
                );
                self.cycle.store.publish(snapshot);
                return true;
            }
            Ok(Err(error)) => self.cycle.cluster.reject(version, &error.to_string()),
            // The panic hook has logged the message.
            Err(_) => self.cycle.cluster.reject(version, "decoding it panicked"),
        }
        false
    }

    /// Continues from the published snapshot and the last run of the previous replica, or from the state file if
    /// there is no snapshot. Returns false if the database does not answer.
    pub(super) async fn take_over(&mut self, term: &Term, past: &mut Past) -> bool {
        let is_current = match self.cycle.cluster.latest(&self.cycle.store).await {
            Ok(Some(publication)) => self.follow(publication).await,
            Ok(None) => true,
            Err(error) => {
                tracing::debug!(%error, "cannot read the published snapshot; it is tried again");
                let _ = timeout(PAUSE, term.ended.cancelled()).await;
                return false;
            }
        };
        let last_run = term.last_run.clone();
        past.last = last_run.and_then(|last| serde_json::from_value::<LastRun>(last).ok());
        if !is_current {
            // The rows of this replica are older than the published ones, so that they are not published again.
            self.cycle.full_reason = Some(FullReason::First);
            self.ledger.request(Trigger::Restart);
            return true;
        }
        match self.cycle.own_snapshot() {
            None => self.restore(past, &term.ended).await,
            // It may have been rendered with another configuration or version.
            Some(snapshot) if snapshot.is_adopted() => {
                self.render_again(Trigger::Restart, past).await;
            }
            Some(_) => {}
        }
        true
    }

    /// Stores the last run for the replica that syncs next.
    pub(super) async fn share_last_run(&self, last: Option<&LastRun>) {
        if let Some(last) = last {
            self.cycle.cluster.store_last_run(&json!(last)).await;
        }
    }
}
