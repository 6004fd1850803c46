//! How far the reading of a directory has come, shared between who reads and who is asked.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::watch;

/// Pages read, and pages known to exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// Pages read so far.
    pub done: usize,
    /// Pages known to exist so far.
    pub total: usize,
}

/// Counts pages and tells whoever watches.
#[derive(Debug, Default)]
pub struct Progress {
    pages: watch::Sender<Pages>,
    unsized_lists: AtomicUsize,
}

impl Progress {
    /// A list is asked for its size.
    pub fn open(&self) {
        self.unsized_lists.fetch_add(1, Relaxed);
    }

    /// A list has told its size.
    pub fn sized(&self) {
        self.unsized_lists.fetch_sub(1, Relaxed);
    }

    /// Whether every list that was asked has told its size, so that the total can be relied on.
    #[must_use]
    pub fn is_sized(&self) -> bool {
        self.unsized_lists.load(Relaxed) == 0
    }

    /// Counts pages that are to be read.
    pub fn expect(&self, pages: usize) {
        self.pages.send_modify(|counted| counted.total += pages);
    }

    /// Counts a page that was read.
    pub fn advance(&self) {
        self.pages.send_modify(|counted| counted.done += 1);
    }

    /// Pages read so far.
    #[must_use]
    pub fn done(&self) -> usize {
        self.pages().done
    }

    /// Pages known to exist so far.
    #[must_use]
    pub fn total(&self) -> usize {
        self.pages().total
    }

    /// Both at one moment.
    #[must_use]
    pub fn pages(&self) -> Pages {
        *self.pages.borrow()
    }

    /// Follows the counts; a slow follower misses steps and never the last one.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Pages> {
        self.pages.subscribe()
    }

    /// Resolves as soon as nobody follows the counts.
    pub async fn unwatched(&self) {
        self.pages.closed().await;
    }
}
