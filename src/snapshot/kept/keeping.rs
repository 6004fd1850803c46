//! How the writing of the file goes, shared between who writes and who is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Whether the last snapshot is on disk. The lock is held for an assignment and never over an `await`.
#[derive(Debug, Default)]
pub struct Keeping {
    trouble: Mutex<Option<String>>,
    turns: watch::Sender<Turns>,
}

/// The numbers of the last snapshots that were to be written and that have been dealt with.
#[derive(Debug, Default)]
struct Turns {
    expected: u64,
    settled: u64,
}

impl Turns {
    /// Whether nothing waits.
    fn are_settled(&self) -> bool {
        self.settled >= self.expected
    }
}

impl Keeping {
    /// Gives a snapshot that is to be written a number.
    pub fn expect(&self) -> u64 {
        self.turns.send_modify(|turns| turns.expected += 1);
        self.turns.borrow().expected
    }

    /// The snapshot with a number has been dealt with, and so have those before it.
    pub fn settle(&self, number: u64) {
        self.turns.send_modify(|turns| turns.settled = number);
    }

    /// Whether a snapshot waits for its writing.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.turns.borrow().are_settled()
    }

    /// Resolves as soon as nothing waits.
    pub async fn settled(&self) {
        // The sender lives as long as this does.
        let _ = self.turns.subscribe().wait_for(Turns::are_settled).await;
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
