//! A gate that blocks requests until a test opens it.

use std::sync::Arc;

use tokio::sync::watch;

/// Blocks requests in the middle of a sync; clones share one gate.
#[derive(Clone, Debug)]
pub struct Gate {
    waiting: Arc<watch::Sender<usize>>,
    open: Arc<watch::Sender<bool>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            waiting: Arc::new(watch::Sender::new(0)),
            open: Arc::new(watch::Sender::new(false)),
        }
    }
}

impl Gate {
    /// Creates a closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Releases all waiting requests and lets later ones pass.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Blocks requests again.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// Waits until at least this many requests are blocked at the gate.
    pub async fn waiting(&self, requests: usize) {
        // The sender cannot be closed: this gate owns it.
        let _ = self
            .waiting
            .subscribe()
            .wait_for(|waiting| *waiting >= requests)
            .await;
    }

    /// Waits until the gate is open; a dropped future no longer counts as waiting.
    pub(super) async fn pass(&self) {
        let _place = WaitGuard::take(&self.waiting);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// Counts a waiting request until it is dropped.
struct WaitGuard<'a>(&'a watch::Sender<usize>);

impl<'a> WaitGuard<'a> {
    fn take(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}
