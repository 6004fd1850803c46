//! How the writing of the file goes, shared between who writes and who is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Whether the last snapshot is on disk. The lock is held for an assignment and never over an `await`.
#[derive(Debug, Default)]
pub struct Keeping {
    state: Mutex<State>,
    turns: watch::Sender<Turns>,
}

/// Whether snapshots are kept, and why the last one is not.
#[derive(Debug, Default)]
struct State {
    is_on: bool,
    trouble: Option<String>,
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

    /// Begins to keep snapshots, or ceases to, and with it all trouble.
    pub fn switch(&self, is_on: bool) {
        let mut state = self.lock();
        state.is_on = is_on;
        if !is_on {
            state.trouble = None;
        }
    }

    /// Whether the last snapshot is on disk; none while snapshots are not kept.
    #[must_use]
    pub fn is_kept(&self) -> Option<bool> {
        let state = self.lock();
        state
            .is_on
            .then(|| state.trouble.is_none() && self.is_settled())
    }

    /// Takes down how the last writing went; says whether that is news.
    pub fn note(&self, trouble: Option<String>) -> bool {
        let mut state = self.lock();
        let is_news = state.trouble != trouble;
        state.trouble = trouble;
        is_news
    }

    /// Why the last snapshot is not on disk.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// The state; a panic of another holder cannot leave it half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_kept_once_it_was_written_without_trouble() {
        let keeping = Keeping::default();
        assert_eq!(keeping.is_kept(), None);
        keeping.switch(true);
        assert_eq!(keeping.is_kept(), Some(true));
        let number = keeping.expect();
        assert_eq!(keeping.is_kept(), Some(false), "it waits for its writing");
        keeping.note(Some("the disk is full".into()));
        keeping.settle(number);
        assert_eq!(keeping.is_kept(), Some(false));
        keeping.switch(true);
        assert!(
            keeping.trouble().is_some(),
            "another directory mends nothing until it is written to"
        );
        keeping.switch(false);
        assert_eq!((keeping.is_kept(), keeping.trouble()), (None, None));
    }
}
