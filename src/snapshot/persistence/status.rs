//! The status of persistence, shared by the task that writes the state file and the HTTP handlers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Whether the last snapshot is on disk. The lock is held for an assignment, never over an `await`.
#[derive(Debug, Default)]
pub struct PersistenceStatus {
    state: Mutex<PersistenceState>,
    writes: watch::Sender<WriteNumbers>,
}

/// Whether persistence is on, and why the last write failed.
#[derive(Debug, Default)]
struct PersistenceState {
    is_on: bool,
    error: Option<String>,
}

/// The number of snapshots to write, and the number of the last one that was processed.
#[derive(Debug, Default)]
struct WriteNumbers {
    announced: u64,
    processed: u64,
}

impl WriteNumbers {
    /// Returns true if no snapshot waits for its write.
    fn are_done(&self) -> bool {
        self.processed >= self.announced
    }
}

impl PersistenceStatus {
    /// Announces a snapshot to write and returns its number.
    pub fn expect(&self) -> u64 {
        self.writes.send_modify(|writes| writes.announced += 1);
        self.writes.borrow().announced
    }

    /// Marks the snapshot with this number, and all before it, as processed.
    pub fn settle(&self, number: u64) {
        self.writes.send_modify(|writes| writes.processed = number);
    }

    /// Returns true if no snapshot waits for its write.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.writes.borrow().are_done()
    }

    /// Waits until no snapshot waits for its write.
    pub async fn settled(&self) {
        // The sender cannot be closed: `self` owns it.
        let _ = self
            .writes
            .subscribe()
            .wait_for(WriteNumbers::are_done)
            .await;
    }

    /// Turns persistence on or off; off also clears the last error.
    pub fn switch(&self, is_on: bool) {
        let mut state = self.lock();
        state.is_on = is_on;
        if !is_on {
            state.error = None;
        }
    }

    /// Returns whether the last snapshot is on disk, or `None` if persistence is off.
    #[must_use]
    pub fn is_persisted(&self) -> Option<bool> {
        let state = self.lock();
        state
            .is_on
            .then(|| state.error.is_none() && self.is_settled())
    }

    /// Stores the outcome of a write; returns true if it differs from the last one.
    pub fn note(&self, error: Option<String>) -> bool {
        let mut state = self.lock();
        let is_new = state.error != error;
        state.error = error;
        is_new
    }

    /// Returns why the last snapshot is not on disk.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.lock().error.clone()
    }

    /// Locks the state; a panic of another holder cannot leave it half changed.
    fn lock(&self) -> MutexGuard<'_, PersistenceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_persisted_after_a_write_without_error() {
        let status = PersistenceStatus::default();
        assert_eq!(status.is_persisted(), None);
        status.switch(true);
        assert_eq!(status.is_persisted(), Some(true));
        let number = status.expect();
        assert_eq!(status.is_persisted(), Some(false), "it waits for its write");
        status.note(Some("the disk is full".into()));
        status.settle(number);
        assert_eq!(status.is_persisted(), Some(false));
        status.switch(true);
        assert!(
            status.error().is_some(),
            "the error remains until a write to the new directory succeeds"
        );
        status.switch(false);
        assert_eq!((status.is_persisted(), status.error()), (None, None));
    }
}
