//! The first snapshot after a restart: what an earlier process kept, under the present configuration.

use tokio_util::sync::CancellationToken;

use super::{Past, Scheduler};
use crate::snapshot::run::Trigger;

impl Scheduler {
    /// Publishes what is kept on disk of this server, if there is anything; to be called between runs only.
    pub(super) async fn restore(&self, past: &Past, shutdown: &CancellationToken) {
        let loaded = tokio::select! {
            () = shutdown.cancelled() => None,
            loaded = self.persister.load(&self.cycle.policy.base_url) => loaded,
        };
        let Some(kept) = loaded else { return };
        self.ledger.start_now(Trigger::Restart);
        let ended = self.cycle.restore(kept).await;
        self.conclude("restart", &ended, past);
    }

    /// Has the present snapshot written to disk.
    pub(super) fn keep(&self) {
        if let Some(snapshot) = self.cycle.store.current() {
            self.persister.keep(snapshot);
        }
    }
}
