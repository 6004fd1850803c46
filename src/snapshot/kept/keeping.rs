//! How the writing of the file goes, shared between who writes and who is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Whether the last snapshot is on disk. The lock is held for an assignment and never over an `await`.
#[derive(Debug, Default)]
pub struct Keeping {
    trouble: Mutex<Option<String>>,
    unwritten: watch::Sender<bool>,
}

impl Keeping {
    /// A snapshot waits for its writing.
    pub fn expect(&self) {
        self.unwritten.send_replace(true);
    }

    /// Nothing waits any more.
    pub fn settle(&self) {
        self.unwritten.send_replace(false);
    }

    /// Whether a snapshot waits for its writing.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !*self.unwritten.borrow()
    }

    /// Resolves as soon as nothing waits.
    pub async fn settled(&self) {
        // The sender lives as long as this does.
        let _ = self.unwritten.subscribe().wait_for(|unwritten| !unwritten).await;
    }

    /// Takes down how the last writing went; says whether that is news.
    pub fn note(&self, trouble: Option<String>) -> bool {
        let mut known = self.lock();
        let is_news = *known != trouble;
        *known = trouble;
        is_news
    }

    /// Why the last snapshot is not on disk.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.lock().clone()
    }

    /// The trouble; a panic of another holder cannot leave it half changed.
    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
