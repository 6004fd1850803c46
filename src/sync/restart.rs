//! The first snapshot after a restart: the rows of the state file under the current configuration.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Past, Scheduler};
use crate::snapshot::run::Trigger;

impl Scheduler {
    /// Publishes the rows of the state file, if there is one of this server. If they lack fields that the
    /// configuration needs, a full sync is requested instead. Must be called between runs.
    pub(super) async fn restore(&mut self, past: &Past, shutdown: &CancellationToken) {
        let loaded = tokio::select! {
            () = shutdown.cancelled() => None,
            loaded = self.persister.load(&self.cycle.policy.base_url) => loaded,
        };
        self.cycle.persisted = loaded.map(Arc::new);
        let Some(rows) = self.cycle.persisted.clone() else {
            return;
        };
        if !self.cycle.has_needed_fields(&rows.directory) {
            self.ledger.request(Trigger::Restart);
            return;
        }
        self.ledger.start_now(Trigger::Restart);
        let ended = self.cycle.restore(&rows).await;
        self.conclude("restart", &ended, past);
    }

    /// Queues the current snapshot for the state file.
    pub(super) fn save_snapshot(&self) {
        if let Some(snapshot) = self.cycle.store.current() {
            self.persister.save(snapshot);
        }
    }
}
