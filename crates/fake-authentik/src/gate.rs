//! A gate that holds requests until a test opens it.

use std::sync::Arc;

use tokio::sync::watch;

/// Holds requests in the middle of a run; clones share one gate.
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
    /// Makes a closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets all waiting and all later requests pass.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Stops requests again.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// Resolves as soon as at least this many requests wait at the gate.
    pub async fn waiting(&self, requests: usize) {
        // An error would mean that the sender is gone, and this gate owns it.
        let _ = self
            .waiting
            .subscribe()
            .wait_for(|waiting| *waiting >= requests)
            .await;
    }

    /// Waits until the gate is open; giving up counts as leaving.
    pub(super) async fn pass(&self) {
        let _place = Place::take(&self.waiting);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// A place in front of the gate, left on drop.
struct Place<'a>(&'a watch::Sender<usize>);

impl<'a> Place<'a> {
    fn take(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}
