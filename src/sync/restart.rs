//! The first snapshot after a restart: what an earlier process kept, under the present configuration.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Past, Scheduler};
use crate::snapshot::run::Trigger;

impl Scheduler {
    /// Publishes the persisted rows of this server, if there are any. If they lack fields that the
    /// configuration needs, a full sync is requested instead. To be called between runs only.
    pub(super) async fn restore(&mut self, past: &Past, shutdown: &CancellationToken) {
        let loaded = tokio::select! {
            () = shutdown.cancelled() => None,
            loaded = self.persister.load(&self.cycle.policy.base_url) => loaded,
        };
        self.cycle.persisted = loaded.map(Arc::new);
        let Some(rows) = self.cycle.persisted.clone() else {
            return;
        };
        if !self.cycle.suffices(&rows.directory) {
            self.ledger.request(Trigger::Restart);
            return;
        }
        self.ledger.start_now(Trigger::Restart);
        let ended = self.cycle.restore(&rows).await;
        self.conclude("restart", &ended, past);
    }

    /// Has the present snapshot written to disk.
    pub(super) fn keep(&self) {
        if let Some(snapshot) = self.cycle.store.current() {
            self.persister.keep(snapshot);
        }
    }
}
